"""What the pharmacy handed out and nobody charted: by drug, and not by order alone."""

from datetime import date

import pytest

from chargeline.engine import VisitContext
from chargeline.engine.supplies import not_charted
from chargeline.rulebook.cases import timeline_with
from chargeline.rulebook.notation import administration_of, dispensed_of

from .short import rulebook

DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("handed_out", "given", "missing"),
    [
        ("rituximab 750 mg", "rituximab 750 mg iv 09:00-13:00", []),
        ("rituximab 750 mg", "rituximab 750 mg iv 09:00 notgiven", []),
        ("rituximab 750 mg", "trastuzumab 450 mg iv 09:00-10:30", ["rituximab"]),
        ("rituximab 750 mg", "trastuzumab 450 mg iv 09:00-10:30 order=D0", []),
        ("sodium-chloride-0.9 250 mL", "trastuzumab 450 mg iv 09:00-10:30", []),
        ("zebrastatin 5 mg", "trastuzumab 450 mg iv 09:00-10:30", []),
    ],
    ids=["given", "not given", "other drug", "same order", "fluid", "unknown drug"],
)
def test_what_was_handed_out_is_missing_where_neither_its_drug_nor_its_order_is_charted(
    handed_out: str, given: str, missing: list[str]
) -> None:
    """A drug may be given under another order than it was handed out for. An unknown drug has no
    product that could be missed; the balance tells it.
    """
    timeline = timeline_with([administration_of(given, 1)], VisitContext(patient="ZZCASE"))
    timeline = timeline._replace(dispensed=(dispensed_of(handed_out, 0, DAY),))
    supplies = not_charted(timeline, rulebook().formulary)
    assert [supply.drug.id for supply in supplies if supply.drug is not None] == missing
