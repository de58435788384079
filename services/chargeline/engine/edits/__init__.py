"""Doubts about what was charted: a charge that cannot be right leaves with a question on it.

An edit looks at an encounter after the families have proposed its lines. It changes no code and no
unit. It asks a person, and marks each line that rests on a doubted administration as provisional.
`plausibility.py` holds the doubts, and `concerns.py` the numbers that rules set.
"""

from collections.abc import Sequence

from chargeline.engine.again import SavedWork
from chargeline.engine.edits.plausibility import doubts
from chargeline.engine.encounters import Assessment
from chargeline.engine.trace import ChargeLine, Proposal, Question

__all__ = ["reviewed"]


def reviewed(proposal: Proposal, assessment: Assessment, saved: SavedWork) -> Proposal:
    """A proposal with the doubts about it, and with the lines that rest on them provisional."""
    asked = doubts(assessment, saved)
    open_ = [*asked, *[each for each in proposal.questions if each.finding.code in _DOUBTED]]
    if not open_:
        return proposal
    return proposal._replace(
        lines=tuple([_marked(line, open_) for line in proposal.lines]),
        questions=(*proposal.questions, *asked),
    )


# Questions of a family whose answer may give the service another place, and so another code.
_OF_A_PLACE = frozenset({"initial.second_line", "initial.primary_reason"})
# These and a row that may have been replayed make every line of the administration doubtful.
_DOUBTED = _OF_A_PLACE | {"correction.again"}


def _marked(line: ChargeLine, asked: Sequence[Question]) -> ChargeLine:
    """The line, provisional if one of its administrations is doubted and nothing else is open."""
    if line.provisional:
        return line
    for question in asked:
        is_place = question.finding.code in _OF_A_PLACE
        if is_place and line.family != "infusions":
            continue
        if any(key in question.administrations for key in line.administrations):
            return line._replace(provisional=question.finding.code)
    return line
