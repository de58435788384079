"""What is counted for sessions that are in question is in question too, and follows the answer."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from chargeline.coding.run import CodedVisit, Run
from chargeline.drafting.answering import DraftedVisit, Speaker, word_on_line
from chargeline.drafting.visit_record import courses_of, record_of
from chargeline.engine.answers.offers import offers_for
from chargeline.published.answers import Given
from tests.answers.given import EVENING, answer, run_after
from tests.engine import rulebook
from tests.golden.sessions import examined, fraction, posted
from tests.trials import charges, provisional, questions

GUIDE = "guide-2026"
BEYOND = "radiation.beyond_plan"
DAYS = [f"202603{day:02}" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
Visits = tuple[str, str]
_ONE, _TWO = ("V1", "V1"), ("V1", "V2")


def ten_of_seven(visits: Visits = _ONE, **more: str) -> list[str]:
    """Ten fractions of seven, from the eighth on under the second visit, each week examined."""
    sent = [
        fraction(n, f"{day}1000", visit=visits[n > 7], technique="3D", planned="7", **more)
        for n, day in enumerate(DAYS, 1)
    ]
    sent += [examined(f"{day}1100", visit=visits[0]) for day in (DAYS[2], DAYS[6])]
    return [data.decode() for data in sent]


def units_in_tables(run: Run) -> list[int]:
    """The units of management in the table of courses of each visit."""
    tables = [courses_of(v, record_of(v, v.timeline), rulebook()) for v in run.visits]
    return [managed.units for table in tables for course in table for managed in course.management]


@pytest.mark.parametrize("visits", [_ONE, _TWO])
def test_a_unit_rests_on_the_question_about_its_sessions(tmp_path: Path, visits: Visits) -> None:
    """Ten of seven: the unit of the first five is firm, and that of the tenth is not."""
    run = run_after(tmp_path, ten_of_seven(visits), policy=GUIDE)
    assert questions(run) == [BEYOND]
    assert charges(run).count("77427 x1") == 2
    assert provisional(run) == ["77407"] * 3 + ["77427"]


SAID = [("confirm", 10, 2), ("not_given", 7, 1), ("by_hand", 7, 1)]


@pytest.mark.parametrize("visits", [_ONE, _TWO])
@pytest.mark.parametrize(("choice", "sessions", "units"), SAID)
def test_the_units_follow_what_a_person_says_of_the_sessions(
    tmp_path: Path, visits: Visits, choice: str, sessions: int, units: int
) -> None:
    """Without the three beyond the plan there is one unit; the tables of both visits say so."""
    feed = ten_of_seven(visits)
    before = run_after(tmp_path, feed, policy=GUIDE)
    said = answer(before, BEYOND, choice, visit=visits[1])
    after = run_after(tmp_path, feed, said, policy=GUIDE)
    assert charges(after).count("77407 x1") == sessions
    assert charges(after).count("77427 x1") == units
    assert questions(after) == [] and provisional(after) == []
    assert units_in_tables(after) == [units] * len({*visits})


def test_each_choice_about_a_plan_is_one_of_those_above() -> None:
    """A choice that is offered and not proven fails here."""
    assert [offer.choice for offer in offers_for(BEYOND)] == [choice for choice, *_n in SAID]


def test_sessions_that_were_not_delivered_are_withheld_and_say_so(tmp_path: Path) -> None:
    """Three of them, and a further one that is reported later needs no new answer."""
    feed = ten_of_seven()
    before = run_after(tmp_path, feed, policy=GUIDE)
    said = answer(before, BEYOND, "not_given")
    later = fraction(11, "202603161000", technique="3D", planned="7").decode()
    for more, held in (([], 3), ([later], 4)):
        after = run_after(tmp_path, [*feed, *more], said, policy=GUIDE)
        encounters = after.visits[0].draft.encounters
        reasons = [entry.reason for part in encounters for entry in part.withheld]
        assert reasons == ["answer.not_given"] * held and questions(after) == []


@pytest.mark.parametrize(("choice", "checks", "portals"), [("confirm", 2, 2), ("not_given", 2, 2)])
def test_checks_and_portal_images_rest_on_the_question_where_they_need_the_sessions(
    tmp_path: Path, choice: str, checks: int, portals: int
) -> None:
    """Twelve of ten: two checks and two images need only ten sessions. A third image needs the
    eleventh: it is withheld once somebody says that it was not delivered.
    """
    days = [*DAYS, "20260316", "20260317"]
    sent = [
        fraction(n, f"{day}1000", technique="3D", planned="10", physics="Y")
        for n, day in enumerate(days, 1)
    ]
    sent += [examined(f"{day}1100") for day in (DAYS[2], DAYS[6])]
    sent += [posted("77417", f"{day}1010") for day in (DAYS[4], DAYS[9], days[11])]
    feed = [data.decode() for data in sent]
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert provisional(before) == ["77407", "77407", "77417"]
    after = run_after(tmp_path, feed, answer(before, BEYOND, choice), policy=GUIDE)
    assert provisional(after) == []
    assert charges(after).count("77336 x1") == checks
    assert charges(after).count("77417 x1") == portals + (choice == "confirm")


def test_a_check_of_sessions_in_question_is_not_firm(tmp_path: Path) -> None:
    """The check of the second five needs the sessions beyond the plan of seven."""
    feed = ten_of_seven(physics="Y")
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert provisional(before) == ["77336"] + ["77407"] * 3 + ["77427"]
    after = run_after(tmp_path, feed, answer(before, BEYOND, "by_hand"), policy=GUIDE)
    assert charges(after).count("77336 x1") == 1 and provisional(after) == []


def two_plans() -> list[bytes]:
    """Ten fractions, from the sixth on with another number of planned ones."""
    return [
        fraction(n, f"{day}1000", technique="3D", planned="33" if n > 5 else "30")
        for n, day in enumerate(DAYS, 1)
    ] + [examined(f"{day}1100") for day in (DAYS[2], DAYS[6])]


def too_long() -> list[bytes]:
    """Eight stereotactic fractions of eight."""
    return [
        fraction(n, f"{day}1000", technique="SBRT", planned="8")
        for n, day in enumerate(DAYS[:8], 1)
    ]


def without_a_number() -> list[bytes]:
    """Five fractions of a course without a number."""
    told = [fraction(n, f"{day}1000", technique="3D", course="") for n, day in enumerate(DAYS, 1)]
    return [*told[:5], examined(f"{DAYS[2]}1100")]


def in_one_sitting() -> list[bytes]:
    """Five sittings of two courses, each told as one of each course."""
    return [
        fraction(n, f"{day}10{minute}", technique="3D", planned="9", course=course)
        for n, day in enumerate(DAYS[:5], 1)
        for course, minute in (("C1", "00"), ("C2", "05"))
    ]


def broken_off() -> list[bytes]:
    """Three stereotactic fractions of five, and the report of the last says that it ends there."""
    told = [
        fraction(n, f"{day}1000", technique="SBRT", planned="5", **({"end": "Y"} if n > 2 else {}))
        for n, day in enumerate(DAYS[:3], 1)
    ]
    return [*told, examined(f"{DAYS[2]}1100")]


def not_read() -> list[bytes]:
    """Five fractions with a word that nobody mapped."""
    told = [fraction(n, f"{day}1000", technique="HELICAL") for n, day in enumerate(DAYS[:5], 1)]
    return [*told, examined(f"{DAYS[2]}1100")]


@pytest.mark.parametrize(
    ("told", "code", "before", "after"),
    [
        (in_one_sitting, "radiation.one_sitting", 1, 0),
        (broken_off, "radiation.unfinished", 1, 0),
        (not_read, "radiation.value", 1, 0),
        (two_plans, "radiation.two_courses", 2, 1),
        (too_long, "radiation.too_many", 1, 0),
        (without_a_number, "radiation.no_course", 1, 0),
    ],
)
def test_the_table_has_no_unit_that_a_person_bills_by_hand(
    tmp_path: Path, told: Callable[[], list[bytes]], code: str, before: int, after: int
) -> None:
    """As the draft has none."""
    feed = [data.decode() for data in told()]
    run = run_after(tmp_path, feed, policy=GUIDE)
    by_hand = run_after(tmp_path, feed, answer(run, code, "by_hand"), policy=GUIDE)
    for units, drafted in ((before, run), (after, by_hand)):
        lines = [line.code for line in drafted.visits[0].draft.lines]
        assert len([line for line in lines if line in ("77427", "77435")]) == units
        assert set(units_in_tables(drafted)) == {units}


@pytest.mark.parametrize("visits", [_ONE, _TWO])
def test_the_table_has_no_unit_whose_line_a_person_withholds(
    tmp_path: Path, visits: Visits
) -> None:
    """Under whichever visit it lies, all visits of the course show it; restored, it is back."""
    feed = ten_of_seven(visits)
    run = run_after(tmp_path, feed, policy=GUIDE)
    assert set(units_in_tables(run)) == {2}
    words: list[Given] = []
    for choice, units in (("withhold", 1), ("restore", 2)):
        words.append(word_on(run.visits[0], "77427", choice, hour=len(words)))
        after = run_after(tmp_path, feed, *words, policy=GUIDE)
        assert set(units_in_tables(after)) == {units}


def word_on(visit: CodedVisit, code: str, choice: str, *, hour: int) -> Given:
    """A word on the first line of a code, some hours after the evening."""
    drafted = DraftedVisit(visit.timeline, visit.draft)
    line = next(line for line in visit.draft.lines if line.code == code)
    speaker = Speaker("ZC1", EVENING + timedelta(hours=hour), "the payer's contract")
    return word_on_line(drafted, line.line_id, choice, value="", speaker=speaker)
