"""Stories of messages that change what others said: corrections, resends, cancellations, merges.

Most stories are tried in every order of arrival, because the codes must not depend on the order.
"""

from tests.golden.messages import action, adt, given, message, orc, rxa, rxr, segment
from tests.golden.story import STREAM, VANCOMYCIN, story

CORRECTIONS = [
    story(
        "A corrected stop counts: 60 minutes become 120, one further hour.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000", sent="1005"),
            given("VANCOMYCIN", "1000 mg", "0900", "1100", status="U", sent="1130"),
        ],
        ["96365", "96366"],
        drugs=["J3373 x100"],
        any_order=True,
    ),
    story(
        "A deleted record bills nothing.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000", sent="1005"),
            given("VANCOMYCIN", "1000 mg", "0900", "1000", status="D", sent="1130"),
        ],
        [],
        drugs=[],
        asks=[],
    ),
    story(
        "A deletion that arrives before what it deletes still deletes it.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000", status="D", sent="1130"),
            given("VANCOMYCIN", "1000 mg", "0900", "1000", sent="1005"),
        ],
        [],
        drugs=[],
        asks=[],
    ),
    story(
        "A stop that was charted in error leaves the drip without one.",
        [
            action("New Bag", "0900", dose="1000 mg"),
            action("Stopped", "1000"),
            message(
                "RAS^O17",
                orc(),
                rxa("VANCOMYCIN", "", "1000", note="Stopped^^L", completion="", status="D"),
                rxr("IV"),
                sent="1005",
            ),
        ],
        ["96374"],
        asks=["stop.missing"],
        interface=STREAM,
        any_order=True,
    ),
    story(
        "The same message twice is one push.",
        [given("ONDANSETRON", "8 mg", "0900")] * 2,
        ["96374"],
        drugs=["J2405 x8"],
    ),
    story(
        "A resend under another number and at another time is one push.",
        [
            given("ONDANSETRON", "8 mg", "0900", control="A1", sent="0901"),
            given("ONDANSETRON", "8 mg", "0900", control="A2", sent="0955"),
        ],
        ["96374"],
        drugs=["J2405 x8"],
        any_order=True,
    ),
    story(
        "A message that comes after the discharge is billed like any other.",
        [
            adt("A04", sent="0800"),
            adt("A03", sent="1200"),
            given("VANCOMYCIN", "1000 mg", "0900", "1000", sent="2300"),
        ],
        ["96365"],
        asks=[],
    ),
    story(
        "Administrations under a cancelled visit bill nothing and are asked about.",
        [adt("A04", sent="0800"), VANCOMYCIN, adt("A11", sent="1900")],
        [],
        withheld=["visit"],
        asks=["visit.cancelled"],
        any_order=True,
    ),
    story(
        "Administrations under a deleted visit bill nothing and are asked about.",
        [adt("A04", sent="0800"), VANCOMYCIN, adt("A23", sent="1900")],
        [],
        withheld=["visit"],
        asks=["visit.cancelled"],
        any_order=True,
    ),
    story(
        "Administrations under a cancelled pre-admission bill nothing and are asked about.",
        [adt("A05", sent="0800"), VANCOMYCIN, adt("A38", sent="1900")],
        [],
        withheld=["visit"],
        asks=["visit.cancelled"],
        any_order=True,
    ),
    story(
        "A pre-admission that was cancelled before the patient came after all changes nothing.",
        [adt("A05", sent="0700"), adt("A38", sent="0730"), adt("A04", sent="0800"), VANCOMYCIN],
        ["96365"],
        asks=[],
        any_order=True,
    ),
    story(
        "A discharge that was taken back changes nothing.",
        [adt("A04", sent="0800"), adt("A03", sent="0830"), adt("A13", sent="0845"), VANCOMYCIN],
        ["96365"],
        asks=[],
        any_order=True,
    ),
    story(
        "Two numbers of one patient, joined by a merge, are one visit.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000"),
            given("CEFEPIME", "2000 mg", "1005", "1035", patient="ZZ2"),
            adt("A40", patient="ZZ1", prior_patient="ZZ2", visit=""),
        ],
        ["96365", "96367"],
        asks=[],
        any_order=True,
    ),
    story(
        "Two patients under one visit number bill nothing until somebody has looked.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000"),
            given("CEFEPIME", "2000 mg", "1005", "1035", patient="ZZ2"),
        ],
        [],
        drugs=[],
        withheld=["visit", "visit"],
        asks=["visit.two_patients"],
        any_order=True,
    ),
    story(
        "Doses under a visit number that A35 merges go to the surviving visit, in any order.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000"),
            given("CEFEPIME", "2000 mg", "1005", "1035", visit="V2"),
            adt("A35", prior_visit="V2", prior_patient="ZZ1", sent="1900"),
        ],
        ["96365", "96367"],
        asks=[],
        any_order=True,
    ),
    story(
        "Doses under an account that A41 merges go to the surviving account, in any order.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000"),
            given("CEFEPIME", "2000 mg", "1005", "1035", visit="V2"),
            message("ADT^A41", prior=segment("MRG", {1: "ZZ1^^^ZEBRA^MR", 3: "V2"}), sent="1900"),
        ],
        ["96365", "96367"],
        asks=[],
        any_order=True,
    ),
    story(
        "A visit moved to the right patient (A44) has one patient.",
        [
            given("VANCOMYCIN", "1000 mg", "0900", "1000"),
            adt("A44", patient="ZZ2", prior_patient="ZZ1", sent="1900"),
            given("CEFEPIME", "2000 mg", "1005", "1035", patient="ZZ2"),
        ],
        ["96365", "96367"],
        asks=[],
        any_order=True,
    ),
]
