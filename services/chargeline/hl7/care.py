"""What a message says beside the pharmacy: OBX, TXA and FT1.

This module owns the fields of observations, documents and posted charges. Which of a sender's codes
means which word of ours stands in the interface profile; a code that it lacks is not read, and
`chargeline survey` counts it. It does not know what an observation means for a charge.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from chargeline.engine import (
    Event,
    MessageRef,
    Note,
    Observation,
    PostedCharge,
    by_keyword,
    care_words,
    words,
)
from chargeline.hl7.delimiters import Delimiters, component, text_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.moments import DayAndTime, day_at, moment_at, sent_day
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import Row, decimal_at, field, first_of_all, is_number
from chargeline.hl7.unreadable import unreadable

_new_observation = by_keyword(Observation)
_new_note = by_keyword(Note)
_new_posted = by_keyword(PostedCharge)

_LENGTH_OF_CODE, _LENGTH_OF_MODIFIER = 5, 2
_LONGEST_VALUE = 200
_MOST_VALUES = 20  # that differ in one field; more of them are in question as two are
# HL7 table 0085. What is pending, preliminary, not verified or not asked for is no result yet.
_STATUS: Mapping[str, words.RecordStatus | None] = {
    **dict.fromkeys(("D", "W", "X"), "delete"),
    **dict.fromkeys(("I", "O", "N", "P", "R", "S"), None),
    "C": "update",
}
# The triggers of MDM, chapter 9 of the standard.
NOTE_CHANGES: Mapping[str, care_words.NoteChange] = {
    **dict.fromkeys(("T01", "T02", "T03", "T04"), "original"),
    **dict.fromkeys(("T05", "T06"), "addendum"),
    **dict.fromkeys(("T07", "T08"), "edit"),
    **dict.fromkeys(("T09", "T10"), "replacement"),
    "T11": "cancel",
}


def care_events(
    message: Message, heads: Mapping[str, Row], reference: MessageRef, profile: Profile
) -> list[Event]:
    """Everything that a message says beside the pharmacy, with Unreadable in place of bad parts.

    `heads` holds the first segment of each name.
    """
    events: list[Event] = []
    if message.type == "MDM" and "TXA" in heads:
        events += _notes(message, heads["TXA"], reference, profile)
    if message.type == "DFT" and "FT1" in heads:
        events += _posted(message, reference, profile)
    if profile.observed and "OBX" in heads and message.type != "SIU":
        events += _observations(message, heads, reference, profile)
    return events


def says_nothing(message: Message, profile: Profile) -> bool:
    """Whether a message of results has no observation that the profile reads, as a laboratory's."""
    return message.type == "ORU" and not any(
        row[0] == "OBX" and _about(row, profile, message.delimiters) for row in message.rows
    )


def tells_what_was_done(message: Message, profile: Profile) -> bool:
    """Whether an observation that the profile reads is about a visit or a radiation session, and
    not about the patient.
    """
    abouts = [_about(row, profile, message.delimiters) for row in message.rows if row[0] == "OBX"]
    return any(
        care_words.OBSERVED_OF[about] in care_words.OF_A_DAY
        for about in abouts
        if about is not None
    )


def _observations(
    message: Message, heads: Mapping[str, Row], reference: MessageRef, profile: Profile
) -> Iterator[Event]:
    report: Row | None = heads.get("TXA")
    ordinal = 0
    for row in message.rows:
        if row[0] == "OBR":
            report = row
        elif row[0] == "OBX":
            ordinal += 1
            about = _about(row, profile, message.delimiters)
            status = _STATUS.get(field(row, 11).strip().upper(), "add")
            if about is None or status is None:
                continue
            address = f"OBX[{ordinal}]"
            try:
                when = _observed_at(row, report, address, reference, profile=profile)
            except Hl7Error as error:
                yield unreadable(reference, error)
                continue
            for number, value in _values(row, about, message.delimiters):
                yield _observation(
                    row=row,
                    value=value,
                    about=about,
                    status=status,
                    when=when,
                    group=_report_number(report, message.delimiters),
                    reference=reference,
                    address=f"{address}-5" if number == 1 else f"{address}-5[{number}]",
                    profile=profile,
                    delimiters=message.delimiters,
                )


