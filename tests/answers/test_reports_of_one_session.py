"""Several reports of one session: they are read together, under one visit number or two."""

from itertools import permutations
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from tests.answers.given import answer, run_after
from tests.golden.sessions import fraction
from tests.trials import charges, provisional, questions

GUIDE = "guide-2026"
WHEN = "202603021000"


def from_two_systems(first: str, second: str) -> list[str]:
    """One session told by two reports; `first` is the technique of the lower number (OBR-3)."""
    reports = [fraction(1, WHEN, technique=technique) for technique in (first, second)]
    return [data.replace(b"|SC1", f"|{n}C1".encode()).decode() for n, data in enumerate(reports)]


@pytest.mark.parametrize("techniques", [("3D", "ELECTRONS"), ("ELECTRONS", "3D")])
def test_two_techniques_of_a_session_are_asked_about(
    tmp_path: Path, techniques: tuple[str, str]
) -> None:
    """Whichever number is the lower one, the question is the same, and nothing is billed."""
    run = run_after(tmp_path, from_two_systems(*techniques), policy=GUIDE)
    assert charges(run) == [] and questions(run) == ["radiation.value"]
    other = run_after(tmp_path, from_two_systems(*reversed(techniques)), policy=GUIDE)
    assert answer(run, "radiation.value", "confirm") == answer(other, "radiation.value", "confirm")


def test_a_report_that_adds_the_movement_keeps_the_technique(tmp_path: Path) -> None:
    """The session is of the third level, with the technique of the first and its plan."""
    technique = fraction(1, WHEN, technique="VMAT", planned="8")
    motion = fraction(1, WHEN, motion="GATED", sent="202603021005").replace(b"|SC1", b"|QC1")
    run = run_after(tmp_path, [technique.decode(), motion.decode()], policy=GUIDE)
    assert charges(run) == ["77412 x1"] and questions(run) == ["radiation.level_three"]
    (line,) = run.visits[0].draft.encounters[0].lines
    assert dict(line.trace[0].facts)["technique"] == "intensity_modulated"
    assert dict(line.trace[0].facts)["planned"] == 8


def test_two_movements_of_a_session_leave_its_line_provisional(tmp_path: Path) -> None:
    """The technique stands; whether the third level is reached is what is asked."""
    told = [
        fraction(1, WHEN, technique="3D", motion=motion).replace(b"|SC1", f"|{motion}".encode())
        for motion in ("GATED", "NONE")
    ]
    run = run_after(tmp_path, [data.decode() for data in told], policy=GUIDE)
    assert provisional(run) and "radiation.value" in questions(run)


def in_two_visits(second: str) -> list[str]:
    """Three fractions under V1 with 3D, and under V2 with another technique."""
    return [
        fraction(n, f"2026030{day}1000", technique=technique, visit=visit).decode()
        for visit, technique in (("V1", "3D"), ("V2", second))
        for n, day in enumerate((2, 3, 4), 1)
    ]


def entries(run: Run, visit: int) -> tuple[list[str], list[str], list[str]]:
    """The codes of the lines of a visit, its questions, and the reasons for what is withheld."""
    encounters = run.visits[visit].draft.encounters
    return (
        [line.code for encounter in encounters for line in encounter.lines],
        [question.finding.code for encounter in encounters for question in encounter.questions],
        [held.reason for encounter in encounters for held in encounter.withheld],
    )


def test_a_session_that_two_visits_tell_in_the_same_words_counts_once(tmp_path: Path) -> None:
    """It is billed under the first of them; the other says so, and nobody is asked."""
    run = run_after(tmp_path, in_two_visits("3D"), policy=GUIDE)
    assert entries(run, 0) == (["77407"] * 3, [], [])
    assert entries(run, 1) == ([], [], ["radiation.told_before"] * 3)


def test_a_session_that_two_visits_tell_in_other_words_is_asked_about(tmp_path: Path) -> None:
    """Nobody knows which report is right."""
    run = run_after(tmp_path, in_two_visits("ELECTRONS"), policy=GUIDE)
    assert entries(run, 1) == ([], ["radiation.number_twice"] * 3, [])


@pytest.mark.parametrize("techniques", [("3D", "ELECTRONS"), ("ELECTRONS", "3D")])
def test_one_report_that_says_two_things_at_one_time_is_asked_about(
    tmp_path: Path, techniques: tuple[str, str]
) -> None:
    """One number (OBR-3) and one time of sending: in whatever order they come, and come again."""
    reports = [fraction(1, WHEN, technique=technique).decode() for technique in techniques]
    for feed in (reports, [*reports, *reports]):
        run = run_after(tmp_path, feed, policy=GUIDE)
        assert charges(run) == [] and questions(run) == ["radiation.value"]
    other = run_after(tmp_path, [*reversed(reports)], policy=GUIDE)
    assert answer(run, "radiation.value", "confirm") == answer(other, "radiation.value", "confirm")


def test_a_report_that_is_sent_later_corrects_both(tmp_path: Path) -> None:
    """In whatever order they come: nobody is asked."""
    told = [fraction(1, WHEN, technique=technique) for technique in ("3D", "ELECTRONS")]
    told.append(fraction(1, WHEN, technique="3D", sent="202603021005"))
    for order in permutations([data.decode() for data in told]):
        run = run_after(tmp_path, [*order], policy=GUIDE)
        assert charges(run) == ["77407 x1"] and questions(run) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [({"motion": "NONE"}, {"motion": "GATED"}), ({"isocentres": "1"}, {"isocentres": "2"})],
)
def test_two_visits_that_differ_on_how_a_session_was_are_asked_about(
    tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    """The same technique, with another movement or another number of isocentres."""
    feed = [
        fraction(1, WHEN, technique="3D", visit=visit, **more).decode()
        for visit, more in (("V1", first), ("V2", second))
    ]
    for order in (feed, feed[::-1]):
        run = run_after(tmp_path, order, policy=GUIDE)
        by_visit = {v.timeline.key.visit: n for n, v in enumerate(run.visits)}
        assert entries(run, by_visit["V1"])[0] == ["77407"]
        assert entries(run, by_visit["V2"]) == ([], ["radiation.number_twice"], [])
