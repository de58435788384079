"""What rules decide about radiation courses.

It owns the questions, with the facts and answers that rules may use. It holds no answer: the
answers are rules in rules/, each with its first day, its reason and its source.
"""

from typing import NamedTuple

from chargeline.engine.course_words import (
    Beam,
    BeamTechniqueFact,
    CourseState,
    DeliveryOutcome,
    ExaminedBy,
    GuidanceFact,
    LevelBy,
    ManagementPer,
    MotionFact,
    NumbersFact,
    PostedAs,
    SittingAs,
)
from chargeline.engine.radiation.claim_parts import BESIDE, COURSE_SERVICE, PART, STAY
from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.words import YesNo

# ------------------------------------------------------------------ posted charges


class PostedFacts(NamedTuple):
    """The code of a posted charge."""

    code: str


class PostedAnswer(NamedTuple):
    """What a posted charge stands for in a radiation course, and the beam of a delivery. With
    `ended` nobody may report the code on the day; it still tells of a session.
    """

    as_: "PostedAs"
    beam: "Beam" = "external"
    ended: "YesNo" = "no"


POSTED = Concern(
    "radiation.posted",
    PostedFacts,
    PostedAnswer,
    meaning="what a posted charge stands for in a radiation course; silent where it is no part",
    may_be_silent=True,
)


class UncountedFacts(NamedTuple):
    """The code of a posted charge; `number` is it as a number, 0 where it has letters, and `stem`
    are its first two characters.
    """

    code: str
    number: int
    stem: str


class UncountedAnswer(NamedTuple):
    """Whether a person is asked about the code."""

    ask: "YesNo"


UNCOUNTED = Concern(
    "radiation.uncounted",
    UncountedFacts,
    UncountedAnswer,
    meaning="which other posted codes are radiation, so that a person sees to them",
    may_be_silent=True,
)

# ------------------------------------------------------------------ which sessions count


class BreakAnswer(NamedTuple):
    """The least minutes between two sessions of a course that both count."""

    minutes: int


BREAK = Concern(
    "radiation.break",
    NoFacts,
    BreakAnswer,
    meaning="how many minutes must lie between two sessions of one day that both count",
)


class ResumedFacts(NamedTuple):
    """How many days lie between the last session of a course and the next one under its number, how
    the numbers of its fractions go on, and whether the course had ended.
    """

    days: int
    numbers: "NumbersFact"
    state: "CourseState"


class ResumedAnswer(NamedTuple):
    """Whether a person is asked if the same course goes on."""

    ask: "YesNo"


RESUMED = Concern(
    "radiation.resumed",
    ResumedFacts,
    ResumedAnswer,
    meaning="after how many days a number of a course is asked about that comes again",
    may_be_silent=True,
)


class FollowsFacts(NamedTuple):
    """How many days lie between the last session of a course and the first one of a course under
    another number, and the beam of both.
    """

    days: int
    beam: "Beam"


class FollowsAnswer(NamedTuple):
    """Whether a person is asked if both are one course."""

    ask: "YesNo"


FOLLOWS = Concern(
    "radiation.follows",
    FollowsFacts,
    FollowsAnswer,
    meaning="whether a course that begins soon after another one is asked about: both may be one",
    may_be_silent=True,
)


class SittingFacts(NamedTuple):
    """The beam of a session that lies in the sitting of another course, and whether that of the
    other one is of the same kind.
    """

    beam: "Beam"
    alike: "YesNo"


class SittingAnswer(NamedTuple):
    """Whether the sessions of two courses without a break between them are one."""

    as_: "SittingAs"


SITTING = Concern(
    "radiation.sitting",
    SittingFacts,
    SittingAnswer,
    meaning="whether the sessions of two courses without a break between them are one session",
)

# ------------------------------------------------------------------ delivery


class DeliveryFacts(NamedTuple):
    """How a session was delivered. `isocentres` is 0 where nothing says their number, `posted` is
    the delivery code that was posted for the session, "" for none, and `fractions` are those of its
    course, as delivered or as planned.
    """

    technique: "BeamTechniqueFact"
    motion: "MotionFact"
    isocentres: int
    posted: str
    fractions: int
    payer: str


