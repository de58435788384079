"""Claims about doubts of times: the minute from which on a person is asked."""

import pytest

from tests.engine.short import drafted


@pytest.mark.parametrize(
    ("stop", "asked"), [("13:00", []), ("13:01", ["a stop 61 minutes after the message"])]
)
def test_a_stop_may_lie_an_hour_after_its_message(stop: str, asked: list[str]) -> None:
    """A message of noon that knows a stop of 13:00 is told late; one of 13:01 is planned."""
    encounter = drafted(f"carboplatin 450 mg iv 11:30-{stop} sent=12:00")
    told = [
        question.finding.found
        for question in encounter.questions
        if question.finding.code == "time.to_come"
    ]
    assert told == asked
