"""What rules decide about infusions, pushes, injections and hydration.

It owns the questions, with the facts and answers that rules may use. It holds no answer: the
answers are rules in rules/, each with its first day, its reason and its source.
"""

from typing import NamedTuple

from chargeline.engine.codes import RoleFacts
from chargeline.engine.infusions.fluid_concerns import (
    FLUID_WITH_BLOOD,
    HYDRATION_BESIDE,
    HYDRATION_PIECES,
)
from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.services.concerns import OfClass, RankAnswer
from chargeline.engine.words import (
    ConcurrencyAs,
    DistinctBecause,
    DrugClass,
    ExclusiveWith,
    InitialBy,
    InjectionsPer,
    PortAloneAs,
    Position,
    PushBesideAs,
    ReasonClass,
    RepeatInfusionAs,
    RepeatPushAs,
    Technique,
)

# ------------------------------------------------------------------ the same drug again


class RepeatInfusionAnswer(NamedTuple):
    """What a later infusion of the same drug is.

    Stretches of one order with at most `pause_minutes` between them are one infusion that was
    interrupted. With `short_as_push` a later infusion of at most `push_minutes` is a push.
    """

    as_: "RepeatInfusionAs"
    push_minutes: int = 0
    pause_minutes: int = 0


REPEAT_INFUSION = Concern(
    "position.repeat_infusion",
    OfClass,
    RepeatInfusionAnswer,
    meaning="the same drug infused again in one encounter",
)


class RepeatPushAnswer(NamedTuple):
    """Whether a later push of a drug is reported when more than `after_minutes` have passed."""

    as_: "RepeatPushAs"
    after_minutes: int


REPEAT_PUSH = Concern(
    "position.repeat_push",
    OfClass,
    RepeatPushAnswer,
    meaning="the same drug pushed again",
)

# ------------------------------------------------------------------ the initial service


class InitialAnswer(NamedTuple):
    """How the initial service is chosen."""

    by: "InitialBy"


INITIAL = Concern(
    "position.initial",
    NoFacts,
    InitialAnswer,
    meaning="which service is the initial one",
)


class DiagnosisFacts(NamedTuple):
    """A diagnosis code, or its first three characters."""

    diagnosis: str


class PrimaryReasonAnswer(NamedTuple):
    """What the patient came for: a class, and kinds or ids of drugs with `|` between them."""

    class_: "ReasonClass"
    kinds: str = ""


PRIMARY_REASON = Concern(
    "primary.reason",
    DiagnosisFacts,
    PrimaryReasonAnswer,
    meaning=(
        "the service for which a diagnosis says the patient came "
        "(kinds: kinds or ids of drugs, with |)"
    ),
    may_be_silent=True,
)


class ServiceFacts(NamedTuple):
    """Class and technique of a service, whatever its place."""

    class_: "DrugClass"
    technique: "Technique"


RANK = Concern(
    "service.rank",
    ServiceFacts,
    RankAnswer,
    meaning="the rank of an infusion or a push in the choice of the initial service",
    may_be_silent=True,
)


class DistinctFacts(NamedTuple):
    """Why there is a second initial service."""

    because: "DistinctBecause"


class ModifierAnswer(NamedTuple):
    """A modifier, "" for none."""

    modifier: str


DISTINCT = Concern(
    "modifier.distinct",
    DistinctFacts,
    ModifierAnswer,
    meaning="the modifier of a second initial service and of its add-on hours",
)

# ------------------------------------------------------------------ beside others


class ConcurrencyAnswer(NamedTuple):
    """How much overlap is concurrent.

    `minutes` must overlap (`at_least`), or must be left without overlap (`subtract`).
    """

    as_: "ConcurrencyAs"
    minutes: int = 0


CONCURRENCY = Concern(
    "position.concurrency",
    NoFacts,
    ConcurrencyAnswer,
    meaning="how much overlap makes an infusion concurrent",
)


class LimitAnswer(NamedTuple):
    """The most concurrent infusions of one encounter."""

    per_encounter: int


CONCURRENT_LIMIT = Concern(
    "position.concurrent_limit",
    NoFacts,
    LimitAnswer,
    meaning="how many concurrent infusions one encounter may carry",
)


