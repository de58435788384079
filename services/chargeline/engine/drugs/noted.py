"""What the drug lines of a day lack that a payer asks for: an NDC, its quantity, a word on waste.

It owns what only this family can see. Whether it matters is a rule of the edits before the claim.
"""

from collections.abc import Iterator, Sequence

from chargeline.engine.containers import Container
from chargeline.engine.drugs.doses import DrugDay
from chargeline.engine.drugs.opened import Opening
from chargeline.engine.drugs.waste import DISCARDED_ROLE, MIXED, Waste
from chargeline.engine.ndc import hyphenated
from chargeline.engine.tables import quarter_of
from chargeline.engine.trace import ChargeLine, Noted, note


def noted_of(
    lines: Sequence[ChargeLine], day: DrugDay, opening: Opening, waste: Waste
) -> Iterator[Noted]:
    """What is missing on the lines of a drug and day."""
    drug = day.drug.id
    bare = [line for line in lines if line.ndc is None]
    if bare:
        yield note(
            "ndc.missing",
            bare,
            expected=f"the NDC of the vial of {drug} that was used",
            found=_named_by_pharmacy(day),
            do="have the vial scanned, or name its place in the message with `vial_ndc`",
        )
    yield from _uncounted(lines, opening)
    yield from _obsolete(lines, day, opening)
    yield from _unrecorded(lines, drug, opening)
    yield from _of_unknown_use(lines, day, waste)
    if waste.has_lines and waste.discarded is None:
        yield note(
            "waste.undocumented",
            lines,
            expected=f"what of {drug} was discarded, or that nothing was",
            found="no discarded amount, and no vials that were counted",
            do="chart the discarded amount, also where it is 0, or scan each vial",
        )


def _uncounted(lines: Sequence[ChargeLine], opening: Opening) -> Iterator[Noted]:
    """Lines whose NDC has no quantity: nobody knows what it holds, or it is too little to say."""
    bare = [line for line in lines if line.ndc is not None and line.ndc.quantity is None]
    counts = {vial.ndc for vial in opening.vials if vial.container and vial.container.form}
    small = [line for line in bare if line.ndc is not None and line.ndc.digits in counts]
    if small:
        yield note(
            "ndc.no_quantity",
            small,
            expected="a quantity of at least 0.001 of the NDC",
            found=f"less of {', '.join(_ndcs(small))}",
            do="say how much was used, or bill the line by hand",
        )
    uncounted = [line for line in bare if line not in small]
    if uncounted:
        yield note(
            "ndc.no_quantity",
            uncounted,
            expected="a row in the table of containers, which says what the vial holds",
            found=f"none for {', '.join(_ndcs(uncounted))}",
            do="add the NDC to rules/containers with what the label says",
        )


def _of_unknown_use(lines: Sequence[ChargeLine], day: DrugDay, waste: Waste) -> Iterator[Noted]:
    """Lines that say nothing of waste, because nobody knows which vial was used."""
    if waste.decision.rule is None and day.drug.container == MIXED and not waste.asked_of_waste:
        yield note(
            "waste.undocumented",
            lines,
            expected=f"which vial of {day.drug.id} was used: some hold one dose, some several",
            found="no vial of which a table says so",
            do="scan each vial, and add its NDC to rules/containers",
        )


def _named_by_pharmacy(day: DrugDay) -> str:
    """What there is instead of an NDC: none, or several of the pharmacy."""
    names = [hyphenated(item.ndc) for item in day.handed_out]
    if len(names) < 2:
        return "none"
    return f"none scanned, and several of the pharmacy: {' and '.join(names)}"


def _obsolete(lines: Sequence[ChargeLine], day: DrugDay, opening: Opening) -> Iterator[Noted]:
    """Lines whose NDC was on the market no more: as the site's table says, else the crosswalk."""
    gone = {vial.ndc for vial in opening.vials if vial.container and _is_gone(vial.container, day)}
    obsolete = [line for line in lines if line.ndc is not None and line.ndc.digits in gone]
    if obsolete:
        yield note(
            "ndc.obsolete",
            obsolete,
            expected=f"an NDC that is on the market on {day.day.isoformat()}",
            found=", ".join(_ndcs(obsolete)),
            do="look at the vial: the label may carry a newer NDC",
        )
    for ndc in _digits(lines):
        quarter = day.tables.last_listed(ndc, day.day)
        if quarter is not None and ndc not in gone:
            yield note(
                "ndc.obsolete",
                [line for line in lines if line.ndc is not None and line.ndc.digits == ndc],
                expected=f"an NDC that the crosswalk of {quarter_of(day.day)} lists",
                found=f"{hyphenated(ndc)}, which was listed last in {quarter}",
                do="look at the vial: the label may carry a newer NDC; else ask the payer "
                "whether old stock is paid",
            )


def _unrecorded(lines: Sequence[ChargeLine], drug: str, opening: Opening) -> Iterator[Noted]:
    """What an auditor misses of a discarded amount that is billed: who discarded it, and why.

    The size of the vial is asked for with its NDC, and a rest that is not charted at all is a
    question of its own.
    """
    billed = [line for line in lines if line.role == DISCARDED_ROLE]
    amounts = [entry for entry in opening.entries if entry.amount]
    missing = [] if all(entry.is_signed for entry in amounts) else ["who discarded it"]
    missing += [] if all(entry.has_reason for entry in amounts) else ["why"]
    if billed and missing:
        yield note(
            "waste.record",
            billed,
            expected=f"in the chart how much of {drug} was discarded, by whom, when and why",
            found=f"not charted: {', and '.join(missing)}",
            do="have whoever discarded it add that to the chart, or name its place in the message "
            "with `waste_by` and `waste_reason`",
        )


def _is_gone(container: Container, day: DrugDay) -> bool:
    return not container.in_force(day.day)


def _digits(lines: Sequence[ChargeLine]) -> list[str]:
    return list(dict.fromkeys([line.ndc.digits for line in lines if line.ndc is not None]))


def _ndcs(lines: Sequence[ChargeLine]) -> list[str]:
    return [hyphenated(ndc) for ndc in _digits(lines)]
