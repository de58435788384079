"""What a sender writes unusually or wrongly: names, notes, units, times and ends of messages.

This module owns the faults of messages, each a function from the letters or the bytes of a visit to
faulty ones. The nurse charted well. faults.py says which fault strikes and what should be asked.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from chargeline.simulator.charting import MINUTE
from chargeline.simulator.messages import Letter
from chargeline.simulator.mischarted import StruckDose
from chargeline.simulator.regimens import DRUGS

Letters = list[Letter]
Posted = list[tuple[datetime, Letter, bytes]]  # (arrival, the letter, its text)

# Drug -> a brand of a biosimilar, as pharmacies write it in brackets.
BRANDS = {"trastuzumab": "OGIVRI", "bevacizumab": "MVASI", "rituximab": "TRUXIMA"}


def about(struck: StruckDose, message: Letter) -> bool:
    """Whether a letter is about the struck dose."""
    return any(f"|{struck.dose.order}^ZEBRARX" in segment for segment in message.segments)


def _rewritten(struck: StruckDose, letters: Letters, change: Callable[[Letter], Letter]) -> Letters:
    return [change(message) if about(struck, message) else message for message in letters]


# ------------------------------------------------------------------ names of drugs


def local_name(struck: StruckDose, letters: Letters) -> Letters:
    """The pharmacy's own word for a drug, in the order and in the record."""
    return _renamed(struck, letters, "ZL4711", "zebra compound no. 4711")


def unknown_suffix(struck: StruckDose, letters: Letters) -> Letters:
    """A suffix of four letters that no formulary has, and a code of the pharmacy's own."""
    return _renamed(struck, letters, "ZL4712", f"{_name(struck)}-zzzz")


def known_brand(struck: StruckDose, letters: Letters) -> Letters:
    """The brand of a biosimilar in brackets behind the name; its vials have no code that scans."""
    letters = _rewritten(struck, letters, _without_scans)
    return _renamed(struck, letters, "ZL4713", f"{_name(struck)} ({BRANDS[_drug(struck)]})")


def unknown_brand(struck: StruckDose, letters: Letters) -> Letters:
    """A brand that no formulary has, in brackets behind the name."""
    return _renamed(struck, letters, "ZL4714", f"{_name(struck)} (ZEBRAVIA)")


def _without_scans(message: Letter) -> Letter:
    kept = [segment for segment in message.segments if "|VIAL-NDC^" not in segment]
    return replace(message, segments=tuple(kept))


def _drug(struck: StruckDose) -> str:
    return struck.dose.drugs[0].drug


def _name(struck: StruckDose) -> str:
    return DRUGS[_drug(struck)][0]


def _renamed(struck: StruckDose, letters: Letters, code: str, name: str) -> Letters:
    old, new = f"{_drug(struck).upper()}^{_name(struck)}^L", f"{code}^{name}^L"

    def change(message: Letter) -> Letter:
        segments = tuple(segment.replace(old, new) for segment in message.segments)
        return replace(message, segments=segments)

    return _rewritten(struck, letters, change)


# ------------------------------------------------------------------ notes and fields


def flush_note(struck: StruckDose, letters: Letters) -> Letters:
    """A note about the line beside a drug that is no flush."""
    return _noted(struck, letters, "Blood return good. Flush with 10 mL NS after infusion")


def supplied_note(struck: StruckDose, letters: Letters) -> Letters:
    """White bagging: a pharmacy that the patient's payer chose has sent the drug."""
    return _noted(struck, letters, "Patient supplied by specialty pharmacy")


def contradicting_note(struck: StruckDose, letters: Letters) -> Letters:
    """A note that the infusion was stopped early, beside a row of the whole dose."""
    return _noted(struck, letters, "Infusion stopped early, patient felt unwell")


def _noted(struck: StruckDose, letters: Letters, note: str) -> Letters:
    def change(message: Letter) -> Letter:
        if message.kind != "RAS":
            return message
        return replace(message, segments=(*message.segments, f"NTE|1||{note}"))

    return _rewritten(struck, letters, change)


def unit_inside(struck: StruckDose, letters: Letters) -> Letters:
    """RXA-6 holds the amount and its unit, and RXA-7 is empty."""

    def change(fields: list[str]) -> list[str]:
        inside = f"{fields[6]} {fields[7]}"
        return [*fields[:6], inside, "", *fields[8:]]

    return _fields_changed(struck, letters, "RXA", change)


def without_own_times(struck: StruckDose, letters: Letters) -> Letters:
    """RXA-22 and ORC-9 are empty: MSH-7 is the only time that tells versions of a row apart."""
    orders = _fields_changed(
        struck, letters, "ORC", lambda fields: [*fields[:9], "", *fields[10:]]
    )  # fmt: skip
    return _fields_changed(struck, orders, "RXA", lambda fields: fields[:22])


def _fields_changed(
    struck: StruckDose, letters: Letters, name: str, change: Callable[[list[str]], list[str]]
) -> Letters:
    """The fields of each segment of this name changed, in the records (RAS) of the dose."""

    def written(segment: str) -> str:
        fields = segment.split("|")
        return "|".join(change(fields)) if fields[0] == name else segment

    def changed(message: Letter) -> Letter:
        if message.kind != "RAS":
            return message
        return replace(message, segments=tuple(map(written, message.segments)))

    return _rewritten(struck, letters, changed)


def cancelled_before(struck: StruckDose, letters: Letters) -> Letters:
    """The order is cancelled (ORC-1 CA) before its drug is begun, and the drug is charted."""
    return [*letters, _cancel(struck, letters)]


def cancelled_by_placer(struck: StruckDose, letters: Letters) -> Letters:
    """The order is cancelled by the number of whoever placed it (ORC-2), without the pharmacy's."""
    cancel = _cancel(struck, letters)
    filler = f"|{struck.dose.order}^ZEBRARX|"
    segments = tuple(segment.replace(filler, "||", 1) for segment in cancel.segments)
    return [*letters, replace(cancel, segments=segments)]


def _cancel(struck: StruckDose, letters: Letters) -> Letter:
    order = next(m for m in letters if m.kind == "RDE" and about(struck, m))
    again = tuple(segment.replace("ORC|NW|", "ORC|CA|") for segment in order.segments)
    return replace(
        order,
        segments=again,
        happened=order.happened + 4 * MINUTE,
        sent=order.sent + 4 * MINUTE,
        arrives=order.arrives + 4 * MINUTE,
    )


# ------------------------------------------------------------------ bytes


def unreadable_sending_time(struck: StruckDose, posted: Posted) -> Posted:
    """MSH-7 of the records of a dose is written for people."""

    def written(message: Letter, text: bytes) -> bytes:
        if message.kind != "RAS" or not about(struck, message):
            return text
        fields = text.split(b"|")
        return b"|".join([*fields[:6], b"Mar 2 2026 11:00AM", *fields[7:]])

    return [(arrives, message, written(message, text)) for arrives, message, text in posted]


def glued(struck: StruckDose, posted: Posted) -> Posted:
    """The record of a dose loses its last carriage return, and the discharge comes right after."""
    records = [item for item in posted if item[1].kind == "RAS" and about(struck, item[1])]
    discharge = next(item for item in posted if item[1].kind == "A03")
    texts = b"".join(text.rstrip(b"\r") for _, _, text in records[:1]) + discharge[2]
    kept = [item for item in posted if item not in records and item is not discharge]
    last = max(discharge[0], *(item[0] for item in records)) + timedelta(seconds=1)
    return [*kept, (last, discharge[1], texts)]
