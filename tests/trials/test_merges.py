"""Trials about visits and patients that are joined or moved."""

from pathlib import Path

import pytest

from tests.trials import charges, message, questions, run_of, rxa

IV = "RXR|IV"


def joined(trigger: str, merge: str) -> str:
    """An ADT that joins visit V1 to V2."""
    return (
        f"MSH|^~\\&|ADT|ZEBRA|CHARGELINE|ZEBRA|202603022000||ADT^{trigger}|A1|T|2.5.1\r"
        f"EVN|{trigger}|202603022000\rPID|1||ZZ1^^^ZEBRA^MR\r{merge}\r"
        "PV1|1|R|||||||||||||||||V2\r"
    )


FIRST = message(rxa("gemcitabine", "0900-0930", "1800 mg"), IV, patient_class="R")
SECOND = message(
    rxa("cisplatin", "1000-1100", "50 mg"), IV, visit="V2", number=2, patient_class="R"
)


@pytest.mark.parametrize("trigger", ["A35", "A41", "A42", "A45", "A50"])
@pytest.mark.parametrize("merge", ["MRG|ZZ1^^^ZEBRA^MR||V1||V1", "MRG|ZZ1^^^ZEBRA^MR||||V1"])
def test_two_visit_numbers_become_one(tmp_path: Path, trigger: str, merge: str) -> None:
    """Merged, moved or renamed: both infusions are of one visit, with one initial service."""
    run = run_of(tmp_path, FIRST, SECOND, joined(trigger, merge))
    assert [visit.timeline.key.visit for visit in run.visits] == ["V2"]
    assert charges(run)[:2] == ["96413 x1", "96417 x1"]
    assert questions(run) == []


@pytest.mark.parametrize("trigger", ["A43", "A47", "A49"])
def test_a_move_that_nobody_follows_is_not_acknowledged_into_nothing(
    tmp_path: Path, trigger: str
) -> None:
    """It is set aside with a code that the live service parks, so a person sees it."""
    run = run_of(tmp_path, FIRST, joined(trigger, "MRG|ZZ9^^^ZEBRA^MR"))
    assert [entry.finding.code for entry in run.set_aside] == ["message.not_followed"]
