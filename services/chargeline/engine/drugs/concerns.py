"""What rules decide about the drugs themselves.

It owns the questions, and holds no answer: the answers are rules in rules/ with their sources.
"""

from typing import NamedTuple

from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.words import NotBoughtAs, RoundingAs


class RoundingAnswer(NamedTuple):
    """What becomes of the part of a billing unit that is left over."""

    as_: "RoundingAs"


ROUNDING = Concern(
    "units.drug",
    NoFacts,
    RoundingAnswer,
    meaning="what becomes of a part of a billing unit: rounded up, or down to whole units",
)


class NotBoughtAnswer(NamedTuple):
    """What becomes of a drug that somebody else paid for."""

    as_: "NotBoughtAs"


NOT_BOUGHT = Concern(
    "drug.not_bought",
    NoFacts,
    NotBoughtAnswer,
    meaning="a drug that the site did not buy: a white bag, a trial, the patient's own",
)
CONCERNS = (ROUNDING, NOT_BOUGHT)
