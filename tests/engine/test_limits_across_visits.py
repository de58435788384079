"""Limits of a day count what the patient's other visits bill on it."""

from datetime import date, timedelta

import pytest

from chargeline.engine import (
    Draft,
    Timeline,
    VisitContext,
    VisitKey,
    contributions_of,
    draft,
    histories,
)
from chargeline.rulebook.case_tables import tables_of
from chargeline.rulebook.cases import timeline_with
from chargeline.rulebook.notation import administration_of

from .short import rulebook

DAY = date(2026, 3, 2)


def visit(number: str, later: int = 0) -> Timeline:
    """300 mg of trastuzumab, 30 units, in a visit of a patient, some days later."""
    item = administration_of("trastuzumab 300 mg iv 09:00-10:30", 1)
    day = timedelta(days=later)
    (stretch,) = item.intervals
    assert stretch.stop is not None
    stretch = stretch._replace(start=stretch.start + day, stop=stretch.stop + day)
    item = item._replace(day=item.day + day, intervals=(stretch,))
    context = VisitContext(patient="ZZCASE", classes=((None, "outpatient"),))
    timeline = timeline_with([item], context)
    return timeline._replace(key=VisitKey("ZEBRA", number), patients=("ZZCASE",))


def above(visits: list[Timeline], *limits: str) -> list[str]:
    """What each visit finds above its limit, after all have told the record of the patient."""
    rules = rulebook().with_tables(tables_of(limits, DAY, frozenset({"J9355", "96413"})))

    def drafted(timeline: Timeline, **more: object) -> Draft:
        return draft(timeline, rules, policy="cms-facility-2026", **more)  # type: ignore[arg-type]

    told = [each for one in visits for each in contributions_of(one, drafted(one))]
    history = histories(told)
    drafts = [drafted(one, history=history.get(one.key, frozenset())) for one in visits]
    return [
        edit.finding.found
        for one in drafts
        for edit in one.edits
        if edit.edit == "units.above_limit"
    ]


@pytest.mark.parametrize("indicator", [2, 3])
def test_two_visits_of_one_day_share_its_limit(indicator: int) -> None:
    """30 and 30 units are above 44, and each visit says where the others are."""
    found = above([visit("V1"), visit("V2")], f"mue hospital J9355 44 {indicator}")
    says = "30 here and 30 in other visits of the patient, all of which are denied"
    assert found == [says, says]


@pytest.mark.parametrize(
    ("limit", "later"),
    [
        ("mue hospital J9355 44 1", 0),
        ("mue hospital J9355 60 3", 0),
        ("mue hospital J9355 44 3", 1),
    ],
    ids=["limit of a line", "not above", "another day"],
)
def test_what_does_not_share_a_limit_is_not_added(limit: str, later: int) -> None:
    """A limit of a line is that of a line, and another day has its own."""
    assert above([visit("V1"), visit("V2", later)], limit) == []
