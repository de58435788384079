"""A person can settle what is asked about a radiation course, and the count follows the answer."""

from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.drafting.visit_record import courses_of, record_of
from chargeline.engine.answers.offers import offers_for, severity_of
from chargeline.engine.finding_codes import MEANINGS
from tests.answers.given import answer, asked, run_after
from tests.engine import rulebook
from tests.golden.sessions import appointment, completed, examined, fraction, posted
from tests.trials import charges, provisional, questions

GUIDE = "guide-2026"


def week(*more: bytes) -> list[str]:
    """Four fractions from 2 March on, and further messages of the course."""
    days = ("20260302", "20260303", "20260304", "20260305")
    sent = [fraction(n, f"{day}1000", technique="3D") for n, day in enumerate(days, 1)]
    sent.append(examined("202603041100"))
    return [data.decode() for data in (*sent, *more)]


def withheld(run: Run) -> list[str]:
    """The reasons for what is withheld."""
    drafted = run.visits[0].draft
    return [entry.reason for encounter in drafted.encounters for entry in encounter.withheld]


TWICE = fraction(4, "202603061000", technique="3D")
UNREPORTED = posted("77407", "202603061000")


@pytest.mark.parametrize(
    ("message", "code"),
    [(TWICE, "radiation.number_twice"), (UNREPORTED, "radiation.no_fraction")],
)
def test_a_session_that_a_person_confirms_counts(tmp_path: Path, message: bytes, code: str) -> None:
    """The fifth session is billed, and completes the unit of management; nothing asks of it."""
    before = run_after(tmp_path, week(message), policy=GUIDE)
    assert code in questions(before)
    assert "77427 x1" not in charges(before)
    assert charges(before).count("77407 x1") == 4
    after = run_after(tmp_path, week(message), answer(before, code, "confirm"), policy=GUIDE)
    assert code not in questions(after)
    assert charges(after).count("77407 x1") == 5 and "77427 x1" in charges(after)


def test_a_session_that_was_not_delivered_is_withheld(tmp_path: Path) -> None:
    """It has no line, counts nothing, and says whose word that was."""
    before = run_after(tmp_path, week(TWICE), policy=GUIDE)
    struck = answer(before, "radiation.number_twice", "not_given")
    after = run_after(tmp_path, week(TWICE), struck, policy=GUIDE)
    assert questions(after) == []
    assert charges(after).count("77407 x1") == 4
    assert withheld(after) == ["answer.not_given"]


def test_a_third_level_that_a_person_documents_is_firm(tmp_path: Path) -> None:
    """The line is provisional while the word stands alone, and firm once somebody confirms it."""
    feed = [fraction(1, "202603021000", technique="3D", motion="DIBH").decode()]
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert questions(before) == ["radiation.level_three"] and provisional(before) == ["77412"]
    confirmed = answer(before, "radiation.level_three", "confirm")
    after = run_after(tmp_path, feed, confirmed, policy=GUIDE)
    assert questions(after) == [] and provisional(after) == []
    assert charges(after) == ["77412 x1"]


def test_a_third_level_that_was_only_posted_is_provisional(tmp_path: Path) -> None:
    """Until somebody says that a note documents it."""
    feed = [posted("77412", "202603021000").decode()]
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert questions(before) == ["radiation.level_three"] and provisional(before) == ["77412"]
    confirmed = answer(before, "radiation.level_three", "confirm")
    after = run_after(tmp_path, feed, confirmed, policy=GUIDE)
    assert questions(after) == [] and provisional(after) == []


