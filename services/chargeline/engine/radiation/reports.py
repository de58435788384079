"""The reports of a visit: the sessions and marks that its observations tell.

It owns what makes a session of a report: that it has a fraction, and which values of it nobody can
read. It does not know posted charges.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from chargeline.engine.care import Care, Observation
from chargeline.engine.care_words import OBSERVED_OF, BeamTechnique, MotionManagement, Observed
from chargeline.engine.course_words import (
    Beam,
    BeamTechniqueFact,
    GuidanceFact,
    MarkWord,
    MotionFact,
)
from chargeline.engine.events import VisitKey
from chargeline.engine.finding import excerpt
from chargeline.engine.radiation.sessions import (
    Mark,
    Session,
    UnreadValue,
    instant_of,
    name_of,
    new_session,
)
from chargeline.engine.shapes import by_keyword
from chargeline.engine.words import words_of

_new_unread = by_keyword(UnreadValue)

Report = Mapping[Observed, Observation]
"""The radiation observations of one report."""


def reports_of(care: Care) -> Iterator[Report]:
    """The radiation observations of a day, by report; those without a report by their time.

    Where one report says two things of a fact, each further one makes a report beside the first, so
    that they are compared as two reports of a session are.
    """
    reports: dict[str, dict[Observed, Observation]] = {}
    others: dict[str, list[Observation]] = {}
    for observation in care.observations:
        if OBSERVED_OF[observation.about] == "radiation":
            group = observation.group or f"@{observation.at or observation.day}"
            first = reports.setdefault(group, {}).setdefault(observation.about, observation)
            if observation is not first:
                others.setdefault(group, []).append(observation)
    for group, report in reports.items():
        yield report
        for observation in others.get(group, ()):
            yield {**report, observation.about: observation}


def session_of(report: Report, visit: VisitKey) -> Session | None:
    """The session that a report tells; None where it tells none: it has no fraction, and nothing
    says how a beam was delivered.
    """
    fraction = report.get("fraction") or _delivered(report)
    if fraction is None:
        return None
    number = _number(report.get("fraction"))
    at = instant_of(fraction.day, fraction.at)
    technique, motion = _text(report, "technique"), _text(report, "motion_management")
    guidance = _text(report, "image_guidance")
    isocentres = _number(report.get("isocentres"))
    return new_session(
        visit=visit,
        course=_text(report, "course"),
        name=name_of(fraction.day, fraction.at, fraction.group if number is None else str(number)),
        day=fraction.day,
        at=at,
        timed=fraction.at is not None,
        number=number,
        planned=_number(report.get("planned_fractions")),
        technique=cast(BeamTechniqueFact, technique if technique in _TECHNIQUES else "unknown"),
        beam=BEAMS.get(technique, "external"),
        motion=cast(MotionFact, motion if motion in _MOTIONS else "unknown"),
        isocentres=isocentres if isocentres is not None else 0,
        guidance=cast(GuidanceFact, guidance if guidance in _YES_NO else "unknown"),
        ends=_text(report, "course_end") == "yes",
        unread=tuple(unread_in(report)),
        source=fraction.source,
    )


def tells_session(report: Report) -> bool:
    """Whether a report tells a session: its fraction, or how a beam was delivered."""
    return "fraction" in report or _delivered(report) is not None


def _delivered(report: Report) -> Observation | None:
    """The first observation of a report that says how a beam was delivered."""
    return next((report[about] for about in _OF_DELIVERY if about in report), None)


_OF_DELIVERY: tuple[Observed, ...] = (
    "technique",
    "motion_management",
    "isocentres",
    "image_guidance",
)
BEAMS: Mapping[str, Beam] = {
    "stereotactic_body": "body",
    "stereotactic_radiosurgery": "head",
    "surface": "surface",
}
_TECHNIQUES = frozenset(words_of(BeamTechnique))
_MOTIONS = frozenset(words_of(MotionManagement))


_YES_NO = frozenset({"yes", "no"})
_WORDS: Mapping[Observed, frozenset[str]] = {
    "technique": _TECHNIQUES,
    "motion_management": _MOTIONS,
    "image_guidance": _YES_NO,
    "course_end": _YES_NO,
    "physics_check": _YES_NO,
}
_A_NUMBER = "a whole number above zero"
_NUMBERS: frozenset[Observed] = frozenset({"planned_fractions", "fraction", "isocentres"})


def unread_in(report: Report) -> Iterator[UnreadValue]:
    """The values of a report that are no word of ours, or no whole number above zero, and the
    number of the fraction where a report tells of a delivery without it.

    An empty value says nothing else, and nobody need read it.
    """
    for about, observation in report.items():
        text = observation.value.strip()
        is_word = text in _WORDS.get(about, (text,))
        is_number = about not in _NUMBERS or bool(_number(observation))
        if text and not (is_word and is_number):
            expected = _A_NUMBER
            if about in _WORDS:
                expected = f"one of {', '.join(sorted(_WORDS[about]))}"
            yield _new_unread(
                course=_text(report, "course"),
                day=observation.day,
                about=about,
                expected=expected,
                found=excerpt(text),
                table="values" if about in _WORDS else "numbers",
                source=observation.source,
            )
    delivered = _delivered(report)
    if delivered is not None and "fraction" not in report:
        yield _new_unread(
            course=_text(report, "course"),
            day=delivered.day,
            about="fraction",
            expected=_A_NUMBER,
            found="",
            table="numbers",
            source=delivered.source,
        )


def marks_of(report: Report, visit: VisitKey) -> Iterator[Mark]:
    """The physicist's check of a report, and the end of the course where it tells no session."""
    course = _text(report, "course")
    check, end = report.get("physics_check"), report.get("course_end")
    if check is not None and _text(report, "physics_check") == "yes":
        yield _mark("physics", course, check, visit)
    if end is not None and _text(report, "course_end") == "yes" and not tells_session(report):
        yield _mark("end", course, end, visit)


