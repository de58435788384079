"""Invented treatments under an authorization: the feed, its truth, and what chargeline says."""

import random

import pytest

from chargeline import code
from chargeline.coding.run import Run
from chargeline.simulator import simulate
from chargeline.simulator.authorized import CODE, LIFE_CYCLES, UNITS

SEED = 5
FEED = simulate(visits=1, seed=SEED, style="standard", authorizations=len(LIFE_CYCLES))


def said_in(run: Run) -> dict[str, tuple[int, str, set[str]]]:
    """Units and number of each visit's drug line, and the edits about its authorization."""
    said = {}
    for visit in run.visits:
        for line in visit.draft.lines:
            if line.code == CODE:
                edits = {
                    edit.edit
                    for edit in visit.draft.edits
                    if edit.edit.startswith("authorization.")
                }
                said[visit.timeline.key.visit] = (line.units, line.authorization, edits)
    return said


@pytest.mark.parametrize("shuffled", [None, 1, 2])
def test_each_life_cycle_is_told_as_counted_by_hand(shuffled: int | None) -> None:
    """In the order of arrival and in any other, with each message twice."""
    messages = [text for _style, text in FEED.messages]
    if shuffled is not None:
        messages *= 2
        random.Random(shuffled).shuffle(messages)
    said = said_in(code(b"".join(messages), policy="guide-2026"))
    treatments = FEED.truth["authorizations"]
    assert isinstance(treatments, list) and len(treatments) == len(LIFE_CYCLES)
    for treatment in treatments:
        for visit in treatment["visits"]:
            number = treatment["authorization"] if visit["numbered"] else ""
            expected = (UNITS, number, set(visit["said"]))
            assert said[visit["visit"]] == expected, treatment["life_cycle"]


def test_no_message_is_one_of_a_patient() -> None:
    """MSH-11 says training in each message, those of the payer among them."""
    assert {text.split(b"\r", 1)[0].split(b"|")[10] for _style, text in FEED.messages} == {b"T"}
