"""Doubts about what was charted, and edits before the claim.

An edit looks at an encounter after the families have proposed its lines. It changes no code and no
unit. It asks a person, and marks each line that rests on a doubted administration as provisional.
`plausibility.py` holds the doubts, and `concerns.py` the numbers that rules set. `claims.py` says
of the finished lines on what a payer would deny them; that asks nobody and changes nothing.
"""

from collections.abc import Mapping, Sequence

from chargeline.engine.again import SavedWork
from chargeline.engine.answers.settling import not_settled
from chargeline.engine.edits.claims import billed_units, claim_edits
from chargeline.engine.edits.plausibility import doubts
from chargeline.engine.encounters import Assessment
from chargeline.engine.trace import ChargeLine, Proposal, Question
from chargeline.engine.words import FamilyName

__all__ = ["billed_units", "claim_edits", "reviewed"]


def reviewed(proposal: Proposal, assessment: Assessment, saved: SavedWork) -> Proposal:
    """A proposal with the doubts about it, and with the lines that rest on them provisional."""
    asked = not_settled(doubts(assessment, saved), assessment.encounter.administrations)
    open_ = [
        *asked,
        *[question for question in proposal.questions if question.finding.code in _RESTING],
    ]
    if not open_:
        return proposal
    first = _first_asked(open_)
    return proposal._replace(
        lines=tuple([_marked(line, first) for line in proposal.lines]),
        questions=(*proposal.questions, *asked),
    )


_BOTH: frozenset[FamilyName] = frozenset({"infusions", "drugs"})
_RESTING: Mapping[str, frozenset[FamilyName]] = {
    # The answer may give the service another place, and so another code.
    "initial.second_line": frozenset({"infusions"}),
    "initial.primary_reason": frozenset({"infusions"}),
    # It may still run: neither its minutes nor how much of the bag went in can be said.
    "stop.missing": _BOTH,
    # The record says two things: how much, which row, or when.
    "dose.disagrees": frozenset({"drugs"}),
    "dose.parts": frozenset({"drugs"}),
    "dose.repeated": frozenset({"drugs"}),
    # By mouth it would not be billed.
    "technique.no_route": frozenset({"drugs"}),
    "correction.again": _BOTH,
    "correction.ambiguous": _BOTH,
    "correction.other_sender": _BOTH,
    "time.twice": _BOTH,
}
"""The lines of which families rest on a question that is not a doubt; on a doubt rest all."""


_Asked = tuple[int, str]
"""The place of a question among those that are asked, and its code."""


def _first_asked(asked: Sequence[Question]) -> Mapping[tuple[FamilyName, str], _Asked]:
    """The first question on which the lines of a family rest, by administration."""
    first: dict[tuple[FamilyName, str], _Asked] = {}
    for place, question in enumerate(asked):
        code = question.finding.code
        for family in _RESTING.get(code, _BOTH):
            for key in question.administrations:
                first.setdefault((family, key), (place, code))
    return first


def _marked(line: ChargeLine, first: Mapping[tuple[FamilyName, str], _Asked]) -> ChargeLine:
    """The line, provisional if one of its administrations is doubted and nothing else is open."""
    if line.provisional:
        return line
    slots = [(line.family, key) for key in line.administrations]
    asked = min([first[slot] for slot in slots if slot in first], default=None)
    return line if asked is None else line._replace(provisional=asked[1])
