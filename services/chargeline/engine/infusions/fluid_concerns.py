"""What rules decide about the minutes of hydration: in pieces, beside drugs, and with blood.

It owns these questions, and holds no answer, like concerns.py.
"""

from typing import NamedTuple

from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.words import FluidWithBloodAs, HydrationBesideAs, HydrationPiecesAs


class HydrationPiecesAnswer(NamedTuple):
    """Which minutes count where hydration ran in several pieces."""

    as_: "HydrationPiecesAs"


HYDRATION_PIECES = Concern(
    "position.hydration_pieces",
    NoFacts,
    HydrationPiecesAnswer,
    meaning="hydration that runs in several pieces",
)


class HydrationBesideAnswer(NamedTuple):
    """Whether minutes of hydration beside other services count."""

    as_: "HydrationBesideAs"


HYDRATION_BESIDE = Concern(
    "position.hydration_beside",
    NoFacts,
    HydrationBesideAnswer,
    meaning="minutes of hydration that run beside another administration",
)


class FluidWithBloodAnswer(NamedTuple):
    """Whether minutes of fluid from the first unit of blood to the last count as hydration."""

    as_: "FluidWithBloodAs"


FLUID_WITH_BLOOD = Concern(
    "position.fluid_with_blood",
    NoFacts,
    FluidWithBloodAnswer,
    meaning="minutes of fluid beside and between units of blood",
)
