"""What a row says was discarded of a drug: amounts, and whether it says by whom and why.

This module owns where a discarded amount stands (an observation, a field, the words of a note), and
that one amount which is said twice is one. It does not know what a vial holds.
"""

import re
from typing import NamedTuple

from chargeline.engine import Finding, WastedAmount
from chargeline.hl7.charted import ChartedRow, charted_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import Place
from chargeline.hl7.segments import decimal_at

_NUMBER = re.compile(r"\d+(\.\d+)?|\.\d+")


class _WasteWritten(NamedTuple):
    """A discarded amount as written, and whether its own note says why."""

    place: str
    text: str
    unit: str
    has_reason: bool = False

    @property
    def amount(self) -> tuple[str, str]:
        """The amount and its unit, to be compared with others."""
        return (
            self.text.rstrip("0").rstrip(".") if "." in self.text else self.text,
            self.unit.lower(),
        )


def discarded_in(charted: ChartedRow) -> tuple[WastedAmount, ...]:
    """Discarded amounts, from observations, from fields, and from the words of notes, and whether
    the row says of them by whom and why.

    A note that repeats the amount of an observation or a field adds nothing, and one that says
    another amount is told as a side finding.
    """
    profile = charted.profile
    coded = [
        _WasteWritten(*value)
        for value in charted_at(charted, profile.waste_observations, profile.waste)
    ]
    noted = _waste_in_notes(charted)
    amounts = coded or noted
    if not amounts:
        return ()
    if coded:
        _compare(charted, coded, noted)
    is_signed = _is_valued(charted, profile.waste_by_observations, profile.waste_by)
    has_reason = _is_valued(charted, profile.waste_reason_observations, profile.waste_reason)
    has_reason = has_reason or any(told.has_reason for told in noted)
    read = []
    for told in amounts:
        try:
            amount = decimal_at(told.text, told.place)
        except Hl7Error as error:
            charted.side_findings.append(error.finding)
            continue
        if amount is not None:
            entry = WastedAmount(
                amount, told.unit, told.place, is_signed=is_signed, has_reason=has_reason
            )
            read.append(entry)
    return tuple(read)


def _compare(charted: ChartedRow, coded: list[_WasteWritten], noted: list[_WasteWritten]) -> None:
    """Tell of a note that says another discarded amount than the row beside it."""
    said = {told.amount for told in coded}
    other = [told for told in noted if told.amount not in said]
    if other:
        charted.side_findings.append(
            Finding(
                "waste.note",
                expected="a note with the discarded amount of the row",
                found="another amount",
                where=other[0].place,
                do="correct the note or the amount; until then the amount of the row counts",
            )
        )


def _is_valued(charted: ChartedRow, codes: frozenset[str], places: tuple[Place, ...]) -> bool:
    return any(text for _place, text, _unit in charted_at(charted, codes, places))


def _waste_in_notes(charted: ChartedRow) -> list[_WasteWritten]:
    """The amounts that notes say were discarded, each once: "Waste: 5 mg"."""
    pattern = charted.profile.waste_note
    if pattern is None or not (charted.row[9] or charted.administration.notes):
        return []
    amounts: dict[tuple[str, str], _WasteWritten] = {}
    for place, text in charted.notes():
        for match in pattern.finditer(text):
            has_reason = bool(match.groupdict().get("reason"))
            told = _WasteWritten(place, match["amount"], match["unit"], has_reason)
            if _NUMBER.fullmatch(told.text):  # a note is prose
                amounts.setdefault(told.amount, told)
    return list(amounts.values())
