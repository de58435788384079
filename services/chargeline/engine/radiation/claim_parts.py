"""What rules decide about services of planning, and about whose part of a service is on a claim.

It owns the questions, with the facts and answers that rules may use, as `concerns` owns those about
sessions and their count. It holds no answer.
"""

from typing import NamedTuple

from chargeline.engine.course_words import BeyondAs, BillingPart, PartAs, ServicePer
from chargeline.engine.rules import Concern
from chargeline.engine.words import YesNo


class CourseServiceFacts(NamedTuple):
    """The code of a service of planning, and who pays."""

    code: str
    payer: str


class CourseServiceAnswer(NamedTuple):
    """The role of a service, its part, and how many there may be: `most` for each `per`. All codes
    with one word in `with` are counted as one service; "" for a code that is counted alone.
    """

    role: str
    part: "BillingPart"
    per: "ServicePer"
    most: int
    beyond: "BeyondAs"
    reason: "YesNo" = "no"
    with_: str = ""


COURSE_SERVICE = Concern(
    "radiation.service",
    CourseServiceFacts,
    CourseServiceAnswer,
    meaning="how often a service of planning is reported; with reason = yes a note must say why",
    may_be_silent=True,
)


class BesideFacts(NamedTuple):
    """The code of a service, and a code of the same course and day."""

    code: str
    beside: str


class BesideAnswer(NamedTuple):
    """What becomes of the service beside the other."""

    as_: "BeyondAs"


BESIDE = Concern(
    "radiation.beside",
    BesideFacts,
    BesideAnswer,
    meaning="what becomes of a service of planning beside another of the same course and day",
    may_be_silent=True,
)


class PartFacts(NamedTuple):
    """Which part of a service a line would bill, and who pays."""

    part: "BillingPart"
    payer: str


class PartAnswer(NamedTuple):
    """Whether the claim has that part."""

    as_: "PartAs"


PART = Concern(
    "radiation.part",
    PartFacts,
    PartAnswer,
    meaning="whether the physician's part and the site's part are on the claim",
)


class StayFacts(NamedTuple):
    """Which part of a service a line of an inpatient would bill, and who pays."""

    part: "BillingPart"
    payer: str


class StayAnswer(NamedTuple):
    """Whether the claim has that part beside the stay, and the modifier that says which part."""

    as_: "PartAs"
    modifier: str = ""


STAY = Concern(
    "radiation.stay",
    StayFacts,
    StayAnswer,
    meaning="which part of a service is billed beside an inpatient stay; silent where none is",
    may_be_silent=True,
)