class MarksApart(NamedTuple):
    """Reports without the marks of which reports of one session say both yes and no, and these."""

    reports: list[Report]
    in_question: list[UnreadValue]


def marks_apart(reports: Sequence[Report], visit: VisitKey) -> MarksApart:
    """Part what nobody contradicts from the ends of courses and the checks that somebody does."""
    in_question: list[UnreadValue] = []
    for about, what in _MARKS.items():
        told: dict[tuple[str, ...], list[int]] = {}
        for place, report in enumerate(reports):
            if about in report:
                told.setdefault(_whose(report, visit), []).append(place)
        for places in told.values():
            words = {_text(reports[place], about): reports[place] for place in places}
            if words.keys() >= _YES_NO:
                says_yes = words["yes"]
                course, seen = _text(says_yes, "course"), says_yes[about]
                in_question.append(
                    _new_unread(
                        course=course,
                        day=seen.day,
                        about=about,
                        expected="one value in all reports of a session",
                        found="no and yes",
                        table="",
                        source=seen.source,
                        said=("no", "yes"),
                        mark=_mark(what, course, seen, visit),
                    )
                )
                reports = [
                    {name: seen for name, seen in report.items() if name != about}
                    if place in places
                    else report
                    for place, report in enumerate(reports)
                ]
    return MarksApart([*reports], in_question)


def _whose(report: Report, visit: VisitKey) -> tuple[str, ...]:
    """The session that a report tells, else the report itself."""
    session = session_of(report, visit)
    if session is not None:
        return ("session", session.course, session.name)
    first = next(iter(report.values()))
    return ("report", first.group or f"{first.at or first.day}")


_MARKS: Mapping[Observed, MarkWord] = {"physics_check": "physics", "course_end": "end"}


def _mark(what: MarkWord, course: str, observation: Observation, visit: VisitKey) -> Mark:
    at = instant_of(observation.day, observation.at)
    return Mark(visit, course, what, day=observation.day, at=at, source=observation.source)


def _text(report: Report, about: Observed) -> str:
    observation = report.get(about)
    return observation.value.strip() if observation is not None else ""


def _number(observation: Observation | None) -> int | None:
    amount = observation.amount if observation is not None else None
    return int(amount) if amount is not None and amount == int(amount) and amount >= 0 else None
