"""What is asked about sessions, courses and posted charges, in words that say who can settle it.

It owns the wording. A question whether a session was delivered rests on that session alone, so that
what a person answers holds whatever other visits tell.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Final

from chargeline.engine.care_words import Observed
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.radiation.sessions import CourseCharge, Session, UnreadValue
from chargeline.engine.stays import OUTSIDE_IN_WORDS
from chargeline.engine.trace import Question, ask
from chargeline.engine.words import Outside

SESSION_DOUBTS: Final[tuple[FindingCode, ...]] = (
    "radiation.no_fraction",
    "radiation.number_twice",
    "radiation.break",
    "radiation.appointment",
    "radiation.no_report",
    "radiation.not_kept",
)
"""The questions whether a session was delivered, and counts."""

OF_A_COURSE: Final[frozenset[str]] = frozenset(
    {
        "radiation.beyond_plan",
        "radiation.code_ended",
        "radiation.contradicts",
        "radiation.delivery",
        "radiation.differs",
        "radiation.examination",
        "radiation.follows",
        "radiation.level_three",
        "radiation.missing",
        "radiation.no_charge",
        "radiation.no_course",
        "radiation.number_twice",
        "radiation.one_sitting",
        "radiation.resumed",
        "radiation.too_many",
        "radiation.two_courses",
        "radiation.unfinished",
        "radiation.unknown_code",
        "radiation.value",
    }
)
"""The questions that many sessions of a course have in common: an answer holds for all of them,
whatever visit of the patient it was given under.
"""

_EXPECTED = {
    "radiation.appointment": "each booked session before one that was delivered as completed, "
    "reported, posted, cancelled or missed",
    "radiation.no_report": "a report of each completed session of a course whose others are "
    "reported",
    "radiation.not_kept": "no session where its appointment was cancelled or missed",
    "radiation.outside_visit": "each session of a visit between its admission and its discharge",
    "radiation.no_fraction": "a report of the session for each posted delivery of the course",
    "radiation.number_twice": "each number of a fraction once in a course",
    "radiation.break": "a distinct break before a further session of the day",
    "radiation.one_sitting": "two courses of one patient in sessions with a distinct break between "
    "them",
    "radiation.no_charge": "a posted delivery for each session of a course whose others are posted",
    "radiation.missing": "a report of each fraction of the course before this one",
    "radiation.examination": "a signed note of the physician's examination, face to face, on "
    "a day of the sessions of each unit of management",
    "radiation.beyond_plan": "no more fractions than are planned",
    "radiation.two_courses": "one plan and one kind of beam under one number of a course",
    "radiation.no_course": "the number of the course of each session",
    "radiation.too_many": "no more fractions in a course than its kind of treatment has",
    "radiation.delivery": "how the session was delivered: technique, or a level that was posted",
    "radiation.level_three": "a signed note that documents the third level",
    "radiation.unfinished": "as many fractions as are planned before a stereotactic course ends",
}
_DO = {
    "radiation.appointment": "the therapist says whether the session was delivered; complete or "
    "cancel the appointment in the schedule",
    "radiation.no_report": "the therapist says whether the session was delivered, and sends its "
    "report; else correct the status of the appointment",
    "radiation.not_kept": "the therapist says whether the session was delivered; correct the "
    "appointment, or take back the report or the charge",
    "radiation.outside_visit": "the therapist says on which day the session was delivered, and "
    "registration for which visit: send it again with the right day or number, or correct the "
    "admission or discharge; its line and the units that count it stand till then, and are not "
    "firm",
    "radiation.no_fraction": "the therapist says whether the session was delivered, and sends its "
    "report; else take back the charge",
    "radiation.number_twice": "the therapist says whether both were delivered; correct the number "
    "in the record-and-verify system",
    "radiation.break": "the therapist says whether there was a distinct break; send the times of "
    "both sessions",
    "radiation.one_sitting": "the therapist says whether it was one sitting with one isocentre or "
    "with two, or two sessions apart; then one delivery is billed, of the third level where there "
    "were two isocentres, or two deliveries",
    "radiation.no_charge": "charge entry posts the delivery, or says that it is right without",
    "radiation.missing": "the therapist looks in the record-and-verify system what happened to the "
    "fractions that are not here, and sends their reports again, or says that they were not "
    "delivered, or elsewhere; until then they count for nothing, and the rest of a course is not "
    "billed",
    "radiation.examination": "the physician says whether the patient was examined on one of these "
    "days, and signs the note; else no management is billed for these sessions",
    "radiation.beyond_plan": "the physician says whether the plan was prolonged; send the new "
    "number of planned fractions, or the therapist says that no more were delivered",
    "radiation.two_courses": "the dosimetrist says whether these are two courses; give each its "
    "own number in the record-and-verify system",
    "radiation.no_course": "have the record-and-verify system send the number of the course",
    "radiation.too_many": "the physician says whether this is another kind of treatment, or two "
    "courses; send the technique or the numbers that are right; till then none of its lines is "
    "firm",
    "radiation.delivery": "the therapist says the technique; send it, or bill the session by hand",
    "radiation.level_three": "the physician signs a note with any of these: why the movement had "
    "to be managed, the system, the thresholds by which it was followed, that it was watched all "
    "the while with an alert, the rule for beam on and off; else bill the second level by hand",
    "radiation.unfinished": "the physician says why it ended; sources differ on whether its "
    "management is reported",
}


def drug_of(course: str) -> str:
    """What a line or a question is about, as pages show it in place of a drug."""
    return f"course {course}" if course else "radiation"


def session_question(code: FindingCode, session: Session, more: str = "") -> Question:
    """A question about one session."""
    number = f"fraction {session.number}" if session.number is not None else "a session"
    if session.booking:
        number = f"an appointment ({session.booking})"
    elif not session.reported:
        number = f"a posted {session.posted}"
    time = session.clock or (f"{session.at:%H:%M} UTC" if session.timed else "no time")
    return ask(
        code,
        expected=_EXPECTED[code],
        found=f"{number} on {session.day.isoformat()} ({time}){more and '; '}{more}",
        do=_DO[code],
        drug=drug_of(session.course),
        sources=(session.source,) if session.source is not None else (),
    )


def course_question(code: FindingCode, session: Session, cause: str, more: str = "") -> Question:
    """A question that the sessions of a course have in common, asked about one of them.

    `cause` tells it from other questions of the code about the course.
    """
    whole = f"{drug_of(session.course)}; {cause}"
    return session_question(code, session, more)._replace(cause=whole)


def second_series_question(session: Session) -> Question:
    """A question about a session that has the number of another one, in a course of which each
    number may come twice: it is told on one day with the other, or was delivered otherwise.

    So two courses at once under one number are asked about once.
    """
    planned = "no plan" if session.planned is None else f"{session.planned} planned"
    more = f"{session.technique} technique, {planned}; so with the numbers that follow"
    return course_question("radiation.number_twice", session, f"a second series: {more}", more)


def doubt_question(code: FindingCode, session: Session, *, is_of_series: bool) -> Question:
    """The question of a doubted session, one for all where it is of a second series."""
    return second_series_question(session) if is_of_series else session_question(code, session)


def beyond_question(session: Session, place: int) -> Question | None:
    """A question about a session that is the one of a place in its course, beyond its plan; None
    where it is not beyond.
    """
    if session.planned is None or place <= session.planned:
        return None
    cause, more = f"more than {session.planned}", f"{place} of {session.planned}"
    return course_question("radiation.beyond_plan", session, cause, more)


def no_course_question(session: Session) -> Question:
    """A question about a session without the number of its course."""
    return course_question("radiation.no_course", session, "no number")


def no_charge_question(missing: Sequence[Session], sessions: int) -> Question:
    """A question about those of so many sessions of a course for which no delivery is posted."""
    days = ", ".join(dict.fromkeys([session.day.isoformat() for session in missing]))
    question = course_question(
        "radiation.no_charge", missing[0], f"{len(missing)} deliveries not posted"
    )
    found = f"none for {len(missing)} of {sessions} sessions, on {days}"
    return question._replace(finding=question.finding._replace(found=found))


def examination_question(sessions: Sequence[Session], more: str = "") -> Question:
    """A question about the examination among the sessions of a unit of management.

    It is the same whoever else wrote a note, and under whatever visit it is asked.
    """
    first, last = sessions[0], sessions[-1]
    cause = f"examined from {first.day.isoformat()} to {last.name}"
    return course_question("radiation.examination", last, cause, more)


def resumed_question(last: Session, session: Session) -> Question:
    """A question about a number of a course that comes again with a session."""
    days = (session.day - last.day).days
    number = f"fraction {session.number}" if session.number is not None else "a session"
    return ask(
        "radiation.resumed",
        expected="a number of its own for each course of a patient",
        found=f"{number} on {session.day.isoformat()}, {days} days after the last session of the "
        f"same number on {last.day.isoformat()}",
        do="the dosimetrist says whether the course was resumed or another one began under its "
        "number; till then the sessions from that day on are counted by themselves, and none of "
        "their lines is firm",
        drug=drug_of(session.course),
        sources=(session.source,) if session.source is not None else (),
        cause=f"{drug_of(session.course)} from {last.day.isoformat()} to {session.day.isoformat()}",
    )


def follows_question(last: Session, first: Session) -> Question:
    """A question about a course that begins with a session, after the last one of another course.

    It has one cause, under whatever visit it is asked.
    """
    before, after = drug_of(last.course), drug_of(first.course)
    return ask(
        "radiation.follows",
        expected="one number for all of a course, a boost too",
        found=f"the first session of {after} on {first.day.isoformat()}, and the last one of "
        f"{before} on {last.day.isoformat()}",
        do="the dosimetrist says whether both are one course, whose management is counted over all "
        "of its sessions, or two; till then each is counted by itself, and what differs is not "
        "firm",
        drug=after,
        sources=(first.source,) if first.source is not None else (),
        cause=f"{after} after {before}",
    )


def outside_question(session: Session, side: Outside) -> Question:
    """A question about a session that lies outside its visit."""
    return session_question("radiation.outside_visit", session, OUTSIDE_IN_WORDS[side])


def outside_questions(sessions: Iterable[Session]) -> tuple[Question, ...]:
    """The questions about those of some sessions that lie outside their visits."""
    return tuple([outside_question(s, s.outside) for s in sessions if s.outside])


def unfinished_question(session: Session, sessions: int) -> Question:
    """A question about a stereotactic course that ended with a session before its plan."""
    more = f"{sessions} of {session.planned}"
    return course_question("radiation.unfinished", session, f"ended after {more}", more)


def gap_question(session: Session, numbers: str) -> Question:
    """A question about the fractions before a session that are not here.

    It names no message, because it is about messages that are missing.
    """
    more = f"not here: {numbers}"
    cause = f"{session.name}, {numbers}"
    return course_question("radiation.missing", session._replace(source=None), cause, more)


_DO_VALUE = (
    "add it to [{table}] of the interface profile, or have the sender write what is expected; the "
    "therapist says what was meant"
)
_DO_TWICE = (
    "the therapist says which of the values is right, which then holds for all sessions of the "
    "course of which both are said; have the other report corrected or deleted"
)
_DO_WITHOUT = (
    "the therapist says whether the session was delivered; have the record-and-verify system send "
    "the number of the fraction"
)


def value_question(value: UnreadValue) -> Question:
    """A question about a value that nobody can read, or which of several is right.

    The finding names its place.
    """
    shown, do = repr(value.found), _DO_VALUE.format(table=value.table)
    if value.said:
        do = _DO_TWICE
    elif not value.found:
        shown, do = "nothing", _DO_WITHOUT
    return ask(
        "radiation.contradicts" if value.said else "radiation.value",
        expected=f"{value.expected} for {value.about}",
        found=f"{shown} on {value.day.isoformat()}",
        do=do,
        drug=drug_of(value.course),
        sources=(value.source,),
        cause=f"{drug_of(value.course)}; {value.about} {shown}",
    )._replace(values=value.said)


def number_questions(sessions: Iterable[Session]) -> tuple[Question, ...]:
    """The questions about those of some sessions whose number of the fraction nobody can read."""
    unread = [value for session in sessions for value in session.unread]
    return tuple([value_question(value) for value in unread if value.about == "fraction"])


def mark_questions(
    unread: Iterable[UnreadValue], about: Observed, courses: Collection[str], until: date
) -> tuple[Question, ...]:
    """The questions whether some courses have a mark, such as their end, on a day or before."""
    return tuple(
        [
            value_question(value)
            for value in unread
            if value.mark is not None
            and value.about == about
            and value.course in courses
            and value.day <= until
        ]
    )


def sitting_question(session: Session, other: str) -> Question:
    """A question about the first session of a visit that lies in a sitting of another course.

    It says nothing of how many sittings they share, so that an answer holds for the next ones too,
    and has one cause whichever of the two is asked about.
    """
    first, second = sorted([session.course, other])
    more = f"without a distinct break beside {drug_of(other)}; their sittings are one session each"
    cause = f"{drug_of(first)} and {drug_of(second)} in one sitting"
    return session_question("radiation.one_sitting", session, more)._replace(cause=cause)


def charge_question(
    code: FindingCode,
    posted: CourseCharge,
    *,
    expected: str,
    found: str,
    do: str,
    cause: str = "",
) -> Question:
    """A question about one posted charge; with a `cause`, about all charges of the course that have
    it.
    """
    return ask(
        code,
        expected=expected,
        found=found,
        do=do,
        drug=drug_of(posted.course),
        sources=(posted.charge.source,),
        cause=f"{drug_of(posted.course)}; {cause}" if cause else "",
    )
