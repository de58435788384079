"""The closed words of prior authorization: its life cycle, what it counts, what a request shows.

It owns these lists, one sentence for each word, as words.py owns those of nurses, messages and most
rules. It does not know what anybody does with a word.
"""

from typing import Literal

from chargeline.engine.care_words import Observed

AuthorizationStatus = Literal[
    "requested",  # somebody asked the payer
    "pended",  # the payer looks at it, or waits for evidence
    "approved",  # granted as asked
    "modified",  # granted otherwise than asked
    "denied",  # refused
    "appealed",  # refused, and somebody objected
    "expired",  # it ended
    "cancelled",  # the payer, or who asked, took it back
]
StatusCharted = AuthorizationStatus | Literal[""]

Unsaid = Literal[
    "status",  # what the payer decided
    "codes",  # for which codes
    "units",  # how much: a text, or a number below 0, stands there
    "patient",  # whose it is: messages tell it of two patients
]
"""What the answer of a payer must say, and one did not."""

UnitBasis = Literal[
    "units",  # billed HCPCS units
    "visits",  # days on which the code is billed
]
BasisCharted = UnitBasis | Literal[""]

PayerKind = Literal[
    "medicare",  # Medicare itself (fee for service)
    "medicare_advantage",  # a private plan in place of Medicare
    "medicaid",  # Medicaid and CHIP, whoever manages them
    "exchange",  # a qualified health plan of an exchange
    "commercial",  # employers and all other plans
]

AuthorizedItem = Literal[
    "drug",  # a drug that a provider gives
    "service",  # anything else, such as radiation
]

Pace = Literal[
    "standard",  # the ordinary clock
    "expedited",  # where waiting endangers the patient
]

EvidenceClass = Literal[
    "checkpoint_inhibitor",  # PD-1 and PD-L1 antibodies
    "her2",  # drugs against HER2
    "hormone",  # hormonal treatment
    "targeted",  # drugs against a changed gene
    "supportive",  # growth factors, antiemetics, bone drugs
    "radiation",  # planning and delivery of radiation
    "other",  # anything else
]

Evidence = (
    Observed
    | Literal[
        "diagnosis",  # ICD-10 codes of the visit
        "dose",  # dose of the order, as ordered
        "units",  # HCPCS units of a dose
        "site_of_care",  # where it is given: class of the visit, and the clinic
    ]
)
