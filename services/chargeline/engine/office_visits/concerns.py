"""What rules decide about a visit with a practitioner.

It owns the questions, and holds no answer: thresholds, codes of levels and what stands beside what
are rules in rules/ with their sources.
"""

from typing import NamedTuple

from chargeline.engine.care_words import Level, LevelFact, PatientStatus, PatientStatusFact
from chargeline.engine.office_visits.posted_concerns import POSTED_CONCERNS
from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.visit_words import (
    BasisAs,
    BasisFact,
    BesideFact,
    ContinuingAs,
    ElsewhereAs,
    NoteAs,
    NotedFact,
    NurseAs,
    PractitionerFact,
    RadiationAs,
    SeenFact,
    StatusAs,
    TellingFact,
    VisitClaim,
    WhereAs,
)
from chargeline.engine.words import PatientClassFact, YesNo


class VisitPlaceFacts(NamedTuple):
    """The class of the patient on the day of the visit."""

    patient_class: "PatientClassFact"


class VisitPlaceAnswer(NamedTuple):
    """Whether the codes of an office or clinic fit there."""

    as_: "WhereAs"


WHERE = Concern(
    "visit.where",
    VisitPlaceFacts,
    VisitPlaceAnswer,
    meaning="whether a visit with a practitioner is one of an office or clinic",
)


class ElsewhereFacts(NamedTuple):
    """What two visit numbers of a patient tell of a visit on one day."""

    telling: "TellingFact"
    practitioner: "PractitionerFact"
    noted: "NotedFact"


class ElsewhereAnswer(NamedTuple):
    """Whether both tell of one visit."""

    as_: "ElsewhereAs"


ELSEWHERE = Concern(
    "visit.elsewhere",
    ElsewhereFacts,
    ElsewhereAnswer,
    meaning="whether a visit that two visit numbers of the patient tell of on one day is one visit",
)


class AgainAnswer(NamedTuple):
    """The modifier of a visit that is not the first one of its day at the hospital."""

    modifier: str


AGAIN = Concern(
    "visit.again",
    NoFacts,
    AgainAnswer,
    meaning="the modifier of a second visit of a patient on one day, under another visit number",
    may_be_silent=True,
)


class SeenAnswer(NamedTuple):
    """So many years a patient who was seen stays established."""

    years: int


SEEN = Concern(
    "visit.seen",
    NoFacts,
    SeenAnswer,
    meaning="for how many years a patient whom the group saw is established",
)


class StatusFacts(NamedTuple):
    """What reports and posted codes say of the patient, and whom the patient's record knows."""

    said: "PatientStatusFact"
    seen: "SeenFact"
    posted: "PatientStatusFact"


class StatusAnswer(NamedTuple):
    """Whether the patient is new."""

    as_: "StatusAs"


STATUS = Concern(
    "visit.status",
    StatusFacts,
    StatusAnswer,
    meaning="whether a patient is new to the practitioner's group, or who says it",
)


class TimeFacts(NamedTuple):
    """The patient's status and the practitioner's own minutes on the day."""

    patient: "PatientStatus"
    minutes: int


class TimeAnswer(NamedTuple):
    """The level that the minutes reach."""

    level: "Level"


TIME = Concern(
    "visit.time",
    TimeFacts,
    TimeAnswer,
    meaning="the level of a visit by the practitioner's minutes; below the first there is none",
    may_be_silent=True,
)


class DecisionAnswer(NamedTuple):
    """So many of problems, data and risk must reach a level."""

    elements: int


DECISION = Concern(
    "visit.decision",
    NoFacts,
    DecisionAnswer,
    meaning="how many of problems, data and risk must reach the level of a visit",
)


class BasisAnswer(NamedTuple):
    """What the level rests on."""

    by: "BasisAs"


BASIS = Concern(
    "visit.basis",
    NoFacts,
    BasisAnswer,
    meaning="whether time or decision making makes the level, or the higher of them",
)


