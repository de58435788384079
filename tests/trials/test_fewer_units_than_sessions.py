"""Found by trial: of two sessions a day one was without a posted unit, and nobody was asked.

Ten fractions on five days, and one unit of delivery posted each day. The charge of a day stood for
all sessions of it, whatever its units were, and of two charges of a day only the last one counted.
"""

from itertools import permutations
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.engine import asked_in
from tests.answers.given import answer, asked_of, run_after
from tests.golden.messages import message, segment
from tests.golden.sessions import appointment, examined, fraction, posted
from tests.trials import charges, questions

DAYS = [f"202603{day:02}" for day in range(2, 7)]
MONDAY = DAYS[0]
NO_CHARGE, DIFFERS = "radiation.no_charge", "radiation.differs"
ONE_OF_TWO = ["none for 1 of 2 sessions, on 2026-03-02"]


def day_of(day: str, first: int, *times: str, technique: str = "3D", **more: str) -> list[bytes]:
    """The reports of the sessions of a day at some times, numbered from `first` on."""
    return [
        fraction(number, f"{day}{time}", technique=technique, planned="20", **more)
        for number, time in enumerate(times, first)
    ]


TEN = [
    *[data for n, day in enumerate(DAYS) for data in day_of(day, 2 * n + 1, "0900", "1600")],
    *[examined(f"{day}1200") for day in DAYS],
]
TWO = day_of(MONDAY, 1, "0900", "1600")
THREE = day_of(MONDAY, 1, "0800", "1200", "1600")
PLAIN = day_of(MONDAY, 1, "0900", "1600", technique="")


def bill(number: str, units: int = 1, *, code: str = "77407", visit: str = "V1") -> bytes:
    """A charge of Monday evening, the later the higher its number, such as T3."""
    return posted(code, f"{MONDAY}180{number[-1]}", number=number, units=units, visit=visit)


def credit(number: str, units: int = 1) -> bytes:
    fields = {1: "1", 2: number, 4: f"{MONDAY}1900", 6: "CD", 10: str(units), 23: "C1", 25: "77407"}
    return message("DFT^P03", segment("FT1", fields), sent=f"{MONDAY}1900")


def run(folder: Path, *feed: bytes) -> Run:
    return run_after(folder, [data.decode() for data in feed], policy="guide-2026")


def not_posted(run: Run) -> list[str]:
    """What the questions about sessions without a charge found."""
    return [
        entry.question.finding.found
        for visit in run.visits
        for entry in asked_in(visit.draft, {})
        if entry.question.finding.code == NO_CHARGE
    ]


def daily(units: int) -> list[bytes]:
    return [posted("77407", f"{day}1800", number=f"T{day}", units=units) for day in DAYS]


def test_one_unit_a_day_for_two_sessions_is_one_question(tmp_path: Path) -> None:
    """Five of ten sessions are drafted and not posted."""
    after = run(tmp_path, *TEN, *daily(1))
    assert questions(after) == [NO_CHARGE]
    assert not_posted(after)[0].startswith("none for 5 of 10 sessions, on 2026-03-02, 2026-03-03")
    assert [line for line in charges(after) if line.startswith("77407")] == ["77407 x2"] * 5


@pytest.mark.parametrize(
    "bills",
    [
        daily(2),
        [*daily(1), *[posted("77407", f"{day}1810", number=f"U{day}") for day in DAYS]],
        [posted("77407", "202603061800", number="T1", units=10)],
        [posted("77407", "202603071800", number="T1", units=10)],
    ],
)
def test_as_many_units_as_sessions_are_silent(tmp_path: Path, bills: list[bytes]) -> None:
    """By two units, by two charges, and by the week."""
    assert questions(run(tmp_path, *TEN, *bills)) == []


def test_a_week_with_less_than_its_sessions_is_asked_about(tmp_path: Path) -> None:
    """Nine units on Friday: the first session of the week is without."""
    after = run(tmp_path, *TEN, posted("77407", "202603061800", number="T1", units=9))
    assert questions(after) == [NO_CHARGE]
    assert not_posted(after) == ["none for 1 of 10 sessions, on 2026-03-02"]


@pytest.mark.parametrize(
    ("bills", "asked"),
    [
        ([bill("T1")], [NO_CHARGE]),
        ([bill("T1", 2)], []),
        ([bill("T1"), bill("T2")], []),
        ([bill("T1", 3)], [DIFFERS]),
        ([bill("T1", 2), credit("T1")], [NO_CHARGE]),
        ([bill("T1", 3), credit("T1")], []),
        ([bill("T1"), bill("T2"), credit("T2")], [NO_CHARGE]),
        ([bill("T1", 2), credit("T9")], [NO_CHARGE]),
    ],
)
def test_units_of_a_day_with_two_sessions(
    tmp_path: Path, bills: list[bytes], asked: list[str]
) -> None:
    """Less is asked about as well as more, and a credit takes a unit from a session."""
    after = run(tmp_path, *TWO, *bills)
    assert questions(after) == asked
    assert not_posted(after) == (ONE_OF_TWO if NO_CHARGE in asked else [])


@pytest.mark.parametrize("units", [1, 2])
def test_three_sessions_with_fewer_units(tmp_path: Path, units: int) -> None:
    """The question has how many are without."""
    after = run(tmp_path, *THREE, bill("T1", units))
    assert not_posted(after) == [f"none for {3 - units} of 3 sessions, on 2026-03-02"]


