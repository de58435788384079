"""Series: the sittings by which management is counted, of one course or of several together.

It owns which courses are counted together, the order of their sittings, and at which of them all
have ended. It is told which sessions share a sitting and which courses are one; it decides neither.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from chargeline.engine.course_words import Beam
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.sessions import Mark, Session, SessionKey, key_of, order_of
from chargeline.engine.shapes import by_keyword


class Series(NamedTuple):
    """Courses that are counted together, or one course by itself: its sittings in order.

    Of each sitting `sittings` has the session that came first. `ends` are the places, from 1 on,
    at which all the courses that had begun have ended. `marks` are those of all its courses.
    `fractions` says how many there are of each beam, as delivered or as planned.
    """

    names: frozenset[str]
    sittings: tuple[Session, ...]
    ends: frozenset[int]
    marks: tuple[Mark, ...]
    fractions: Mapping[Beam, int]

    @property
    def beams(self) -> tuple[Beam, ...]:
        """The different beams of its sittings."""
        return tuple(sorted({session.beam for session in self.sittings}))

    def of_beam(self, beam: Beam) -> list[Session]:
        """The sittings of one beam, in order."""
        return [session for session in self.sittings if session.beam == beam]

    @property
    def has_ended(self) -> bool:
        """Whether the last sitting ended it."""
        return len(self.sittings) in self.ends


_new_series = by_keyword(Series)


def series_of(
    courses: Mapping[str, Course],
    guests: Collection[tuple[Session, Session]],
    one_course: Collection[tuple[str, str]] = (),
) -> dict[str, Series]:
    """The series of each course, by its name.

    `guests` are sessions in the sitting of another course, each as host and guest. `one_course` are
    courses that are one, each as the earlier and the later name: the earlier one does not end
    before the later one.
    """
    together: dict[str, frozenset[str]] = {name: frozenset({name}) for name in courses}
    hosts = {key_of(guest): host for host, guest in guests}
    pairs = [(host.course, guest.course) for host, guest in guests]
    for first, second in (*pairs, *one_course):
        names = together[first] | together[second]
        together |= dict.fromkeys(names, names)
    later = frozenset([second for _first, second in one_course])
    series = {names: _one_series(names, courses, hosts, later) for names in {*together.values()}}
    return {name: series[names] for name, names in together.items()}


def _one_series(
    names: frozenset[str],
    courses: Mapping[str, Course],
    hosts: Mapping[SessionKey, Session],
    later: frozenset[str],
) -> Series:
    ordered = sorted([s for name in names for s in courses[name].counted], key=order_of)
    sittings = [session for session in ordered if key_of(session) not in hosts]
    present: dict[SessionKey, list[str]] = {}
    for session in ordered:
        present.setdefault(key_of(hosts.get(key_of(session), session)), []).append(session.course)
    places = dict.fromkeys(sorted(names), 0)
    ends: set[int] = set()
    for place, sitting in enumerate(sittings, 1):
        for name in present[key_of(sitting)]:
            places[name] += 1
        if all(_is_over(done, courses[name], later) for name, done in places.items()):
            ends.add(place)
    marks = sorted(
        [mark for name in names for mark in courses[name].marks],
        key=lambda mark: (mark.day, mark.at, mark.visit, mark.course),
    )
    of_beams = [session.beam for session in sittings]
    fractions = {
        beam: max(of_beams.count(beam), *[courses[name].fractions_of(beam) for name in names])
        for beam in of_beams
    }
    return _new_series(
        names=names,
        sittings=tuple(sittings),
        ends=frozenset(ends),
        marks=tuple(marks),
        fractions=fractions,
    )


def _is_over(done: int, course: Course, later: frozenset[str]) -> bool:
    """Whether a course has ended after so many of its sessions, or has not begun and is none that
    goes on with another one.
    """
    return done in course.ends if done else course.name not in later
