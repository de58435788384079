"""What a visit tells of radiation courses: its sessions, marks and posted charges, each with its
course.

It owns which course a charge without a number belongs to, and which posted delivery is a session of
its own because no report of the visit tells one on that day. It also looks up what people said of
sessions. It does not count.
"""

from collections.abc import Iterator, Mapping, Sequence

from chargeline.engine.answers.identity import fingerprint_of
from chargeline.engine.care import Care, Note, PostedCharge
from chargeline.engine.course_words import PostedAs, SessionSaid
from chargeline.engine.events import BEGINNING, VisitKey
from chargeline.engine.radiation.asking import SESSION_DOUBTS, session_question
from chargeline.engine.radiation.concerns import POSTED, PostedFacts
from chargeline.engine.radiation.posted import session_of_charge, standing
from chargeline.engine.radiation.reports import marks_of, reports_of, session_of
from chargeline.engine.radiation.sessions import CourseCharge, Mark, Session, Told
from chargeline.engine.rules import DayRules
from chargeline.engine.words import words_of

_KINDS = frozenset(words_of(PostedAs))


def told_by(
    visit: VisitKey, days: Sequence[Care], rules: DayRules, answered: Mapping[str, str]
) -> Told:
    """What the whole visit tells on its days, whatever encounter asks.

    `answered` is what people chose, by the fingerprint of a question about no administration.
    """
    reports = [report for care in days for report in reports_of(care)]
    reported = [session for report in reports if (session := session_of(report, visit)) is not None]
    charges = _charges(days, reported, rules)
    sessions = [*_with_posted(reported, charges), *_of_charges(charges, reported, visit)]
    courses = list(dict.fromkeys([session.course for session in sessions]))
    marks = [mark for report in reports for mark in marks_of(report, visit)]
    marks += _documents(days, courses, visit)
    return Told(
        tuple([_with_word(session, answered) for session in sessions]),
        tuple(marks),
        tuple(charges),
    )


def _charges(
    days: Sequence[Care], sessions: Sequence[Session], rules: DayRules
) -> list[CourseCharge]:
    """The posted charges that are part of a course; the others are not ours."""
    charges: list[CourseCharge] = []
    for charge, units in standing(days):
        decision = rules.of(POSTED).decide(PostedFacts(charge.code))
        if decision.rule is not None:
            answer = decision.answer
            assert answer.as_ in _KINDS, "what a charge stands for is one of the words"
            charges.append(
                CourseCharge(
                    course=_course_of(charge, sessions),
                    charge=charge,
                    kind=answer.as_,
                    beam=answer.beam,
                    ended=answer.ended,
                    units=units,
                )
            )
    return charges


def _course_of(charge: PostedCharge, sessions: Sequence[Session]) -> str:
    """The course of a charge: as it says, else the one course of its day, else that of the visit.

    "" where there is none, or more than one.
    """
    if charge.course:
        return charge.course
    of_day = {session.course for session in sessions if session.day == charge.day}
    courses = of_day or {session.course for session in sessions}
    return courses.pop() if len(courses) == 1 else ""


def _with_posted(sessions: Sequence[Session], charges: Sequence[CourseCharge]) -> Iterator[Session]:
    """The reported sessions, each with the delivery code that was posted for its day."""
    codes = {
        (posted.course, posted.charge.day): posted.charge.code
        for posted in charges
        if posted.kind == "delivery"
    }
    for session in sessions:
        yield session._replace(posted=codes.get((session.course, session.day), ""))


def _of_charges(
    charges: Sequence[CourseCharge], sessions: Sequence[Session], visit: VisitKey
) -> Iterator[Session]:
    """The sessions that charges alone tell. A charge without a course is none on a day of which any
    session is reported: it is that of one of them.
    """
    days = {(session.course, session.day) for session in sessions}
    days |= {("", session.day) for session in sessions}
    for posted in charges:
        if posted.kind == "delivery" and (posted.course, posted.charge.day) not in days:
            for nth in range(1, posted.units + 1):
                yield session_of_charge(posted, nth, visit)


def _documents(days: Sequence[Care], courses: Sequence[str], visit: VisitKey) -> Iterator[Mark]:
    """The notes on radiation that a practitioner signed in a visit, for each course of it."""
    for care in days:
        for note in care.notes:
            is_signed = note.state == "signed" and note.author_kind == "practitioner"
            if note.kind == "radiation" and is_signed:
                for course in courses:
                    yield _document(note, course, visit)


def _document(note: Note, course: str, visit: VisitKey) -> Mark:
    at = note.at or BEGINNING
    return Mark(visit, course, "documents", day=note.day, at=at, source=note.source)


def _with_word(session: Session, answered: Mapping[str, str]) -> Session:
    """The session with what a person said of whether it was delivered."""
    if not answered:
        return session
    for code in SESSION_DOUBTS:
        choice = answered.get(fingerprint_of(session_question(code, session), {}))
        said: SessionSaid = (
            "confirm" if choice == "confirm" else "not_given" if choice == "not_given" else ""
        )
        if said:
            return session._replace(said=said)
    return session
