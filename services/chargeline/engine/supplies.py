"""What the pharmacy handed out, by product: which drug it is, and which of it nobody charted.

It owns how a dispense or give message names a product. It does not know what is billed.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from chargeline.engine.containers import Container
from chargeline.engine.events import Dispensed
from chargeline.engine.formulary import Drug, Formulary
from chargeline.engine.ndc import Ndc
from chargeline.engine.services.facts import drugs_named
from chargeline.engine.timeline.records import Timeline


class Supply(NamedTuple):
    """What was handed out, with its NDC of eleven digits ("" where the message names none, or
    several), its container and its drug (None where neither is known).
    """

    item: Dispensed
    ndc: str
    container: Container | None
    drug: Drug | None


def supply_of(item: Dispensed, formulary: Formulary) -> Supply:
    """The product of what was handed out: that of its container, else as its name says."""
    read = [formulary.ndc_of(code, item.day) for code in item.ndcs]
    digits = [ndc.digits for ndc in read if isinstance(ndc, Ndc)]
    ndc = digits[0] if len(digits) == 1 else ""
    container = formulary.containers.of(ndc, item.day) if ndc else None
    if container is not None and len(container.drugs) == 1:
        return Supply(item, ndc, container, formulary.row(container.drugs[0], item.day).drug)
    codes = [code for code in item.drug.codes if code not in item.ndcs]
    return Supply(item, ndc, container, formulary.find(codes, item.drug.text, item.day).drug)


def not_charted(timeline: Timeline, formulary: Formulary) -> Sequence[Supply]:
    """What was handed out of drugs that nobody charted in the visit, given or not given.

    A fluid is left out: it carries a drug.
    """
    charted_orders = {item.order for item in timeline.administrations if item.order}
    open_items = [item for item in timeline.dispensed if item.order not in charted_orders]
    if not open_items:
        return ()
    charted = {
        named.drug.id for item in timeline.administrations for named in drugs_named(item, formulary)
    }
    supplies = [supply_of(item, formulary) for item in open_items]
    return tuple([supply for supply in supplies if _is_missing(supply.drug, charted)])


def _is_missing(drug: Drug | None, charted: AbstractSet[str]) -> bool:
    return drug is not None and not drug.is_fluid and drug.id not in charted
