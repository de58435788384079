"""Sittings: what is delivered without a distinct break is one session, whatever its courses.

It owns which session of one course lies in the sitting of another one, and what a person said of
two such courses. It writes no line.

One sequence, worked through. Course C1 has thirty fractions at 10:00, and from the sixth day on
course C2 has ten at 10:10. The ten are guests in the sittings of C1: they have no delivery of their
own, and both courses are one series of thirty sittings, so six units of management. A person who is
asked says that there was a distinct break. Then each course is a series by itself, of thirty
sessions and of ten, with six units and two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.course_words import SittingSaid
from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.asking import sitting_question
from chargeline.engine.radiation.chosen import with_choices
from chargeline.engine.radiation.concerns import BREAK, SITTING, SittingAnswer, SittingFacts
from chargeline.engine.radiation.course import Course, course_of
from chargeline.engine.radiation.following import Follows, followed_in, questions_of
from chargeline.engine.radiation.parts import Parts, parts_of
from chargeline.engine.radiation.remembered import recorded_in
from chargeline.engine.radiation.series import Series
from chargeline.engine.radiation.sessions import (
    Session,
    SessionKey,
    Told,
    is_apart,
    key_of,
    order_of,
)
from chargeline.engine.record import History
from chargeline.engine.rules import NO_FACTS, DayRules, Decision
from chargeline.engine.shapes import by_keyword
from chargeline.engine.trace import Question

Pair = frozenset[str]
"""The names of two courses."""

# What a choice of a person says of two courses; `by_hand` says nothing of them.
_SAID: Mapping[str, SittingSaid] = {
    "confirm": "one_session",
    "two_isocentres": "two_isocentres",
    "two_sessions": "two_sessions",
}


class Shared(NamedTuple):
    """A session of one course in the sitting of another one, whose session came first."""

    host: Session
    guest: Session
    decision: Decision[SittingAnswer]

    @property
    def pair(self) -> Pair:
        """The two courses."""
        return frozenset({self.host.course, self.guest.course})

    @property
    def is_one_session(self) -> bool:
        """Whether both are one session."""
        return self.decision.answer.as_ == "one_session"


class SaidOfPair(NamedTuple):
    """What a person said in this visit of two courses, at the session that was asked about."""

    session: Session
    other: str
    said: SittingSaid


class Treatment(NamedTuple):
    """All radiation of the patient, as far as this visit and the record tell it.

    `series` is that of each course by its name. `shared` has the guests, by their key. `open` are
    the questions of this visit about two courses, each with the session that it is about, and
    `said` what a person answered to them here. `follows` are the courses that began soon after
    another one. `two_isocentres` are the pairs that have them.
    `told` is what this visit tells, each with the name of its course, and `as_numbered` the same
    under the numbers that messages give to courses; `parts` says which courses have one number.
    """

    told: Told
    as_numbered: Told
    parts: Parts
    courses: Mapping[str, Course]
    series: Mapping[str, Series]
    shared: Mapping[SessionKey, Shared]
    open: Mapping[Pair, tuple[Session, Question]]
    said: tuple[SaidOfPair, ...]
    follows: tuple[Follows, ...]
    two_isocentres: frozenset[Pair]

    def again(self, names: Iterable[str]) -> tuple[Question, ...]:
        """The questions whether some courses are others than those before under their numbers."""
        parts = [part for name in sorted(names) if (part := self.parts.part(name)) is not None]
        return tuple([part.question for part in parts if part.question is not None])

    def after(self, names: Iterable[str]) -> tuple[Question, ...]:
        """The questions whether others than some courses followed under their numbers."""
        asked = [self.parts.after(name) for name in sorted(names)]
        return tuple([question for question in asked if question is not None])

    def whether_one(self, names: Iterable[str]) -> tuple[Question, ...]:
        """The questions whether some courses are one with those that ended just before."""
        return questions_of([entry for entry in self.follows if entry.after in names])

    def whether_it_goes_on(self, names: Iterable[str]) -> tuple[Question, ...]:
        """The questions whether some courses go on under other numbers, so that nothing is left."""
        return questions_of([entry for entry in self.follows if entry.before in names])

    def host_of(self, session: Session) -> Shared | None:
        """In which sitting of another course a session lies; None where it is one by itself."""
        shared = self.shared.get(key_of(session))
        return shared if shared is not None and shared.is_one_session else None

    def around(self, session: Session) -> list[Shared]:
        """Everything that shares a sitting with a session."""
        key = key_of(session)
        return [s for s in self.shared.values() if key in (key_of(s.host), key_of(s.guest))]

    def guests_of(self, session: Session) -> list[Session]:
        """The sessions of other courses in the sitting of a session."""
        key = key_of(session)
        return [s.guest for s in self.around(session) if s.is_one_session and key_of(s.host) == key]

    def asked_of_pairs(self, sessions: Sequence[Session]) -> tuple[Question, ...]:
        """What anybody is asked about two courses of some sittings, under whatever visit."""
        beside = {s.pair: s for session in sessions for s in self.around(session)}
        return tuple([sitting_question(s.guest, s.host.course) for s in beside.values()])

    def questions_of(self, sessions: Sequence[Session]) -> tuple[Question, ...]:
        """The open questions about two courses on which some sessions rest."""
        pairs = dict.fromkeys([s.pair for session in sessions for s in self.around(session)])
        return tuple([self.open[pair][1] for pair in pairs if pair in self.open])


_new_treatment = by_keyword(Treatment)


def treatment_of(
    visit: VisitKey, told: Told, across: History, rules: DayRules, answers: AnswersBeside
) -> Treatment:
    """The courses of a patient, with the sittings that they share.

    `across` is what other visits contributed, and `answers` what people answered to questions about
    no administration.
    """
    minutes = rules.of(BREAK).decide(NO_FACTS).answer.minutes
    recorded = recorded_in(across)
    parts = parts_of(told, recorded, rules, answers)
    as_numbered = with_choices(told, parts, answers)
    told, recorded = parts.in_told(as_numbered), parts.in_record(recorded)
    names = dict.fromkeys([*told.courses, *recorded.courses])
    courses = {
        name: course_of(
            name, told, recorded, parts.part(name), break_minutes=minutes, answers=answers
        )
        for name in names
    }
    least_break = timedelta(minutes=minutes)
    words: dict[Pair, SittingSaid] = {}
    for word in recorded.sittings:
        words.setdefault(frozenset({word.course, word.other}), word.said)
    shared = list(_shared(courses, least_break, rules, words))
    asked = dict(_asked(visit, shared, words))
    said = tuple(_answers(asked, answers))
    if said:
        words |= {frozenset({word.session.course, word.other}): word.said for word in said}
        shared = list(_shared(courses, least_break, rules, words))
        asked = dict(_asked(visit, shared, words))
    guests = [(entry.host, entry.guest) for entry in shared if entry.is_one_session]
    followed = followed_in(courses, guests, parts, rules, answers=answers)
    return _new_treatment(
        told=told,
        as_numbered=as_numbered,
        parts=parts,
        courses=courses,
        series=followed.series,
        shared={key_of(entry.guest): entry for entry in shared},
        open=asked,
        said=said,
        follows=followed.follows,
        two_isocentres=frozenset([p for p, word in words.items() if word == "two_isocentres"]),
    )


def _shared(
    courses: Mapping[str, Course],
    least_break: timedelta,
    rules: DayRules,
    words: Mapping[Pair, SittingSaid],
) -> Iterator[Shared]:
    """The sessions that lie in a sitting of another course, in order."""
    counted = [session for course in courses.values() for session in course.counted]
    hosts: list[Session] = []
    for session in sorted(counted, key=order_of):
        beside = [
            Shared(host, session, _decided(host, session, rules))
            for host in reversed(hosts)
            if host.course != session.course
            and words.get(frozenset({host.course, session.course})) != "two_sessions"
            and not is_apart(host, session, least_break)
        ]
        nearest = next((entry for entry in beside if entry.is_one_session), None)
        if nearest is None:
            hosts = [host for host in hosts if host.day == session.day]
            hosts.append(session)
        yield from [nearest] if nearest is not None else beside[:1]


def _decided(host: Session, guest: Session, rules: DayRules) -> Decision[SittingAnswer]:
    decision = rules.of(SITTING).decide(
        SittingFacts(guest.beam, "yes" if host.beam == guest.beam else "no")
    )
    assert decision.answer.as_ in ("one_session", "own_sessions"), "one session, or one each"
    return decision


def _asked(
    visit: VisitKey, shared: Sequence[Shared], words: Mapping[Pair, SittingSaid]
) -> Iterator[tuple[Pair, tuple[Session, Question]]]:
    """The question of a visit about each pair of courses, at its first session in such a sitting.

    What somebody said in another visit holds for the pair, and nobody is asked again.
    """
    asked: set[Pair] = set()
    for entry in shared:
        own = [session for session in (entry.guest, entry.host) if session.visit == visit]
        if own and entry.pair not in asked and entry.pair not in words:
            asked.add(entry.pair)
            (other,) = entry.pair - {own[0].course}
            yield entry.pair, (own[0], sitting_question(own[0], other))


def _answers(
    asked: Mapping[Pair, tuple[Session, Question]], answers: AnswersBeside
) -> Iterator[SaidOfPair]:
    for pair, (session, question) in asked.items():
        said = _SAID.get(answers.choice(question) or "")
        if said is not None:
            (other,) = pair - {session.course}
            yield SaidOfPair(session, other, said)
