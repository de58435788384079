"""What rules decide about the units of a drug.

It owns the question, and holds no answer: the answer is a rule in rules/ with its source.
"""

from typing import NamedTuple

from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.words import RoundingAs


class RoundingAnswer(NamedTuple):
    """What becomes of the part of a billing unit that is left over."""

    as_: "RoundingAs"


ROUNDING = Concern(
    "units.drug",
    NoFacts,
    RoundingAnswer,
    meaning="what becomes of a part of a billing unit: rounded up, or down to whole units",
)
CONCERNS = (ROUNDING,)
