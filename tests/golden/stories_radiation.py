"""Stories of radiation courses: weeks, visits, posted charges, and what is asked."""

from tests.golden.messages import message
from tests.golden.sessions import examined, fraction, posted
from tests.golden.story import FACILITY, PHYSICIAN, Story, story

_WEEK = ["20260302", "20260303", "20260304", "20260305", "20260306"]

RADIATION = [
    story(
        "A week of a course on one account: five fractions of IMRT, and one unit of management.",
        [
            *[
                fraction(n, f"{day}1000", planned="30", technique="IMRT", guidance="Y")
                for n, day in enumerate(_WEEK, 1)
            ],
            examined("202603041100"),
        ],
        ["77407 x5", "77427"],
        asks=[],
    ),
    Story(
        "The same week in two visits: the second one has the fifth fraction, and the unit.",
        (
            *[fraction(n, f"{day}1000", technique="3D") for n, day in enumerate(_WEEK[:3], 1)],
            fraction(4, "202603051000", technique="3D", visit="V2"),
            fraction(5, "202603061000", technique="3D", visit="V2"),
            examined("202603031100"),
        ),
        {"V1": ["77407 x3"], "V2": ["77407 x2", "77427"]},
        asks=[],
    ),
    story(
        "A charge of the day of service and its session agree.",
        [
            fraction(1, "202603021000", technique="3D", planned="10"),
            posted("77407", "202603021010"),
        ],
        ["77407"],
        asks=[],
        any_order=True,
    ),
    story(
        "The physician's claim has the image guidance of each session.",
        [fraction(1, "202603021000", technique="VMAT", guidance="YES", planned="20")],
        ["77387-26", "77407"],
        policy=PHYSICIAN,
        asks=[],
    ),
    story(
        "The hospital's claim has no management.",
        [fraction(1, "202603021000", technique="SRS", end="Y")],
        ["77372"],
        policy=FACILITY,
        withheld=["facility.radiation.professional"],
    ),
    Story(
        "A patient who is merged in the middle of a course has one course: the fifth is the fifth.",
        (
            *[fraction(n, f"{day}1000", technique="3D") for n, day in enumerate(_WEEK[:4], 1)],
            fraction(5, "202603061000", technique="3D", visit="V2", patient="ZZ2"),
            examined("202603061100", visit="V2", patient="ZZ2"),
            message("ADT^A40", "MRG|ZZ2^^^ZEBRA^MR", visit="V1", sent="202603061200"),
        ),
        {"V1": ["77407 x4"], "V2": ["77407", "77427"]},
        asks=[],
    ),
]