def _values(
    row: Row, about: care_words.Observed, delimiters: Delimiters
) -> Iterator[tuple[int, str]]:
    """The number and text of each repetition of OBX-5, each text once.

    What is said of a visit or a session is one thing, so that two repetitions say it in two ways.
    Of a measure or of evidence the first one counts. An empty field is one empty value.
    """
    repetitions = field(row, 5).split(delimiters.repetition)
    if care_words.OBSERVED_OF[about] not in care_words.OF_A_DAY:
        repetitions = repetitions[:1]
    valued: dict[str, int] = {}
    for number, text in enumerate(repetitions, 1):
        if any(text_at(text, n, delimiters) for n in (1, 2)):
            valued.setdefault(text, number)
        if len(valued) == _MOST_VALUES:
            break
    for text, number in (valued or {"": 1}).items():
        yield number, text


def _observation(
    row: Row,
    value: str,
    about: care_words.Observed,
    status: words.RecordStatus,
    when: DayAndTime,
    group: str,
    reference: MessageRef,
    address: str,
    profile: Profile,
    delimiters: Delimiters,
) -> Observation:
    texts = [text for n in (1, 2) if (text := text_at(value, n, delimiters))]
    meaning = next((profile.values[t.upper()] for t in texts if t.upper() in profile.values), "")
    number = texts[0] if texts else ""
    amount = Decimal(number) if is_number(number) else None
    named = [profile.numbers[text.upper()] for text in texts if text.upper() in profile.numbers]
    return _new_observation(
        message=reference,
        about=about,
        value=meaning or " ".join(texts)[:_LONGEST_VALUE],
        amount=Decimal(named[0]) if amount is None and named else amount,
        unit=component(field(row, 6), 1, delimiters).strip(),
        day=when.day,
        at=when.at,
        status=status,
        group=group,
        sub_id=field(row, 4).strip(),
        by=component(field(row, 16), 1, delimiters).strip(),
        address=address,
    )


def _about(row: Row, profile: Profile, delimiters: Delimiters) -> care_words.Observed | None:
    """What an observation is about, by its code (OBX-3.1) or the second one (OBX-3.4)."""
    code = component(field(row, 3), 1, delimiters).strip().upper()
    other = component(field(row, 3), 4, delimiters).strip().upper()
    return profile.observed.get(code) or profile.observed.get(other)


def _report_number(report: Row | None, delimiters: Delimiters) -> str:
    """The number of the report: TXA-12, or OBR-3, else OBR-2; "" without one."""
    fields = {"TXA": (12,), "OBR": (3, 2)}[report[0]] if report is not None else ()
    numbers = [component(field(report or [], n), 1, delimiters).strip() for n in fields]
    return next((number for number in numbers if number), "")


def _observed_at(
    row: Row, report: Row | None, address: str, reference: MessageRef, *, profile: Profile
) -> DayAndTime:
    """When something was observed: OBX-14, else OBR-7 or TXA-4, else the day of MSH-7."""
    moment = moment_at(field(row, 14), f"{address}-14", profile)
    if moment is None and report is not None:
        number = 7 if report[0] == "OBR" else 4
        moment = moment_at(field(report, number), f"{report[0]}-{number}", profile)
    return moment or sent_day(reference, profile)


def _notes(message: Message, txa: Row, reference: MessageRef, profile: Profile) -> Iterator[Event]:
    """The document of an MDM, or why it cannot be read."""
    delimiters = message.delimiters
    author = field(txa, 9) or field(txa, 5)
    signer = field(txa, 22)
    change = NOTE_CHANGES[message.trigger]
    try:
        when = moment_at(field(txa, 4), "TXA-4", profile) or sent_day(reference, profile)
        signed_on = day_at(component(signer, 15, delimiters), "TXA-22", profile)
    except Hl7Error as error:
        yield unreadable(reference, error)
        return
    completion = field(txa, 17).strip().upper()
    signed_by = _credential(signer, profile, delimiters)
    yield _new_note(
        message=reference,
        number=component(field(txa, 12), 1, delimiters).strip(),
        parent=component(field(txa, 13), 1, delimiters).strip(),
        kind=profile.notes.get(component(field(txa, 2), 1, delimiters).strip().upper(), "unknown"),
        change=change,
        day=when.day,
        at=when.at,
        author=component(author, 1, delimiters).strip(),
        author_kind=_credential(author, profile, delimiters),
        state=_state(change, profile.note_states.get(completion, "unknown"), signed_by),
        signer=component(signer, 1, delimiters).strip(),
        signed_on=signed_on,
        address="TXA-2",
    )


