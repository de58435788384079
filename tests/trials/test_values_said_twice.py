"""Trials about one fact that a report says twice: in two rows, or in two repetitions of OBX-5."""

from pathlib import Path

import pytest

from chargeline.coding.run import Run
from tests.answers.given import answer, run_after
from tests.golden.sessions import fraction
from tests.golden.stories_visits import note, posted, report
from tests.trials import charges, provisional, questions

GUIDE = "guide-2026"
MINUTES = "VISIT-MINUTES"
ESTABLISHED = ("PATIENT-STATUS", "ESTABLISHED", "")
WHEN = "202603021000"


def told(folder: Path, *rows: tuple[str, str, str], policy: str = GUIDE) -> Run:
    """The run of one report of a visit with a signed note."""
    return run_after(folder, [data.decode() for data in (report(*rows), note("AU"))], policy=policy)


@pytest.mark.parametrize(
    "rows",
    [
        [(MINUTES, "25", "min"), (MINUTES, "45", "min")],
        [(MINUTES, "45", "min"), (MINUTES, "25", "min")],
        [(MINUTES, "25~45", "min")],
        [(MINUTES, "45~25", "min")],
    ],
)
def test_two_numbers_of_minutes_in_one_report_are_asked_about(
    tmp_path: Path, rows: list[tuple[str, str, str]]
) -> None:
    """The fewest count until somebody answers, and each answer has its level."""
    run = told(tmp_path, ESTABLISHED, *rows)
    assert charges(run) == ["99213 x1"] and provisional(run) == ["99213"]
    assert questions(run) == ["visit.disagrees"]
    feed = [report(ESTABLISHED, *rows).decode(), note("AU").decode()]
    for choice, level in (("lower", "99213"), ("higher", "99215"), ("together", "99215")):
        said = answer(run, "visit.disagrees", choice)
        after = run_after(tmp_path, feed, said, policy=GUIDE)
        assert charges(after)[0] == f"{level} x1" and questions(after) == []


def test_two_messages_of_one_time_are_asked_about_in_either_order(tmp_path: Path) -> None:
    """One report, sent twice in a minute with other minutes; one that is sent later settles it."""
    first, second = [report(ESTABLISHED, (MINUTES, m, "min")).decode() for m in ("25", "45")]
    signed = note("AU").decode()
    run = run_after(tmp_path, [first, second, signed], policy=GUIDE)
    other = run_after(tmp_path, [second, signed, first], policy=GUIDE)
    assert charges(run) == charges(other) == ["99213 x1"]
    assert answer(run, "visit.disagrees", "higher") == answer(other, "visit.disagrees", "higher")
    later = report(ESTABLISHED, (MINUTES, "45", "min"), sent="1130").decode()
    settled = run_after(tmp_path, [later, first, second, signed], policy=GUIDE)
    assert charges(settled) == ["99215 x1"] and questions(settled) == []


@pytest.mark.parametrize("said", [("LOW", "HIGH"), ("HIGH", "LOW")])
@pytest.mark.parametrize("in_one_row", [True, False])
def test_two_levels_of_an_element_in_one_report_are_asked_about(
    tmp_path: Path, said: tuple[str, str], in_one_row: bool
) -> None:
    """Problems and data, low and high: low until somebody says which."""
    values = ["~".join(said)] if in_one_row else said
    rows = [(about, value, "") for value in values for about in ("MDM-PROBLEMS", "MDM-DATA")]
    run = told(tmp_path, ESTABLISHED, *rows)
    assert charges(run) == ["99213 x1"] and questions(run) == ["visit.disagrees"]


def test_minutes_that_cannot_be_read_beside_others_are_told(tmp_path: Path) -> None:
    """Two units of one number are two things that are said."""
    run = told(tmp_path, ESTABLISHED, (MINUTES, "45", "min"), (MINUTES, "45", "h"))
    assert questions(run) != [] and provisional(run) == ["99215"]


@pytest.mark.parametrize("words", ["NEW~ESTABLISHED", "ESTABLISHED~NEW"])
def test_two_words_on_whether_the_patient_is_new_are_asked_about(
    tmp_path: Path, words: str
) -> None:
    """New and established in one field, or in two rows: the visit has no code until then."""
    rows = [("PATIENT-STATUS", word, "") for word in words.split("~")]
    for status in ([("PATIENT-STATUS", words, "")], rows):
        run = told(tmp_path, (MINUTES, "30", "min"), *status)
        assert charges(run) == [] and questions(run) == ["visit.status"]


@pytest.mark.parametrize("rows", [[(MINUTES, "45~45", "min")], [(MINUTES, "45", "min")] * 2])
def test_one_value_said_twice_is_one_value(
    tmp_path: Path, rows: list[tuple[str, str, str]]
) -> None:
    """Nobody is asked."""
    run = told(tmp_path, ESTABLISHED, *rows)
    assert charges(run) == ["99215 x1"] and questions(run) == []


@pytest.mark.parametrize(
    ("more", "asked", "drafted"),
    [
        ({"technique": "3D~ELECTRONS"}, "radiation.contradicts", []),
        ({"technique": "ELECTRONS~3D"}, "radiation.contradicts", []),
        ({"technique": "3D", "isocentres": "1~2"}, "radiation.contradicts", ["77407"]),
        ({"technique": "3D", "motion": "NONE~GATED"}, "radiation.contradicts", ["77407"]),
        ({"technique": "3D", "planned": "5~30"}, "radiation.contradicts", ["77407"]),
        ({"technique": "3D", "course": "C1~C2"}, "radiation.one_sitting", ["77407"]),
    ],
)
def test_two_values_of_a_session_in_one_field_are_asked_about(
    tmp_path: Path, more: dict[str, str], asked: str, drafted: list[str]
) -> None:
    """As two reports of the session that differ: no line of it is final."""
    run = run_after(tmp_path, [fraction(1, WHEN, **more).decode()], policy=GUIDE)
    assert asked in questions(run)
    assert provisional(run) == drafted and len(charges(run)) == len(drafted)


def test_two_fractions_in_one_field_are_asked_about(tmp_path: Path) -> None:
    """One session is billed; whether there was a break before the second a person says."""
    told_once = fraction(1, WHEN, technique="3D").decode().replace("||1||||||F", "||1~2||||||F")
    run = run_after(tmp_path, [told_once], policy=GUIDE)
    assert charges(run) == ["77407 x1"] and questions(run) == ["radiation.break"]


def test_a_flush_that_is_posted_stands_beside_no_visit(tmp_path: Path) -> None:
    """As one that is charted: no modifier 25, and continuing care is told."""
    rows = (ESTABLISHED, (MINUTES, "45", "min"), ("CONTINUING-CARE", "Y", ""))
    feed = [data.decode() for data in (report(*rows), note("AU"), posted("96523"))]
    for policy in (GUIDE, "cms-physician-2026"):
        run = run_after(tmp_path, feed, policy=policy)
        assert charges(run) == ["99215 x1", "G2211 x1"] and questions(run) == []
    run = run_after(tmp_path, feed, policy="cms-facility-2026")
    assert charges(run) == ["G0463 x1"] and questions(run) == []
