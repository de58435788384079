"""Posted charges are compared over the course: another day of the same five or week is no fault."""

from collections import Counter
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.engine import asked_in
from tests.answers.given import answer, run_after
from tests.golden.sessions import examined, fraction, posted
from tests.trials import questions

GUIDE = "guide-2026"
WEEKS = [[f"202603{first + day:02}" for day in range(5)] for first in (2, 9, 16, 23)]
DAYS = [day for week in WEEKS for day in week]
SATURDAYS = ["20260307", "20260314", "20260321", "20260328"]
DIFFERS, NO_CHARGE = "radiation.differs", "radiation.no_charge"


def course(*bills: bytes, sessions: int = 20, by_visits: bool = False) -> list[str]:
    """Twenty fractions of thirty, each week checked and examined, with posted charges.

    `by_visits`: each day is a visit of its own.
    """
    days = DAYS[:sessions]
    told = [
        fraction(n, f"{day}1000", technique="3D", planned="30", physics="Y")
        for n, day in enumerate(days, 1)
    ]
    feed = [*told, *[examined(f"{week[2]}1100") for week in WEEKS], *bills]
    if not by_visits:
        return [data.decode() for data in feed]
    numbered = []
    for data in feed:
        day = next(day for day in [*DAYS, *SATURDAYS] if f"|{day}".encode() in data)
        numbered.append(data.replace(b"|V1\r", f"|V{day}\r".encode()).decode())
    return numbered


def daily(code: str = "77407", *, sessions: int = 20) -> list[bytes]:
    return [posted(code, f"{day}1010") for day in DAYS[:sessions]]


def found(run: Run, code: str) -> list[str]:
    """What each question of a code found."""
    return [
        entry.question.finding.found
        for visit in run.visits
        for entry in asked_in(visit.draft, {})
        if entry.question.finding.code == code
    ]


@pytest.mark.parametrize("by_visits", [False, True])
@pytest.mark.parametrize("code", ["77427", "77336"])
@pytest.mark.parametrize("day", range(5))
def test_a_unit_may_be_posted_on_any_day_of_its_five(
    tmp_path: Path, code: str, day: int, by_visits: bool
) -> None:
    """Four units are counted and four are posted, so nobody is asked; also where each day is a
    visit of its own.
    """
    bills = [posted(code, f"{week[day]}1200") for week in WEEKS]
    feed = course(*daily(), *bills, by_visits=by_visits)
    assert questions(run_after(tmp_path, feed, policy=GUIDE)) == []


@pytest.mark.parametrize("days", [[week[n] for week in WEEKS] for n in range(5)] + [SATURDAYS])
def test_a_week_of_deliveries_may_be_posted_on_one_day(tmp_path: Path, days: list[str]) -> None:
    """Five units for five sessions, also on a Saturday without one."""
    bills = [posted("77407", f"{day}1200", units=5) for day in days]
    assert questions(run_after(tmp_path, course(*bills), policy=GUIDE)) == []


def test_the_charge_of_a_week_that_goes_on_is_to_come(tmp_path: Path) -> None:
    """Eighteen sessions, of which three weeks are posted."""
    bills = [posted("77407", f"{week[4]}1200", units=5) for week in WEEKS[:3]]
    assert questions(run_after(tmp_path, course(*bills, sessions=18), policy=GUIDE)) == []


def test_a_unit_may_be_posted_before_its_five_are_complete(tmp_path: Path) -> None:
    """Twelve sessions: the third unit is posted on the first day of its five. A fourth is not."""
    bills = [posted("77427", f"{week[0]}1200") for week in WEEKS[:3]]
    feed = course(*daily(sessions=12), *bills, sessions=12)
    assert questions(run_after(tmp_path, feed, policy=GUIDE)) == []
    more = course(*daily(sessions=12), *bills, posted("77427", f"{DAYS[11]}1200"), sessions=12)
    assert questions(run_after(tmp_path, more, policy=GUIDE)) == [DIFFERS]


@pytest.mark.parametrize("by_visits", [False, True])
@pytest.mark.parametrize(("posted_on", "units"), [([*DAYS[:16:5], DAYS[1]], 5), (DAYS[:15:5], 3)])
def test_more_or_less_than_is_counted_is_one_question_with_both_counts(
    tmp_path: Path, posted_on: list[str], units: int, by_visits: bool
) -> None:
    """One for all days of a visit, and one cause for all visits: an answer settles it."""
    bills = [posted("77427", f"{day}1200") for day in posted_on]
    feed = course(*daily(), *bills, by_visits=by_visits)
    run = run_after(tmp_path, feed, policy=GUIDE)
    asked = [q.question for v in run.visits for q in asked_in(v.draft, {})]
    assert {q.finding.code for q in asked} == {DIFFERS} and len({q.cause for q in asked}) == 1
    assert {q.finding.expected.partition(",")[0] for q in asked} == {"77427 x4"}
    assert all(f"77427 x{units} posted" in q.finding.found for q in asked)
    if not by_visits:
        assert len(asked) == 1
    first = next(v.timeline.key.visit for v in run.visits if asked_in(v.draft, {}))
    after = run_after(tmp_path, feed, answer(run, DIFFERS, "confirm", visit=first), policy=GUIDE)
    assert questions(after) == []


def test_deliveries_that_are_not_posted_are_one_question(tmp_path: Path) -> None:
    """It has their number and their days."""
    run = run_after(tmp_path, course(*daily(sessions=18)), policy=GUIDE)
    (words,) = found(run, NO_CHARGE)
    assert words == "none for 2 of 20 sessions, on 2026-03-26, 2026-03-27"
    weekly = [posted("77407", f"{week[4]}1200", units=4) for week in WEEKS]
    assert Counter(questions(run_after(tmp_path, course(*weekly), policy=GUIDE))) == {NO_CHARGE: 1}


def test_deliveries_that_are_posted_twice_are_one_question(tmp_path: Path) -> None:
    """Two units for each session."""
    bills = [posted("77407", f"{day}1010", units=2) for day in DAYS]
    run = run_after(tmp_path, course(*bills), policy=GUIDE)
    assert questions(run) == [DIFFERS] and "77407 x40 posted in all" in found(run, DIFFERS)[0]


@pytest.mark.parametrize("days", [SATURDAYS, [week[2] for week in WEEKS]])
def test_another_code_that_is_posted_once_a_week_is_one_question(
    tmp_path: Path, days: list[str]
) -> None:
    """The third level is posted, and the facts say the second."""
    bills = [posted("77412", f"{day}1200", units=5) for day in days]
    assert questions(run_after(tmp_path, course(*bills), policy=GUIDE)) == [DIFFERS]
