"""Claims about the memory of a draft: it saves work and changes nothing, not one character."""

from datetime import date

import pytest

from chargeline.engine.draft import Memory, draft
from chargeline.engine.events import VisitKey
from chargeline.engine.timeline import Timeline
from chargeline.engine.visit import Visits
from tests.engine import messy_feed, read, rulebook, visits_of
from tests.golden.messages import adt, given


@pytest.mark.parametrize("seed", [1, 2])
def test_a_draft_with_memory_equals_one_without(seed: int) -> None:
    """After each message of a messy feed, for each visit that it touched, byte for byte."""
    visits, memories, compared = Visits(), dict[VisitKey, Memory](), 0
    for style, data in messy_feed(15, seed):
        for key in visits.add(read(data, style)) & set(visits):
            timeline = visits.timeline(key)
            kept = draft(timeline, rulebook(), memory=memories.setdefault(key, Memory()))
            assert repr(kept) == repr(draft(timeline, rulebook()))
            compared += 1
    assert compared > 100


def test_a_memory_of_a_visit_without_administrations_knows_nothing_of_its_days() -> None:
    """A stay drafted on arrival, then a push at 22:00 and an infusion on the next day, is one stay."""
    memory, visits = Memory(), Visits()
    for data in (
        adt("A04", patient_class="OBS", sent="0700"),
        given("ONDANSETRON", "4 mg", "2200", patient_class="OBS", sent="2201"),
        given(
            "CEFTRIAXONE", "1000 mg", "202603030900", "202603030930", patient_class="OBS", sent="202603030931"
        ),
    ):
        visits.add(read(data))
        (key,) = visits
        made = draft(visits.timeline(key), rulebook(), memory=memory)
    services = [[line.code for line in each.lines if line.role != "drug"] for each in made.encounters]
    assert [sorted(codes) for codes in services] == [["96365", "96375"]]


def both(memory: Memory, timeline: Timeline, policy: str, days: frozenset[date]) -> None:
    kept = draft(timeline, rulebook(), policy, second_encounters=days, memory=memory)
    assert repr(kept) == repr(draft(timeline, rulebook(), policy, second_encounters=days))


def test_a_memory_serves_every_policy_and_second_encounters_by_turns() -> None:
    """What was worked out under one policy, or as a second encounter, is not said under another."""
    visits = visits_of(data for style, data in messy_feed(15, 3) if style == "standard")
    for key in visits:
        memory, timeline = Memory(), visits.timeline(key)
        days = frozenset(day.day for day in timeline.days)
        for second in (frozenset[date](), days, frozenset[date]()):
            for policy in sorted(rulebook().policies):
                both(memory, timeline, policy, second)


def test_a_memory_follows_corrections_back_and_forth() -> None:
    """Medicare's further hour comes with a stop corrected to 10:31 and goes with one back at 10:30."""
    memory, found = Memory(), []
    visits = Visits()
    for minute, (stop, sent) in enumerate((("1030", "1100"), ("1031", "1200"), ("1030", "1300"))):
        status = "U" if minute else "A"
        visits.add(read(given("CARBOPLATIN", "450 mg", "0900", stop, status=status, sent=sent)))
        (key,) = visits
        made = draft(visits.timeline(key), rulebook(), "cms-facility-2026", memory=memory)
        found.append([line.code for line in made.encounters[0].lines])
    assert found == [["96413", "J9045"], ["96413", "96415", "J9045"], ["96413", "J9045"]]


def test_a_memory_follows_the_payer() -> None:
    """The cap of units depends on the payer: with another payer in the rulebook nothing old is used."""
    memory, visits = Memory(), Visits()
    for data in (
        given("CISPLATIN", "100 mg", "0800", "1800"),
        adt("A08", sent="1900") + b"IN1|1|P1|ZEBRACARE\r",
        adt("A08", sent="2000") + b"IN1|1|P1|YAKCARE\r",
    ):
        visits.add(read(data))
        (key,) = visits
        both(memory, visits.timeline(key), "guide-2026", frozenset())


def test_a_memory_follows_a_cancelled_visit() -> None:
    """After A11 nothing is billed, after a new A04 everything is again."""
    memory, visits, lines = Memory(), Visits(), []
    for data in (
        given("CARBOPLATIN", "450 mg", "0900", "1000"),
        adt("A11", sent="1900"),
        adt("A04", sent="2000"),
    ):
        visits.add(read(data))
        (key,) = visits
        lines.append(len(draft(visits.timeline(key), rulebook(), memory=memory).encounters[0].lines))
    assert lines == [2, 0, 2]
