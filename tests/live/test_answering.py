"""A person's answers reach the drafts of captures, on a real Kafka and PostgreSQL."""

import json

from tests.golden.messages import given

from .commands import printed
from .records import PARTITIONS
from .service import Service, service

__all__ = ["service"]


async def test_answers_reach_the_captures_that_have_the_visits(service: Service) -> None:
    """Visits over the partitions of two captures; each is answered, and each gets its line."""
    visits = [f"V{number}" for number in range(PARTITIONS)]
    await service.prepare()
    for _capture in range(2):
        service.start()
    doses = [
        given("ZEBRAMAB", "450 mg", "0900", "1000", visit=visit, patient=f"ZZ{visit}")
        for visit in visits
    ]
    await service.deliver(doses)
    await service.until(service.drained, "the visits to be drafted")
    listed = printed(service.environment, "questions", "list", "--json").splitlines()
    questions = [json.loads(line) for line in listed]
    assert sorted(question["visit"] for question in questions) == sorted(visits)
    for question in questions:
        number = question["question_id"]
        said = ("--value", "carboplatin", "--by", "ZC1", "--reason", "the pharmacy says so")
        printed(service.environment, "answer", number, "product", *said)
    lines = [("96413", 1, ()), ("J9045", 9, ())]
    wanted = dict.fromkeys(visits, lines)
    assert await service.settled(wanted) == wanted
    await service.until(service.drained, "the questions to be closed")
    assert not await service.count("question WHERE closed_at IS NULL")
