"""Doubts about what was charted: a charge that cannot be right leaves with a question on it.

An edit looks at an encounter after the families have proposed its lines. It changes no code and no
unit. It asks a person, and marks each line that rests on a doubted administration as provisional.
`plausibility.py` holds the doubts, and `concerns.py` the numbers that rules set.
"""

from collections.abc import Sequence

from chargeline.engine.edits.plausibility import doubts
from chargeline.engine.encounters import Assessment
from chargeline.engine.trace import ChargeLine, Proposal, Question

__all__ = ["reviewed"]


def reviewed(proposal: Proposal, assessment: Assessment) -> Proposal:
    """A proposal with the doubts about it, and with the lines that rest on them provisional."""
    asked = doubts(assessment)
    if not asked:
        return proposal
    return proposal._replace(
        lines=tuple([_marked(line, asked) for line in proposal.lines]),
        questions=(*proposal.questions, *asked),
    )


def _marked(line: ChargeLine, asked: Sequence[Question]) -> ChargeLine:
    """The line, provisional if one of its administrations is doubted and nothing else is open."""
    if line.provisional:
        return line
    for question in asked:
        if not set(question.administrations).isdisjoint(line.administrations):
            return line._replace(provisional=question.finding.code)
    return line