@pytest.mark.parametrize(
    ("written", "table"),
    [
        ({"technique": "HELICAL"}, "values"),
        ({"technique": "3D", "motion": "CHILLED"}, "values"),
        ({"technique": "3D", "guidance": "MAYBE"}, "values"),
        ({"technique": "3D", "isocentres": "two"}, "numbers"),
        ({"technique": "3D", "planned": "thirty"}, "numbers"),
    ],
)
def test_no_level_is_firm_from_a_value_that_nobody_can_read(
    tmp_path: Path, written: dict[str, str], table: str
) -> None:
    """The question names the place of the value, and the table of the profile that maps it."""
    feed = [
        fraction(1, "202603021000", **written).decode(),
        posted("77407", "202603021005").decode(),
    ]
    run = run_after(tmp_path, feed, policy=GUIDE)
    assert questions(run) == ["radiation.value"] and provisional(run) == ["77407"]
    finding = asked(run, "radiation.value").question.finding
    assert finding.where.startswith("OBX[") and f"[{table}]" in finding.do


def test_a_line_that_a_person_bills_by_hand_is_withheld(tmp_path: Path) -> None:
    """So that it is not billed twice."""
    feed = [fraction(1, "202603021000", technique="3D", motion="DIBH").decode()]
    before = run_after(tmp_path, feed, policy=GUIDE)
    by_hand = answer(before, "radiation.level_three", "by_hand")
    after = run_after(tmp_path, feed, by_hand, policy=GUIDE)
    assert charges(after) == [] and questions(after) == []


def test_a_new_report_of_the_session_opens_the_question_again(tmp_path: Path) -> None:
    """The answer was about fraction 4 of ten o'clock; the corrected report says another time."""
    before = run_after(tmp_path, week(TWICE), policy=GUIDE)
    confirmed = answer(before, "radiation.number_twice", "confirm")
    moved = fraction(4, "202603061100", technique="3D")
    after = run_after(tmp_path, week(moved), confirmed, policy=GUIDE)
    assert "radiation.number_twice" in questions(after)


def two_courses(*, patient_class: str = "O") -> list[str]:
    """Five fractions of each of two courses, ten minutes apart."""
    days = ("20260302", "20260303", "20260304", "20260305", "20260306")
    return [
        fraction(
            n, f"{day}{clock}", course=course, technique="3D", patient_class=patient_class
        ).decode()
        for n, day in enumerate(days, 1)
        for course, clock in (("C1", "1000"), ("C2", "1010"))
    ] + [examined("202603041100").replace(b"PV1|1|O", f"PV1|1|{patient_class}".encode()).decode()]


@pytest.mark.parametrize("patient_class", ["O", "R"])
@pytest.mark.parametrize(
    ("choice", "deliveries", "units"),
    [
        ("confirm", ["77407 x1"] * 5, 1),
        ("two_isocentres", ["77412 x1"] * 5, 1),
        ("two_sessions", ["77407 x1"] * 10, 2),
        ("by_hand", [], 0),
    ],
)
def test_one_word_settles_all_sittings_of_two_courses(
    tmp_path: Path, patient_class: str, choice: str, deliveries: list[str], units: int
) -> None:
    """Asked once, on whatever day, and then every line of every day is as the person said."""
    feed = two_courses(patient_class=patient_class)
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert questions(before) == ["radiation.one_sitting"]
    assert provisional(before) == ["77407"] * 5 + ["77427"]
    said = answer(before, "radiation.one_sitting", choice)
    after = run_after(tmp_path, feed, said, policy=GUIDE)
    billed = [line for line in charges(after) if not line.startswith("77427")]
    assert billed == deliveries
    assert charges(after).count("77427 x1") == units
    assert questions(after) == [] and provisional(after) == []


FIFTH = fraction(5, "202603061000", technique="3D", planned="5")


def test_a_lone_last_fraction_is_no_course_until_somebody_says_so(tmp_path: Path) -> None:
    """5 of 5 alone: management waits for the word that 1 to 4 were not delivered."""
    feed = [FIFTH.decode(), examined("202603061100").decode()]
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert charges(before) == ["77407 x1"] and questions(before) == ["radiation.missing"]
    finding = asked(before, "radiation.missing").question.finding
    assert "not here: 1 to 4" in finding.found and "the therapist" in finding.do
    said = answer(before, "radiation.missing", "confirm")
    after = run_after(tmp_path, feed, said, policy=GUIDE)
    assert charges(after) == ["77407 x1", "77431 x1"] and questions(after) == []


