"""The closed words of what a feed says beside the pharmacy: measures, visits, notes and charges.

It owns the lists that a profile translates a sender's own codes into, and one sentence for each
word. It does not know what anybody does with a word. `words` holds the words of the pharmacy feed.
"""

from collections.abc import Mapping
from typing import Literal

Observed = Literal[
    # of the patient's body
    "weight",  # body weight
    "height",  # body height
    "body_surface",  # body surface area
    # of a visit with a practitioner
    "visit_minutes",  # the practitioner's own minutes on the day of the visit
    "problems",  # number and complexity of the problems addressed, as a level
    "data",  # amount and complexity of the data reviewed, as a level
    "risk",  # risk of complications from managing the patient, as a level
    "patient_status",  # whether the patient is new to the practitioner's group
    "continuing_care",  # whether the practitioner is the focal point of the patient's care
    # of a radiation course and its sessions
    "course",  # the number of the course
    "planned_fractions",  # how many fractions are planned
    "fraction",  # the number of the fraction that was delivered
    "technique",  # how the beam is planned and delivered
    "motion_management",  # how the movement of the target is followed
    "isocentres",  # how many isocentres are treated in the session
    "image_guidance",  # whether pictures guide the session
    "course_end",  # whether the course ends with this session
    "physics_check",  # the weekly check of a physicist
    # evidence for an authorization
    "stage",  # stage of the disease
    "line_of_therapy",  # the first treatment, the second, and so on
    "prior_therapy",  # what was given before, and failed
    "guideline",  # category, guideline and version that recommend the treatment
    "dialysis",  # whether the patient is on dialysis
    "pd_l1",  # PD-L1 with clone and score
    "tumor_mutational_burden",  # mutations for each megabase
    "microsatellite_instability",  # microsatellites or mismatch repair
    "her2",  # HER2
    "estrogen_receptor",  # oestrogen receptor
    "progesterone_receptor",  # progesterone receptor
    "gene_variant",  # a gene with its variant
]

ObservedOf = Literal[
    "body",  # the patient's body
    "visit",  # a visit with a practitioner
    "radiation",  # a radiation course or session
    "evidence",  # the disease, as payers ask about it
]
OBSERVED_OF: Mapping[Observed, ObservedOf] = {
    **dict.fromkeys(("weight", "height", "body_surface"), "body"),
    **dict.fromkeys(
        ("visit_minutes", "problems", "data", "risk", "patient_status", "continuing_care"), "visit"
    ),
    **dict.fromkeys(
        ("course", "planned_fractions", "fraction", "technique", "motion_management"), "radiation"
    ),
    **dict.fromkeys(("isocentres", "image_guidance", "course_end", "physics_check"), "radiation"),
    **dict.fromkeys(("stage", "line_of_therapy", "prior_therapy", "guideline"), "evidence"),
    **dict.fromkeys(("dialysis", "pd_l1", "tumor_mutational_burden"), "evidence"),
    **dict.fromkeys(("microsatellite_instability", "her2", "gene_variant"), "evidence"),
    **dict.fromkeys(("estrogen_receptor", "progesterone_receptor"), "evidence"),
}
"""What each observation is about."""
OF_A_DAY: frozenset[ObservedOf] = frozenset({"visit", "radiation"})
"""What is about something that was done on a day, and not about the patient."""

BodyMeasure = Literal[
    "weight",  # in kilograms
    "body_surface",  # in square metres
]
"""What a dose may be ordered by."""

Level = Literal[
    "straightforward",  # the lowest
    "low",  # the second
    "moderate",  # the third
    "high",  # the highest
]
PatientStatus = Literal[
    "new",  # nobody of the practitioner's group and specialty saw the patient in three years
    "established",  # somebody did
]
LevelFact = (
    Level
    | Literal[
        "nurse",  # a visit with a nurse only, below every level
        "unlevelled",  # a visit of which nobody says a level
    ]
)
PatientStatusFact = (
    PatientStatus
    | Literal[
        "unknown"  # nobody says it
    ]
)
BeamTechnique = Literal[
    "two_dimensional",  # simple fields
    "three_dimensional",  # conformal, on a volumetric plan
    "intensity_modulated",  # IMRT, VMAT
    "stereotactic_body",  # few large fractions to the body
    "stereotactic_radiosurgery",  # one fraction to the head
    "electrons",  # an electron field
    "mixed",  # photons and electrons in one session
    "total_skin",  # electrons to the whole skin
    "protons",  # a proton beam
    "surface",  # X-rays of low energy to the skin
]
MotionManagement = Literal[
    "none",  # the movement is not followed
    "margin",  # a wider margin only
    "gated",  # the beam is on in a part of the movement only, such as a held breath
    "tracked",  # the target is followed while the beam is on
]
AppointmentKind = (
    BeamTechnique
    | Literal[
        "session"  # a radiation session; the code does not say how the beam is planned
    ]
)
"""What is booked, where a code of the schedule means a radiation session."""
AppointmentKindFact = (
    AppointmentKind
    | Literal[
        "unsaid"  # the message only names the appointment, as many cancellations do
    ]
)
AppointmentState = Literal[
    "booked",  # it is to come
    "completed",  # the session took place
    "cancelled",  # it was taken from the schedule
    "missed",  # the patient did not come
]
AppointmentStateFact = (
    AppointmentState
    | Literal[
        "unknown",  # the status is a value that the interface profile does not know
        "unsaid",  # the message has no status; it changes something else
    ]
)

ObservedValue = Level | PatientStatus | BeamTechnique | MotionManagement | Literal["yes", "no"]
"""Every word that a value can mean, as the table [values] of a profile lists them."""

NoteKind = Literal[
    "visit",  # what a practitioner writes of a visit with the patient
    "nursing",  # what a nurse writes
    "procedure",  # of a procedure
    "radiation",  # of a radiation plan, simulation or weekly visit
]
NoteKindFact = (
    NoteKind
    | Literal[
        "unknown"  # TXA-2 is a type that the interface profile does not know
    ]
)

NoteState = Literal[
    "unsigned",  # dictated, written, or signed by no authority yet
    "signed",  # authenticated
    "cancelled",  # taken back
]
NoteStateFact = (
    NoteState
    | Literal[
        "unknown"  # TXA-17 is a value that the interface profile does not know
    ]
)

NoteChange = Literal[
    "original",  # a note by itself (T01, T02, T03, T05)
    "edit",  # it replaces what it said before (T04, T08)
    "addendum",  # it adds to another note (T06)
    "replacement",  # it stands in place of another note (T10)
    "cancel",  # it is taken back (T11)
]

AuthorKind = Literal[
    "physician",  # a physician
    "practitioner",  # another who bills visits by an own number, such as a nurse practitioner
    "nurse",  # a nurse who does not
]
AuthorKindFact = (
    AuthorKind
    | Literal[
        "unknown"  # no credential, or one that the interface profile does not know
    ]
)
PRACTITIONERS: frozenset[AuthorKindFact] = frozenset({"physician", "practitioner"})
"""Who bills visits by an own number."""

PostedKind = Literal[
    "charge",  # FT1-6 CG
    "credit",  # FT1-6 CD
]
