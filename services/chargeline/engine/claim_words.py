"""The closed words of drug lines and of claims: containers, waste, NDCs, published tables, edits.

It owns these lists, one sentence for each word, as words.py owns those of nurses, messages and most
rules. It does not know what anybody does with a word.
"""

from typing import Literal

# ------------------------------------------------------------------ containers and waste

ContainerForm = Literal[
    "liquid",  # a solution, also in a syringe: its NDC counts in millilitres
    "powder",  # dry, dissolved before use: its NDC counts in vials
    "cream",  # a cream, an ointment or a bulk powder: its NDC counts in grams
    "piece",  # an implant or a kit: its NDC counts in pieces
]
FormCharted = ContainerForm | Literal[""]

ContainerUse = Literal[
    "single_dose",  # for one patient once: what is left must be discarded
    "multi_dose",  # what is left is for the next patient
]
UseFact = (
    ContainerUse
    | Literal[
        "unknown"  # neither the container nor the formulary says it
    ]
)

PaidFact = Literal[
    "apart",  # OPPS pays the drug beside the service: status indicator G or K
    "packaged",  # OPPS pays it with the service: status indicator N
    "otherwise",  # OPPS pays it in another way, or not at all
    "unknown",  # no table of the day says it
]

WasteAs = Literal[
    "lines",  # what was discarded has a line of its own, and a line without waste says so
    "unbilled",  # what was discarded is not billed, and lines carry no modifier for it
]

SmallWasteAs = Literal[
    "none_discarded",  # less than a unit was discarded: reported as if nothing was
    "unmarked",  # less than a unit was discarded: no modifier
]

LinePerNdcAs = Literal[
    "ndc",  # a line for each NDC of a drug
    "lot",  # a line for each NDC and lot of a drug
]

PatientsCharted = Literal[
    "dialysis",  # for patients with end-stage renal disease who are on dialysis
    "",  # for all others
]

RenalFact = Literal[
    "dialysis",  # end-stage renal disease and dialysis: two diagnoses, or a person's word
    "doubtful",  # one of the two diagnoses, and not the other
    "none",  # diagnoses that name neither, or a person's word
    "unknown",  # the visit has no diagnosis
]

SentCodeFact = Literal[
    "dialysis",  # the sender wrote the code that is for patients on dialysis
    "nothing",  # the sender wrote another code, a name or an NDC
]

DialysisCodeAs = Literal[
    "dialysis",  # the code for patients on dialysis
    "others",  # the code for all others
    "ask",  # a person is asked whether the patient is on dialysis
]

BoughtFact = Literal[
    "full_price",  # bought like any other
    "discounted",  # bought at the price of the 340B programme
]

NdcUnit = Literal[
    "ML",  # millilitres of a liquid
    "UN",  # pieces: vials of powder, syringes of powder, kits
    "GR",  # grams of a cream or a bulk powder
    "",  # what the container holds is not known
]

# ------------------------------------------------------------------ what is published

PublishedTable = Literal[
    "crosswalk",  # which HCPCS code a package (NDC) is billed under, and in how many units
    "payment_limits",  # what Medicare pays for one unit of a drug (ASP)
    "status_indicators",  # how OPPS pays a code: Addendum B
    "hcpcs",  # from when and until when a HCPCS Level II code is valid: ANWEB
    "mue",  # the most units of a code that are believed: NCCI MUE
    "ptp",  # which code is not paid beside which: NCCI PTP
    "add_on",  # which primary codes an add-on code needs: NCCI AOC
]

ClaimSetting = Literal[
    "practitioner",  # the claim of a physician or another practitioner
    "hospital",  # the claim of a hospital's outpatient department
    "dme",  # the claim of a supplier of durable medical equipment
]

CrosswalkList = Literal[
    "asp",  # drugs with an average sales price
    "opps",  # drugs that OPPS pays apart
    "noc",  # drugs without a code of their own
]

# ------------------------------------------------------------------ edits before the claim

EditName = Literal[
    "ndc.missing",  # a drug line without an NDC
    "ndc.no_quantity",  # an NDC, and nobody knows what its container holds
    "ndc.obsolete",  # the NDC was on the market, or in the crosswalk, no more on that day
    "waste.undocumented",  # nothing says whether anything of a single-dose container was discarded
    "waste.record",  # a discarded amount is billed, and the chart does not say by whom or why
    "diagnosis.missing",  # the visit has no diagnosis
    "code.not_valid",  # the code may not be billed on that day
    "units.above_limit",  # more units than are believed (MUE)
    "pair.bundled",  # a code that is not paid beside another one (PTP)
    "add_on.alone",  # an add-on code without its primary code
    "drug.not_given",  # a drug that was handed out, and nothing is charted of it
    "visit.undercoded",  # a lower level of a visit was posted than the facts carry
    "visit.overcoded",  # a higher level of a visit was posted than the facts carry
    "visit.posted_otherwise",  # its modifiers, units or an add-on were posted otherwise
    "authorization.missing",  # no authorization is on file
    "authorization.undecided",  # the payer was asked, and has not decided
    "authorization.unclear",  # the payer's answer lacks what it must say
    "authorization.not_begun",  # it starts after the day
    "authorization.expired",  # the day lies after its last day
    "authorization.denied",  # the payer refused it
    "authorization.appealed",  # the payer refused it, and has not decided on the objection
    "authorization.other_payer",  # it is of another payer than the visit's
    "authorization.diagnosis",  # it is for other diagnoses than the visit's
    "authorization.units",  # less is left of it than the line needs
    "authorization.site",  # it is for another place, or nobody says where
    "authorization.provider",  # it is for another practitioner, or nobody says who
    "authorization.overlap",  # several cover the line, and nobody says which counts
    "authorization.ends_before_it_begins",  # it covers no day
    "authorization.only_number",  # nothing is known of it but its number
    "authorization.other_number",  # the visit names another one than the one that covers
    "authorization.running_out",  # most of its units are used
    "authorization.ending",  # its last day is near
    "authorization.next_dose",  # it has no room for the next planned dose
    "tables.missing",  # published tables of the day are not loaded
]

Settler = Literal[
    "coder",  # who codes the visit
    "nurse",  # who gave the drug
    "pharmacy",  # who bought and prepared it
    "registration",  # who knows the patient's diagnoses and payer
    "administrator",  # who loads tables and keeps the rules
]
