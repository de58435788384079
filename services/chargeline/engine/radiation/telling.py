"""What a visit tells of radiation courses: its sessions, marks and posted charges, each with its
course.

It owns which course a charge without a number belongs to, and which posted delivery is a session of
its own because no report of the visit tells one on that day. It also looks up what people said of
sessions. It does not count.
"""

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.care import Care, PostedCharge
from chargeline.engine.care_words import AuthorKindFact
from chargeline.engine.course_words import MarkWord, OddCharge, PostedAs, SessionSaid
from chargeline.engine.events import BEGINNING, VisitKey
from chargeline.engine.posted_charges import standing_charges
from chargeline.engine.radiation.appointments import sessions_booked
from chargeline.engine.radiation.asking import SESSION_DOUBTS, session_question
from chargeline.engine.radiation.concerns import POSTED, UNCOUNTED, PostedFacts, UncountedFacts
from chargeline.engine.radiation.posted import with_charges
from chargeline.engine.radiation.reports import (
    marks_apart,
    marks_of,
    reports_of,
    session_of,
    tells_session,
    unread_in,
)
from chargeline.engine.radiation.sessions import (
    CourseCharge,
    Mark,
    Session,
    Told,
    course_on,
    on_clock,
)
from chargeline.engine.radiation.two_reports import each_session_once
from chargeline.engine.rules import DayRules
from chargeline.engine.shapes import by_keyword
from chargeline.engine.words import IS_YES, words_of

_KINDS = frozenset(words_of(PostedAs))
_new_charge = by_keyword(CourseCharge)


def told_by(
    visit: VisitKey, days: Sequence[Care], rules: DayRules, answers: AnswersBeside, *, zone: str
) -> Told:
    """What the whole visit tells on its days, whatever encounter asks, on the clocks of `zone`."""
    reports, in_question = marks_apart([r for care in days for r in reports_of(care)], visit)
    told = [session for report in reports if (session := session_of(report, visit)) is not None]
    reported = each_session_once(told)
    booked = list(sessions_booked(days, reported, visit))
    posted = list(_charges(days, [*reported, *booked], rules))
    placed = with_charges(reported, [charge for charge in posted if not charge.odd], visit)
    sessions = [*placed.sessions, *placed.alone, *booked]
    courses = list(dict.fromkeys([session.course for session in sessions]))
    clocks = ZoneInfo(zone)
    marks = [mark for report in reports for mark in marks_of(report, visit)]
    marks += _documents(days, courses, visit)
    return Told(
        sessions=tuple([_with_word(on_clock(session, clocks), answers) for session in sessions]),
        marks=tuple(marks),
        charges=placed.charges,
        odd=(
            *[charge for charge in posted if charge.odd],
            *[charge._replace(odd="changed") for charge in posted if charge.charge.is_changed],
        ),
        unread=(
            *[value for r in reports if not tells_session(r) for value in unread_in(r)],
            *in_question,
        ),
    )


def _charges(
    days: Sequence[Care], sessions: Sequence[Session], rules: DayRules
) -> Iterator[CourseCharge]:
    """The posted charges that are part of a course; the others are not ours."""
    balance = standing_charges(days)
    posted: list[tuple[PostedCharge, int, OddCharge]] = [
        *[(charge, units, "") for charge, units in balance.standing],
        *[(charge, 0, "quantity") for charge in balance.odd],
        *[(charge, 0, "alone") for charge in balance.alone],
    ]
    for charge, units, odd in posted:
        stands_for = rules.of(POSTED).decide(PostedFacts(charge.code))
        answer = stands_for.answer if stands_for.rule is not None else None
        if answer is None and not _is_uncounted(charge.code, rules):
            continue
        assert answer is None or answer.as_ in _KINDS, "what a charge stands for is a word"
        yield _new_charge(
            course=_course_of(charge, sessions),
            charge=charge,
            kind=answer.as_ if answer is not None else "service",
            beam=answer.beam if answer is not None else "external",
            ended=answer.ended if answer is not None else "no",
            units=units,
            odd=odd or ("unknown" if answer is None else ""),
        )


def _is_uncounted(code: str, rules: DayRules) -> bool:
    """Whether a posted code is one of radiation that no rule counts."""
    number = int(code) if code.isdecimal() else 0
    decision = rules.of(UNCOUNTED).decide(UncountedFacts(code, number, code[:2]))
    return decision.rule is not None and IS_YES[decision.answer.ask]


def _course_of(charge: PostedCharge, sessions: Sequence[Session]) -> str:
    """The course of a charge: as it says, else that of the sessions around it."""
    return charge.course or course_on(charge.day, sessions)


def _documents(days: Sequence[Care], courses: Sequence[str], visit: VisitKey) -> Iterator[Mark]:
    """The notes on radiation that somebody signed in a visit, for each course of it."""
    for care in days:
        for note in care.notes:
            if note.kind == "radiation" and note.state == "signed":
                for course in courses:
                    for what in _NOTED_BY[note.author_kind]:
                        at = note.at or BEGINNING
                        yield Mark(visit, course, what, day=note.day, at=at, source=note.source)


_NOTED_BY: Mapping[AuthorKindFact, tuple[MarkWord, ...]] = {
    "physician": ("documents", "examined"),
    "practitioner": ("documents",),
    "nurse": ("noted",),
    "unknown": ("noted",),
}


def _with_word(session: Session, answers: AnswersBeside) -> Session:
    """The session with what a person said of whether it was delivered."""
    if not answers.by_fingerprint:
        return session
    for code in SESSION_DOUBTS:
        choice = answers.choice(session_question(code, session))
        said: SessionSaid = (
            "confirm" if choice == "confirm" else "not_given" if choice == "not_given" else ""
        )
        if said:
            return session._replace(said=said)
    return session
