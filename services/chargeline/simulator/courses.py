"""Invented courses of radiation: what a record-and-verify system sends of them.

This module owns the plans of courses, their reports (ORU^R01), signed notes (MDM^T02), posted
charges (DFT^P03) and appointments (SIU), and the truth beside them: how many sessions were
delivered, and how many units of management a coder counts by hand. It does not know how chargeline
counts. A course has a visit for each of its weeks. The observation codes are those of
rules/interfaces/standard.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.simulator.charting import Sender
from chargeline.simulator.messages import Letter, letter, render, segment, visit_segments
from chargeline.simulator.visits import ZONE, InventedVisit, new_patient, working_day

FIRST_COURSE = 700001
_WEEK = 5  # working days


class CoursePlan(NamedTuple):
    """One kind of course. `units` of management were counted by hand.

    `days_off` are working days without a session, counted from 0. `later` sessions follow ten
    working days after the course has ended. `books`: the schedule tells the course too.
    """

    name: str
    fractions: int
    units: int
    technique: str = "3D"
    a_day: int = 1
    days_off: tuple[int, ...] = ()
    later: int = 0
    posts: bool = False
    books: bool = False


PLANS = (
    CoursePlan("eight fractions", 8, 2),
    CoursePlan("eighteen fractions, with charges", 18, 4, posts=True, books=True),
    CoursePlan("thirty-three fractions of VMAT", 33, 7, technique="VMAT"),
    CoursePlan("sixty-two fractions, two a day", 62, 12, technique="VMAT", a_day=2),
    CoursePlan("eight fractions with days off", 8, 2, days_off=(2, 3, 6), books=True),
    CoursePlan("eight fractions, resumed with two", 8, 2, later=2),
)


class _Delivered(NamedTuple):
    """One session: the number of its fraction, when it was, and on which working day."""

    number: int
    at: datetime
    ordinal: int


def course_messages(
    courses: int, seed: int, first_day: date
) -> Iterator[tuple[dict[str, object], list[tuple[datetime, str, bytes]]]]:
    """For each course its truth and its messages, as (arrival, style, bytes).

    The kinds take turns in the order of PLANS.
    """
    for index in range(courses):
        serial = FIRST_COURSE + index
        plan = PLANS[index % len(PLANS)]
        chance = Random(f"{seed}:{serial}:course")
        sessions = list(_sessions(plan, first_day, time(8 + chance.randrange(4), 0)))
        visits = _visits(sessions, serial, chance)
        truth: dict[str, object] = {
            "course": f"RT{serial}",
            "kind": plan.name,
            "planned": plan.fractions,
            "fractions": len(sessions),
            "management_units": plan.units,
            "visits": [visit.number for visit in visits],
        }
        yield truth, list(_posted(plan, sessions, visits, serial=serial))


def _sessions(plan: CoursePlan, first_day: date, clock: time) -> Iterator[_Delivered]:
    ordinal, on_day = 0, 0
    for number in range(1, plan.fractions + plan.later + 1):
        while ordinal in plan.days_off:
            ordinal += 1
        if number == plan.fractions + 1:
            ordinal += 2 * _WEEK
        day = datetime.combine(working_day(first_day, ordinal), clock, ZoneInfo(ZONE))
        yield _Delivered(number, day.astimezone(UTC) + on_day * timedelta(hours=6), ordinal)
        on_day = (on_day + 1) % plan.a_day
        ordinal += on_day == 0


def _visits(sessions: list[_Delivered], serial: int, chance: Random) -> list[InventedVisit]:
    """One visit for each week in which there are sessions."""
    weeks: dict[int, list[_Delivered]] = {}
    for session in sessions:
        weeks.setdefault(session.ordinal // _WEEK, []).append(session)
    patient = new_patient(chance, serial, sexes=("F", "M"))
    return [
        InventedVisit(
            number=f"R{serial}{week:02}",
            style="standard",
            patient=patient,
            category="recurring",
            authorization="",
            diagnoses=("C61",) if patient.sex == "M" else ("C50.911",),
            arrived=of_week[0].at - timedelta(minutes=20),
            left=of_week[-1].at + timedelta(minutes=30),
            administrations=(),
        )
        for week, of_week in weeks.items()
    ]


def _posted(
    plan: CoursePlan, sessions: list[_Delivered], visits: list[InventedVisit], *, serial: int
) -> Iterator[tuple[datetime, str, bytes]]:
    sender = Sender("2.5.1", True, True, shows_rates=False, nurse="", chair=1)
    for visit in visits:
        letters = [letter(visit, "A04", visit.arrived, visit_segments(visit))]
        for session in sessions:
            if visit.arrived <= session.at <= visit.left:
                letters.append(_report(plan, session, visit, sender, serial=serial))
                if session.number % _WEEK == 0 or session.number == plan.fractions:
                    letters.append(_note(session, visit, sender, serial=serial))
                if plan.posts:
                    letters.append(_charge(session, visit, sender, serial=serial))
                if plan.books:
                    letters += _kept(plan, session, visit, sender, serial=serial)
        if plan.books and visit is visits[0]:
            letters += _not_kept(plan, sessions, visit, sender, serial=serial)
        for message in letters:
            numbered = message.kind + message.sent.strftime("%d%H%M%S") + visit.number
            written = render(visit, sender, replace(message, control=numbered))
            yield message.arrives, visit.style, written


def _report(
    plan: CoursePlan, session: _Delivered, visit: InventedVisit, sender: Sender, *, serial: int
) -> Letter:
    said = {
        "RT-COURSE": f"RT{serial}",
        "RT-PLANNED-FRACTIONS": str(plan.fractions),
        "RT-FRACTION": str(session.number),
        "RT-TECHNIQUE": plan.technique,
        "RT-IMAGE-GUIDANCE": "Y",
    }
    if session.number > plan.fractions:
        del said["RT-PLANNED-FRACTIONS"]  # nobody has planned the sessions of a resumed course
    if session.number == plan.fractions:
        said["RT-COURSE-END"] = "Y"
    at = sender.time(session.at)
    rows = [segment("OBR", {1: "1", 3: f"RT{serial}.{session.number}", 4: "RT^session^L", 7: at})]
    rows += [
        segment("OBX", {1: str(number), 2: "ST", 3: f"{code}^^L", 5: value, 11: "F", 14: at})
        for number, (code, value) in enumerate(said.items(), 1)
    ]
    return letter(visit, "R01", session.at + timedelta(minutes=12), tuple(rows))


def _note(session: _Delivered, visit: InventedVisit, sender: Sender, *, serial: int) -> Letter:
    """The signed note of the physician who saw the patient beside a session."""
    fields = {1: "1", 2: "RT", 3: "TX", 4: sender.time(session.at), 9: "D8^TEST^DOC^^^^MD"}
    fields |= {12: f"RT{serial}N{session.number}", 17: "AU"}
    return letter(visit, "T02", session.at + timedelta(minutes=16), (segment("TXA", fields),))


def _charge(session: _Delivered, visit: InventedVisit, sender: Sender, *, serial: int) -> Letter:
    fields = {1: "1", 2: f"RT{serial}T{session.number}", 4: sender.time(session.at), 6: "CG"}
    fields |= {7: "77407", 10: "1", 23: f"RT{serial}", 25: "77407"}
    happened = session.at + timedelta(minutes=20)
    return letter(visit, "P03", happened, (segment("FT1", fields),))


# ------------------------------------------------------------------ the schedule

_AHEAD = timedelta(minutes=15)  # the patient is booked when he arrives


def _kept(
    plan: CoursePlan, session: _Delivered, visit: InventedVisit, sender: Sender, *, serial: int
) -> Iterator[Letter]:
    """The appointment of a session: booked before it, completed after it."""
    number = f"RT{serial}A{session.number}"
    moments = (("S12", "Booked", session.at - _AHEAD), ("S14", "Complete", session.at + _AHEAD))
    for trigger, status, happened in moments:
        rows = _appointment(plan, number, session.at, sender, status=status, serial=serial)
        yield letter(visit, trigger, happened, rows)


def _not_kept(
    plan: CoursePlan,
    sessions: list[_Delivered],
    visit: InventedVisit,
    sender: Sender,
    *,
    serial: int,
) -> Iterator[Letter]:
    """Two appointments at which nothing was delivered, on the first days without a session: one
    that the clinic cancelled, and one to which the patient did not come.
    """
    days = {session.at.date() for session in sessions}
    free: list[datetime] = []
    at = sessions[0].at
    while len(free) < 2:
        at += timedelta(days=1)
        if at.date() not in days:
            free.append(at)
    for nth, (trigger, status, at) in enumerate(
        zip(("S15", "S26"), ("Cancelled", "Noshow"), free, strict=True), 1
    ):
        number = f"RT{serial}L{nth}"
        booked = _appointment(plan, number, at, sender, status="Booked", serial=serial)
        yield letter(visit, "S12", visit.arrived + timedelta(minutes=nth), booked)
        lost = _appointment(plan, number, at, sender, status=status, serial=serial)
        yield letter(visit, trigger, at + nth * _AHEAD, lost)


def _appointment(
    plan: CoursePlan, number: str, at: datetime, sender: Sender, *, status: str, serial: int
) -> tuple[str, ...]:
    service = {1: "1", 3: f"RT-{plan.technique}^treatment^L", 4: sender.time(at), 7: "15", 8: "min"}
    return (
        segment("SCH", {1: f"P{number}", 2: number, 4: f"RT{serial}", 25: status}),
        segment("RGS", {1: "1"}),
        segment("AIS", service),
    )
