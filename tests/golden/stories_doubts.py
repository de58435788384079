"""Stories of doses that cannot be billed as charted: asked about, or withheld with a reason.

They own the doubt in one message. Corrections by a later message stand in stories_corrections.py.
"""

from tests.golden.messages import action, given, message, orc, rxa, rxr
from tests.golden.story import PHYSICIAN, STREAM, VANCOMYCIN, story

DOUBTS = [
    story(
        "A drug that the formulary does not know is asked about.",
        [given("ZEBRASTATIN", "10 mg", "0900", "1000")],
        [],
        drugs=[],
        asks=["drug.unknown"],
    ),
    story(
        "A dose without a unit bills the service and asks for the unit.",
        [given("CARBOPLATIN", "450", "0900", "1000")],
        ["96413"],
        drugs=[],
        asks=["dose.no_unit"],
    ),
    story(
        "A dose of 999 means that nobody knows it.",
        [given("CARBOPLATIN", "999 mg", "0900", "1000")],
        ["96413"],
        drugs=[],
        asks=["dose.missing"],
    ),
    story(
        "A dose in millilitres of a drug billed in milligrams is not converted.",
        [given("CARBOPLATIN", "45 mL", "0900", "1000")],
        ["96413"],
        drugs=[],
        asks=["dose.unit"],
    ),
    story(
        "A stop before its start bills nothing and is asked about.",
        [given("CARBOPLATIN", "450 mg", "1000", "0900")],
        [],
        asks=["stop.before_start"],
    ),
    story(
        "The 30th of February is asked about; the drug beside it is billed.",
        [given("CARBOPLATIN", "450 mg", "202602300900", "202602301000"), VANCOMYCIN],
        ["96365"],
        asks=["time.impossible"],
    ),
    story(
        "Without a visit number in PV1-19 the account number of PID-18 is taken.",
        [
            message(
                "RAS^O17",
                orc(),
                rxa("CARBOPLATIN", "450 mg", "0900", "1000"),
                rxr("IV"),
                visit="",
                account="V1",
            )
        ],
        ["96413"],
    ),
    story(
        "An infusion stopped for a reaction after 12 minutes stays an infusion.",
        [given("RITUXIMAB", "40 mg", "0900", "0912", method="IVPB", completion="PA")],
        ["96413"],
    ),
    story(
        "In the office an infusion stopped for a reaction after 12 minutes carries a modifier.",
        [given("RITUXIMAB", "40 mg", "0900", "0912", method="IVPB", completion="PA")],
        ["96413-53"],
        policy=PHYSICIAN,
    ),
    story(
        "A refused dose bills neither service nor drug.",
        [given("CARBOPLATIN", "450 mg", "0900", refused="PATREF^patient refused")],
        [],
        drugs=[],
        withheld=["not_given"],
    ),
    story(
        "A dose that was held bills nothing.",
        [action("Held", "0900", dose="1000 mg")],
        [],
        drugs=[],
        withheld=["not_given"],
        interface=STREAM,
    ),
    story(
        "A dose charted as not administered bills nothing.",
        [given("CARBOPLATIN", "450 mg", "0900", "1000", completion="NA")],
        [],
        drugs=[],
        withheld=["not_given"],
    ),
    story(
        "A bolus from the running bag is part of the infusion of an hour.",
        [
            action("New Bag", "0900", "MORPHINE", "30 mg"),
            action("Bolus", "0920", "MORPHINE", "2 mg"),
            action("Stopped", "1000", "MORPHINE"),
        ],
        ["96365"],
        withheld=["bolus_of_running_bag"],
        interface=STREAM,
    ),
    story(
        "Saline that keeps the vein open bills nothing.",
        [given("SODIUM-CHLORIDE-0.9", "250 mL", "0900", "1100", note="^KVO 20 mL/hr")],
        [],
        drugs=[],
        withheld=["technique.keep_open"],
    ),
    story(
        "Flushing the line after a push bills nothing more.",
        [
            given("ONDANSETRON", "8 mg", "0900", method="IVP"),
            given("SODIUM-CHLORIDE-0.9", "10 mL", "0902", method="IVP", note="^flush"),
        ],
        ["96374"],
        drugs=["J2405 x8"],
        withheld=["technique.flush"],
    ),
]
