"""Several reports of one session: what they tell together, and where they contradict each other.

It owns the rule that no report replaces another by its number (OBR-3). A report that only adds,
such as the movement of the target after the technique, loses nothing of the other. Where two say
different things, the session has neither, and a person is asked which one is right.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargeline.engine.care_words import Observed
from chargeline.engine.radiation.reports import BEAMS
from chargeline.engine.radiation.sessions import Session, UnreadValue
from chargeline.engine.shapes import by_keyword

_new_unread = by_keyword(UnreadValue)
_COMPARED: Final[Mapping[Observed, str]] = {
    "technique": "technique",
    "motion_management": "motion",
    "isocentres": "isocentres",
    "image_guidance": "guidance",
    "planned_fractions": "planned",
}
"""The facts that reports of a session may tell, with the field of a session that has each."""
_SAYS_NOTHING: Final[Mapping[str, Any]] = Session._field_defaults


def each_session_once(sessions: Sequence[Session]) -> list[Session]:
    """The reported sessions of a visit, each once; those of one course, minute and number are one.

    The order of the reports makes no difference to what the session says.
    """
    once: dict[tuple[str, str], list[Session]] = {}
    for session in sessions:
        once.setdefault((session.course, session.name), []).append(session)
    return [_of_reports(reports) for reports in once.values()]


def _of_reports(reports: Sequence[Session]) -> Session:
    first = reports[0]
    if len(reports) == 1:
        return first
    values = {field: _said(reports, field) for field in _COMPARED.values()}
    agreed = {
        field: said[0] if len(said) == 1 else _SAYS_NOTHING[field] for field, said in values.items()
    }
    unread = dict.fromkeys([value for session in reports for value in session.unread])
    beams = {session.beam for session in reports if session.technique != "unknown"}
    return first._replace(
        **agreed,
        beam=beams.pop() if len(beams) == 1 else "external",
        ends=any(session.ends for session in reports),
        unread=(*unread, *_contradictions(first, values)),
    )


def _said(reports: Sequence[Session], field: str) -> list[Any]:
    """The different values that reports give to a field, without those that say nothing."""
    told = {getattr(session, field) for session in reports}
    return sorted(told - {_SAYS_NOTHING[field]})


def _contradictions(session: Session, values: Mapping[str, Sequence[Any]]) -> Iterator[UnreadValue]:
    """What a person is asked of: each fact of which the reports say different things."""
    assert session.source is not None, "a report of this visit has a place"
    for about, field in _COMPARED.items():
        if len(values[field]) > 1:
            yield _new_unread(
                course=session.course,
                day=session.day,
                about=about,
                expected="one value in all reports of a session",
                found=" and ".join([str(value) for value in values[field]]),
                table="",
                source=session.source,
                said=tuple([str(value) for value in values[field]]),
            )


def with_value(session: Session, about: Observed, value: str) -> Session:
    """The session with one of the values that its reports say of a fact."""
    number: Mapping[str, Any] = {_COMPARED[about]: int(value) if about in _NUMBERS else value}
    if about == "technique":
        number = {**number, "beam": BEAMS.get(value, "external")}
    return session._replace(**number)


_NUMBERS: Final[frozenset[Observed]] = frozenset({"isocentres", "planned_fractions"})
