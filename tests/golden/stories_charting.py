"""Stories of one visit that is charted well: styles of sender, mixtures, versions, delimiters.

They own the ways to write a message. Stories of a message in which something is missing or
impossible stand in stories_doubts.py.
"""

from tests.golden.messages import (
    NEXT_DAY,
    action,
    given,
    message,
    observed,
    orc,
    ordered,
    rxa,
    rxc,
    rxr,
    segment,
)
from tests.golden.story import STREAM, VANCOMYCIN, story

DRIP = (
    action("New Bag", "0900", dose="1000 mg"),
    action("Rate Change", "0910", rate="150 mL/hr"),
    action("Paused", "0930"),
    action("Restarted", "0945"),
    action("Stopped", "1015"),
)

HL7_WITH_OTHER_DELIMITERS = VANCOMYCIN.translate(bytes.maketrans(b"|^~\\&", b"#*!?%"))

CHARTING = [
    story(
        "Carboplatin from 09:00 to 10:00 in one message is a first hour, and nine units of drug.",
        [given("CARBOPLATIN", "450 mg", "0900", "1000")],
        ["96413"],
        drugs=["J9045 x9"],
        withheld=[],
        asks=[],
    ),
    story(
        "New bag, rate change, pause, restart, stop: 30 + 30 running minutes are a first hour.",
        DRIP,
        ["96365"],
        drugs=["J3373 x100"],
        asks=[],
        interface=STREAM,
    ),
    story(
        "The actions of a drip may arrive in any order.",
        DRIP,
        ["96365"],
        asks=[],
        interface=STREAM,
        any_order=True,
    ),
    story(
        "A new bag without a stop is drafted as a push, and the stop is asked for.",
        [action("New Bag", "0900", dose="1000 mg")],
        ["96374"],
        asks=["stop.missing"],
        interface=STREAM,
    ),
    story(
        "A second bag while the first runs does not stop the clock: 09:00 to 11:00 is two hours.",
        [
            action("New Bag", "0900", dose="500 mg"),
            action("New Bag", "1000", dose="500 mg"),
            action("Stopped", "1100"),
        ],
        ["96365", "96366"],
        drugs=["J3373 x100"],
        interface=STREAM,
    ),
    story(
        "A drip that is paused, never restarted and then stopped ran until the pause: 30 minutes.",
        [
            action("New Bag", "0900", dose="1000 mg"),
            action("Paused", "0930"),
            action("Stopped", "1100"),
        ],
        ["96365"],
        asks=[],
        interface=STREAM,
    ),
    story(
        "A rate of zero is a pause: of 150 minutes 90 ran, which are two hours for the guide.",
        [
            action("New Bag", "0900", dose="1000 mg"),
            action("Rate Change", "0930", rate="0 mL/hr"),
            action("Rate Change", "1030", rate="150 mL/hr"),
            action("Stopped", "1130"),
        ],
        ["96365", "96366"],
        interface=STREAM,
    ),
    story(
        "New bags on two mornings without any stop are two doses with a question each.",
        [
            action("New Bag", "0900", dose="1000 mg"),
            action("New Bag", f"{NEXT_DAY}0900", dose="1000 mg"),
        ],
        ["96374 x2"],
        asks=["stop.missing", "stop.missing"],
        interface=STREAM,
    ),
    story(
        "A stop without any start is asked about and bills nothing.",
        [action("Stopped", "1100")],
        [],
        asks=["start.missing"],
        interface=STREAM,
    ),
    story(
        "An end that the standard leaves empty equals the start: a push.",
        [given("ONDANSETRON", "8 mg", "0900")],
        ["96374"],
        asks=[],
    ),
    story(
        "An empty end of a piggyback is a missing stop: a person is asked for the stop.",
        [given("CEFTRIAXONE", "1000 mg", "0900", method="IVPB")],
        ["96374"],
        asks=["stop.missing"],
    ),
    story(
        "An empty end is a missing stop where the order says that it runs an hour.",
        [ordered("CEFTRIAXONE", "1000 mg", minutes=60), given("CEFTRIAXONE", "1000 mg", "0900")],
        ["96374"],
        asks=["stop.missing"],
        any_order=True,
    ),
    story(
        "Hydration with an empty end bills nothing and is asked about.",
        [given("SODIUM-CHLORIDE-0.9", "1000 mL", "0900", method="IVPB")],
        [],
        withheld=["stop.missing"],
        asks=["stop.missing"],
    ),
    story(
        "Three drugs under one order keep their own routes: vein, muscle and mouth.",
        [
            message(
                "RAS^O17",
                orc(),
                rxa("CARBOPLATIN", "450 mg", "0900", "1000"),
                rxr("IV"),
                rxa("CYANOCOBALAMIN", "1000 mcg", "1005", number=2),
                rxr("IM"),
                rxa("ONDANSETRON", "8 mg", "1006", number=3),
                rxr("PO"),
            )
        ],
        ["96413", "96372"],
        withheld=["technique.other_route"],
    ),
    story(
        "A mixture is one infusion, with a line for each drug and none for the carrier fluid.",
        [
            message(
                "RAS^O17",
                orc(),
                rxa("MIXTURE", "50 mL", "0900", "0920"),
                rxr("IV"),
                rxc("B", "SODIUM-CHLORIDE-0.9", "50 mL"),
                rxc("A", "DEXAMETHASONE", "12 mg"),
                rxc("A", "ONDANSETRON", "16 mg"),
            )
        ],
        ["96365"],
        drugs=["J1100 x12", "J2405 x16"],
        withheld=[],
        asks=[],
    ),
    story(
        "A drug that only the order names is billed from the order.",
        [
            ordered("VANCOMYCIN", "1000 mg", order="R9"),
            message("RAS^O17", orc("R9"), rxa("", "", "0900", "1000"), rxr("IV")),
        ],
        ["96365"],
        drugs=["J3373 x100"],
        asks=[],
        any_order=True,
    ),
    story(
        "A v2.3 sender writes RAS^O01, orders 60 minutes in RXE-1, and charts no stop.",
        [
            message(
                "RDE^O01",
                orc("R1", "NW"),
                segment("RXE", {1: "^^M60", 2: "CEFTRIAXONE", 3: "1000", 5: "mg"}),
                rxr("IV"),
                version="2.3",
                sent="0700",
            ),
            message(
                "RAS^O01", orc(), rxa("CEFTRIAXONE", "1000 mg", "0900"), rxr("IV"), version="2.3"
            ),
        ],
        ["96374"],
        asks=["stop.missing"],
    ),
    story(
        "A v2.3 order of 46 hours makes a portable pump without stop a prolonged infusion.",
        [
            message(
                "RDE^O01",
                orc("R1", "NW"),
                segment("RXE", {1: "^^H46", 2: "FLUOROURACIL", 3: "4200", 5: "mg"}),
                rxr("IV"),
                version="2.3",
                sent="0700",
            ),
            message(
                "RAS^O01",
                orc(),
                rxa("FLUOROURACIL", "4200 mg", "1115"),
                rxr("IV", "INF"),
                observed("INFUSION-DEVICE", "CADD"),
                version="2.3",
            ),
        ],
        ["96416"],
        asks=[],
    ),
    story(
        "Line feeds instead of carriage returns change nothing.",
        [VANCOMYCIN.replace(b"\r", b"\n")],
        ["96365"],
    ),
    story(
        "Other delimiters change nothing.",
        [HL7_WITH_OTHER_DELIMITERS],
        ["96365"],
        drugs=["J3373 x100"],
    ),
    story(
        "Z segments of the sender change nothing, wherever they stand.",
        [VANCOMYCIN.replace(b"RXR|", b"ZRX|1|bag 7^x\rRXR|") + b"ZZZ|end\r"],
        ["96365"],
        asks=[],
    ),
]
