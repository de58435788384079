"""The closed words of people's answers: what may be said of a question, and of a charge line.

It owns these lists, one sentence for each word, as words.py owns those of nurses, messages and
rules. It does not know which question offers which choice, or what a choice does.
"""

from typing import Literal

AnswerChoice = Literal[
    "confirm",  # it is as charted
    "stop",  # it stopped at this time
    "start",  # it began at this time
    "dose",  # this amount was given
    "product",  # it was this drug of the formulary
    "route",  # it went this way
    "push",  # it was pushed by hand
    "infusion",  # it was infused
    "stopped_early",  # it was stopped before the whole amount was given
    "not_given",  # it was not given
    "not_done",  # nothing was done under a cancelled visit
    "one_record",  # two records tell of one bag or syringe
    "other_visit",  # it was given under another visit
    "this_account",  # the visit belongs to this visit number
    "other_account",  # the visit belongs to the other visit number
    "required",  # the protocol or the condition required the second site
    "not_required",  # nothing required the second site
    "treatment",  # the fluid was treatment, and no rinse or open vein
    "primary",  # the patient came for this administration
    "discarded",  # this amount of the drug was discarded
    "none_discarded",  # nothing of the drug was discarded
    "ndc",  # this NDC stands on the vial
    "on_dialysis",  # the patient has end-stage renal disease and is on dialysis
    "not_on_dialysis",  # the patient is not, or has no end-stage renal disease
    "not_bought",  # a patient, a trial or a programme supplied the drug
    "new",  # the patient is new to the practitioner's group
    "established",  # the patient was seen by the group
    "minutes",  # so many minutes the practitioner spent
    "level",  # this is the level
    "lower",  # of two values the lower holds
    "higher",  # of two values the higher holds
    "together",  # they are of two contacts of one visit, and minutes are added
    "separate_note",  # a practitioner's own signed note of that day is there
    "one_visit",  # several notes tell of one visit
    "two_visits",  # two visit numbers tell of two visits, each with a note and a reason
    "same_group",  # the visit's practitioner performed it, or one of the group and specialty
    "other_group",  # one of another group or specialty performed it
    "no_visit",  # there was no visit beside what else was done
    "continuing",  # the practitioner goes on caring for the patient
    "not_continuing",  # the practitioner does not
    "takes_back",  # the credit takes back the charge that is asked about
    "takes_nothing",  # the credit does not take back that charge
    "two_isocentres",  # two isocentres were treated in one sitting
    "two_sessions",  # there was a distinct break: two sessions
    "granted",  # the payer granted the authorization
    "denied",  # the payer refused it
    "pended",  # the payer has not decided
    "codes",  # the authorization is for these codes
    "units",  # so much the payer granted
    "this_payer",  # the payer of the authorization pays the visit
    "other_payer",  # another payer pays it, or the patient does
    "elsewhere",  # it was delivered at another place, which bills it
    "same_course",  # the course was resumed, or goes on under another number
    "new_course",  # another course began
    "said",  # of several values that were said, this one is right
    "unknown",  # nobody can say
    "by_hand",  # a person sees to it outside chargeline
    "withdraw",  # the earlier answer is taken back
]

LineChoice = Literal[
    "hold",  # not to be sent before somebody releases it
    "release",  # held no more
    "withhold",  # not billed
    "override",  # billed with another code, units or modifiers
    "restore",  # as drafted: the earlier word on the line is taken back
]

ValueKind = Literal[
    "",  # the choice says it all
    "time",  # a time with its offset from UTC, such as 2026-03-02T10:30-06:00
    "amount",  # a number and a unit, such as 450 mg
    "product",  # the id of a row of the formulary
    "route",  # a word for a route, such as intravenous
    "ndc",  # an NDC of eleven digits, or of ten with hyphens
    "administration",  # the key of an administration of the visit
    "minutes",  # a whole number of minutes, such as 45
    "level",  # straightforward, low, moderate or high
    "codes",  # HCPCS or CPT codes with blanks between them, such as J9271 J9305, or * for all
    "count",  # a whole number of units or visits, such as 800 units
    "payer",  # the payer of the question, as IN1-3 has it, in capitals
    "said",  # one of the values that the question names, such as three_dimensional
    "charge",  # a code with modifiers and units, such as 96415-59 x2
]

Severity = Literal[
    "blocks",  # nothing of the visit is ready before somebody answers
    "warns",  # somebody should look
    "notes",  # worth knowing
]