class PushBesideAnswer(NamedTuple):
    """What a push during a running infusion is."""

    as_: "PushBesideAs"


PUSH_BESIDE = Concern(
    "position.push_beside_infusion",
    OfClass,
    PushBesideAnswer,
    meaning="a push during a running chemotherapy infusion of the same line",
)

# ------------------------------------------------------------------ injections and services alone


class InjectionsAnswer(NamedTuple):
    """What one unit is, and the modifier of further units of the same drug.

    With `dose` syringes of one order within `dose_minutes` are one dose that was divided.
    """

    per: "InjectionsPer"
    modifier: str = ""
    dose_minutes: int = 0


INJECTIONS = Concern(
    "position.injections",
    OfClass,
    InjectionsAnswer,
    meaning="how many units several injections are",
)


class TechniqueOnly(NamedTuple):
    """How a service is given."""

    technique: "Technique"


class ExclusiveAnswer(NamedTuple):
    """The other services beside which a service is not reported."""

    with_: "ExclusiveWith"


EXCLUSIVE = Concern(
    "exclusive",
    TechniqueOnly,
    ExclusiveAnswer,
    meaning="services that are not reported beside others of the same encounter",
    may_be_silent=True,
)


class LineFacts(NamedTuple):
    """The name of an access line, in capitals."""

    line: str


class PortAloneAnswer(NamedTuple):
    """What a visit is in which only this line was rinsed, and after how long a person is asked."""

    as_: "PortAloneAs"
    ask_after_minutes: int


PORT_ALONE = Concern(
    "position.port_alone",
    LineFacts,
    PortAloneAnswer,
    meaning="a visit in which a line is rinsed or locked and nothing else is given",
    may_be_silent=True,
)


class WithinAnswer(NamedTuple):
    """How close together drugs go in by one puncture, in minutes."""

    within_minutes: int


ONE_PUNCTURE = Concern(
    "position.one_puncture",
    TechniqueOnly,
    WithinAnswer,
    meaning="drugs that go in by the same puncture or catheter, and are one service",
    may_be_silent=True,
)

# ------------------------------------------------------------------ roles, codes and units


class PlaceFacts(NamedTuple):
    """A service in its place."""

    class_: "DrugClass"
    technique: "Technique"
    position: "Position"


class RoleAnswer(NamedTuple):
    """The service role."""

    role: str


ROLE = Concern(
    "service.role",
    PlaceFacts,
    RoleAnswer,
    meaning="the service role of an administration in its place",
    may_be_silent=True,
)


class RemainderAnswer(NamedTuple):
    """The minutes past a full hour that earn one more unit."""

    remainder_minutes: int


FURTHER_HOUR = Concern(
    "units.additional_hour",
    RoleFacts,
    RemainderAnswer,
    meaning="how many minutes past a full hour earn one more unit",
)


class MinimumAnswer(NamedTuple):
    """The fewest minutes that are reported."""

    minutes: int


MINIMUM = Concern(
    "units.minimum",
    ServiceFacts,
    MinimumAnswer,
    meaning="the fewest minutes that are a service at all",
    may_be_silent=True,
)


class CapFacts(NamedTuple):
    """A service role and the payer, in capitals."""

    role: str
    payer: str


class CapAnswer(NamedTuple):
    """The most units of one encounter."""

    most: int


CAP = Concern(
    "units.cap",
    CapFacts,
    CapAnswer,
    meaning="the most units a payer allows in one encounter; silent means no cap",
    may_be_silent=True,
)

CONCERNS = (
    REPEAT_INFUSION,
    HYDRATION_PIECES,
    HYDRATION_BESIDE,
    FLUID_WITH_BLOOD,
    CONCURRENCY,
    CONCURRENT_LIMIT,
    REPEAT_PUSH,
    PUSH_BESIDE,
    INJECTIONS,
    ONE_PUNCTURE,
    PORT_ALONE,
    INITIAL,
    PRIMARY_REASON,
    RANK,
    ROLE,
    FURTHER_HOUR,
    MINIMUM,
    CAP,
    DISTINCT,
    EXCLUSIVE,
)