def test_two_codes_of_a_day_are_those_of_two_sessions(tmp_path: Path) -> None:
    """No report says how they were delivered: each has the code that was posted for it, in
    whatever order the messages come.
    """
    bills = [bill("T1"), bill("T2", code="77402")]
    for feed in permutations([*PLAIN, *bills]):
        after = run(tmp_path, *feed)
        assert not_posted(after) == [] and DIFFERS not in questions(after)
        assert charges(after) == ["77402 x1", "77407 x1"]


def test_two_codes_leave_a_third_session_without(tmp_path: Path) -> None:
    """The one of another code than the reports say is asked about by itself."""
    for bills in permutations([bill("T1"), bill("T2", code="77402")]):
        after = run(tmp_path, *THREE, *bills)
        assert questions(after) == [DIFFERS, NO_CHARGE]
        assert not_posted(after) == ["none for 1 of 3 sessions, on 2026-03-02"]


def test_of_two_codes_for_one_session_the_last_one_says_how_it_was(tmp_path: Path) -> None:
    """The other one is asked about."""
    after = run(tmp_path, PLAIN[0], bill("T1"), bill("T2", code="77402"))
    assert (charges(after), not_posted(after)) == (["77402 x1"], [])
    assert DIFFERS in questions(after)


@pytest.mark.parametrize(("of_week", "of_day"), [("1700", "1800"), ("1800", "1700")])
def test_a_charge_of_one_day_leaves_that_of_the_week_to_the_others(
    tmp_path: Path, of_week: str, of_day: str
) -> None:
    """One unit is posted for Friday, and four for the days before it, whichever charge is first."""
    week = [data for n, day in enumerate(DAYS, 1) for data in day_of(day, n, "0900")]
    bills = [
        posted("77407", f"20260306{of_week}", number="T1", units=4),
        posted("77407", f"20260306{of_day}", number="T2"),
    ]
    assert questions(run(tmp_path, *week, examined("202603041200"), *bills)) == []


def test_a_session_without_technique_and_charge_is_asked_about(tmp_path: Path) -> None:
    """The unit of the first one does not say how the second was delivered."""
    after = run(tmp_path, *PLAIN, bill("T1"))
    assert not_posted(after) == ONE_OF_TWO and charges(after) == ["77407 x1"]
    assert "radiation.delivery" in questions(after)
    assert charges(run(tmp_path, *PLAIN, bill("T1", 2))) == ["77407 x2"]


@pytest.mark.parametrize(("units", "words"), [(1, ONE_OF_TWO), (2, [])])
def test_units_under_another_visit_are_each_for_one_session(
    tmp_path: Path, units: int, words: list[str]
) -> None:
    """The visit of the charges is asked about in either case."""
    after = run(tmp_path, *TWO, bill("T1", units, visit="V2"))
    assert ("V2", DIFFERS) in asked_of(after) and not_posted(after) == words


def test_two_visits_may_each_have_a_unit(tmp_path: Path) -> None:
    """One for each session of the day."""
    assert not_posted(run(tmp_path, *TWO, bill("T1"), bill("T2", visit="V2"))) == []


@pytest.mark.parametrize("bills", [[bill("T1")], [bill("T1", visit="V2")]])
def test_a_session_that_is_doubted_needs_no_unit(tmp_path: Path, bills: list[bytes]) -> None:
    """The schedule says that the patient did not come in the morning. The one unit is for the
    session of the afternoon, and a person who says that both were delivered is asked for the other.
    """
    missed = appointment(f"{MONDAY}0900", "Noshow")
    feed = [data.decode() for data in (*TWO, missed, *bills)]
    before = run_after(tmp_path, feed, policy="guide-2026")
    assert "radiation.not_kept" in questions(before) and not_posted(before) == []
    said = answer(before, "radiation.not_kept", "confirm", visit="V1")
    assert not_posted(run_after(tmp_path, feed, said, policy="guide-2026")) == ONE_OF_TWO


def test_a_unit_that_a_session_in_the_sitting_of_another_course_has(tmp_path: Path) -> None:
    """The first of two sessions of C2 lies in the sitting of C1: its unit is for the other one."""
    first = fraction(1, f"{MONDAY}0855", technique="3D", planned="20")
    second = day_of(MONDAY, 1, "0900", "1600", course="C2")
    bills = [
        posted("77407", f"{MONDAY}1000"),
        posted("77407", f"{MONDAY}1800", course="C2", number="T2"),
    ]
    feed = [data.decode() for data in (first, *second, *bills)]
    before = run_after(tmp_path, feed, policy="guide-2026")
    said = answer(before, "radiation.one_sitting", "confirm")
    after = run_after(tmp_path, feed, said, policy="guide-2026")
    assert charges(after) == ["77407 x1"] * 2 and questions(after) == []


def test_a_code_of_another_visit_beside_units_for_other_days(tmp_path: Path) -> None:
    """Eight units on Friday, and two of another code for Monday under another visit, which is
    asked about there.
    """
    week = posted("77407", "202603061800", number="T1", units=8)
    after = run(tmp_path, *TEN, week, bill("T2", 2, code="77412", visit="V2"))
    assert asked_of(after) == [("V2", DIFFERS)]
