"""The closed words of radiation courses: sessions, their delivery, management and planning.

It owns these lists, one sentence for each word, as words.py owns those of nurses, messages and most
rules. It does not know what anybody does with a word.
"""

from typing import Literal

from chargeline.engine.care_words import AppointmentState, BeamTechnique, MotionManagement
from chargeline.engine.words import YesNo

BeamTechniqueFact = (
    BeamTechnique
    | Literal[
        "unknown"  # no observation says how the beam was planned and delivered
    ]
)
MotionFact = (
    MotionManagement
    | Literal[
        "unknown"  # no observation says how the movement of the target was followed
    ]
)
GuidanceFact = (
    YesNo
    | Literal[
        "unknown"  # no observation says whether pictures guided the session
    ]
)

Beam = Literal[
    "external",  # fractions over weeks
    "body",  # stereotactic treatment of the body, in few fractions
    "head",  # stereotactic radiosurgery of the head, in one session
    "surface",  # X-rays of low energy to the skin, in sessions of their own codes
]

CourseState = Literal[
    "open",  # more fractions are to come
    "ended",  # the end was said, or as many fractions were delivered as were planned
]

CoursePace = Literal[
    "going_on",  # not ended, and a session lies ahead or in the last weeks
    "silent",  # not ended, and nobody has told a session for weeks
    "ended",  # the end was said, or as many fractions were delivered as were planned
]

PostedAs = Literal[
    "delivery",  # it stands for a session that was delivered
    "counted",  # chargeline counts it from the sessions, and compares
    "guidance",  # the same, and each session has its own
    "service",  # a service of planning, kept as it was posted where rules allow
]

SittingAs = Literal[
    "one_session",  # both are one session, with one delivery and one place in the count
    "own_sessions",  # each is a session of its own
]

SittingSaid = Literal[
    "one_session",  # a person says that one place of treatment was set up
    "two_isocentres",  # a person says that two isocentres were treated in it
    "two_sessions",  # a person says that there was a distinct break
]

NumbersFact = Literal[
    "go_on",  # the first fraction after a silence has the number that follows
    "from_one",  # it has the number one, which the course had before, and is alone so far
    "begin_again",  # with it two or more in a row have numbers that the course had before
    "other",  # it has no number, one further on, or one that came twice by itself
]

MarkWord = Literal[
    "end",  # the course ends
    "physics",  # a physicist checked it
    "documents",  # a practitioner's signed note documents it
    "examined",  # a physician's signed note does
    "noted",  # a signed note of somebody else does, or of whom nobody says the credential
]

ExaminedBy = Literal[
    "practitioner",  # another practitioner than a physician signed a note among its sessions
    "other",  # only somebody who is no practitioner did, or of whom nobody says the credential
    "nobody",  # no note among its sessions is signed
]

OddCharge = Literal[
    "",  # it can be used
    "quantity",  # its units are no whole number above zero
    "alone",  # it is a credit, and takes back no charge
    "unknown",  # no rule counts its code
    "changed",  # its number was posted with another code or day before, and no credit is between
]

DeliveryOutcome = Literal[
    "delivered",  # the session has the role that the rule names
    "question",  # a person must say how the session was delivered
]

LevelBy = Literal[
    "facts",  # what was observed of the session
    "posted",  # a posted charge alone
]

ManagementPer = Literal[
    "fractions",  # one unit for so many fractions, and what is left at the end by its number
    "course",  # one unit for the whole course
    "none",  # it has no management of its own
]

BillingPart = Literal[
    "professional",  # the physician's work
    "technical",  # the site's equipment and staff
    "both",  # it has both parts
]

PartOfCourse = Literal[
    "session",  # one session: its delivery, and the pictures beside it
    "management",  # one unit of treatment management
    "check",  # one check by the physicist
    "service",  # one posted service of planning
]

PartAs = Literal[
    "report",  # it is reported
    "withheld",  # another reports it
]

ServicePer = Literal[
    "course",  # so many for a course
    "day",  # so many for a day of the course
    "fractions",  # so many for each five fractions, or a part of them
]

BeyondAs = Literal[
    "withheld",  # what is too much is not billed
    "question",  # a person must give the reason of a further one
]

BookingFact = (
    AppointmentState
    | Literal[
        "",  # a report or a charge tells the session, and not an appointment
        "unknown",  # the status of its appointment is none that the interface profile knows
    ]
)

SessionSaid = Literal[
    "",  # nobody said anything
    "confirm",  # a person says that the session was delivered
    "not_given",  # a person says that it was not
    "other_visit",  # a person says that it is one of another visit
]
