"""Stories of visits, days, clocks and access lines: what is billed together, and its minutes.

The nights on which the clock is changed are those of 2026 in New York.
"""

from tests.golden.messages import NEXT_DAY, action, adt, given
from tests.golden.story import STREAM, VANCOMYCIN, Story, story

TWO_DAYS = (
    given("VANCOMYCIN", "1000 mg", "0900", "1000"),
    given("VANCOMYCIN", "1000 mg", f"{NEXT_DAY}0900", f"{NEXT_DAY}1000"),
)

ENCOUNTERS = [
    Story(
        "Two visits of one day each have an initial service; the second is marked distinct.",
        (
            given("VANCOMYCIN", "1000 mg", "0700", "0800"),
            given("VANCOMYCIN", "1000 mg", "1900", "2000", visit="V2"),
        ),
        {"V1": ["96365"], "V2": ["96365-59"]},
    ),
    story(
        "A recurring account is billed by day.",
        [m.replace(b"PV1|1|O|", b"PV1|1|R|") for m in TWO_DAYS],
        ["96365 x2"],
    ),
    story(
        "An observation stay is one encounter: the infusion of day two is initial, not the push.",
        [
            given("ONDANSETRON", "4 mg", "2200", patient_class="OBS"),
            given(
                "CEFTRIAXONE", "1000 mg", f"{NEXT_DAY}0900", f"{NEXT_DAY}0930", patient_class="OBS"
            ),
        ],
        ["96365", "96375"],
    ),
    story(
        "Hydration from 23:00 to 02:00 is totalled: three hours.",
        [given("SODIUM-CHLORIDE-0.9", "1000 mL", "2300", f"{NEXT_DAY}0200")],
        ["96360", "96361 x2"],
        drugs=["J7030"],
    ),
    story(
        "On the night the clock goes forward 01:30 to 03:30 is one hour.",
        [given("VANCOMYCIN", "1000 mg", "202603080130", "202603080330", sent="202611021800")],
        ["96365"],
        asks=[],
    ),
    story(
        "On the night the clock goes back 00:30 to 02:30 is three hours.",
        [given("VANCOMYCIN", "1000 mg", "202611010030", "202611010230", sent="202611021800")],
        ["96365", "96366 x2"],
        asks=[],
    ),
    story(
        "A drip by actions over the night the clock goes back runs three hours as well.",
        [action("New Bag", "202611010030", dose="1000 mg"), action("Stopped", "202611010230")],
        ["96365", "96366 x2"],
        asks=[],
        interface=STREAM,
    ),
    story(
        "A stop at a time that occurs twice is asked about; the shorter reading is drafted.",
        [given("VANCOMYCIN", "1000 mg", "202611010045", "202611010130", sent="202611021800")],
        ["96365"],
        asks=["time.twice"],
    ),
    story(
        "A time that the clock skipped is impossible.",
        [given("VANCOMYCIN", "1000 mg", "202603080230", "202603080330")],
        [],
        asks=["time.impossible"],
    ),
    story(
        "With offsets a time that occurs twice is clear: 01:30-0400 to 01:30-0500 is an hour.",
        [
            given(
                "VANCOMYCIN",
                "1000 mg",
                "202611010130-0400",
                "202611010130-0500",
                sent="202611021800",
            )
        ],
        ["96365"],
        asks=[],
    ),
    story(
        "An offset counts, not the wall clock: 09:00-0500 to 09:00-0600 is an hour.",
        [given("CARBOPLATIN", "450 mg", "202603020900-0500", "202603020900-0600")],
        ["96413"],
    ),
    story(
        "What an inpatient is given is paid with the stay.",
        [given("CARBOPLATIN", "450 mg", "0900", "1000", patient_class="I")],
        [],
        drugs=[],
        withheld=["encounter.inpatient"],
    ),
    story(
        "An outpatient who is admitted the next morning is billed for the first day only.",
        [
            adt("A04", sent="0800", admitted="0800"),
            VANCOMYCIN,
            adt("A06", sent=f"{NEXT_DAY}0800", patient_class="I"),
            given(
                "VANCOMYCIN",
                "1000 mg",
                f"{NEXT_DAY}0900",
                f"{NEXT_DAY}1000",
                patient_class="I",
                sent=f"{NEXT_DAY}1100",
            ),
        ],
        ["96365"],
        withheld=["encounter.inpatient"],
        any_order=True,
    ),
    story(
        "An outpatient who is admitted at noon is billed for the morning only.",
        [
            adt("A04", sent="0800", admitted="0800"),
            VANCOMYCIN,
            adt("A06", sent="1200", patient_class="I"),
            given("CEFEPIME", "2000 mg", "1400", "1430", patient_class="I"),
        ],
        ["96365"],
        withheld=["encounter.inpatient"],
    ),
    story(
        "An emergency visit that becomes an observation stay has one initial service.",
        [
            adt("A04", sent="2100", admitted="2100", patient_class="E"),
            given("ONDANSETRON", "4 mg", "2200", patient_class="E"),
            adt("A01", sent=f"{NEXT_DAY}0100", admitted=f"{NEXT_DAY}0100", patient_class="OBS"),
            given(
                "CEFTRIAXONE", "1000 mg", f"{NEXT_DAY}0900", f"{NEXT_DAY}0930", patient_class="OBS"
            ),
        ],
        ["96365", "96375"],
    ),
    story(
        "A second access line has a second initial service, marked distinct and asked about.",
        [
            given("CARBOPLATIN", "450 mg", "0900", "1000", line="PORT"),
            given("VANCOMYCIN", "1500 mg", "0900", "1100", line="LEFT-ARM"),
        ],
        ["96413", "96365-59", "96366-59"],
        asks=["initial.second_line"],
    ),
    story(
        "Two lumens of one catheter are one line: a sequential drug.",
        [
            given("CARBOPLATIN", "450 mg", "0900", "1000", line="PICC-RED"),
            given("VANCOMYCIN", "1000 mg", "1005", "1105", line="PICC-WHITE"),
        ],
        ["96413", "96367"],
        asks=[],
    ),
    story(
        "A restart in the other hand after an infiltration is one infusion of 30 + 50 minutes.",
        [
            given("VANCOMYCIN", "500 mg", "1000", "1030", line="RIGHT-HAND", completion="PA"),
            given("VANCOMYCIN", "500 mg", "1050", "1140", line="LEFT-HAND"),
        ],
        ["96365"],
        drugs=["J3373 x100"],
        asks=[],
    ),
]