def test_of_a_course_that_began_elsewhere_no_rest_is_billed(tmp_path: Path) -> None:
    """Nobody can say here who bills what is left at the end of a course that two places share."""
    feed = [FIFTH.decode(), examined("202603061100").decode()]
    said = answer(run_after(tmp_path, feed, policy=GUIDE), "radiation.missing", "elsewhere")
    after = run_after(tmp_path, feed, said, policy=GUIDE)
    assert charges(after) == ["77407 x1"] and questions(after) == []
    (encounter,) = after.visits[0].draft.encounters
    assert [held.reason for held in encounter.withheld] == ["answer.elsewhere"]


def test_whole_units_of_a_course_that_began_elsewhere_are_billed(tmp_path: Path) -> None:
    """6 to 10 of ten are five sessions here."""
    days = ["0309", "0310", "0311", "0312", "0313"]
    sent = [
        fraction(n, f"2026{day}1000", technique="3D", planned="10") for n, day in enumerate(days, 6)
    ]
    feed = [data.decode() for data in (*sent, examined("202603111100"))]
    said = answer(run_after(tmp_path, feed, policy=GUIDE), "radiation.missing", "elsewhere")
    after = run_after(tmp_path, feed, said, policy=GUIDE)
    assert charges(after).count("77427 x1") == 1 and questions(after) == []


def test_a_lone_last_fraction_is_the_fifth_once_the_others_are_here(tmp_path: Path) -> None:
    """Reports that come late settle the question by themselves."""
    after = run_after(tmp_path, [FIFTH.decode(), *week()], policy=GUIDE)
    assert charges(after).count("77407 x1") == 5 and charges(after).count("77427 x1") == 1
    assert questions(after) == []


def unexamined() -> list[str]:
    """Ten fractions of a plan of thirty, with a note in the second week only."""
    days = ["02", "03", "04", "05", "06", "09", "10", "11", "12", "13"]
    sent = [
        fraction(n, f"202603{day}1000", technique="3D", planned="30")
        for n, day in enumerate(days, 1)
    ]
    return [data.decode() for data in (*sent, examined("202603111100"))]


@pytest.mark.parametrize(("choice", "units"), [("confirm", 2), ("no_visit", 1), ("by_hand", 1)])
def test_an_examination_is_asked_about_once_and_settled(
    tmp_path: Path, choice: str, units: int
) -> None:
    """The first five sessions have none: their unit is provisional until somebody says so."""
    before = run_after(tmp_path, unexamined(), policy=GUIDE)
    assert questions(before) == ["radiation.examination"] and provisional(before) == ["77427"]
    assert charges(before).count("77427 x1") == 2
    finding = asked(before, "radiation.examination").question.finding
    assert "from 2026-03-02 to 2026-03-06" in finding.found and "the physician" in finding.do
    said = answer(before, "radiation.examination", choice)
    after = run_after(tmp_path, unexamined(), said, policy=GUIDE)
    assert questions(after) == [] and provisional(after) == []
    assert charges(after).count("77427 x1") == units


@pytest.mark.parametrize(("choice", "units"), [("confirm", 2), ("no_visit", 1), ("by_hand", 1)])
@pytest.mark.parametrize("visits", [("V1", "V1"), ("V1", "V2")])
def test_the_table_of_courses_has_the_units_of_the_drafts(
    tmp_path: Path, choice: str, units: int, visits: tuple[str, str]
) -> None:
    """Also under the visit in which nobody was asked."""
    feed = [data.replace("|V1\r", f"|{visits[n >= 5]}\r") for n, data in enumerate(unexamined())]
    before = run_after(tmp_path, feed, policy=GUIDE)
    said = answer(before._replace(visits=before.visits[:1]), "radiation.examination", choice)
    after = run_after(tmp_path, feed, said, policy=GUIDE)
    assert charges(after).count("77427 x1") == units
    for coded in after.visits:
        record = record_of(coded, coded.timeline)
        (course,) = courses_of(coded, record, rulebook())
        assert [managed.units for managed in course.management] == [units]


