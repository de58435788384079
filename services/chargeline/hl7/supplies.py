"""RXD and RXG: what the pharmacy handed out for an order, or told to give.

This module owns the fields of these two segments besides the drug: number, day, NDC and lot. It
does not know whether the drug was given, nor what a vial holds.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from chargeline.engine import BEGINNING, Dispensed, MessageRef, Source, words
from chargeline.hl7.delimiters import Delimiters, component
from chargeline.hl7.drugs import drug_at, ndcs_in
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import Row, field


class _SupplyFields(NamedTuple):
    """The fields of the drug's code and of the lot, and that of the time, 0 if it has none."""

    code: int
    lot: int
    time: int
    kind: words.OrderKind


_FIELDS: Mapping[str, _SupplyFields] = {
    "RXD": _SupplyFields(2, 18, 3, "dispense"),
    "RXG": _SupplyFields(4, 19, 0, "give"),
}


def dispensed_of(
    row: Row, order: str, reference: MessageRef, profile: Profile, *, delimiters: Delimiters
) -> Dispensed | None:
    """What a segment says was handed out; None if it names no drug.

    The day is that of RXD-3, else that of MSH-7, because a dispense message is sent when the drug
    leaves the pharmacy.
    """
    name = row[0]
    fields = _FIELDS[name]
    drug = drug_at(row, name, delimiters)
    if drug is None:
        return None
    codes = ndcs_in(field(row, fields.code), delimiters)
    time = component(field(row, fields.time), 1, delimiters).strip() if fields.time else ""
    return Dispensed(
        order=order,
        kind=fields.kind,
        number=component(field(row, 1), 1, delimiters).strip(),
        day=_day(time, reference, profile),
        drug=drug,
        ndcs=tuple([ndc for _address, ndc in codes]),
        lot=component(field(row, fields.lot), 1, delimiters).strip(),
        source=Source(reference, f"{name}-{fields.code}"),
    )


def _day(time: str, reference: MessageRef, profile: Profile) -> date:
    """The local day of a time, or of MSH-7 where the time is empty or no time."""
    sent = (reference.sent or BEGINNING).astimezone(profile.clock.zone).date()
    try:
        return profile.clock.read(time, "RXD-3").day if time else sent
    except Hl7Error:
        return sent
