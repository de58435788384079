"""Several reports of one session: they are read together, under one visit number or two."""

from itertools import permutations
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.drafting.answering import AnswerError, DraftedVisit, Speaker, answer_to
from chargeline.engine import consequences
from tests.answers.given import EVENING, answer, asked, run_after
from tests.engine import rulebook
from tests.golden.sessions import examined, fraction
from tests.trials import charges, provisional, questions

GUIDE = "guide-2026"
BOTH = "radiation.contradicts"
TWICE = "radiation.number_twice"
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
    assert charges(run) == [] and questions(run) == [BOTH]
    other = run_after(tmp_path, from_two_systems(*reversed(techniques)), policy=GUIDE)
    assert answer(run, BOTH, "by_hand") == answer(other, BOTH, "by_hand")


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
    assert provisional(run) and BOTH in questions(run)


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
    """Nobody knows which report is right: one question for all three, and each has an entry."""
    run = run_after(tmp_path, in_two_visits("ELECTRONS"), policy=GUIDE)
    assert entries(run, 1) == ([], [TWICE], [TWICE] * 3)


@pytest.mark.parametrize(
    ("choice", "after"),
    [
        ("confirm", (["77402"] * 3, [], [])),
        ("not_given", ([], [], ["answer.not_given"] * 3)),
    ],
)
def test_one_word_holds_for_two_courses_at_once_under_one_number(
    tmp_path: Path, choice: str, after: tuple[list[str], list[str], list[str]]
) -> None:
    """Also for the sessions that come after it was said; those of the first course stay."""
    feed = [data.replace("1000", "1400") if "|V2|" in data else data for data in beside()]
    early = run_after(tmp_path, [*feed[:3], feed[3]], policy=GUIDE)
    said = answer(early, TWICE, choice, visit="V2")
    run = run_after(tmp_path, feed, said, policy=GUIDE)
    codes, asked, reasons = entries(run, 1)
    assert (codes, [code for code in asked if code == TWICE], reasons) == after
    assert entries(run, 0)[0].count("77407") == 3


def beside() -> list[str]:
    """Three fractions of two courses under one number: 3D under V1, electrons under V2."""
    return in_two_visits("ELECTRONS")


def test_a_number_that_was_mistyped_once_is_asked_about_by_itself(tmp_path: Path) -> None:
    """On another day and otherwise alike: two such slips are two questions."""
    numbers = (1, 1, 2, 2)
    feed = [
        fraction(number, f"2026030{day}1000", technique="3D").decode()
        for day, number in enumerate(numbers, 2)
    ]
    run = run_after(tmp_path, feed, policy=GUIDE)
    assert questions(run) == [TWICE, TWICE]


@pytest.mark.parametrize("techniques", [("3D", "ELECTRONS"), ("ELECTRONS", "3D")])
def test_one_report_that_says_two_things_at_one_time_is_asked_about(
    tmp_path: Path, techniques: tuple[str, str]
) -> None:
    """One number (OBR-3) and one time of sending: in whatever order they come, and come again."""
    reports = [fraction(1, WHEN, technique=technique).decode() for technique in techniques]
    for feed in (reports, [*reports, *reports]):
        run = run_after(tmp_path, feed, policy=GUIDE)
        assert charges(run) == [] and questions(run) == [BOTH]
    other = run_after(tmp_path, [*reversed(reports)], policy=GUIDE)
    assert answer(run, BOTH, "by_hand") == answer(other, BOTH, "by_hand")


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
        assert entries(run, by_visit["V2"]) == ([], [TWICE], [TWICE])


