"""The columns of a list of authorizations: their names, what each holds, and which must be filled.

It owns this list, from which the header is checked, the options of `auth add` are made, and the
page about it is written. It does not read cells.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from chargeline.engine import authorization_words

ColumnName = Literal[
    "facility",
    "payer",
    "patient",
    "member",
    "number",
    "codes",
    "class",
    "diagnosis",
    "from",
    "until",
    "units",
    "basis",
    "provider",
    "site",
    "status",
    "requested",
    "decided",
    "received",
]


class Column(NamedTuple):
    """One column. `holds` says what a cell holds; `must` says that each row fills it."""

    holds: str
    example: str
    must: bool = False


_STATUSES = ", ".join(get_args(authorization_words.AuthorizationStatus))
_CLASSES = ", ".join(get_args(authorization_words.EvidenceClass))

COLUMNS: Mapping[ColumnName, Column] = {
    "facility": Column(
        "the facility, as MSH-4 of its messages has it; --facility says it for all rows", "ZEBRA"
    ),
    "payer": Column("the payer, as IN1-3 (else IN1-2) of the visits has it", "AETNA", must=True),
    "patient": Column("the patient's medical record number, as in PID-3", "ZZ100001", must=True),
    "member": Column("the number by which the payer knows the patient", "W123456789"),
    "number": Column("the payer's number of the authorization", "A77001", must=True),
    "codes": Column(
        "HCPCS or CPT codes with blanks between them, which share the units; * is for all codes. "
        "Codes with a count each have a row each",
        "J9271",
    ),
    "class": Column(
        f"in place of codes, a class of base/authorizations.csv, which stands for the codes of it "
        f"that the payer's rows have: {_CLASSES}",
        "checkpoint_inhibitor",
    ),
    "diagnosis": Column("ICD-10 codes with blanks between them; empty is any", "C34.90"),
    "from": Column("the first day", "2026-01-01"),
    "until": Column("the last day, included; empty is without an end", "2026-06-30"),
    "units": Column(
        "how much is granted, or of a request asked for; empty is without a count", "800"
    ),
    "basis": Column(
        "what is counted: units (billed HCPCS units) or visits (days on which it is billed); must "
        "be filled beside units",
        "units",
    ),
    "provider": Column("the NPI of the practitioner that the payer names", "1234567893"),
    "site": Column("the place that the payer names, as PV1-3 or MSH-4 has it", "ZEBRA"),
    "status": Column(_STATUSES, "approved", must=True),
    "requested": Column(
        "when the payer got the request; the payer's clock runs from then. Empty for a request "
        "itself: `received` says it",
        "2026-02-10",
    ),
    "decided": Column("when the payer decided; the windows to object run from then", "2026-02-12"),
    "received": Column(
        "when the payer's word came, or a request went out: a day, or a day and a time. Of two "
        "rows about the same number and code the one received later counts, so a correction needs "
        "a later time",
        "2026-02-12 14:30",
        must=True,
    ),
}
assert tuple(COLUMNS) == get_args(ColumnName), "each column stands in the list"
