"""The charge family of the drugs themselves: HCPCS lines with their units.

`propose` drafts the drug lines of an encounter. `lines.py` writes a line, and `units.py` adds up
its doses. The family does not code how a drug was given. Every policy bills drugs alike, so drug
lines are not compared between policies.
"""

from chargeline.engine.again import LINE_OF_DRUG, SavedWork
from chargeline.engine.drugs.concerns import ROUNDING
from chargeline.engine.drugs.lines import (
    by_who_paid,
    doses_by_drug,
    doses_for_record,
    is_given,
    line_of_drug,
    withheld_vehicles,
)
from chargeline.engine.encounters import Assessment
from chargeline.engine.rules import NO_FACTS
from chargeline.engine.trace import ChargeLine, Proposal, together

__all__ = ["propose", "reason_in_short"]


def propose(assessment: Assessment, saved: SavedWork) -> Proposal:
    """The drug lines of one encounter, questions about doses, and drugs that are withheld."""
    given = [service for service in assessment.services if is_given(service)]
    encounter = assessment.encounter
    bought, supplied = by_who_paid(given, assessment.rules)
    proposals = [withheld_vehicles(given), supplied]
    for (drug, day), doses in doses_by_drug(bought).items():
        name = (assessment.rules.policy, encounter.name, drug, day)
        proposals.append(
            saved.again(
                LINE_OF_DRUG,
                name,
                line_of_drug,
                tuple(doses),
                day,
                assessment.visit,
                encounter.name,
                assessment.rules.of(ROUNDING).decide(NO_FACTS),
            )
        )
    return together([*proposals, Proposal(facts=doses_for_record(given))])


def reason_in_short(line: ChargeLine) -> str:
    """One sentence for a page: the sum of the doses."""
    return str(dict(line.trace[0].facts)["arithmetic"])
