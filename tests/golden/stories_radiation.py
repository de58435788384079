"""Stories of radiation courses: weeks, visits, posted charges, and what is asked."""

from tests.golden.messages import message
from tests.golden.sessions import appointment, completed, examined, fraction, posted
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
    story(
        "A week that the schedule alone tells: booked, moved, completed; five sessions and a unit.",
        [
            *[appointment(f"{day}1000", number=f"A{day}", sent="202602270900") for day in _WEEK],
            appointment("202603041400", trigger="S13", number="A20260304", sent="202603030900"),
            *[
                completed(f"{day}{clock}", number=f"A{day}")
                for day, clock in zip(_WEEK, ("1000", "1000", "1400", "1000", "1000"), strict=True)
            ],
            examined("202603041500"),
        ],
        ["77407 x5", "77427"],
        withheld=[],
        asks=[],
    ),
    story(
        "Appointment, report and charge tell one session; a day that was cancelled is none.",
        [
            appointment("202603021000", number="A1", sent="202602270900"),
            appointment("202603031000", number="A2", sent="202602270900"),
            appointment("", trigger="S15", kind="", number="A2", sent="202603030800"),
            fraction(1, "202603021006", technique="3D"),
            posted("77407", "202603021020"),
        ],
        ["77407"],
        withheld=["appointment.cancelled"],
        asks=[],
        any_order=True,
    ),
    story(
        "A completed appointment that nobody reports beside others waits for a person's word.",
        [
            *[completed(f"{day}1000") for day in _WEEK[:3]],
            fraction(1, "202603021006", technique="3D"),
            fraction(2, "202603041006", technique="3D"),
        ],
        ["77407 x2"],
        withheld=[],
        asks=["radiation.no_report"],
    ),
    Story(
        "A schedule with an account of its own: the session is billed where it is reported.",
        (
            appointment("202603021000", number="A1", visit="V2", sent="202602270900"),
            completed("202603021000", number="A1", visit="V2"),
            fraction(1, "202603021006", technique="3D"),
        ),
        {"V1": ["77407"], "V2": []},
        withheld=[],
        asks=[],
    ),
]
