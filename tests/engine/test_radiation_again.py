"""Courses of radiation drafted message by message, with saved work, and beside other care."""

from datetime import date, timedelta
from itertools import permutations

import pytest

from chargeline.engine import Draft, Feed, SavedWork, VisitKey, contributions_of, draft, explain
from chargeline.rulebook.cases import question_codes, service_codes, withheld_reasons
from tests.engine import read, rulebook
from tests.golden.messages import given, message
from tests.golden.sessions import fraction, posted

KEY = VisitKey("ZEBRA", "V1")
WEEKS = [f"202603{day:02}" for day in (2, 3, 4, 5, 6, 9, 10, 11)]


@pytest.mark.parametrize("patient_class", ["O", "R"])
def test_saved_work_changes_nothing(patient_class: str) -> None:
    """After each of eight reports, and of a late one, the draft is that of an empty memory."""
    reports = [
        fraction(n, f"{day}1000", technique="3D", patient_class=patient_class)
        for n, day in enumerate(WEEKS, 1)
    ]
    feed, saved = Feed(rulebook().base), SavedWork()
    for report in (*reports[:2], *reports[3:], reports[2]):
        feed.add(read(report))
        again = draft(feed[KEY], rulebook(), policy="guide-2026", saved=saved)
        assert again == draft(feed[KEY], rulebook(), policy="guide-2026")
    assert service_codes(again) == ["77407 x8", "77427"]


@pytest.mark.parametrize("patient_class", ["O", "R"])
def test_saved_work_changes_nothing_of_two_courses(patient_class: str) -> None:
    """A second course that comes beside the first, in an order in which nobody was treated."""
    reports = [
        fraction(n, f"{day}{clock}", course=course, technique="3D", patient_class=patient_class)
        for course, clock in (("C1", "1000"), ("C2", "1010"))
        for n, day in enumerate(WEEKS, 1)
    ]
    feed, saved = Feed(rulebook().base), SavedWork()
    for report in (*reports[8:], *reports[:8]):
        feed.add(read(report))
        again = draft(feed[KEY], rulebook(), policy="guide-2026", saved=saved)
        assert again == draft(feed[KEY], rulebook(), policy="guide-2026")
    assert service_codes(again) == ["77407 x8", "77427"]


def of(*messages: bytes, policy: str = "guide-2026") -> Draft:
    """The draft of visit V1 after some messages."""
    feed = Feed(rulebook().base)
    for data in messages:
        feed.add(read(data))
    return draft(feed[KEY], rulebook(), policy=policy)


def test_an_infusion_and_a_session_of_one_day_are_drafted_together() -> None:
    """Neither family takes anything from the other."""
    session = fraction(1, "202603021000", technique="3D", planned="10")
    drafted = of(given("CARBOPLATIN", "450 mg", "0900", "1000"), session)
    assert service_codes(drafted) == ["77407", "96413"]


def test_the_facts_of_a_session_say_what_other_visits_need() -> None:
    """A struck, short value in words, at the time of the session, under the topic of radiation."""
    feed = Feed(rulebook().base)
    feed.add(read(fraction(7, "202603021000", technique="SBRT", planned="5")))
    facts = contributions_of(feed[KEY], draft(feed[KEY], rulebook()))
    day, fact = sorted(facts, key=lambda fact: fact.slot.kind, reverse=True)
    assert day.slot.topic == ("day", "2026-03-02")
    assert fact.slot.topic == ("radiation", "")
    assert fact.slot.about.startswith("C1|2026-03-02T") and fact.slot.about.endswith("#7")
    said = "day=2026-03-02 number=7 planned=5 beam=body technique=stereotactic_body clock=10:00"
    assert fact.value == said


SESSION = fraction(1, "202603021000", technique="3D", planned="10")
CORRECTED = fraction(
    1, "202603021000", technique="3D", planned="10", motion="GATED", sent="202603021200"
)


@pytest.mark.parametrize("order", list(permutations([SESSION, CORRECTED, CORRECTED])))
def test_a_corrected_report_replaces_what_it_corrects(order: tuple[bytes, ...]) -> None:
    """One session of the third level, in whatever order the versions come."""
    assert service_codes(of(*order)) == ["77412"]


def test_a_visit_of_two_patients_bills_no_session() -> None:
    """Each session is withheld until somebody says whose visit it is."""
    other = fraction(2, "202603031000", technique="3D", patient="ZZ9")
    drafted = of(SESSION, other)
    assert service_codes(drafted) == []
    assert withheld_reasons(drafted) == ["visit", "visit"]
    assert question_codes(drafted) == ["visit.two_patients"]


def test_an_inpatient_session_counts_for_the_course() -> None:
    """It is not billed, and the record has it."""
    feed = Feed(rulebook().base)
    feed.add(read(fraction(1, "202603021000", technique="3D", patient_class="I")))
    drafted = draft(feed[KEY], rulebook())
    assert service_codes(drafted) == []
    kinds = sorted([fact.slot.kind for fact in contributions_of(feed[KEY], drafted)])
    assert kinds == ["fraction", "radiation_day"]


