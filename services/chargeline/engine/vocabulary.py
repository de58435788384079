"""The closed vocabulary of rules: which questions rules answer, from which facts, with which answers.

It owns the words that rules/ may use; the checker rejects any other. It holds no rule itself: an
answer lives in rules/, with its date, reason and citation. Minutes are facts too, compared by
at_least and at_most.
"""

from typing import NamedTuple

from chargeline.engine import words
from chargeline.engine.words import words_of

MINUTES = "minutes"  # a fact or answer that is a number of minutes
TEXT = "text"  # a fact that is any word (a payer), an answer that is any word (a code)
COUNT = "count"  # an answer that is a whole number

CLASSES = words_of(words.DrugClass)
KINDS = words_of(words.DrugKind)
ROUTES = words_of(words.RouteFact)
CHARTED = words_of(words.Charting)
METHODS = words_of(words.MethodFact)
DEVICES = words_of(words.DeviceFact)
PURPOSES = words_of(words.PurposeFact)
YES_NO = words_of(words.YesNo)
PATIENT_CLASSES = words_of(words.PatientClassFact)
TECHNIQUES = words_of(words.Technique)
POSITIONS = words_of(words.Position)
OUTCOMES = words_of(words.TechniqueOutcome)


class Concern(NamedTuple):
    """One question that rules answer: its facts, its answers, and whether no rule is an answer too."""

    name: str
    facts: dict[str, tuple[str, ...] | str]
    answers: dict[str, tuple[str, ...] | str]
    may_be_silent: bool
    meaning: str


_CONCERNS = (
    Concern(
        "drug.class",
        {"kind": KINDS},
        {"class": CLASSES},
        False,
        "how a kind of drug is classed for administration codes",
    ),
    Concern(
        "encounter.grouping",
        {"patient_class": PATIENT_CLASSES},
        {"group": words_of(words.Grouping), "gap_minutes": MINUTES, "bill": YES_NO},
        False,
        "how the days of one visit number become encounters, and whether they are billed at all",
    ),
    Concern(
        "service.technique",
        {
            "class": CLASSES,
            "route": ROUTES,
            "charted": CHARTED,
            "method": METHODS,
            "device": DEVICES,
            "purpose": PURPOSES,
            "partial": YES_NO,
            "long_order": YES_NO,
            MINUTES: MINUTES,
        },
        {"outcome": OUTCOMES, "technique": TECHNIQUES},
        True,
        "what kind of service an administration is, from its route, charting and running minutes",
    ),
    Concern(
        "position.stopped_early",
        {},
        {"as": words_of(words.StoppedEarlyAs), "modifier": TEXT},
        False,
        "an infusion stopped in its first minutes",
    ),
    Concern(
        "position.missing_stop",
        {"class": CLASSES},
        {"as": words_of(words.MissingStopAs)},
        False,
        "what an infusion without a stop becomes until somebody answers",
    ),
    Concern(
        "position.long_push",
        {},
        {"as": words_of(words.LongPushAs)},
        False,
        "a documented push that took more than 15 minutes",
    ),
    Concern(
        "position.repeat_infusion",
        {},
        {"as": words_of(words.RepeatInfusionAs)},
        False,
        "the same drug infused again in one encounter",
    ),
    Concern(
        "position.hydration_pieces",
        {},
        {"as": words_of(words.HydrationPiecesAs)},
        False,
        "hydration that runs in several pieces",
    ),
    Concern(
        "position.hydration_beside",
        {},
        {"as": words_of(words.HydrationBesideAs)},
        False,
        "minutes of hydration that run beside another administration",
    ),
    Concern(
        "position.concurrency",
        {},
        {"as": words_of(words.ConcurrencyAs), "minutes": MINUTES},
        False,
        "how much overlap makes an infusion concurrent",
    ),
    Concern(
        "position.concurrent_limit",
        {},
        {"per_encounter": COUNT},
        False,
        "how many concurrent infusions one encounter may carry",
    ),
    Concern(
        "position.repeat_push",
        {"class": CLASSES},
        {"as": words_of(words.RepeatPushAs), "after_minutes": MINUTES},
        False,
        "the same drug pushed again",
    ),
    Concern(
        "position.push_beside_infusion",
        {"class": CLASSES},
        {"as": words_of(words.PushBesideAs)},
        False,
        "a push during a running chemotherapy infusion of the same line",
    ),
    Concern(
        "position.injections",
        {"class": CLASSES},
        {"per": words_of(words.InjectionsPer), "modifier": TEXT},
        False,
        "how many units several injections are",
    ),
    Concern(
        "position.initial",
        {},
        {"by": words_of(words.InitialBy)},
        False,
        "which service is the initial one",
    ),
    Concern(
        "primary.reason",
        {"diagnosis": TEXT},
        {"class": CLASSES, "kinds": TEXT},
        True,
        "the service for which a diagnosis says the patient came (kinds: kinds or ids of drugs, with |)",
    ),
    Concern(
        "service.rank",
        {"class": CLASSES, "technique": TECHNIQUES},
        {"rank": COUNT},
        True,
        "the rank of a service in the choice of the initial one; silent means it does not compete",
    ),
    Concern(
        "service.role",
        {"class": CLASSES, "technique": TECHNIQUES, "position": POSITIONS},
        {"role": TEXT},
        True,
        "the service role of an administration in its place",
    ),
    Concern(
        "units.additional_hour",
        {"role": TEXT},
        {"remainder_minutes": MINUTES},
        False,
        "how many minutes past a full hour earn one more unit",
    ),
    Concern(
        "units.minimum",
        {"technique": TECHNIQUES, "class": CLASSES},
        {"minutes": MINUTES},
        True,
        "the fewest minutes that are a service at all",
    ),
    Concern(
        "units.cap",
        {"role": TEXT, "payer": TEXT},
        {"most": COUNT},
        True,
        "the most units a payer allows in one encounter; silent means no cap",
    ),
    Concern(
        "modifier.distinct",
        {"because": words_of(words.DistinctBecause)},
        {"modifier": TEXT},
        False,
        "the modifier of a second initial service and of its add-on hours",
    ),
    Concern(
        "exclusive",
        {"technique": TECHNIQUES},
        {"with": words_of(words.ExclusiveWith)},
        True,
        "services that are not reported beside others of the same encounter",
    ),
    Concern(
        "role.code",
        {"role": TEXT},
        {"code": TEXT},
        True,
        "the code of a role on a day",
    ),
)

CONCERNS: dict[str, Concern] = {concern.name: concern for concern in _CONCERNS}
