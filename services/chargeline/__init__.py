"""Chargeline turns a hospital's HL7 v2 medication feed into explained draft charges.

As a library it has one door:

    import chargeline

    run = chargeline.code("feed.hl7", policy="cms-facility-2026")
    for visit in run.visits:
        for encounter in visit.draft.encounters:
            for line in encounter.lines:
                print(line.code, line.units, line.modifiers, run.explain(line))

`run.visits` holds a timeline and a draft of each visit as typed, frozen values; `run.set_aside` the
messages that were not used, each with its reason; `run.to_rows()` gives flat rows for a data frame.

This package root owns the names of that door. They are loaded when they are first asked for,
because every program passes through here and most need no more than a part of the house.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from chargeline.version import VERSION

if TYPE_CHECKING:
    from chargeline.coding.library import code
    from chargeline.coding.run import CodedVisit, DraftRow, Run, SetAside
    from chargeline.engine import (
        ChargeLine,
        Draft,
        EncounterDraft,
        Finding,
        FindingError,
        Question,
        Timeline,
        Withheld,
    )

__all__ = [
    "ChargeLine",
    "CodedVisit",
    "Draft",
    "DraftRow",
    "EncounterDraft",
    "Finding",
    "FindingError",
    "Question",
    "Run",
    "SetAside",
    "Timeline",
    "Withheld",
    "__version__",
    "code",
]

__version__ = VERSION

_AT = {
    "code": "chargeline.coding.library",
    **dict.fromkeys(["CodedVisit", "DraftRow", "Run", "SetAside"], "chargeline.coding.run"),
}


def __getattr__(name: str) -> object:
    """Load a name of the door on its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_AT.get(name, "chargeline.engine")), name)


def __dir__() -> list[str]:
    """The names of the door, for `dir`, `help` and completion."""
    return sorted(__all__)
