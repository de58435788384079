"""What rules decide about doubts: from which number on a person is asked.

It owns the questions to the rules. It holds no number: the numbers are rules in rules/, each with
its reason. A doubt without a rule is not asked about.
"""

from typing import NamedTuple

from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.services.concerns import OfClass
from chargeline.engine.stays import OUTSIDE_VISIT
from chargeline.engine.words import YesNo


class RunsLongAnswer(NamedTuple):
    """An infusion is too long above `times_ordered` of its order plus `spare_minutes`.

    Without an order it is too long above `longest_minutes`.
    """

    times_ordered: int
    spare_minutes: int
    longest_minutes: int


RUNS_LONG = Concern(
    "doubt.runs_long",
    OfClass,
    RunsLongAnswer,
    meaning="when an infusion is so long that its stop is doubted",
    may_be_silent=True,
)


class RunsShortAnswer(NamedTuple):
    """An infusion is too short below this percentage of its order of at least so many minutes."""

    percent: int
    least_ordered_minutes: int


RUNS_SHORT = Concern(
    "doubt.runs_short",
    NoFacts,
    RunsShortAnswer,
    meaning="when a whole dose ran for so short a time that a person is asked why",
    may_be_silent=True,
)


class LongestAnswer(NamedTuple):
    """More minutes than these are doubted."""

    minutes: int


PUSH_TOOK_LONG = Concern(
    "doubt.push",
    NoFacts,
    LongestAnswer,
    meaning="how many minutes a push may take before its stop is doubted",
    may_be_silent=True,
)
STOP_TO_COME = Concern(
    "doubt.stop_to_come",
    NoFacts,
    LongestAnswer,
    meaning="how many minutes a stop may lie after the message that reports it",
    may_be_silent=True,
)
CANCELLED_ORDER = Concern(
    "doubt.cancelled_order",
    NoFacts,
    LongestAnswer,
    meaning="for how many minutes after an order is cancelled or held its drug may be begun",
    may_be_silent=True,
)
LEFT_PAUSED = Concern(
    "doubt.left_paused",
    NoFacts,
    LongestAnswer,
    meaning="how many minutes after its start an infusion that stands paused is asked about",
    may_be_silent=True,
)


class AskAnswer(NamedTuple):
    """Whether a person is asked."""

    ask: "YesNo"


ONE_MOMENT = Concern(
    "doubt.one_moment",
    OfClass,
    AskAnswer,
    meaning="a drug into a vein with one charted time, where nobody says that it was pushed",
    may_be_silent=True,
)


class DoseAnswer(NamedTuple):
    """A dose is doubted below or above these percentages of the ordered dose.

    An order in mg/m2, in mg/kg or by AUC says no dose; above `most_m2`, `most_kg` and
    `most_mg_for_auc` times its number no body fits it.
    """

    least_percent: int
    most_percent: int
    most_m2: int
    most_kg: int
    most_mg_for_auc: int


DOSE = Concern(
    "doubt.dose",
    NoFacts,
    DoseAnswer,
    meaning="how far a dose may differ from the ordered dose",
    may_be_silent=True,
)
GIVEN_TWICE = Concern(
    "doubt.given_twice",
    NoFacts,
    LongestAnswer,
    meaning="within how many minutes the same drug in the same amount is taken for one bag",
    may_be_silent=True,
)


class PercentAnswer(NamedTuple):
    """More than this percentage is doubted."""

    percent: int


USUAL_DOSE = Concern(
    "doubt.usual_dose",
    NoFacts,
    PercentAnswer,
    meaning="above how much of the largest dose that a drug's label gives a dose is doubted",
    may_be_silent=True,
)


class MoreThanOrderedAnswer(NamedTuple):
    """Doses within so many minutes of each other are doubted above a percentage of the order."""

    percent: int
    minutes: int


MORE_THAN_ORDERED = Concern(
    "doubt.more_than_ordered",
    OfClass,
    MoreThanOrderedAnswer,
    meaning="when the doses of one order together are too many",
    may_be_silent=True,
)
CONTRADICTED = Concern(
    "doubt.contradicted",
    NoFacts,
    AskAnswer,
    meaning="whether a person is asked where a note contradicts its row",
    may_be_silent=True,
)


class FluidPurposeAnswer(NamedTuple):
    """A rinse of more millilitres, or a drip ordered faster, is doubted."""

    millilitres: int
    millilitres_an_hour: int


FLUID_PURPOSE = Concern(
    "doubt.fluid_purpose",
    NoFacts,
    FluidPurposeAnswer,
    meaning="when a fluid is too much for a rinse, or too fast for keeping a vein open",
    may_be_silent=True,
)

CONCERNS = (
    RUNS_LONG,
    RUNS_SHORT,
    PUSH_TOOK_LONG,
    STOP_TO_COME,
    CANCELLED_ORDER,
    LEFT_PAUSED,
    ONE_MOMENT,
    OUTSIDE_VISIT,
    DOSE,
    GIVEN_TWICE,
    USUAL_DOSE,
    MORE_THAN_ORDERED,
    CONTRADICTED,
    FLUID_PURPOSE,
)