def test_an_answer_about_two_courses_holds_for_the_sittings_that_follow(tmp_path: Path) -> None:
    """The question does not name how many sittings they share."""
    feed = two_courses()
    first = run_after(tmp_path, feed[:2], policy=GUIDE)
    said = answer(first, "radiation.one_sitting", "two_sessions")
    after = run_after(tmp_path, feed, said, policy=GUIDE)
    assert questions(after) == [] and charges(after).count("77407 x1") == 10


FRIDAY = "202603061000"
DOUBTED_BY_THE_SCHEDULE = [
    ("radiation.appointment", (appointment("202603051600"),)),
    ("radiation.no_report", (completed(FRIDAY), completed("202603051000"))),
    (
        "radiation.not_kept",
        (
            appointment(FRIDAY, number="A9"),
            appointment(FRIDAY, number="A9", trigger="S26", sent="202603061300"),
            fraction(5, FRIDAY, technique="3D"),
        ),
    ),
]


def scheduled(code: str) -> list[str]:
    """A week of four reports, and a session of the schedule that a question of this code is about.

    Where it is booked the fourth report comes on Friday, so that the course went on after it.
    """
    (more,) = [messages for name, messages in DOUBTED_BY_THE_SCHEDULE if name == code]
    feed = week(*more)
    if code == "radiation.appointment":
        feed[3] = fraction(4, FRIDAY, technique="3D").decode()
    return feed


@pytest.mark.parametrize("code", [code for code, _messages in DOUBTED_BY_THE_SCHEDULE])
@pytest.mark.parametrize(("choice", "sessions", "units"), [("confirm", 5, 1), ("not_given", 4, 0)])
def test_what_the_schedule_contradicts_a_person_settles(
    tmp_path: Path, code: str, choice: str, sessions: int, units: int
) -> None:
    """Delivered, it is the fifth session and earns the unit; not delivered, it counts nothing."""
    feed = scheduled(code)
    before = run_after(tmp_path, feed, policy=GUIDE)
    assert questions(before) == [code]
    assert charges(before).count("77407 x1") == 4 and "77427 x1" not in charges(before)
    assert "the therapist" in asked(before, code).question.finding.do
    after = run_after(tmp_path, feed, answer(before, code, choice), policy=GUIDE)
    assert questions(after) == [] and provisional(after) == []
    assert charges(after).count("77407 x1") == sessions
    assert charges(after).count("77427 x1") == units
    assert [reason for reason in withheld(after) if reason == "answer.not_given"] == (
        ["answer.not_given"] if choice == "not_given" else []
    )


@pytest.mark.parametrize("code", [code for code, _messages in DOUBTED_BY_THE_SCHEDULE])
def test_each_choice_about_the_schedule_is_one_of_those_above(code: str) -> None:
    """A choice that is offered and not proven fails here."""
    assert [offer.choice for offer in offers_for(code)] == ["confirm", "not_given"]


def test_a_report_that_comes_late_settles_a_completed_appointment(tmp_path: Path) -> None:
    """And what a person said of the appointment before then counts nothing twice."""
    feed = scheduled("radiation.no_report")
    before = run_after(tmp_path, feed, policy=GUIDE)
    said = answer(before, "radiation.no_report", "confirm")
    late = [*feed, fraction(5, FRIDAY, technique="3D").decode()]
    for answers in ((), (said,)):
        after = run_after(tmp_path, late, *answers, policy=GUIDE)
        assert questions(after) == [] and charges(after).count("77407 x1") == 5


@pytest.mark.parametrize("code", sorted(code for code in MEANINGS if code.startswith("radiation.")))
def test_each_question_of_radiation_can_be_settled(code: str) -> None:
    """Each has a choice, and what only compares holds no visit back."""
    choices = {offer.choice for offer in offers_for(code)}
    assert choices & {"confirm", "by_hand"}
    compares = {"radiation.differs", "radiation.missing", "radiation.no_charge"}
    assert severity_of(code) == ("warns" if code in compares else "blocks")
