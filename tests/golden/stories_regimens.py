"""Stories of whole days of treatment, and of every technique that an infusion centre uses.

The doses are ordinary ones, and no dose is advice.
"""

from tests.golden.messages import given, message, orc, ordered, rxa, rxr
from tests.golden.story import FACILITY, PHYSICIAN, VANCOMYCIN, story

CARBO_PEM_PEMBRO = (
    given("PEMBROLIZUMAB", "200 mg", "0900", "0930"),
    given("PEMETREXED", "900 mg", "0935", "0945"),
    given("CARBOPLATIN", "500 mg", "0950", "1050"),
)

REGIMENS = [
    story(
        "FOLFOX: oxaliplatin and leucovorin for 120 minutes, fluorouracil pushed, then by pump.",
        [
            given("PALONOSETRON", "0.25 mg", "0850", method="IVP"),
            given("OXALIPLATIN", "150 mg", "0900", "1100"),
            given("LEUCOVORIN", "700 mg", "0900", "1100"),
            given("FLUOROURACIL", "700 mg", "1105", "1109", method="IVP", order="R7"),
            ordered("FLUOROURACIL", "4200 mg", minutes=2760, order="R8"),
            given(
                "FLUOROURACIL", "4200 mg", "1115", method="INF", order="R8", device="PORTABLE-PUMP"
            ),
        ],
        ["96413", "96415", "96368", "96411", "96416", "96375"],
        drugs=["J0640 x14", "J2469 x10", "J9190 x10", "J9263 x300"],
        asks=[],
    ),
    story(
        "R-CHOP: rituximab for 240 minutes, two pushes, cyclophosphamide for 45 minutes.",
        [
            given("RITUXIMAB", "700 mg", "0900", "1300"),
            given("DOXORUBICIN", "90 mg", "1305", method="IVP"),
            given("VINCRISTINE", "2 mg", "1315", method="IVP"),
            given("CYCLOPHOSPHAMIDE", "1350 mg", "1330", "1415"),
        ],
        ["96413", "96415 x3", "96411 x2", "96417"],
        drugs=["J9000 x9", "J9075 x270", "J9312 x70", "J9370 x2"],
    ),
    story(
        "TCHP: four drugs one after the other, the premedication pushed.",
        [
            given("DEXAMETHASONE", "12 mg", "0850", method="IVP"),
            given("PERTUZUMAB", "420 mg", "0900", "1000"),
            given("TRASTUZUMAB", "450 mg", "1005", "1035"),
            given("DOCETAXEL", "140 mg", "1040", "1140"),
            given("CARBOPLATIN", "600 mg", "1145", "1245"),
        ],
        ["96413", "96417 x3", "96375"],
        drugs=["J1100 x12", "J9045 x12", "J9171 x140", "J9306 x420", "J9355 x45"],
    ),
    story(
        "Beside carboplatin the guide bills pembrolizumab as a sequential therapeutic infusion.",
        CARBO_PEM_PEMBRO,
        ["96413", "96411", "96367"],
        any_order=True,
    ),
    story(
        "Beside carboplatin Medicare bills pembrolizumab as a sequential chemotherapy infusion.",
        CARBO_PEM_PEMBRO,
        ["96413", "96411", "96417"],
        policy=FACILITY,
        any_order=True,
    ),
    story(
        "Nivolumab alone is a therapeutic infusion under the guide.",
        [given("NIVOLUMAB", "240 mg", "0900", "0930")],
        ["96365"],
        drugs=["J9299 x240"],
    ),
    story(
        "Nivolumab alone is a chemotherapy infusion under Medicare.",
        [given("NIVOLUMAB", "240 mg", "0900", "0930")],
        ["96413"],
        policy=PHYSICIAN,
    ),
    story(
        "Iron in 15 minutes is a push.",
        [given("IRON-SUCROSE", "200 mg", "0900", "0915")],
        ["96374"],
        drugs=["J1756 x200"],
    ),
    story(
        "Iron in 30 minutes is an infusion.",
        [given("IRON-SUCROSE", "200 mg", "0900", "0930")],
        ["96365"],
    ),
    story(
        "Fulvestrant in two syringes is one hormonal injection.",
        [
            message(
                "RAS^O17",
                orc(),
                rxa("FULVESTRANT", "250 mg", "1000"),
                rxr("IM", site="LG"),
                rxa("FULVESTRANT", "250 mg", "1003", number=2),
                rxr("IM", site="RG"),
            )
        ],
        ["96402"],
        drugs=["J9395 x20"],
    ),
    story(
        "Two equal syringes at the same minute are two syringes of one dose.",
        [
            message(
                "RAS^O17",
                orc(),
                rxa("FULVESTRANT", "250 mg", "1000"),
                rxr("IM"),
                rxa("FULVESTRANT", "250 mg", "1000"),
                rxr("IM"),
            )
        ],
        ["96402"],
        drugs=["J9395 x20"],
    ),
    story(
        "Two chemotherapy injections are one under the guide.",
        [
            given("BORTEZOMIB", "2.5 mg", "1000", route="SC"),
            given("AZACITIDINE", "130 mg", "1010", route="SC"),
        ],
        ["96401"],
    ),
    story(
        "Two chemotherapy injections are two under Medicare.",
        [
            given("BORTEZOMIB", "2.5 mg", "1000", route="SC"),
            given("AZACITIDINE", "130 mg", "1010", route="SC"),
        ],
        ["96401 x2"],
        policy=FACILITY,
    ),
    story(
        "A port rinsed and nothing else.",
        [given("HEPARIN-FLUSH", "500 unit", "1000", method="IRRIGATION")],
        ["96523"],
        drugs=[],
    ),
    story(
        "A port rinsed beside an infusion is not reported.",
        [given("HEPARIN-FLUSH", "500 unit", "1010", method="IRRIGATION"), VANCOMYCIN],
        ["96365"],
        withheld=["exclusive.irrigation"],
    ),
    story(
        "A portable pump refilled at a later visit.",
        [given("FLUOROURACIL", "2000 mg", "1000", method="REFILL", device="CADD")],
        ["96521"],
        drugs=["J9190 x4"],
    ),
    story(
        "Methotrexate into the spinal canal.",
        [given("METHOTREXATE", "12 mg", "1000", route="IT")],
        ["96450"],
        drugs=["J9260"],
    ),
    story(
        "Ten minutes into the artery are a push.",
        [given("FLOXURIDINE", "100 mg", "1000", "1010", route="IA")],
        ["96420"],
    ),
    story(
        "Two hours into the artery are a first hour and one more.",
        [given("CISPLATIN", "100 mg", "1000", "1200", route="IA")],
        ["96422", "96423"],
        asks=[],
    ),
    story(
        "Two hours under the skin are a first hour and one more.",
        [given("MORPHINE", "20 mg", "1000", "1200", route="SC")],
        ["96369", "96370"],
    ),
    story(
        "An on-body injector put on at the end of the day.",
        [given("PEGFILGRASTIM", "6 mg", "1500", route="SC", device="ON-BODY-INJECTOR")],
        ["96377"],
        drugs=["J2506 x12"],
    ),
    story(
        "A blocked port opened with alteplase before the infusion.",
        [given("ALTEPLASE", "2 mg", "0800", route="CATHETER"), VANCOMYCIN],
        ["36593", "96365"],
        drugs=["J2997 x2", "J3373 x100"],
    ),
    story(
        "A tablet bills no service.",
        [given("ONDANSETRON", "8 mg", "0900", route="PO")],
        [],
        withheld=["technique.other_route"],
    ),
]
