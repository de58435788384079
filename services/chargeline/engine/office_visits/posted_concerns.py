"""What rules decide about the codes of a day that another system posted.

It owns the questions, and holds no answer; concerns.py has the rest of those about a visit.
"""

from typing import NamedTuple

from chargeline.engine.care_words import LevelFact, PatientStatusFact
from chargeline.engine.rules import Concern
from chargeline.engine.visit_words import (
    PerformedAs,
    PostedBeside,
    PractitionerFact,
    VisitClaim,
)
from chargeline.engine.words import YesNo


class CodeFacts(NamedTuple):
    """A code that another system posted."""

    code: str


class PostedLevelAnswer(NamedTuple):
    """Which visit the code stands for; a preventive service has no level."""

    patient: "PatientStatusFact"
    level: "LevelFact"
    claim: "VisitClaim"


POSTED = Concern(
    "visit.posted",
    CodeFacts,
    PostedLevelAnswer,
    meaning="which visit a posted code stands for; other codes are no visits",
    may_be_silent=True,
)


class CountsAnswer(NamedTuple):
    """Whether a code counts as such."""

    counts: "YesNo"


PREVENTIVE = Concern(
    "visit.preventive",
    CodeFacts,
    CountsAnswer,
    meaning="which posted codes are preventive services or vaccinations",
    may_be_silent=True,
)
ADD_ON = Concern(
    "visit.add_on",
    CodeFacts,
    CountsAnswer,
    meaning="which posted codes stand beside a visit, as prolonged time and continuing care do",
    may_be_silent=True,
)


class PostedServiceFacts(NamedTuple):
    """The number of a posted code of five digits; 0 for a code with a letter."""

    number: int


class PostedServiceAnswer(NamedTuple):
    """What a visit stands beside."""

    as_: "PostedBeside"


POSTED_SERVICE = Concern(
    "visit.posted_service",
    PostedServiceFacts,
    PostedServiceAnswer,
    meaning="which posted codes give drugs or are procedures, so that a visit beside them is "
    "significant and separate, or is none",
    may_be_silent=True,
)


class PerformedFacts(NamedTuple):
    """A posted code, and whether the visit's practitioner performed it."""

    code: str
    performer: "PractitionerFact"


class PerformedAnswer(NamedTuple):
    """Whether a visit stands beside what was posted."""

    as_: "PerformedAs"


PERFORMED = Concern(
    "visit.performed",
    PerformedFacts,
    PerformedAnswer,
    meaning="whether a visit stands beside a posted service that another practitioner performed, "
    "or of which nobody says who did",
)


class UnknownCodeFacts(NamedTuple):
    """A posted code, and its number if it has five digits; 0 for a code with a letter."""

    code: str
    number: int


UNKNOWN_CODE = Concern(
    "visit.unknown_code",
    UnknownCodeFacts,
    CountsAnswer,
    meaning="which posted codes evaluate and manage a patient, so that one for which no rule of "
    "visits stands is asked about",
    may_be_silent=True,
)
POSTED_CONCERNS = (POSTED, PREVENTIVE, ADD_ON, POSTED_SERVICE, PERFORMED, UNKNOWN_CODE)
