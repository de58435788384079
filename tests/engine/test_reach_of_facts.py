"""Which visits a fact of the patient's record reaches: those that read it, and no two hundred more.

A practitioner who saw the patient, and units that were billed, count for later visits only. What
an order plans reaches the visit before it, which warns of it, and a day's services reach each other
both ways.
"""

from datetime import UTC, datetime, timedelta

import pytest

from chargeline.engine import Contribution, Slot, VisitKey, histories, sharing

DAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS = {
    "seen": "facility|{day}",
    "authorized_units": "*|J2860|{day}",
    "service": "2026-03-02",
    "fraction": "C1|{day}",
}


def fact(kind: str, visit: str, days: int, more: str = "") -> Contribution:
    at = DAY + timedelta(days)
    about = KINDS[kind].format(day=at.date()) + more
    return Contribution(VisitKey("ZEBRA", visit), "ZZ1", Slot(kind, about), at)  # type: ignore[arg-type]


def visits(keys: set[VisitKey]) -> list[str]:
    return sorted(key.visit for key in keys)


@pytest.mark.parametrize("kind", ["seen", "authorized_units"])
def test_what_was_seen_or_used_reaches_later_visits_only(kind: str) -> None:
    """A third visit leaves the two before alone, and reads both."""
    first, second, third = (fact(kind, f"V{n}", n) for n in (1, 2, 3))
    record = [first, second, third]
    assert visits(sharing([third], record)) == ["V3"]
    assert visits(sharing([first], record)) == ["V1", "V2", "V3"]
    history = histories(record)
    assert {key.visit: sorted(c.visit.visit for c in found) for key, found in history.items()} == {
        "V2": ["V1"],
        "V3": ["V1", "V2"],
    }


@pytest.mark.parametrize("kind", ["seen", "authorized_units"])
def test_facts_of_one_time_reach_each_other(kind: str) -> None:
    """Two visits of one day share what is left, whichever comes first."""
    record = [fact(kind, "V1", 1), fact(kind, "V2", 1)]
    assert visits(sharing(record[:1], record)) == ["V1", "V2"]
    assert {key.visit for key in histories(record)} == {"V1", "V2"}


@pytest.mark.parametrize("kind", ["service", "fraction"])
def test_services_of_a_day_and_fractions_of_a_course_reach_both_ways(kind: str) -> None:
    """The last fraction of a course settles what the weeks before are billed."""
    record = [fact(kind, "V1", 1), fact(kind, "V2", 2)]
    assert visits(sharing(record[1:], record)) == ["V1", "V2"]
    assert {key.visit for key in histories(record)} == {"V1", "V2"}


def test_a_planned_dose_reaches_the_visits_before_it_and_reads_all() -> None:
    """The visit before warns that the next dose finds no room."""
    before, planned = (
        fact("authorized_units", "V1", 1),
        fact("authorized_units", "V2", 8, "|planned|P2"),
    )
    after = fact("authorized_units", "V3", 9)
    record = [before, planned, after]
    assert visits(sharing([planned], record)) == ["V1", "V2", "V3"]
    assert visits(sharing([after], record)) == ["V2", "V3"]
    history = histories(record)
    assert {c.visit.visit for c in history[VisitKey("ZEBRA", "V1")]} == {"V2"}
    assert {c.visit.visit for c in history[VisitKey("ZEBRA", "V2")]} == {"V1", "V3"}


def test_a_visit_is_reached_up_to_its_own_last_fact() -> None:
    """An account of several days reads what lies between its days."""
    record = [fact("seen", "V1", 1), fact("seen", "V2", 5), fact("seen", "V1", 9)]
    assert visits(sharing([record[1]], record)) == ["V1", "V2"]


def test_a_history_is_asked_for_of_some_visits() -> None:
    """A patient's 200 other visits are not read for one."""
    record = [fact("service", f"V{n}", 1) for n in (1, 2, 3)]
    wanted = VisitKey("ZEBRA", "V2")
    assert histories(record, {wanted}) == {wanted: histories(record)[wanted]}