def test_what_was_posted_for_an_inpatient_is_withheld() -> None:
    """Management, planning, and a code that nobody counts: each says why the hospital does not bill
    it, and nobody is asked.
    """
    charges = [
        posted(code, "202603021010").replace(b"PV1|1|O", b"PV1|1|I")
        for code in ("77427", "77263", "77771")
    ]
    drafted = of(*charges, policy="cms-facility-2026")
    of_courses = [
        entry.reason
        for encounter in drafted.encounters
        for entry in encounter.withheld
        if entry.family == "radiation"
    ]
    assert service_codes(drafted) == [] and question_codes(drafted) == []
    assert sorted(of_courses) == [
        "facility.radiation.professional",
        "radiation.stay.technical",
        "radiation.unknown_code",
    ]


def test_what_the_physician_posted_for_an_inpatient_is_judged() -> None:
    """The own service is billed; a week without sessions and an unknown code are asked about."""
    charges = [
        posted(code, "202603021010").replace(b"PV1|1|O", b"PV1|1|I")
        for code in ("77427", "77263", "77771")
    ]
    drafted = of(*charges, policy="cms-physician-2026")
    assert service_codes(drafted) == ["77263"]
    assert question_codes(drafted) == ["radiation.differs", "radiation.unknown_code"]


@pytest.mark.parametrize("units", ["0", "-1", "1.5"])
def test_a_posted_quantity_that_is_none_is_asked_about(units: str) -> None:
    """It is no session, and it is not lost."""
    charge = posted("77407", "202603021010").replace(b"|77407|||1|", f"|77407|||{units}|".encode())
    drafted = of(charge)
    assert service_codes(drafted) == [] and question_codes(drafted) == ["radiation.quantity"]


def test_a_credit_without_a_charge_is_asked_about() -> None:
    """Somebody means a charge that never came."""
    back = message(
        "DFT^P03", "FT1|1|T1||202603021010||CD|77412|||1|||||||||||||C1||77412", sent="1900"
    )
    assert question_codes(of(back)) == ["radiation.credit_alone"]


def test_a_line_explains_itself() -> None:
    """The count in words, the rule with its source, and the report that tells the session."""
    reports = [
        fraction(n, f"{day}1000", technique="3D", end="Y" if n == 8 else "N")
        for n, day in enumerate(WEEKS, 1)
    ]
    (line,) = [
        line
        for line in of(*reports).lines
        if line.code == "77427" and "20260311" in f"{line.service_date:%Y%m%d}"
    ]
    text = explain(line)
    assert "8 sessions: 1 x 5 and 3 left at the end = 2 units so far" in text
    assert "rule radiation.count.management" in text
    assert "OBX[2]-5 of message" in text


def test_a_charge_with_a_credit_is_none() -> None:
    """A posted level that was taken back is not compared."""
    wrong = posted("77412", "202603021010", number="T1")
    back = message(
        "DFT^P03", "FT1|1|T1||202603021010||CD|77412|||1|||||||||||||C1||77412", sent="1900"
    )
    assert question_codes(of(SESSION, wrong)) == ["radiation.differs"]
    assert question_codes(of(SESSION, wrong, back)) == []


# ------------------------------------------------------------------ bad input says who settles it

_MARCH = date(2026, 3, 2)
BEYOND = [
    fraction(n, f"{_MARCH + timedelta(days=n):%Y%m%d}1000", technique="3D", planned="30")
    for n in range(1, 32)
]
TWO_PLANS = [SESSION, fraction(2, "202603031000", technique="3D", planned="25")]
TWO_BEAMS = [SESSION, fraction(2, "202603031000", technique="SBRT", planned="10")]


@pytest.mark.parametrize(
    ("sent", "code", "who"),
    [
        (BEYOND, "radiation.beyond_plan", "the physician says"),
        (TWO_PLANS, "radiation.two_courses", "the dosimetrist says"),
        (TWO_BEAMS, "radiation.two_courses", "the dosimetrist says"),
        ([SESSION, posted("77386", "202603021010")], "radiation.code_ended", "charge entry posts"),
        ([SESSION, posted("G6015", "202603021010")], "radiation.code_ended", "charge entry posts"),
        ([posted("77014", "202603021010")], "radiation.code_ended", "charge entry posts"),
        ([SESSION, posted("77407", "202603091000")], "radiation.no_fraction", "the therapist says"),
    ],
)
def test_bad_input_of_a_course_says_who_can_settle_it(
    sent: list[bytes], code: str, who: str
) -> None:
    """31 sessions of a plan of 30, two courses under one number, codes of 2025, a lone charge."""
    questions = [q for e in of(*sent).encounters for q in e.questions]
    (question,) = [question for question in questions if question.finding.code == code]
    assert question.finding.do.startswith(who)
    assert question.finding.found and question.finding.where and question.sources
