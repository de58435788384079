"""What rules decide about the drugs themselves.

It owns the questions, and holds no answer: the answers are rules in rules/ with their sources.
"""

from typing import NamedTuple

from chargeline.engine.claim_words import (
    BoughtFact,
    DialysisCodeAs,
    LinePerNdcAs,
    PaidFact,
    RenalFact,
    SentCodeFact,
    SmallWasteAs,
    UseFact,
    WasteAs,
)
from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.words import NotBoughtAs, RoundingAs, RouteFact


class RoundingAnswer(NamedTuple):
    """What becomes of the part of a billing unit that is left over."""

    as_: "RoundingAs"


ROUNDING = Concern(
    "units.drug",
    NoFacts,
    RoundingAnswer,
    meaning="what becomes of a part of a billing unit: rounded up, or down to whole units",
)


class NotBoughtAnswer(NamedTuple):
    """What becomes of a drug that somebody else paid for."""

    as_: "NotBoughtAs"


NOT_BOUGHT = Concern(
    "drug.not_bought",
    NoFacts,
    NotBoughtAnswer,
    meaning="a drug that the site did not buy: a white bag, a trial, the patient's own",
)


class WasteFacts(NamedTuple):
    """What decides how discarded drug is reported: for how many doses the container is, who pays,
    and whether OPPS pays the drug apart from the service.

    `payer` is "" where no insurance is known.
    """

    use: "UseFact"
    payer: str
    paid: "PaidFact"


class WasteAnswer(NamedTuple):
    """How discarded drug is reported.

    `discarded` is the modifier of a line for what was discarded, and `none` that of a line of which
    nothing was; "" for no modifier. `small` says what less than a unit counts for.
    """

    as_: "WasteAs"
    discarded: str = ""
    none: str = ""
    small: "SmallWasteAs" = "unmarked"


WASTE = Concern(
    "drug.waste",
    WasteFacts,
    WasteAnswer,
    meaning="how the discarded rest of a container is reported",
    may_be_silent=True,
)


class LinesAnswer(NamedTuple):
    """What each line of a drug stands for."""

    per: "LinePerNdcAs"


LINES = Concern(
    "drug.lines",
    NoFacts,
    LinesAnswer,
    meaning="whether a drug has a line for each NDC, or for each NDC and lot",
)


class BoughtFacts(NamedTuple):
    """How the drug was bought, and who pays for it."""

    bought: "BoughtFact"
    payer: str


class BoughtAnswer(NamedTuple):
    """The modifier that tells the payer how the drug was bought, "" for none."""

    modifier: str


BOUGHT = Concern(
    "drug.bought",
    BoughtFacts,
    BoughtAnswer,
    meaning="the modifier of a drug that was bought under 340B",
    may_be_silent=True,
)


class RouteFacts(NamedTuple):
    """What a drug line bills, and how the drug was given."""

    code: str
    route: "RouteFact"
    payer: str


class RouteAnswer(NamedTuple):
    """The modifier that tells the payer how the drug was given, "" for none."""

    modifier: str


ROUTE = Concern(
    "modifier.route",
    RouteFacts,
    RouteAnswer,
    meaning="the modifier of a drug whose one code stands for several routes",
    may_be_silent=True,
)


class DialysisCodeFacts(NamedTuple):
    """What decides between two codes of one product.

    `code` is the one for patients who are not on dialysis, `patient` what is known of the patient's
    kidneys, and `sent` the code that the sender wrote.
    """

    code: str
    patient: "RenalFact"
    sent: "SentCodeFact"
    payer: str


class DialysisCodeAnswer(NamedTuple):
    """Which of the codes is billed, or that a person is asked."""

    as_: "DialysisCodeAs"


DIALYSIS_CODE = Concern(
    "drug.code",
    DialysisCodeFacts,
    DialysisCodeAnswer,
    meaning="which of two codes a drug has that is billed otherwise for patients on dialysis",
)
CONCERNS = (DIALYSIS_CODE, ROUNDING, NOT_BOUGHT, WASTE, LINES, BOUGHT, ROUTE)
