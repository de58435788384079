"""The schedule beside reports and posted charges: what three sources tell counts once."""

from itertools import permutations
from random import Random

import pytest

from chargeline.engine import (
    NO_HISTORY,
    Draft,
    Feed,
    SavedWork,
    VisitKey,
    contributions_of,
    draft,
    fold,
    histories,
)
from chargeline.rulebook.cases import question_codes, service_codes, withheld_reasons
from tests.engine import read, rulebook
from tests.golden.sessions import appointment, completed, fraction, posted

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = [f"202603{day:02}1000" for day in (2, 3, 4, 5)]
KEY = VisitKey("ZEBRA", "V1")


def drafts(*messages: bytes) -> dict[str, Draft]:
    """The draft of each visit after some messages, beside the record of its patient."""
    folded = fold([read(data) for data in messages], rulebook().base)
    alone = {key: draft(folded[key], rulebook(), policy="guide-2026") for key in folded}
    record = [fact for key in folded for fact in contributions_of(folded[key], alone[key])]
    history = histories(record)
    return {
        key.visit: draft(folded[key], rulebook(), history.get(key, NO_HISTORY), policy="guide-2026")
        for key in folded
    }


def of(*messages: bytes) -> Draft:
    """The draft of visit V1."""
    return drafts(*messages)["V1"]


def report(number: int, when: str, **more: str) -> bytes:
    return fraction(number, when, technique="3D", **more)


def summary(drafted: Draft) -> tuple[list[str], list[str], list[str]]:
    """The lines, the questions and the reasons for what is withheld."""
    return service_codes(drafted), question_codes(drafted), withheld_reasons(drafted)


def test_completed_appointments_are_sessions() -> None:
    """Nobody reports them and nobody posts them; the kind of appointment says the technique."""
    drafted = of(*[completed(when) for when in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY)])
    assert summary(drafted) == (["77407 x4"], [], [])


def test_a_session_that_three_sources_tell_counts_once() -> None:
    """The schedule, the report and the charge are some minutes apart, in whatever order."""
    told = [
        completed(MONDAY),
        report(1, "202603021007"),
        posted("77407", "202603021025"),
    ]
    for order in permutations([*told, told[0]]):
        assert summary(of(*order)) == (["77407"], [], [])


def test_three_sources_under_three_visits_tell_one_session() -> None:
    """The schedule keeps an account of its own, and so does charge entry."""
    of_visits = drafts(
        completed(MONDAY, visit="V1"),
        report(1, "202603021007", visit="V2"),
        posted("77407", "202603021025", visit="V3"),
    )
    assert {visit: summary(drafted) for visit, drafted in of_visits.items()} == {
        "V1": ([], [], []),
        "V2": (["77407"], [], []),
        "V3": ([], ["radiation.differs"], []),  # the charge lies on another account
    }


def test_an_appointment_under_two_visits_is_one() -> None:
    """Booked under a visit before the patient came, completed under another one."""
    of_visits = drafts(
        appointment(MONDAY, visit="V1", number="A1"),
        completed(MONDAY, visit="V2", number="A1"),
        completed(TUESDAY, visit="V2"),
    )
    assert [summary(of_visits[visit]) for visit in ("V1", "V2")] == [
        ([], [], []),
        (["77407 x2"], [], []),
    ]


def test_two_sessions_a_day_are_two_in_every_source() -> None:
    """Each report takes the appointment that is nearest."""
    clocks = ("1000", "1600")
    told = [completed(f"20260302{clock}") for clock in clocks]
    told += [report(n, f"20260302{clock}") for n, clock in enumerate(clocks, 1)]
    assert summary(of(*told)) == (["77407 x2"], [], [])


def test_a_booked_session_is_to_come() -> None:
    """Nothing is billed or asked of it while nothing was delivered after it."""
    drafted = of(report(1, MONDAY), appointment(TUESDAY), appointment(WEDNESDAY))
    assert summary(drafted) == (["77407"], [], ["appointment.booked", "appointment.booked"])


def test_a_booked_session_that_is_reported_is_delivered() -> None:
    """A schedule that never completes contradicts nothing."""
    drafted = of(appointment(MONDAY), report(1, MONDAY), appointment(TUESDAY), report(2, TUESDAY))
    assert summary(drafted) == (["77407 x2"], [], [])


def test_what_became_of_a_booked_session_is_asked_when_the_course_went_on() -> None:
    """Monday is booked, and Tuesday is delivered, also under another visit."""
    asked = ([], ["radiation.appointment"], [])
    later = completed(TUESDAY)
    assert summary(of(appointment(MONDAY), later))[1] == ["radiation.appointment"]
    of_visits = drafts(appointment(MONDAY), completed(TUESDAY, visit="V2"))
    assert summary(of_visits["V1"]) == asked
    assert summary(of_visits["V2"]) == (["77407"], [], [])


def test_a_status_that_the_profile_does_not_know_delivers_nothing() -> None:
    """It is as good as booked, and asked about when the course went on."""
    odd = appointment(MONDAY, "Checked", trigger="S14")
    assert summary(of(odd)) == ([], [], ["appointment.unknown"])
    assert question_codes(of(odd, completed(TUESDAY))) == ["radiation.appointment"]


