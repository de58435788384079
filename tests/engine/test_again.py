"""Claims about saved work: it saves time, and the draft stays the same to the last character."""

from datetime import date, timedelta

import pytest

from chargeline.engine import (
    NO_HISTORY,
    Contribution,
    Feed,
    History,
    SavedWork,
    Slot,
    Timeline,
    VisitContext,
    VisitKey,
    draft,
)
from chargeline.rulebook.cases import PATIENT, timeline_with
from chargeline.rulebook.notation import administration_of
from tests.engine import messy_feed, read, rulebook, visits_of
from tests.golden.messages import adt, given


@pytest.mark.parametrize("seed", [1, 2])
def test_a_draft_with_memory_equals_one_without(seed: int) -> None:
    """After each message of a messy feed both drafts of each touched visit are the same text."""
    visits, memories, compared = Feed(rulebook().base), dict[VisitKey, SavedWork](), 0
    for style, data in messy_feed(15, seed):
        for key in visits.add(read(data, style)) & set(visits):
            timeline = visits[key]
            remembered = draft(timeline, rulebook(), saved=memories.setdefault(key, SavedWork()))
            assert repr(remembered) == repr(draft(timeline, rulebook()))
            compared += 1
    assert compared > 100


def test_a_memory_of_a_visit_without_administrations_knows_nothing_of_its_days() -> None:
    """A stay is drafted on arrival; a push at 22:00 and an infusion next day are one stay."""
    memory, visits = SavedWork(), Feed(rulebook().base)
    for data in (
        adt("A04", patient_class="OBS", sent="0700"),
        given("ONDANSETRON", "4 mg", "2200", patient_class="OBS", sent="2201"),
        given(
            "CEFTRIAXONE",
            "1000 mg",
            "202603030900",
            "202603030930",
            patient_class="OBS",
            sent="202603030931",
        ),
    ):
        visits.add(read(data))
        (key,) = visits
        drafted = draft(visits[key], rulebook(), saved=memory)
    services = [
        sorted(line.code for line in encounter.lines if line.family != "drugs")
        for encounter in drafted.encounters
    ]
    assert services == [["96365", "96375"]]


def earlier_on(day: date, timeline: Timeline) -> Contribution:
    """On that day another visit of the patient had its initial service an hour before this one."""
    start = next(some.administrations[0].start for some in timeline.days if some.day == day)
    slot = Slot("initial_service", day.isoformat())
    other = VisitKey(timeline.key.facility, "another visit")
    return Contribution(other, timeline.context.patient, slot, start - timedelta(hours=1))


def assert_same_draft(saved: SavedWork, timeline: Timeline, policy: str, history: History) -> None:
    remembered = draft(timeline, rulebook(), history, policy=policy, saved=saved)
    assert repr(remembered) == repr(draft(timeline, rulebook(), history, policy=policy))


def test_a_memory_serves_every_policy_and_second_encounters_by_turns() -> None:
    """Work for one policy, or for a second encounter of a day, is not used for another one."""
    visits = visits_of(data for style, data in messy_feed(15, 3) if style == "standard")
    for key in visits:
        memory, timeline = SavedWork(), visits[key]
        earlier = frozenset(earlier_on(day.day, timeline) for day in timeline.days)
        for second in (NO_HISTORY, earlier, NO_HISTORY):
            for policy in sorted(rulebook().policies):
                assert_same_draft(memory, timeline, policy, second)


def test_a_memory_follows_corrections_back_and_forth() -> None:
    """Medicare's further hour comes with a stop at 10:31, and goes when 10:30 is charted again."""
    memory, codes = SavedWork(), []
    visits = Feed(rulebook().base)
    for minute, (stop, sent) in enumerate((("1030", "1100"), ("1031", "1200"), ("1030", "1300"))):
        status = "U" if minute else "A"
        visits.add(read(given("CARBOPLATIN", "450 mg", "0900", stop, status=status, sent=sent)))
        (key,) = visits
        drafted = draft(visits[key], rulebook(), policy="cms-facility-2026", saved=memory)
        codes.append([line.code for line in drafted.encounters[0].lines])
    assert codes == [["96413", "J9045"], ["96413", "96415", "J9045"], ["96413", "J9045"]]


def test_a_memory_follows_the_payer() -> None:
    """A cap of units depends on the payer, so work for the payer before is not used again."""
    memory, visits = SavedWork(), Feed(rulebook().base)
    for data in (
        given("CISPLATIN", "100 mg", "0800", "1800"),
        adt("A08", sent="1900") + b"IN1|1|P1|ZEBRACARE\r",
        adt("A08", sent="2000") + b"IN1|1|P1|YAKCARE\r",
    ):
        visits.add(read(data))
        (key,) = visits
        assert_same_draft(memory, visits[key], "guide-2026", NO_HISTORY)


def test_a_memory_follows_a_cancelled_visit() -> None:
    """After A11 nothing is billed; after a new A04 both lines are billed again."""
    memory, visits, lines = SavedWork(), Feed(rulebook().base), []
    for data in (
        given("CARBOPLATIN", "450 mg", "0900", "1000"),
        adt("A11", sent="1900"),
        adt("A04", sent="2000"),
    ):
        visits.add(read(data))
        (key,) = visits
        lines.append(len(draft(visits[key], rulebook(), saved=memory).encounters[0].lines))
    assert lines == [2, 0, 2]


def test_a_memory_of_days_follows_a_treatment_over_midnight_and_back() -> None:
    """Day by day, then joined over midnight by a later stop, then apart again."""
    context = VisitContext(patient=PATIENT, classes=((None, "recurring"),))
    others = [
        "docetaxel 140 mg iv d2 00:35-01:35",
        "carboplatin 450 mg iv d3 09:00-10:00",
        "carboplatin 450 mg iv d4 09:00-10:00",
    ]
    memory, codes = SavedWork(), []
    for stop in ("22:30", "00:20", "22:40"):
        given_texts = [f"carboplatin 450 mg iv d1 22:00-{stop}", *others]
        items = [administration_of(text, number) for number, text in enumerate(given_texts)]
        timeline = timeline_with(items, context)
        remembered = draft(timeline, rulebook(), saved=memory)
        assert repr(remembered) == repr(draft(timeline, rulebook()))
        codes.append(len(remembered.encounters))
    assert codes == [4, 3, 4]