class RiskAloneAnswer(NamedTuple):
    """Whether a person is asked."""

    ask: "YesNo"


RISK_ALONE = Concern(
    "visit.risk_alone",
    NoFacts,
    RiskAloneAnswer,
    meaning="whether a person is asked where risk is high and the level is not",
    may_be_silent=True,
)


class MostMinutesAnswer(NamedTuple):
    """More minutes than these are asked about."""

    minutes: int


MOST_MINUTES = Concern(
    "visit.most_minutes",
    NoFacts,
    MostMinutesAnswer,
    meaning="above how many minutes the time of a visit is doubted",
)


class LevelFacts(NamedTuple):
    """The patient's status and the level; a rule for all of them needs neither."""

    patient: "PatientStatusFact"
    level: "LevelFact"


class LevelAnswer(NamedTuple):
    """The role of the visit, and whose claim it is for."""

    role: str
    claim: "VisitClaim"


LEVEL = Concern(
    "visit.role",
    LevelFacts,
    LevelAnswer,
    meaning="the role of a visit of a level, and whether the practitioner or the hospital bills it",
    may_be_silent=True,
)


class BesideDrugsFacts(NamedTuple):
    """What else there is on the day."""

    beside: "BesideFact"


class BesideDrugsAnswer(NamedTuple):
    """The modifier of the visit ("" for none), and whether it needs a note of its own."""

    note: "NoteAs"
    modifier: str = ""


BESIDE = Concern(
    "visit.beside",
    BesideDrugsFacts,
    BesideDrugsAnswer,
    meaning="the modifier of a visit beside other services of the day, and the note that it needs",
)


class RadiationDayAnswer(NamedTuple):
    """What becomes of a visit on a day of radiation."""

    as_: "RadiationAs"


RADIATION_DAY = Concern(
    "visit.radiation",
    NoFacts,
    RadiationDayAnswer,
    meaning="whether a visit on a day of radiation is asked about, because the weekly management "
    "holds the review of a patient under treatment",
)


class SignedAnswer(NamedTuple):
    """A note is to be signed within so many days after the visit."""

    days: int


SIGNED = Concern(
    "visit.signed",
    NoFacts,
    SignedAnswer,
    meaning="within how many days after the visit its note is to be signed",
)


class NurseAnswer(NamedTuple):
    """What becomes of a posted visit with a nurse."""

    as_: "NurseAs"


NURSE = Concern(
    "visit.nurse",
    BesideDrugsFacts,
    NurseAnswer,
    meaning="whether a visit with a nurse is reported beside what else was done on the day",
)


class ProlongedFacts(NamedTuple):
    """The patient's status, the level, and what it rests on."""

    patient: "PatientStatus"
    level: "Level"
    basis: "BasisFact"


class ProlongedAnswer(NamedTuple):
    """The role of prolonged time, the minutes of its first unit, and those of each further one."""

    role: str
    first_minutes: int
    each_minutes: int


PROLONGED = Concern(
    "visit.prolonged",
    ProlongedFacts,
    ProlongedAnswer,
    meaning="from which minute on prolonged time is reported beside a visit",
    may_be_silent=True,
)


class ContinuingAnswer(NamedTuple):
    """Whether continuing care is reported."""

    as_: "ContinuingAs"


CONTINUING = Concern(
    "visit.continuing",
    BesideDrugsFacts,
    ContinuingAnswer,
    meaning="whether continuing care is reported beside a visit",
)


CONCERNS = (
    WHERE,
    ELSEWHERE,
    AGAIN,
    SEEN,
    STATUS,
    TIME,
    DECISION,
    BASIS,
    RISK_ALONE,
    MOST_MINUTES,
    LEVEL,
    BESIDE,
    RADIATION_DAY,
    SIGNED,
    NURSE,
    PROLONGED,
    CONTINUING,
    *POSTED_CONCERNS,
)
