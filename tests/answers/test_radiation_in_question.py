"""Lines of a course rest on the one question about it, and follow its answer."""

from pathlib import Path

import pytest

from chargeline.engine import asked_in
from tests.answers.given import answer, run_after
from tests.golden.messages import message, segment
from tests.golden.sessions import fraction, posted
from tests.trials import charges, provisional, questions

GUIDE = "guide-2026"
_WEEK = ["20260302", "20260303", "20260304", "20260305", "20260306"]


def stereotactic(planned: int) -> list[str]:
    """Six fractions of stereotactic treatment of the body."""
    days = [*_WEEK, "20260309"]
    sent = [
        fraction(n, f"{day}1000", technique="SBRT", planned=str(planned))
        for n, day in enumerate(days, 1)
    ]
    return [data.decode() for data in sent]


@pytest.mark.parametrize("planned", [6, 8])
def test_every_line_of_too_long_a_course_is_in_question(tmp_path: Path, planned: int) -> None:
    """Nothing is firm; one answer settles it, and by hand leaves nothing."""
    feed = stereotactic(planned)
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert questions(before) == ["radiation.too_many"]
    assert len(provisional(before)) == len(charges(before)) >= 6
    confirmed = answer(before, "radiation.too_many", "confirm")
    after = run_after(tmp_path, feed, confirmed, policy=GUIDE)
    assert questions(after) == [] and provisional(after) == []
    by_hand = answer(before, "radiation.too_many", "by_hand")
    assert charges(run_after(tmp_path, feed, by_hand, policy=GUIDE)) == []


@pytest.mark.parametrize(
    ("code", "sessions", "management"), [("77373", 5, "77435"), ("77372", 1, "77432")]
)
def test_a_posted_code_says_the_beam_of_reports_without_a_technique(
    tmp_path: Path, code: str, sessions: int, management: str
) -> None:
    """Whichever comes first, and also where the charges are under another visit."""
    days = _WEEK[:sessions]
    told = [
        fraction(n, f"{day}1000", planned=str(sessions)).decode() for n, day in enumerate(days, 1)
    ]
    for visit in ("V1", "V2"):
        bills = [posted(code, f"{day}1010", visit=visit).decode() for day in days]
        for feed in ([*told, *bills], [*bills, *told]):
            run = run_after(tmp_path, feed, policy=GUIDE)
            lines = [line.code for item in run.visits for line in item.draft.lines]
            assert management in lines and not {"77427", "77431"} & {*lines}


def test_charges_under_another_visit_are_one_question(tmp_path: Path) -> None:
    """It names the session's day and the other visit; the deliveries are drafted there, once."""
    told = [
        fraction(n, f"{day}1000", technique="IMRT", planned="30").decode()
        for n, day in enumerate(_WEEK, 1)
    ]
    bills = [posted("77407", f"{day}1010", visit="V2").decode() for day in _WEEK]
    run = run_after(tmp_path, [*told, *bills], policy=GUIDE)
    asked = [
        (item.timeline.key.visit, entry.question.finding)
        for item in run.visits
        for entry in asked_in(item.draft, {})
        if entry.question.finding.code != "radiation.examination"
    ]
    assert [(visit, finding.code) for visit, finding in asked] == [("V2", "radiation.differs")]
    assert "2026-03-02" in asked[0][1].found and "visit V1" in asked[0][1].found
    lines = [(v.timeline.key.visit, e.code, e.units) for v in run.visits for e in v.draft.lines]
    assert sum(units for visit, code, units in lines if (visit, code) == ("V1", "77407")) == 5
    assert not [line for line in lines if line[0] == "V2"]


def test_questions_show_the_day_and_time_of_the_place(tmp_path: Path) -> None:
    """Half past eight in the evening in New York, which is the next day in UTC."""
    late = fraction(1, "202603062030", technique="3D", motion="DIBH").decode()
    run = run_after(tmp_path, [late], policy=GUIDE)
    found = [entry.question.finding.found for entry in asked_in(run.visits[0].draft, {})]
    assert found == ["fraction 1 on 2026-03-06 (20:30)"]


def unnumbered(day: str, *, end: bool) -> str:
    """The report of a session that does not say which fraction it is."""
    said = {"RT-COURSE": "C1", "RT-PLANNED-FRACTIONS": "5", "RT-TECHNIQUE": "IMRT"}
    if end:
        said["RT-COURSE-END"] = "Y"
    rows = [
        segment("OBX", {1: str(n), 2: "ST", 3: f"{code}^^L", 5: value, 11: "F"})
        for n, (code, value) in enumerate(said.items(), 1)
    ]
    obr = segment("OBR", {1: "1", 3: f"S{day}", 4: "RT^session^L", 7: f"{day}1000"})
    return message("ORU^R01", obr, *rows, sent=f"{day}1000").decode()


def test_reports_without_a_number_of_the_fraction_are_asked_about(tmp_path: Path) -> None:
    """Once: each session rests on it, and so does the unit that counts them."""
    feed = [unnumbered(day, end=day == _WEEK[-1]) for day in _WEEK]
    run = run_after(tmp_path, feed, policy=GUIDE)
    assert charges(run).count("77407 x1") == 5 or "77407 x5" in charges(run)
    assert questions(run).count("radiation.value") == 1
    assert provisional(run) == ["77407"] * charges(run).count("77407 x1") + ["77427"]