@pytest.mark.parametrize(
    ("about", "first", "second", "value", "code"),
    [
        ("technique", {"technique": "3D"}, {"technique": "ELECTRONS"}, "electrons", "77402"),
        ("technique", {"technique": "3D"}, {"technique": "SBRT"}, "stereotactic_body", "77373"),
        ("motion_management", {"motion": "NONE"}, {"motion": "GATED"}, "gated", "77412"),
        ("motion_management", {"motion": "NONE"}, {"motion": "GATED"}, "none", "77407"),
        ("isocentres", {"isocentres": "1"}, {"isocentres": "2"}, "2", "77412"),
    ],
)
@pytest.mark.parametrize("visits", [("V1", "V1"), ("V1", "V2")])
def test_a_person_says_which_of_the_values_is_right(
    tmp_path: Path,
    visits: tuple[str, str],
    about: str,
    first: dict[str, str],
    second: dict[str, str],
    value: str,
    code: str,
) -> None:
    """The question names them; one answer is drafted for each session, with who said it."""
    feed = [examined("202603021100", visit=visits[0]).decode()]
    feed += [
        fraction(n, f"2026030{day}1000", visit=visit, **{"technique": "3D", **said}).decode()
        for n, (day, visit) in enumerate(zip((2, 3), visits, strict=True), 1)
        for said in (first, second)
    ]
    before = run_after(tmp_path, feed, policy=GUIDE)
    question = asked(before, BOTH, "V1").question
    assert about in question.finding.expected and value in question.values
    after = run_after(tmp_path, feed, answer(before, BOTH, "said", value, visit="V1"), policy=GUIDE)
    lines = [line for visit in after.visits for line in visit.draft.lines]
    drafted = [line for line in lines if line.role.startswith("radiation.delivery")]
    assert [(line.code, line.provisional) for line in drafted] == [(code, "")] * 2
    assert BOTH not in questions(after)
    for line in drafted:
        (step,) = [step for step in line.trace if step.topic == "answer"]
        assert dict(step.facts)["value"] == value


def test_a_value_that_nobody_said_settles_nothing(tmp_path: Path) -> None:
    """A file that was edited by hand; and the command refuses it, naming what was said."""
    feed = from_two_systems("3D", "ELECTRONS")
    before = run_after(tmp_path, feed, policy=GUIDE)
    other = answer(before, BOTH, "said", "surface")
    after = run_after(tmp_path, feed, other, policy=GUIDE)
    assert questions(after) == [BOTH] and charges(after) == []
    (visit,) = before.visits
    drafted = DraftedVisit(visit.timeline, visit.draft)
    with pytest.raises(AnswerError, match="the question names"):
        answer_to(
            drafted,
            asked(before, BOTH),
            rulebook().formulary,
            "said",
            value="surface",
            speaker=Speaker("ZC1", EVENING, "I was there"),
        )


def test_each_value_is_tried_before_anybody_chooses(tmp_path: Path) -> None:
    """What each would draft is shown beside it."""
    before = run_after(tmp_path, from_two_systems("3D", "ELECTRONS"), policy=GUIDE)
    (visit,) = before.visits
    tried = consequences(
        visit.timeline, asked(before, BOTH), rulebook(), visit.history, policy=GUIDE
    )
    drafts = {one.value: [line.code for line in one.lines] for one in tried}
    assert drafts == {"electrons": ["77402"], "three_dimensional": ["77407"], "": []}


@pytest.mark.parametrize(
    ("word", "about", "code"),
    [("end", "course_end", "77431"), ("physics", "physics_check", "77336")],
)
@pytest.mark.parametrize("value", ["yes", "no"])
def test_an_end_or_a_check_that_is_denied_as_well_is_asked_about(
    tmp_path: Path, word: str, about: str, code: str, value: str
) -> None:
    """It is neither before somebody says; then it is what the person says."""
    policy = GUIDE if word == "end" else "cms-facility-2026"
    more = {"end": "Y"} if word != "end" else {}
    feed = [examined("202603021100").decode()]
    feed += [
        fraction(1, WHEN, technique="3D", **{**more, word: said}).decode() for said in ("Y", "N")
    ]
    before = run_after(tmp_path, feed, policy=policy)
    assert questions(before) == [BOTH]
    assert about in asked(before, BOTH).question.finding.expected
    assert f"{code} x1" not in charges(before)
    after = run_after(tmp_path, feed, answer(before, BOTH, "said", value), policy=policy)
    assert questions(after) == [] and provisional(after) == []
    assert (f"{code} x1" in charges(after)) == (value == "yes")
