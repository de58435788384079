"""The charge family of the drugs themselves: HCPCS lines with their units.

Its door is `propose`. `units.py` owns the sum, `lines.py` the line. Every policy bills drugs alike,
so they are not compared.
"""

from chargeline.engine.again import LINE_OF_DRUG, SavedWork
from chargeline.engine.drugs.lines import (
    doses_by_drug,
    is_given,
    line_of_drug,
    withheld_vehicles,
)
from chargeline.engine.encounters import Assessment
from chargeline.engine.trace import ChargeLine, Proposal, together

__all__ = ["propose", "reason_in_short"]


def propose(assessment: Assessment, saved: SavedWork) -> Proposal:
    """The drug lines of one encounter, what is asked about doses, and what has no code."""
    given = [service for service in assessment.services if is_given(service)]
    encounter = assessment.encounter
    proposals = [withheld_vehicles(given)]
    for (drug, day), doses in doses_by_drug(given).items():
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
            )
        )
    return together(proposals)


def reason_in_short(line: ChargeLine) -> str:
    """One sentence for a page: the sum of the doses."""
    return str(dict(line.trace[0].facts)["arithmetic"])