def _state(
    change: care_words.NoteChange,
    completion: care_words.NoteStateFact,
    signed_by: care_words.AuthorKindFact,
) -> care_words.NoteStateFact:
    """The state of a note; the signature of a nurse authenticates no note of a practitioner."""
    if change == "cancel":
        return "cancelled"
    return "unsigned" if completion == "signed" and signed_by == "nurse" else completion


def _credential(person: str, profile: Profile, delimiters: Delimiters) -> care_words.AuthorKindFact:
    """What kind of author a person is, by the degree (XCN.7) or the suffixes (XCN.21, XCN.6)."""
    for number in (7, 21, 6):
        text = component(person, number, delimiters).strip().upper()
        if text in profile.credentials:
            return profile.credentials[text]
    return "unknown"


# A range of days in FT1-4: as far around its first day as units look for their sessions.
_A_WEEK = 6


def _posted(message: Message, reference: MessageRef, profile: Profile) -> Iterator[Event]:
    """The charges of a DFT; an FT1 that cannot be read comes out with its reason."""
    beside = [row for row in message.rows if row[0][0] == "Z" or row[0] == "ORC"]
    charges = [row for row in message.rows if row[0] == "FT1"]
    for ordinal, row in enumerate(charges, 1):
        try:
            charge = _charge(
                row, f"FT1[{ordinal}]", reference, profile, delimiters=message.delimiters
            )
        except Hl7Error as error:
            yield unreadable(reference, error)
            continue
        course = first_of_all((row, *beside), profile.course, message.delimiters)
        yield charge._replace(course=course)


def _charge(
    row: Row, address: str, reference: MessageRef, profile: Profile, *, delimiters: Delimiters
) -> PostedCharge:
    """One FT1. Raises Hl7Error where its day, kind or quantity cannot be read."""
    when = moment_at(field(row, 4), f"{address}-4", profile)
    kind = profile.transactions.get(field(row, 6).strip().upper())
    if when is None or kind is None:
        raise Hl7Error(
            "posted.unreadable",
            expected="the day of the charge in FT1-4 and its kind in FT1-6, a word of "
            "[transactions]",
            found="no day" if when is None else "a kind that the profile does not know",
            where=address,
            do="have the sender fill both, or add the kind to [transactions] of the profile",
        )
    units = decimal_at(component(field(row, 10), 1, delimiters), f"{address}-10")
    until = moment_at(component(field(row, 4), 2, delimiters), f"{address}-4.2", profile)
    days = (until.day - when.day).days if until is not None else 0
    if days and (units is None or units <= 1 or not 0 < days <= _A_WEEK):
        raise Hl7Error(
            "posted.unreadable",
            expected="one day in FT1-4; a range only for several units of one week",
            found=f"a range whose last day is {days} days after its first",
            where=f"{address}-4",
            do="have the sender post a charge for each day",
        )
    text = component(field(row, 25), 1, delimiters) or component(field(row, 7), 1, delimiters)
    code, behind = _code_and_modifiers(text.strip().upper())
    modifiers = [text_at(m, 1, delimiters) for m in field(row, 26).split(delimiters.repetition)]
    return _new_posted(
        message=reference,
        number=component(field(row, 2), 1, delimiters).strip(),
        kind=kind,
        code=code,
        modifiers=tuple([m.upper() for m in (*behind, *modifiers) if m]),
        units=Decimal(1) if units is None else units,
        day=when.day,
        at=when.at,
        performer=component(field(row, 20), 1, delimiters).strip(),
        course="",
        address=f"{address}-25",
    )


def _code_and_modifiers(text: str) -> tuple[str, list[str]]:
    """A code, and modifiers where a sender writes them behind it: 99215-25, 11102-59-RT."""
    code, *modifiers = text.split("-")
    if len(code) == _LENGTH_OF_CODE and all(len(m) == _LENGTH_OF_MODIFIER for m in modifiers):
        return code, modifiers
    return text, []