class DeliveryAnswer(NamedTuple):
    """The role of a delivered session, "" where a person must say more. Of two roles in one sitting
    the one of the higher `rank` is reported.
    """

    outcome: "DeliveryOutcome"
    role: str = ""
    rank: int = 0


DELIVERY = Concern(
    "radiation.delivery",
    DeliveryFacts,
    DeliveryAnswer,
    meaning="the role of a delivered session by its complexity",
)


class LevelThreeFacts(NamedTuple):
    """The role of the delivery, what says it, how the target's movement was followed, who pays."""

    role: str
    by: "LevelBy"
    motion: "MotionFact"
    payer: str


class LevelThreeAnswer(NamedTuple):
    """Whether a person is asked where no signed note documents it."""

    ask: "YesNo"


LEVEL_THREE = Concern(
    "radiation.level_three",
    LevelThreeFacts,
    LevelThreeAnswer,
    meaning="whether the third level of delivery needs a signed note beside the word for it",
    may_be_silent=True,
)


class GuidanceFacts(NamedTuple):
    """Whether pictures guided a session, how it was delivered, and who pays."""

    guidance: "GuidanceFact"
    technique: "BeamTechniqueFact"
    payer: str


class GuidanceAnswer(NamedTuple):
    """The role and the modifier of image guidance that is reported beside the delivery."""

    role: str
    modifier: str


GUIDANCE = Concern(
    "radiation.guidance",
    GuidanceFacts,
    GuidanceAnswer,
    meaning="the image guidance that is reported beside the delivery; silent where none is",
    may_be_silent=True,
)

# ------------------------------------------------------------------ counts over a course


class ManagementFacts(NamedTuple):
    """The beam of a course, whether it has ended, how many sessions it has, and how many fractions
    as delivered or as planned.
    """

    beam: "Beam"
    state: "CourseState"
    sessions: int
    fractions: int


class ManagementAnswer(NamedTuple):
    """How treatment management is counted, and its role. With `end` it waits for the end."""

    per: "ManagementPer"
    role: str = ""
    end: "YesNo" = "yes"


MANAGEMENT = Concern(
    "radiation.management",
    ManagementFacts,
    ManagementAnswer,
    meaning="how the management of a course is counted",
)


class MostFacts(NamedTuple):
    """The beam of a course, and who pays."""

    beam: "Beam"
    payer: str


class MostAnswer(NamedTuple):
    """How many fractions a course of the beam has at most."""

    fractions: int


MOST = Concern(
    "radiation.most",
    MostFacts,
    MostAnswer,
    meaning="how many fractions a course of a beam has at most; silent where it has no limit",
    may_be_silent=True,
)


class ExaminedFacts(NamedTuple):
    """The role of a unit of management, who else than a physician signed a note among its sessions,
    and who pays.
    """

    role: str
    author: "ExaminedBy"
    payer: str


class ExaminedAnswer(NamedTuple):
    """Whether a person is asked where no physician's signed note tells of an examination."""

    ask: "YesNo"


EXAMINED = Concern(
    "radiation.examined",
    ExaminedFacts,
    ExaminedAnswer,
    meaning="whether a unit of management needs a physician's signed note among its sessions",
    may_be_silent=True,
)


class CountFacts(NamedTuple):
    """The role that is counted by fractions."""

    role: str


class CountAnswer(NamedTuple):
    """One unit for `fractions` sessions. At the end of the course a rest of at least `rest` counts
    one more; a course of fewer than `fractions` counts one from `least` sessions on.
    """

    fractions: int
    rest: int
    least: int


COUNT = Concern(
    "radiation.count",
    CountFacts,
    CountAnswer,
    meaning="for how many sessions a role has a unit, and what the rest at the end counts",
    may_be_silent=True,
)

CONCERNS = (
    POSTED,
    UNCOUNTED,
    BREAK,
    RESUMED,
    FOLLOWS,
    SITTING,
    DELIVERY,
    LEVEL_THREE,
    GUIDANCE,
    MANAGEMENT,
    MOST,
    EXAMINED,
    COUNT,
    COURSE_SERVICE,
    BESIDE,
    PART,
    STAY,
)
