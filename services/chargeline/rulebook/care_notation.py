"""The short notation for what was said beside the pharmacy, and for the patient's other visits.

This module owns the notation of a case's `care` and `record`, and knows no rules. Beside the
pharmacy a case may say `visit_minutes 39`, `risk high d2`, `note visit practitioner signed 10:10`
or `posted 99213-25 x1 by=D1`; sessions of a radiation course are written as session_notation says,
their appointments as appointment_notation says, authorizations and orders as authorization_notation
says. What another visit adds to the patient's
record is its kind, what it is about, its time and perhaps a value: `initial_service 2026-03-02
2026-03-02T08:00`. A text that cannot be read raises a ValueError that quotes the text and says what
was expected.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, cast

from chargeline.engine import (
    Contribution,
    Event,
    MessageRef,
    Note,
    Observation,
    PostedCharge,
    Reading,
    Slot,
    VisitKey,
    care_words,
    words,
)
from chargeline.rulebook.appointment_notation import APPOINTMENTS, appointments_of
from chargeline.rulebook.authorization_notation import authorization_of, order_of
from chargeline.rulebook.session_notation import SESSIONS, sessions_of

_DAY = re.compile(r"d([1-9]\d?)")
_TIME = re.compile(r"\d\d:\d\d")
_UNITS = re.compile(r"x(\d+)")
_FLAGS = frozenset({"by", "number", "parent", "course", "of", "signer", "signed"})
_OTHER_VISIT = VisitKey("CASE", "V0")


_ELSEWHERE: Mapping[str, Callable[[str, MessageRef, date], Event]] = {
    "authorization": authorization_of,
    "ordered": order_of,
}
"""What begins with one of these words is read by another notation."""


class _Said(NamedTuple):
    """A text in its parts: plain words, flags such as by=D1, and when it was.

    `signed_on` is the day of signed=d9, else that of the text.
    """

    plain: list[str]
    flags: dict[str, str]
    day: date
    at: datetime | None
    signed_on: date


def care_of(texts: Sequence[str], key: VisitKey, first: date) -> Reading:
    """What was said beside the pharmacy, as one message about a visit. Raises ValueError.

    `first` is the day that `d1` means, and that a text without a day is about.
    """
    events: list[Event] = []
    for ordinal, text in enumerate(texts, 1):
        if text.startswith(SESSIONS):
            events += sessions_of(text, ordinal, first)
        elif text.startswith(APPOINTMENTS):
            events += appointments_of(text, ordinal, first)
        else:
            events.append(_event(text, ordinal, first))
    return Reading(
        message=_message(0),
        facility=key.facility,
        visit=key.visit,
        zone="UTC",
        events=tuple(events),
    )


def contribution_of(text: str, patient: str) -> Contribution:
    """What another visit of the patient adds to the record. Raises ValueError."""
    kind, about, at, value = [*text.split(maxsplit=3), "", "", "", ""][:4]
    if kind not in words.words_of(words.ContributionKind):
        allowed = ", ".join(words.words_of(words.ContributionKind))
        raise ValueError(f"{text!r}: expected a kind among {allowed}, found {kind}")
    try:
        when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{text!r}: expected a time such as 2026-03-02T08:00") from None
    slot = Slot(cast(words.ContributionKind, kind), about)
    return Contribution(_OTHER_VISIT, patient, slot, when, value=value)


def _message(ordinal: int) -> MessageRef:
    return MessageRef(f"care{ordinal}", "case", "case", None)


def _event(text: str, ordinal: int, first: date) -> Event:
    first_word = text.partition(" ")[0]
    if first_word in _ELSEWHERE:
        return _ELSEWHERE[first_word](text, _message(ordinal), first)
    said = _said(text, first)
    head = said.plain[0] if said.plain else ""
    if head == "note":
        return _note(text, said, ordinal)
    if head == "posted":
        return _posted(text, said, ordinal)
    about = _one_of(text, care_words.Observed, [head])
    if about is None or len(said.plain) < 2:
        raise ValueError(f"{text!r}: expected note, posted, or an observation and its value")
    value, unit = [*said.plain[1:], ""][:2]
    return Observation(
        message=_message(ordinal),
        about=cast(care_words.Observed, about),
        value=value,
        amount=_number(value),
        unit=unit,
        day=said.day,
        at=said.at,
        status="add",
        group=said.flags.get("of", ""),
        sub_id=said.flags.get("number", ""),
        by=said.flags.get("by", ""),
        address=f"OBX[{ordinal}]-5",
    )


def _note(text: str, said: _Said, ordinal: int) -> Note:
    kind = _one_of(text, care_words.NoteKind, said.plain)
    author = _one_of(text, care_words.AuthorKind, said.plain)
    state = _one_of(text, care_words.NoteState, said.plain)
    change = _one_of(text, care_words.NoteChange, said.plain)
    by = said.flags.get("by", "D1")
    return Note(
        message=_message(ordinal),
        number=said.flags.get("number", f"N{ordinal}"),
        parent=said.flags.get("parent", ""),
        kind=cast(care_words.NoteKindFact, kind or "unknown"),
        change=cast(care_words.NoteChange, change or "original"),
        day=said.day,
        at=said.at,
        author=by,
        author_kind=cast(care_words.AuthorKindFact, author or "unknown"),
        state=cast(care_words.NoteStateFact, state or "unknown"),
        signer=said.flags.get("signer", by) if state == "signed" else "",
        signed_on=said.signed_on if state == "signed" else None,
        address="TXA-2",
    )


def _posted(text: str, said: _Said, ordinal: int) -> PostedCharge:
    code, *more = said.plain[1:] or [""]
    if not code:
        raise ValueError(f"{text!r}: expected a code such as 99213-25 after `posted`")
    name, *modifiers = code.split("-")
    counted = next((match for word in more if (match := _UNITS.fullmatch(word))), None)
    return PostedCharge(
        message=_message(ordinal),
        number=said.flags.get("number", f"T{ordinal}"),
        kind="credit" if "credit" in more else "charge",
        code=name,
        modifiers=tuple(modifiers),
        units=Decimal(counted[1]) if counted else Decimal(1),
        day=said.day,
        at=said.at,
        performer=said.flags.get("by", ""),
        course=said.flags.get("course", ""),
        address=f"FT1[{ordinal}]-25",
    )


def _said(text: str, first: date) -> _Said:
    parts = text.split()
    flags = dict(part.split("=", 1) for part in parts if "=" in part)
    unknown = sorted(set(flags) - _FLAGS)
    if unknown:
        allowed = ", ".join(f"{flag}=" for flag in sorted(_FLAGS))
        raise ValueError(f"{text!r}: expected {allowed}, found {', '.join(unknown)}")
    plain = [part for part in parts if "=" not in part]
    days = [match for part in plain if (match := _DAY.fullmatch(part))]
    times = [part for part in plain if _TIME.fullmatch(part)]
    day = _nth(days[0], first) if days else first
    signed = _DAY.fullmatch(flags.get("signed", ""))
    if "signed" in flags and signed is None:
        raise ValueError(f"{text!r}: expected signed= with a day such as d9")
    at = datetime.combine(day, time.fromisoformat(times[0]), UTC) if times else None
    kept = [part for part in plain if not _DAY.fullmatch(part) and not _TIME.fullmatch(part)]
    signed_on = _nth(signed, first) if signed else day
    return _Said(kept, flags, day, at=at, signed_on=signed_on)


def _nth(day: re.Match[str], first: date) -> date:
    """The day that d1, d2 and so on mean."""
    return first + timedelta(days=int(day[1]) - 1)


def _one_of(text: str, family: object, parts: Sequence[str]) -> str | None:
    """The one word of a family among some words; None if there is none."""
    chosen = [part for part in parts if part in words.words_of(family)]
    if len(chosen) > 1:
        raise ValueError(f"{text!r}: expected one of {', '.join(chosen)}")
    return chosen[0] if chosen else None


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
