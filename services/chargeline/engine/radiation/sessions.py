"""The sessions of radiation courses as one visit tells them, and as they stand in the record.

It owns what makes a session: the observations of one report that has a fraction, or a posted charge
for a delivery on a day of which no report of the visit tells one. It reads both out of the days of
a visit, and the sessions of other visits out of the patient's record. It does not judge whether a
session counts (`course`), and it knows no codes: rules say which posted charge is a delivery.

A session is known by its visit and its name: the minute at which it was delivered and the number of
the fraction, such as 2026-03-02T10:00Z#7. The name does not hang on the order of messages.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple, cast

from chargeline.engine.care import Care, Observation, PostedCharge
from chargeline.engine.care_words import OBSERVED_OF, BeamTechnique, MotionManagement, Observed
from chargeline.engine.course_words import (
    Beam,
    BeamTechniqueFact,
    GuidanceFact,
    MotionFact,
    PostedAs,
    SessionSaid,
)
from chargeline.engine.events import Source, VisitKey
from chargeline.engine.record import APART, Contribution, Fact, Slot
from chargeline.engine.shapes import by_keyword
from chargeline.engine.words import YesNo, words_of


class Session(NamedTuple):
    """One session of a course: when it was, what is said of it, and who tells it.

    `at` is midnight UTC of the day where no time is known (`timed` is False). `number` is that of
    the fraction and `planned` how many are planned, None where nothing says it. `posted` is the
    delivery code that was posted for it, "" for none. `reported`: a report tells it, and not only a
    charge. `ends`: the report says that the course ends with it. `said` is what a person says of
    whether it was delivered. `source` is None for a session of another visit.
    """

    visit: VisitKey
    course: str
    name: str
    day: date
    at: datetime
    timed: bool
    number: int | None = None
    planned: int | None = None
    technique: BeamTechniqueFact = "unknown"
    beam: Beam = "external"
    motion: MotionFact = "unknown"
    isocentres: int = 0
    guidance: GuidanceFact = "unknown"
    ends: bool = False
    posted: str = ""
    reported: bool = True
    said: SessionSaid = ""
    source: Source | None = None


_new_session = by_keyword(Session)


class Mark(NamedTuple):
    """What is said of a course beside its sessions: that it ended, that a physicist checked it, or
    that a signed note documents it. `what` is `end`, `physics` or `documents`.
    """

    visit: VisitKey
    course: str
    what: str
    day: date
    at: datetime
    source: Source | None = None


class CourseCharge(NamedTuple):
    """A posted charge that is part of a course, and what rules say that it stands for."""

    course: str
    charge: PostedCharge
    kind: PostedAs
    beam: Beam
    ended: YesNo
    units: int

    @property
    def name(self) -> str:
        """What tells it apart from others of its code and day."""
        return f"{self.charge.day.isoformat()}#{self.charge.number or self.charge.address}"


class Told(NamedTuple):
    """What one visit tells of radiation courses."""

    sessions: tuple[Session, ...] = ()
    marks: tuple[Mark, ...] = ()
    charges: tuple[CourseCharge, ...] = ()


def tells_of_radiation(care: Care) -> bool:
    """Whether a day may be part of a radiation course: an observation says so, or one is posted."""
    return bool(care.posted) or any(
        OBSERVED_OF[observation.about] == "radiation" for observation in care.observations
    )


# ------------------------------------------------------------------ posted charges


def standing(days: Iterable[Care]) -> list[tuple[PostedCharge, int]]:
    """The charges that no credit takes back, each with the units that are left of it.

    A credit takes back units of the charge of its number, else of its code and day.
    """
    charges = [charge for care in days for charge in care.posted if charge.kind == "charge"]
    credits_ = [charge for care in days for charge in care.posted if charge.kind == "credit"]
    left = [int(charge.units) for charge in charges]
    for credit in credits_:
        back = int(credit.units)
        named = [n for n, charge in enumerate(charges) if _has_number_of(charge, credit)]
        alike = [n for n, charge in enumerate(charges) if _is_like(charge, credit)]
        for place in named or alike:
            taken = min(back, left[place])
            left[place] -= taken
            back -= taken
    return [(charge, units) for charge, units in zip(charges, left, strict=True) if units > 0]


def _has_number_of(charge: PostedCharge, credit: PostedCharge) -> bool:
    return bool(credit.number) and charge.number == credit.number and charge.code == credit.code


def _is_like(charge: PostedCharge, credit: PostedCharge) -> bool:
    return (charge.code, charge.day) == (credit.code, credit.day)


# ------------------------------------------------------------------ the reports of a visit

_Report = Mapping[Observed, Observation]


def reports_of(care: Care) -> Iterator[_Report]:
    """The radiation observations of a day, by report; those without a report by their time."""
    reports: dict[str, dict[Observed, Observation]] = {}
    for observation in care.observations:
        if OBSERVED_OF[observation.about] == "radiation":
            group = observation.group or f"@{observation.at or observation.day}"
            reports.setdefault(group, {})[observation.about] = observation
    yield from reports.values()


def session_of(report: _Report, visit: VisitKey) -> Session | None:
    """The session that a report tells; None where it has no fraction."""
    fraction = report.get("fraction")
    if fraction is None:
        return None
    number = _number(fraction)
    at = fraction.at or datetime.combine(fraction.day, time(), UTC)
    technique, motion = _text(report, "technique"), _text(report, "motion_management")
    guidance = _text(report, "image_guidance")
    tail = f"#{number}" if number is not None else f"#{fraction.group}"
    isocentres = _number(report.get("isocentres"))
    return _new_session(
        visit=visit,
        course=_text(report, "course"),
        name=_named(fraction.day, fraction.at) + tail,
        day=fraction.day,
        at=at,
        timed=fraction.at is not None,
        number=number,
        planned=_number(report.get("planned_fractions")),
        technique=cast(BeamTechniqueFact, technique if technique in _TECHNIQUES else "unknown"),
        beam=_BEAMS.get(technique, "external"),
        motion=cast(MotionFact, motion if motion in _MOTIONS else "unknown"),
        isocentres=isocentres if isocentres is not None else 0,
        guidance=cast(GuidanceFact, guidance if guidance in ("yes", "no") else "unknown"),
        ends=_text(report, "course_end") == "yes",
        source=fraction.source,
    )


_BEAMS: Mapping[str, Beam] = {"stereotactic_body": "body", "stereotactic_radiosurgery": "head"}
_TECHNIQUES = frozenset(words_of(BeamTechnique))
_MOTIONS = frozenset(words_of(MotionManagement))


def session_of_charge(posted: CourseCharge, nth: int, visit: VisitKey) -> Session:
    """The session that one unit of a posted delivery stands for, where no report tells it."""
    charge = posted.charge
    return _new_session(
        visit=visit,
        course=posted.course,
        name=f"{_named(charge.day, charge.at)}#{posted.name}.{nth}",
        day=charge.day,
        at=charge.at or datetime.combine(charge.day, time(), UTC),
        timed=charge.at is not None,
        beam=posted.beam,
        posted=charge.code,
        reported=False,
        source=charge.source,
    )


def marks_of(report: _Report, visit: VisitKey) -> Iterator[Mark]:
    """The physicist's check of a report, and the end of the course where the report has no
    fraction.
    """
    course = _text(report, "course")
    check, end = report.get("physics_check"), report.get("course_end")
    if check is not None and check.value == "yes":
        yield _mark("physics", course, check, visit)
    if end is not None and end.value == "yes" and "fraction" not in report:
        yield _mark("end", course, end, visit)


def _mark(what: str, course: str, observation: Observation, visit: VisitKey) -> Mark:
    at = observation.at or datetime.combine(observation.day, time(), UTC)
    return Mark(visit, course, what, day=observation.day, at=at, source=observation.source)


def _named(day: date, at: datetime | None) -> str:
    return day.isoformat() if at is None else f"{at:%Y-%m-%dT%H:%MZ}"


def _text(report: _Report, about: Observed) -> str:
    observation = report.get(about)
    return observation.value.strip() if observation is not None else ""


def _number(observation: Observation | None) -> int | None:
    amount = observation.amount if observation is not None else None
    return int(amount) if amount is not None and amount == int(amount) and amount >= 0 else None


# ------------------------------------------------------------------ the patient's record


def facts_of(told: Told, courses: Iterable[str]) -> tuple[Fact, ...]:
    """What the sessions, marks and services of a visit add to the record of its patient.

    Every session is told, also one that a person struck: another visit must see the same sessions
    to come to the same count.
    """
    named = set(courses)
    sessions = [
        Fact(Slot("fraction", f"{session.course}{APART}{session.name}"), session.at, _kept(session))
        for session in told.sessions
        if session.course in named
    ]
    marks = [
        Fact(_service_slot(mark.course, mark.what, mark.day.isoformat()), mark.at)
        for mark in told.marks
        if mark.course in named
    ]
    services = [
        Fact(
            _service_slot(posted.course, posted.charge.code, posted.name),
            posted.charge.at or datetime.combine(posted.charge.day, time(), UTC),
            str(posted.units),
        )
        for posted in told.charges
        if posted.course in named and posted.kind == "service"
    ]
    return (*sessions, *marks, *services)


def _service_slot(course: str, what: str, apart: str) -> Slot:
    return Slot("course_service", APART.join([course, what, apart]))


def _kept(session: Session) -> str:
    """The session in words, such as `day=2026-03-02 number=7 planned=30 beam=external`."""
    parts = {
        "day": session.day.isoformat(),
        "number": "" if session.number is None else str(session.number),
        "planned": "" if session.planned is None else str(session.planned),
        "beam": session.beam,
        "posted": session.posted,
        "timed": "" if session.timed else "no",
        "ends": "yes" if session.ends else "",
        "reported": "" if session.reported else "no",
        "said": session.said,
    }
    return " ".join([f"{name}={value}" for name, value in parts.items() if value])


def session_in_record(other: Contribution) -> Session:
    """The session that another visit told."""
    course, _apart, name = other.slot.about.partition(APART)
    kept = dict(part.split("=", 1) for part in other.value.split() if "=" in part)
    day = kept.get("day")
    return _new_session(
        visit=other.visit,
        course=course,
        name=name,
        day=date.fromisoformat(day) if day else other.at.date(),
        at=other.at,
        timed=kept.get("timed") != "no",
        number=int(kept["number"]) if "number" in kept else None,
        planned=int(kept["planned"]) if "planned" in kept else None,
        beam=cast(Beam, kept.get("beam", "external")),
        ends=kept.get("ends") == "yes",
        posted=kept.get("posted", ""),
        reported=kept.get("reported") != "no",
        said=cast(SessionSaid, kept.get("said", "")),
    )


class ServiceElsewhere(NamedTuple):
    """A service of planning that another visit has posted for a course."""

    visit: VisitKey
    course: str
    code: str
    name: str
    day: date
    at: datetime
    units: int


_MARKS = ("end", "physics", "documents")


def marks_in_record(others: Sequence[Contribution]) -> list[Mark]:
    """The marks of a course that other visits told."""
    marks = []
    for other in others:
        course, what, apart = [*other.slot.about.split(APART, 2), "", ""][:3]
        if what in _MARKS:
            day = date.fromisoformat(apart)
            marks.append(Mark(other.visit, course, what, day=day, at=other.at))
    return marks


def services_in_record(others: Sequence[Contribution]) -> list[ServiceElsewhere]:
    """The services of planning of a course that other visits told."""
    services = []
    for other in others:
        course, code, name = [*other.slot.about.split(APART, 2), "", ""][:3]
        if code not in _MARKS:
            services.append(
                ServiceElsewhere(
                    visit=other.visit,
                    course=course,
                    code=code,
                    name=name,
                    day=date.fromisoformat(name.partition("#")[0]),
                    at=other.at,
                    units=int(other.value or 1),
                )
            )
    return services
