"""What rules decide about an administration by itself.

It owns the questions, with the facts and answers that rules may use. It holds no answer: the
answers are rules in rules/.
"""

from typing import NamedTuple

from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.words import (
    Charting,
    DeviceFact,
    DrugClass,
    DrugKind,
    LongPushAs,
    MethodFact,
    MissingStopAs,
    OneTimeAs,
    PurposeFact,
    RouteFact,
    StoppedEarlyAs,
    Technique,
    TechniqueOutcome,
    YesNo,
)


class ClassFacts(NamedTuple):
    """What decides the class of a drug."""

    kind: "DrugKind"


class ClassAnswer(NamedTuple):
    """Under which codes a drug is given."""

    class_: "DrugClass"


DRUG_CLASS = Concern(
    "drug.class",
    ClassFacts,
    ClassAnswer,
    meaning="how a kind of drug is classed for administration codes",
)


class OfClass(NamedTuple):
    """Facts of a concern that asks for nothing but the class."""

    class_: "DrugClass"


class RankAnswer(NamedTuple):
    """The place in an order, 1 for the first."""

    rank: int


MIXTURE_RANK = Concern(
    "mixture.rank",
    OfClass,
    RankAnswer,
    meaning="which drug of a mixture decides its class: the one of the lowest rank",
)


class OneTimeFacts(NamedTuple):
    """What is charted beside a single time. `ordered_minutes` is 0 where no order says them."""

    route: "RouteFact"
    method: "MethodFact"
    rate: "YesNo"
    ordered_minutes: int


class OneTimeAnswer(NamedTuple):
    """What a single charted time means."""

    as_: "OneTimeAs"


ONE_TIME = Concern(
    "charting.one_time",
    OneTimeFacts,
    OneTimeAnswer,
    meaning=(
        "whether a single charted time is all of it, or the start of an infusion without a stop"
    ),
)


class TechniqueFacts(NamedTuple):
    """What decides what an administration is by itself. `minutes` are running minutes."""

    class_: "DrugClass"
    route: "RouteFact"
    charted: "Charting"
    method: "MethodFact"
    device: "DeviceFact"
    purpose: "PurposeFact"
    partial: "YesNo"
    ordered_minutes: int
    minutes: int


class TechniqueAnswer(NamedTuple):
    """What an administration is, and its technique; None where it is not a service."""

    outcome: "TechniqueOutcome"
    technique: "Technique | None" = None


TECHNIQUE = Concern(
    "service.technique",
    TechniqueFacts,
    TechniqueAnswer,
    meaning=(
        "what kind of service an administration is, from its route, charting and running minutes"
    ),
    may_be_silent=True,
)


class StoppedEarlyAnswer(NamedTuple):
    """What an infusion that was stopped early is reported as, and its modifier ("" for none)."""

    as_: "StoppedEarlyAs"
    modifier: str = ""


STOPPED_EARLY = Concern(
    "position.stopped_early",
    NoFacts,
    StoppedEarlyAnswer,
    meaning="an infusion stopped in its first minutes",
)


class MissingStopAnswer(NamedTuple):
    """What an infusion without a stop is until somebody answers.

    `ask_after_minutes` counts from the start, and is used where no order says how long the infusion
    runs. The stop is asked for after that time.
    """

    as_: "MissingStopAs"
    ask_after_minutes: int


MISSING_STOP = Concern(
    "position.missing_stop",
    OfClass,
    MissingStopAnswer,
    meaning="what an infusion without a stop becomes until somebody answers",
)


class LongPushAnswer(NamedTuple):
    """What a push that took long is reported as."""

    as_: "LongPushAs"


LONG_PUSH = Concern(
    "position.long_push",
    NoFacts,
    LongPushAnswer,
    meaning="a documented push that took more than 15 minutes",
)

CONCERNS = (
    DRUG_CLASS,
    MIXTURE_RANK,
    ONE_TIME,
    TECHNIQUE,
    STOPPED_EARLY,
    MISSING_STOP,
    LONG_PUSH,
)
