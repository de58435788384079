"""The closed vocabulary of rules: which questions rules answer, from which facts, with which answers.

It owns the words that rules/ may use; the checker rejects any other. It holds no rule itself: an
answer lives in rules/, with its date, reason and citation. Minutes are facts too, compared by
at_least and at_most.
"""

from typing import NamedTuple

MINUTES = "minutes"  # a fact or answer that is a number of minutes
TEXT = "text"  # a fact that is any word (a payer), an answer that is any word (a code)
COUNT = "count"  # an answer that is a whole number

CLASSES = ("chemo", "hormonal", "therapeutic", "hydration", "flush")
KINDS = (
    "antineoplastic",
    "hormonal",
    "checkpoint_inhibitor",
    "anti_vegf_antibody",
    "antineoplastic_antibody",
    "complex_biologic",
    "supportive",
    "hydration_fluid",
    "flush",
    "thrombolytic",
)
ROUTES = (
    "intravenous",
    "intramuscular",
    "subcutaneous",
    "intra_arterial",
    "intrathecal",
    "intraperitoneal",
    "intrapleural",
    "intraventricular_reservoir",
    "catheter",
    "other",
    "unknown",
)
CHARTED = ("interval", "instant", "open")
METHODS = ("push", "infusion", "on_body", "refill", "irrigation", "unmarked")
DEVICES = ("portable_pump", "implanted_pump", "on_body_injector", "pump", "none")
PURPOSES = ("keep_open", "flush", "none")
YES_NO = ("yes", "no")
PATIENT_CLASSES = ("recurring", "outpatient", "emergency", "observation", "inpatient", "unknown")
TECHNIQUES = (
    "infusion",
    "push",
    "injection",
    "on_body_injection",
    "prolonged_infusion",
    "subcutaneous_infusion",
    "arterial_push",
    "arterial_infusion",
    "arterial_prolonged",
    "intrathecal",
    "intraperitoneal",
    "intrapleural",
    "reservoir",
    "declotting",
    "refill_portable",
    "refill_implanted",
    "irrigation",
)
POSITIONS = (
    "initial",
    "sequential",
    "concurrent",
    "additional",
    "repeat",
    "additional_hour",
    "only",
)
OUTCOMES = ("service", "withheld", "question", "missing_stop", "stopped_early", "long_push")


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
        {"group": ("by_day", "whole_visit", "by_gap"), "gap_minutes": MINUTES, "bill": YES_NO},
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
        {"as": ("infusion", "push"), "modifier": TEXT},
        False,
        "an infusion stopped in its first minutes",
    ),
    Concern(
        "position.missing_stop",
        {"class": CLASSES},
        {"as": ("push", "withheld")},
        False,
        "what an infusion without a stop becomes until somebody answers",
    ),
    Concern(
        "position.long_push",
        {},
        {"as": ("push", "infusion")},
        False,
        "a documented push that took more than 15 minutes",
    ),
    Concern(
        "position.repeat_infusion",
        {},
        {"as": ("add_minutes", "additional_hours", "short_as_push")},
        False,
        "the same drug infused again in one encounter",
    ),
    Concern(
        "position.hydration_pieces",
        {},
        {"as": ("sum", "longest")},
        False,
        "hydration that runs in several pieces",
    ),
    Concern(
        "position.hydration_beside",
        {},
        {"as": ("alone_only", "count")},
        False,
        "minutes of hydration that run beside another administration",
    ),
    Concern(
        "position.concurrency",
        {},
        {"as": ("any", "at_least", "majority", "subtract"), "minutes": MINUTES},
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
        {"as": ("report", "withheld"), "after_minutes": MINUTES},
        False,
        "the same drug pushed again",
    ),
    Concern(
        "position.push_beside_infusion",
        {"class": CLASSES},
        {"as": ("report", "withheld")},
        False,
        "a push during a running chemotherapy infusion of the same line",
    ),
    Concern(
        "position.injections",
        {"class": CLASSES},
        {"per": ("visit", "dose", "injection"), "modifier": TEXT},
        False,
        "how many units several injections are",
    ),
    Concern(
        "position.initial",
        {},
        {"by": ("rank", "primary_reason")},
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
        {"because": ("second_line", "second_encounter")},
        {"modifier": TEXT},
        False,
        "the modifier of a second initial service and of its add-on hours",
    ),
    Concern(
        "exclusive",
        {"technique": TECHNIQUES},
        {"with": ("any", "prolonged_infusion")},
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
