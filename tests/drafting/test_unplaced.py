"""What is asked about an order of which no administration is left."""

from chargeline.published import shapes
from tests.drafting.one_processor import bench
from tests.drafting.test_processor import Bench, keyed
from tests.golden.messages import message, orc, rxa, rxr

__all__ = ["bench"]


async def test_a_question_about_a_voided_order_is_published_of_a_whole_visit(
    bench: Bench,
) -> None:
    """Charted, voided and sent again: no charge and one question, and no message is missing."""
    feed = [
        message(
            "RAS^O17",
            orc("R9"),
            rxa("CEFAZOLIN", "2 g", "1100", "1130", status=status),
            rxr("IV"),
            sent=sent,
        )
        for status, sent in (("A", "1800"), ("D", "1810"), ("A", "1820"))
    ]
    await bench.feed(keyed(feed))
    asked = [
        shapes.DocumentationQuestion.model_validate_json(event.payload)
        for event in bench.published
        if event.topic == "documentation.question"
    ]
    assert [(question.code, question.state) for question in asked] == [
        ("correction.again", "opened")
    ]
    assert not (await bench.drafts())["ZEBRA", "V1"].incomplete
