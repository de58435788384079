"""The charge family of the drugs themselves: HCPCS lines with units, NDC, waste and modifiers.

`propose` drafts the drug lines of an encounter. `doses.py` says which doses are billed, `codes.py`
chooses among several codes of a drug, `units.py` adds the doses up, `opened.py` counts what was
opened for them, `handed_out.py` which NDC the
pharmacy names, `parts.py` divides the dose among its NDCs, `waste.py` decides how the rest is
reported, and `lines.py` writes the lines. The family does not code how a drug was given.
"""

from collections.abc import Sequence

from chargeline.engine.again import LINE_OF_DRUG, SavedWork
from chargeline.engine.drugs.codes import chosen_code
from chargeline.engine.drugs.doses import (
    DrugDay,
    DrugDose,
    by_stock,
    by_who_paid,
    doses_by_drug,
    doses_for_record,
    is_given,
    withheld_vehicles,
)
from chargeline.engine.drugs.handed_out import handed_out_for, told_of
from chargeline.engine.drugs.lines import lines_of_drug
from chargeline.engine.drugs.waste import paid_of
from chargeline.engine.encounters import Assessment
from chargeline.engine.trace import (
    ChargeLine,
    InShort,
    Proposal,
    Withheld,
    ends_of,
    rules_behind,
    together,
)

__all__ = ["in_short", "propose", "reason_in_short"]


def propose(assessment: Assessment, saved: SavedWork) -> Proposal:
    """The drug lines of one encounter, questions about doses, and drugs that are withheld."""
    given = [service for service in assessment.services if is_given(service)]
    encounter, rules = assessment.encounter, assessment.rules
    bought, supplied = by_who_paid(given, rules)
    proposals = [withheld_vehicles(given), supplied]
    for (drug, day), doses in doses_by_drug(bought).items():
        for stock, named in by_stock(doses).items():
            name = (rules.policy, encounter.name, drug, day, stock)
            of_day = _drug_day(assessment, named, stock)
            lines = saved.again(LINE_OF_DRUG, name, lines_of_drug, of_day)
            if of_day.handed_out:
                told = tuple([told_of(line, of_day.handed_out) for line in lines.lines])
                lines = lines._replace(lines=told)
            proposals.append(lines)
    return together([*proposals, Proposal(facts=doses_for_record(given))])


def _drug_day(assessment: Assessment, named: Sequence[DrugDose], stock: str) -> DrugDay:
    """Doses of one drug on one day out of one stock, under the code that bills them."""
    code = chosen_code(named, assessment)
    doses = [dose.billed_as(code.drug) for dose in named] if code is not None else named
    day = doses[0].service.administration.day
    return DrugDay(
        visit=assessment.visit,
        encounter=assessment.encounter.name,
        day=day,
        doses=tuple(doses),
        payer=assessment.context.payer.upper(),
        paid=paid_of(doses[0].drug, day, assessment.tables),
        rules=assessment.rules,
        containers=assessment.formulary.containers,
        code=code,
        tables=assessment.tables,
        stock=stock,
        handed_out=handed_out_for(doses, assessment),
    )


def in_short(assessment: Assessment, saved: SavedWork) -> InShort | None:
    """How a policy ends the drugs of each administration.

    None where no vial, no waste and no programme is charted: then all policies bill drugs alike.
    """
    items = [service.administration for service in assessment.services]
    if not any(item.vials or item.wasted or item.discounted for item in items):
        return None
    proposal = propose(assessment, saved)
    entries: list[ChargeLine | Withheld] = [*proposal.lines, *proposal.withheld]
    return InShort(ends_of(entries), lambda: rules_behind(entries))


def reason_in_short(line: ChargeLine) -> str:
    """One sentence for a page: the sum of the doses, or of what was discarded, and the NDC."""
    arithmetic = str(dict(line.trace[0].facts)["arithmetic"])
    return f"{arithmetic}; {line.ndc.in_full}" if line.ndc is not None else arithmetic
