"""The closed words: what a nurse can chart, what a message can say, what a rule can answer.

It owns one list for each family of words, and one sentence for each word. It does not know what
anybody does with a word. Code that needs a list (the interface profile, the vocabulary of rules,
the notation of cases, the labels of metrics, the tables of the READMEs) takes the list from here
with `words_of`. So nobody can spell a word in two ways: the type checker finds a misspelt word, and
the checks of rules and profiles refuse one.

A family whose name ends in `Charted` has "" beside its words, for a sender that said nothing. A
rule cannot say "", so the family of the same fact that rules ask for, which ends in `Fact`, has a
word for nothing, such as `none`, `unmarked` or `unknown`.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

# ------------------------------------------------------------------ what a nurse charts

Action = Literal[
    "given",  # one row that stands for itself: with its end, or at one moment
    "start",  # it begins, goes on after a pause, or the next bag of a running infusion is hung
    "rate",  # the rate is changed; a rate of 0 is read as a pause
    "verify",  # the rate is looked at and left as it is
    "pause",  # the clock stops
    "restart",  # the clock goes on
    "stop",  # it ends
    "bolus",  # an extra amount; part of the infusion if one runs
    "push",  # given by hand, whatever the order says
    "not_given",  # held, missed or refused; while the infusion runs, a pause
    "void",  # the row that this one repeats was charted in error
]
ActionCharted = Action | Literal[""]

Completion = Literal[
    "complete",  # the whole amount was given
    "partial",  # stopped before the whole amount was given
    "not_given",  # nothing was given
]
CompletionCharted = Completion | Literal[""]

RecordStatus = Literal[
    "add",  # a new row
    "update",  # it replaces a row that came before
    "delete",  # it takes a row back
]

Route = Literal[
    "intravenous",  # into a vein
    "intramuscular",  # into a muscle
    "subcutaneous",  # under the skin
    "intra_arterial",  # into an artery
    "intrathecal",  # into the fluid around the spinal cord
    "intraperitoneal",  # into the abdominal cavity
    "intrapleural",  # into the space around a lung
    "intraventricular_reservoir",  # into a reservoir under the scalp
    "catheter",  # into an access device, to open or to rinse it
    "other",  # by mouth, on the skin, inhaled: never billed here
]
RouteCharted = Route | Literal[""]
RouteFact = (
    Route
    | Literal[
        "unknown"  # no route is charted, or one that the interface profile does not know
    ]
)

Method = Literal[
    "push",  # given by hand, by syringe
    "infusion",  # given from a bag or by a pump
    "on_body",  # by an injector that the patient wears home
    "refill",  # a pump is filled
    "irrigation",  # an access device is rinsed
]
MethodCharted = Method | Literal[""]
MethodFact = (
    Method
    | Literal[
        "unmarked"  # nobody says how
    ]
)

Device = Literal[
    "portable_pump",  # a pump that the patient carries home
    "clinic_pump",  # the same, and it is the clinic's own
    "implanted_pump",  # a pump under the skin
    "on_body_injector",  # an injector on the skin that doses later
    "pump",  # the pump at the bedside
]
DeviceCharted = Device | Literal[""]
DeviceFact = (
    Device
    | Literal[
        "none"  # no device is charted
    ]
)

Purpose = Literal[
    "keep_open",  # fluid that only keeps the vein open
    "flush",  # fluid that only rinses the line
]
PurposeCharted = Purpose | Literal[""]
PurposeFact = (
    Purpose
    | Literal[
        "none"  # it is given for itself
    ]
)

# ------------------------------------------------------------------ what else a message says

Component = Literal[
    "",  # the drug itself, as RXA-5 or RXE-2 names it
    "additive",  # a drug in a mixture (RXC-1 A)
    "base",  # the fluid that carries a mixture (RXC-1 B)
]

OrderKind = Literal[
    "order",  # RDE and RAS: what was ordered
    "dispense",  # RDS: what the pharmacy handed out
    "give",  # RGV: what is to be given now
]

OrderControl = Literal[
    "cancelled",  # cancelled, discontinued, held or replaced: nobody may give what was ordered
    "in_force",  # ordered, changed or released
]
OrderControlFact = OrderControl | Literal[""]

PatientClass = Literal[
    "recurring",  # an account on which the patient comes again and again
    "outpatient",  # one visit
    "emergency",  # the emergency department
    "observation",  # a stay to be watched, not admitted
    "inpatient",  # admitted
]
PatientClassFact = (
    PatientClass
    | Literal[
        "unknown"  # PV1-2 is empty, or a value that the interface profile does not know
    ]
)

EmptyEnd = Literal[
    "at_once",  # a row without RXA-4 was given at one moment, as the standard says
    "running",  # a row without RXA-4 still runs
]

# ------------------------------------------------------------------ what follows for a timeline

Charting = Literal[
    "interval",  # start and stop are charted
    "instant",  # one time only
    "open",  # it began, and no stop is charted
]

# ------------------------------------------------------------------ what rules make of it

YesNo = Literal[
    "yes",  # it holds
    "no",  # it does not hold
]
IS_YES: Mapping[YesNo, bool] = {"yes": True, "no": False}
"""A table and no comparison: a misspelt answer of a rule is an error and not the other answer."""

Outside = Literal[
    "",  # it lies within its visit, or nobody says when the visit began and ended
    "before",  # it lies before the admission
    "after",  # it lies after the discharge
]

DrugKind = Literal[
    "antineoplastic",  # kills or stops tumour cells
    "hormonal",  # against a tumour by way of hormones
    "checkpoint_inhibitor",  # an antibody that frees the immune system
    "anti_vegf_antibody",  # an antibody against the growth of vessels
    "antineoplastic_antibody",  # an antibody against the tumour itself
    "complex_biologic",  # a biologic whose giving is as demanding as chemotherapy
    "supportive",  # against side effects, infections, anaemia and the rest
    "hydration_fluid",  # fluid without a drug
    "flush",  # what rinses or locks a line
    "thrombolytic",  # what opens a blocked access device
    "blood",  # red cells, platelets, plasma: transfused, and billed elsewhere
]

ReasonClass = Literal[
    "chemo",  # given under the codes of chemotherapy
    "hormonal",  # hormonal chemotherapy: the same codes, but for injections
    "therapeutic",  # given under the codes of therapy, prophylaxis and diagnosis
    "hydration",  # given under the codes of hydration
]
DrugClass = (
    ReasonClass
    | Literal[
        "flush",  # never a service of its own, and nobody comes for it
        "blood",  # a transfusion has codes of its own, which are not drafted here
    ]
)

Technique = Literal[
    "infusion",  # into a vein, 16 minutes or longer
    "push",  # into a vein, by hand or up to 15 minutes
    "injection",  # into a muscle or under the skin
    "on_body_injection",  # an injector is put on
    "prolonged_infusion",  # more than eight hours by portable or implanted pump
    "clinic_pump_infusion",  # the same by the clinic's own pump, with the visit at its end
    "subcutaneous_infusion",  # under the skin, by pump
    "arterial_push",  # into an artery, by hand
    "arterial_infusion",  # into an artery, by the hour
    "arterial_prolonged",  # into an artery, more than eight hours by pump
    "intrathecal",  # into the fluid around the spinal cord
    "intraperitoneal",  # into the abdominal cavity
    "intrapleural",  # into the space around a lung
    "reservoir",  # into a reservoir under the scalp
    "declotting",  # a blocked access device is opened with a drug
    "refill_portable",  # a portable pump is filled
    "refill_implanted",  # an implanted pump is filled
    "irrigation",  # an access device is rinsed
]

Position = Literal[
    "initial",  # the one first service of its access line
    "sequential",  # a further drug, infused before or after
    "concurrent",  # a further drug, infused at the same time
    "additional",  # a further push, or hydration beside other services
    "repeat",  # the same drug pushed again
    "additional_hour",  # further hours, or a later infusion of a drug that is reported already
    "only",  # a service that has no place among others
]

TechniqueOutcome = Literal[
    "service",  # it is a service of the technique named
    "withheld",  # it is not billed, and the rule says why
    "question",  # a person must say more; the rule says what
    "missing_stop",  # an infusion whose stop is not charted
    "stopped_early",  # an infusion that was stopped in its first minutes
    "long_push",  # a push that took long
]

Grouping = Literal[
    "by_day",  # each day is an encounter
    "whole_visit",  # the whole stay is one encounter
    "by_gap",  # a new encounter begins after a gap without administrations
]

OneTimeAs = Literal[
    "instant",  # it was given at that time
    "open",  # it began at that time, and its stop is missing
]

StoppedEarlyAs = Literal[
    "infusion",  # the infusion that it was to be
    "push",  # what its minutes amount to
]

MissingStopAs = Literal[
    "push",  # drafted as if pushed, until somebody answers
    "withheld",  # not billed until somebody answers
]

LongPushAs = Literal[
    "push",  # the push that was charted
    "infusion",  # what its minutes amount to
]

RepeatInfusionAs = Literal[
    "add_minutes",  # one infusion of all minutes
    "additional_hours",  # the later ones are further hours of the first
    "short_as_push",  # a later one of few minutes is a push
]

HydrationPiecesAs = Literal[
    "sum",  # the minutes of all pieces
    "longest",  # the minutes of the longest piece alone
]

HydrationBesideAs = Literal[
    "alone_only",  # only minutes in which nothing else runs
    "count",  # all minutes
]

FluidWithBloodAs = Literal[
    "withheld",  # from the first unit of blood to the end of the last none of its minutes count
    "count",  # its minutes count as any other
]

ConcurrencyAs = Literal[
    "any",  # one minute together is concurrent
    "at_least",  # so many minutes together are concurrent
    "majority",  # more than half of the minutes together are concurrent
    "subtract",  # minutes together are taken off; what is left is sequential, if it is enough
]

RepeatPushAs = Literal[
    "report",  # reported again after some minutes
    "withheld",  # not reported again
]

NotBoughtAs = Literal[
    "withheld",  # the drug is not billed; giving it is
    "bill",  # the drug is billed as any other
]

RoundingAs = Literal[
    "up",  # a part of a unit counts whole
    "down",  # a part of a unit is not billed
]

PushBesideAs = Literal[
    "report",  # reported beside the infusion
    "withheld",  # part of the infusion
]

PortAloneAs = Literal[
    "irrigation",  # the rinsing is the service, until somebody names another
    "withheld",  # nothing is billed
]

InjectionsPer = Literal[
    "visit",  # one unit, however many
    "dose",  # one unit a dose, even if it was divided
    "injection",  # one unit a syringe
]

InitialBy = Literal[
    "rank",  # the highest in rank
    "primary_reason",  # what the patient came for
]

DistinctBecause = Literal[
    "second_line",  # a second access line
    "second_encounter",  # a second encounter of the day
]

ExclusiveWith = Literal[
    "any",  # not beside any other service
    "prolonged_infusion",  # not beside the start of a pump
]

# ------------------------------------------------------------------ what a draft is made of

FamilyName = Literal[
    "infusions",  # giving drugs: infusions, pushes, injections, hydration and the care of pumps
    "drugs",  # the drugs themselves
    "office_visits",  # visits with a practitioner
    "radiation",  # courses of radiation: delivery, management, physics and planning
    "encounter",  # an encounter as a whole: nothing of it is billed
]

ContributionKind = Literal[
    "initial_service",  # an initial service on a day
    "service",  # services on a day, and no initial one among them
    "irrigation",  # an access device was rinsed on a day, and nothing else was done
    "pump_start",  # an order's pump was started and went home with the patient
    "pump_stop",  # an order's pump was taken off, and the visit does not have its start
    "dose",  # a drug was given at a minute
    "seen",  # a practitioner of a group saw the patient
    "office_visit",  # a visit with a practitioner on a day, whatever is billed of it
    "posted_service",  # charges that a visit may stand beside were posted on a day
    "radiation_day",  # radiation was charted on a day, whatever is billed of it
    "fraction",  # a session of a radiation course was delivered
    "course_service",  # a service that a radiation course has a limited number of times
    "billed_units",  # units of a code with a limit of a day were billed on a day
    "authorized_units",  # units of a code that needs an authorization are billed, or planned
    "authorization",  # a payer's authorization, whatever has become of it
]

Outcome = Literal[
    "service",  # it can be coded
    "withheld",  # it is not billed
    "question",  # it is not billed until somebody answers
]


def words_of(family: Any) -> tuple[str, ...]:
    """The words of a family, in the order of its list."""
    if get_origin(family) is Literal:
        return get_args(family)
    return tuple(word for part in get_args(family) for word in words_of(part))


# For code that looks a word up and needs the type DrugKind and not str.
DRUG_KINDS: tuple[DrugKind, ...] = get_args(DrugKind)
