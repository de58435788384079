"""The NDC that the pharmacy names for a drug where nobody at the bedside names any.

It owns when what was handed out, or ordered, may stand for what was used: for each order of the
doses, and where all of its messages name an NDC of the product. It does not count vials, because
what was handed out was not always opened.
"""

from collections.abc import Iterator, Sequence

from chargeline.engine.drugs.doses import DrugDose, HandedOut
from chargeline.engine.encounters import Assessment
from chargeline.engine.formulary import Formulary
from chargeline.engine.ndc import Ndc, hyphenated
from chargeline.engine.supplies import supply_of
from chargeline.engine.trace import ChargeLine, Step

_NOBODY: tuple[HandedOut, ...] = ()


def handed_out_for(doses: Sequence[DrugDose], assessment: Assessment) -> tuple[HandedOut, ...]:
    """The NDCs that were handed out for the doses of a drug, each once.

    None where a vial is charted, or where one of the orders has no NDC of the drug.
    """
    if any(not vial.is_fluid for dose in doses for vial in dose.service.vials):
        return _NOBODY
    told: dict[str, HandedOut] = {}
    for dose in doses:
        of_order = list(_dispensed(dose, assessment)) or list(_ordered(dose, assessment.formulary))
        if not of_order or not all(item.ndc for item in of_order):
            return _NOBODY
        for item in of_order:
            told.setdefault(item.ndc, item)
    return tuple(told.values())


def _dispensed(dose: DrugDose, assessment: Assessment) -> Iterator[HandedOut]:
    """What was handed out of the drug for the order of a dose; without an NDC where it has none."""
    order = dose.service.administration.order
    for item in assessment.encounter.dispensed:
        if item.order and item.order == order:
            supply = supply_of(item, assessment.formulary)
            if supply.drug is not None and supply.drug.id == dose.drug.id:
                yield HandedOut(supply.ndc, supply.container, item.source, "handed out")


def _ordered(dose: DrugDose, formulary: Formulary) -> Iterator[HandedOut]:
    """The NDC by which the order names the drug, where a table knows its container."""
    item = dose.service.administration
    for amount in item.ordered:
        for code in amount.codes:
            read = formulary.ndc_of(code, item.day)
            if isinstance(read, Ndc):
                container = formulary.containers.of(read.digits, item.day)
                if container is not None and dose.drug.id in container.drugs:
                    yield HandedOut(read.digits, container, None, "ordered")


def told_of(line: ChargeLine, handed_out: Sequence[HandedOut]) -> ChargeLine:
    """The line, which says that its NDC is that of the pharmacy."""
    if line.ndc is None or len(handed_out) != 1:
        return line
    (item,) = handed_out
    facts = (("ndc", hyphenated(item.ndc)), ("from", f"{item.how}; no vial was scanned"))
    sources = (item.source,) if item.source is not None else ()
    return line._replace(trace=(*line.trace, Step("ndc", None, facts, sources)))
