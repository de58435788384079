"""A session of radiation outside its visit counts for its course, and is not firm until a word."""

from pathlib import Path

import pytest

from chargeline.engine import Draft
from tests.answers.given import answer, asked, run_after
from tests.engine.test_schedule import drafts, of, report, summary
from tests.golden.messages import message
from tests.golden.sessions import completed, examined, fraction, posted
from tests.trials import charges, provisional, questions

GUIDE = "guide-2026"
CODE = "radiation.outside_visit"
IN = message("ADT^A04", sent="202603020900", patient_class="R")
OUT = message("ADT^A03", sent="202603061200", patient_class="R")
WEEK = [f"202603{day:02}1000" for day in (2, 3, 4, 5)]


def firm(drafted: Draft) -> list[str]:
    """The codes of the lines that rest on no open question."""
    return [line.code for line in drafted.lines if not line.provisional]


@pytest.mark.parametrize(
    ("when", "is_asked"),
    [
        ("202603012059", True),  # twelve hours before the admission, and a minute
        ("202603012100", False),
        ("202603070000", False),  # twelve hours after the discharge
        ("202603070001", True),
        ("202503041000", True),  # a slip in the year
    ],
)
def test_a_fraction_is_asked_about_beyond_half_a_day(when: str, is_asked: bool) -> None:
    """As an administration is; its line is drafted, and provisional while the question is open."""
    drafted = of(IN, OUT, fraction(1, when, technique="IMRT"), posted("77385", when))
    lines = [line.provisional for line in drafted.lines]
    assert (CODE in summary(drafted)[1]) == is_asked
    assert lines == ([CODE] if is_asked else [""])


@pytest.mark.parametrize(
    "told",
    [report(1, "202603091000"), posted("77407", "202603091000"), completed("202603091000")],
)
def test_each_source_of_a_session_is_asked_about(told: bytes) -> None:
    """A report, a charge alone, and an appointment that was completed."""
    codes, asked_codes, _withheld = summary(of(IN, OUT, told))
    assert codes == ["77407"] and asked_codes == [CODE]


def test_without_admission_and_discharge_nothing_is_outside() -> None:
    """Nobody knows the days of the visit."""
    assert summary(of(report(1, "202603091000")))[1] == []


def test_a_charge_without_a_time_is_inside_on_the_day_of_the_discharge() -> None:
    """It may have been at any hour of its day."""
    for day, asked_codes in (("20260306", []), ("20260308", [CODE])):
        assert summary(of(IN, OUT, posted("77407", day)))[1] == asked_codes


LATE = fraction(5, "202603091000", technique="3D")


def feed() -> list[str]:
    """A week of four fractions, and the fifth three days after the discharge."""
    reports = [report(n, when) for n, when in enumerate(WEEK, 1)]
    return [data.decode() for data in (IN, OUT, *reports, examined("202603041100"), LATE)]


@pytest.mark.parametrize(
    ("choice", "sessions", "units", "reasons"),
    [
        ("confirm", 5, 1, []),
        ("not_given", 4, 0, ["answer.not_given"]),
        ("other_visit", 4, 0, ["answer.other_visit"]),
    ],
)
def test_a_person_settles_where_a_session_belongs(
    tmp_path: Path, choice: str, sessions: int, units: int, reasons: list[str]
) -> None:
    """Before, its line and the unit that it earns are provisional; after, all is firm."""
    before = run_after(tmp_path, feed(), policy=GUIDE)
    assert questions(before) == [CODE]
    assert sorted(provisional(before)) == ["77407", "77427"]
    finding = asked(before, CODE).question.finding
    assert "a day after its discharge" in finding.found
    assert "the therapist" in finding.do and "registration" in finding.do
    after = run_after(tmp_path, feed(), answer(before, CODE, choice), policy=GUIDE)
    assert questions(after) == [] and provisional(after) == []
    assert charges(after).count("77407 x1") == sessions
    assert charges(after).count("77427 x1") == units
    drafted = after.visits[0].draft
    assert [entry.reason for e in drafted.encounters for entry in e.withheld] == reasons


def test_a_session_that_comes_again_under_its_visit_counts_once(tmp_path: Path) -> None:
    """Struck here by a word, and sent again under the right number: five sessions, one unit."""
    before = run_after(tmp_path, feed(), policy=GUIDE)
    again = fraction(5, "202603091000", technique="3D", visit="V2").decode()
    said = answer(before, CODE, "other_visit")
    after = run_after(tmp_path, [*feed(), again], said, policy=GUIDE)
    lines = [
        (visit.timeline.key.visit, line.code, line.provisional)
        for visit in after.visits
        for line in visit.draft.lines
    ]
    assert sorted(lines) == [
        *[("V1", "77407", "")] * 4,
        ("V2", "77407", ""),
        ("V2", "77427", ""),
    ]


def test_a_unit_of_another_visit_rests_on_the_session_outside() -> None:
    """The fourth fraction lies outside V1; the fifth earns the unit in V2, which is not firm."""
    reports = [report(n, when) for n, when in enumerate([*WEEK[:3], "202603090800"], 1)]
    fifth = report(5, "202603101000", visit="V2")
    of_visits = drafts(IN, OUT, *reports, fifth, examined("202603101100", visit="V2"))
    units = [line for line in of_visits["V2"].lines if line.code == "77427"]
    assert [line.provisional for line in units] == [CODE]
    assert CODE in summary(of_visits["V1"])[1] and firm(of_visits["V1"]) == ["77407"] * 3