@pytest.mark.parametrize(("trigger", "reason"), [("S15", "cancelled"), ("S26", "missed")])
def test_an_appointment_that_was_not_kept_is_no_session(trigger: str, reason: str) -> None:
    """It says so, and nobody is asked."""
    gone = appointment(MONDAY, trigger=trigger, kind="", sent="202603021200")
    drafted = of(appointment(MONDAY), gone, completed(TUESDAY))
    assert summary(drafted) == (["77407"], [], [f"appointment.{reason}"])


@pytest.mark.parametrize("told", [report(1, MONDAY), posted("77407", MONDAY)])
@pytest.mark.parametrize("trigger", ["S15", "S26"])
def test_a_session_whose_appointment_was_not_kept_is_asked_about(told: bytes, trigger: str) -> None:
    """The schedule contradicts the report or the charge."""
    gone = appointment(MONDAY, trigger=trigger, sent="202603021200")
    codes, questions, withheld = summary(of(appointment(MONDAY), gone, told))
    assert (codes, withheld) == ([], [])
    assert "radiation.not_kept" in questions


def test_an_appointment_that_was_booked_anew_contradicts_nothing() -> None:
    """10:00 is cancelled, and 14:00 of the same day is booked under another number."""
    gone = appointment(MONDAY, trigger="S15")
    drafted = of(gone, appointment("202603021400"), report(1, "202603021405"))
    assert summary(drafted) == (["77407"], [], ["appointment.cancelled"])


def test_a_completed_session_without_a_report_is_asked_about_beside_reports() -> None:
    """Monday and Wednesday are reported, Tuesday is completed alone."""
    told = [completed(when) for when in (MONDAY, TUESDAY, WEDNESDAY)]
    drafted = of(*told, report(1, MONDAY), report(2, WEDNESDAY))
    assert summary(drafted) == (["77407 x2"], ["radiation.no_report"], [])


def test_a_completed_session_without_a_charge_is_asked_about_beside_charges() -> None:
    """The others of the course are posted."""
    told = [completed(MONDAY), completed(TUESDAY), posted("77407", MONDAY)]
    assert summary(of(*told)) == (["77407 x2"], ["radiation.no_charge"], [])


def test_a_charge_without_a_completed_session_is_asked_about() -> None:
    """The schedule completes the others of the course."""
    told = [completed(MONDAY), posted("77407", MONDAY), posted("77407", TUESDAY)]
    assert "radiation.no_fraction" in question_codes(of(*told))


def test_an_appointment_has_the_kind_of_beam_that_its_course_has() -> None:
    """The schedule writes one type for all sessions."""
    told = [completed(MONDAY, kind="RT-SESSION"), fraction(1, MONDAY, technique="SBRT")]
    assert summary(of(*told))[:2] == (["77373"], [])


def test_an_appointment_without_a_course_is_that_of_its_reports() -> None:
    """The one course of the day."""
    assert summary(of(completed(MONDAY, course=""), report(1, MONDAY)))[:2] == (["77407"], [])


def test_saved_work_changes_nothing() -> None:
    """After each message the draft is that of an empty memory."""
    days = [f"202603{day:02}1000" for day in (2, 3, 4, 5, 6)]
    messages = [appointment(when, "Booked", sent="202603010800") for when in days]
    messages += [completed(when) for when in days]
    messages += [report(n, when) for n, when in enumerate(days, 1)]
    feed, saved = Feed(rulebook().base), SavedWork()
    for message in messages:
        feed.add(read(message))
        again = draft(feed[KEY], rulebook(), policy="guide-2026", saved=saved)
        assert again == draft(feed[KEY], rulebook(), policy="guide-2026")
    assert service_codes(again) == ["77407 x5", "77427"]


@pytest.mark.parametrize("seed", range(8))
def test_visits_order_and_copies_change_no_count(seed: int) -> None:
    """Ten sessions that any of three sources tell, under any visits, are ten; SIU tells all."""
    chance = Random(seed)
    days = [f"202603{day:02}1000" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
    messages = []
    for number, when in enumerate(days, 1):
        account = f"V{chance.randint(1, 3)}"
        messages.append(appointment(when, visit=account, sent="202603010800"))
        messages.append(completed(when, visit=account))
        messages.append(report(number, when, visit=f"V{chance.randint(1, 3)}"))
        if chance.random() < 0.5:
            messages.append(posted("77407", when, visit=f"V{chance.randint(1, 3)}"))
    mixed = chance.sample([*messages, *messages[:9]], len(messages) + 9)
    for of_visits in (drafts(*messages), drafts(*mixed)):
        lines = [line for drafted in of_visits.values() for line in drafted.lines]
        count = [sum([line.units for line in lines if line.code == c]) for c in ("77407", "77427")]
        assert count == [10, 2]
    assert {key: repr(value) for key, value in drafts(*mixed).items()} == {
        key: repr(value) for key, value in drafts(*messages).items()
    }
