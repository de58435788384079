"""Stories of vials: which were opened, what of them was discarded, and what is said of it.

Trastuzumab is bought in vials of 150 mg of powder, rituximab in vials of 500 and of 100 mg of
liquid; one unit of either code is 10 mg. The doses are ordinary ones, and no dose is advice.
"""

from tests.golden.messages import message, observed, orc, rxa, rxr, segment
from tests.golden.story import FACILITY, GUIDE, story

POWDER, LARGE, SMALL = "50242-0132-01", "50242-0053-06", "50242-0051-21"


def bag(
    drug: str,
    dose: str,
    start: str,
    stop: str,
    *vials: str,
    wasted: str = "",
    note: str = "",
    order: str = "R1",
    status: str = "A",
    sent: str = "1800",
) -> bytes:
    """A row of the chart with the vials that were scanned for it, and what was discarded in mg."""
    rows = [observed("VIAL-NDC", vial) for vial in vials]
    if wasted:
        amount = {1: "90", 2: "NM", 3: "WASTED-AMOUNT^discarded^L", 5: wasted, 6: "mg", 11: "F"}
        rows.append(segment("OBX", amount))
    if note:
        rows.append(segment("NTE", {1: "1", 3: note}))
    row = rxa(drug, dose, start, stop, status=status)
    return message("RAS^O17", orc(order), row, rxr("IV"), *rows, sent=sent)


DRUGS = [
    story(
        "420 of 450 mg from three scanned vials, and 30 mg charted as discarded: a line with JW.",
        [bag("TRASTUZUMAB", "420 mg", "0900", "1030", *[POWDER] * 3, wasted="30")],
        ["96413"],
        drugs=["J9355 N450242013201 UN2.8 x42", "J9355-JW N450242013201 UN0.2 x3"],
        asks=[],
        policy=FACILITY,
    ),
    story(
        "Three vials that hold just the dose: nothing was discarded, and the line says so.",
        [bag("TRASTUZUMAB", "450 mg", "0900", "1030", *[POWDER] * 3)],
        ["96413"],
        drugs=["J9355-JZ N450242013201 UN3 x45"],
        asks=[],
        policy=FACILITY,
    ),
    story(
        "Nobody charted what became of the rest of the third vial: its line waits for an answer.",
        [bag("TRASTUZUMAB", "420 mg", "0900", "1030", *[POWDER] * 3)],
        ["96413"],
        drugs=["J9355 N450242013201 UN2.8 x42", "J9355-JW N450242013201 UN0.2 x3"],
        asks=["waste.not_charted"],
        policy=FACILITY,
    ),
    story(
        "A note beside the row says what was discarded: it counts as the field does.",
        [bag("RITUXIMAB", "750 mg", "0900", "1300", note="Waste: 50 mg witnessed")],
        ["96413", "96415 x3"],
        drugs=["J9312 x75", "J9312-JW x5"],
        asks=[],
        policy=FACILITY,
    ),
    story(
        "Two NDCs of one drug: a line for each, and the rest is that of the smaller vial.",
        [bag("RITUXIMAB", "750 mg", "0900", "1300", LARGE, SMALL, SMALL, SMALL, wasted="50")],
        ["96413", "96415 x3"],
        drugs=[
            "J9312 N450242005306 ML50 x50",
            "J9312 N450242005121 ML25 x25",
            "J9312-JW N450242005121 ML5 x5",
        ],
        asks=[],
        policy=FACILITY,
    ),
    story(
        "A correction of the row corrects what was discarded as well, whichever comes first.",
        [
            bag("TRASTUZUMAB", "420 mg", "0900", "1030", *[POWDER] * 3, wasted="20"),
            bag(
                "TRASTUZUMAB",
                "420 mg",
                "0900",
                "1030",
                *[POWDER] * 3,
                wasted="30",
                status="U",
                sent="1900",
            ),
        ],
        ["96413"],
        drugs=["J9355 N450242013201 UN2.8 x42", "J9355-JW N450242013201 UN0.2 x3"],
        asks=[],
        policy=FACILITY,
        any_order=True,
    ),
    story(
        "A row that was taken back takes its vials and its waste with it.",
        [
            bag("TRASTUZUMAB", "420 mg", "0900", "1030", *[POWDER] * 3, wasted="30"),
            bag(
                "TRASTUZUMAB",
                "420 mg",
                "0900",
                "1030",
                *[POWDER] * 3,
                wasted="30",
                status="D",
                sent="1900",
            ),
        ],
        [],
        drugs=[],
        policy=FACILITY,
        any_order=True,
    ),
    story(
        "Two bags of one drug are added before they are rounded, and so is what was discarded.",
        [
            bag("RITUXIMAB", "373 mg", "0900", "1100", wasted="12", order="R1"),
            bag("RITUXIMAB", "372 mg", "1110", "1310", wasted="13", order="R2"),
        ],
        ["96413", "96415 x3"],
        drugs=["J9312 x75", "J9312-JW x2"],
        policy=FACILITY,
        any_order=True,
    ),
    story(
        "Ten digits without hyphens may be three packages: a person is asked which.",
        [bag("TRASTUZUMAB", "450 mg", "0900", "1030", "5024201320", wasted="0")],
        ["96413"],
        drugs=["J9355-JZ x45"],
        asks=["ndc.unreadable"],
        policy=FACILITY,
    ),
    story(
        "The vial of another drug: it decides the code, so a person is asked which was given.",
        [bag("TRASTUZUMAB", "450 mg", "0900", "1030", SMALL, wasted="0")],
        ["96413"],
        asks=["ndc.contradicts"],
        policy=FACILITY,
    ),
    story(
        "Two vials hold less than the dose: a scan is missing, or the dose is wrong.",
        [bag("TRASTUZUMAB", "450 mg", "0900", "1030", POWDER, POWDER)],
        ["96413"],
        asks=["vial.too_few"],
        policy=FACILITY,
    ),
    story(
        "What was charted as discarded is not what the vials leave: the smaller amount counts.",
        [bag("TRASTUZUMAB", "420 mg", "0900", "1030", *[POWDER] * 3, wasted="10")],
        ["96413"],
        drugs=["J9355 N450242013201 UN2.8 x42", "J9355-JW N450242013201 UN0.067"],
        asks=["waste.disagrees"],
        policy=FACILITY,
    ),
    story(
        "Stock that was bought under 340B carries TB beside the word on waste.",
        [
            bag("TRASTUZUMAB", "420 mg", "0900", "1030", wasted="30", note="from the 340B store"),
        ],
        ["96413"],
        drugs=["J9355-TB x42", "J9355-JW-TB x3"],
        asks=[],
        policy=FACILITY,
    ),
    story(
        "Under the guide the dose is billed and not the vial.",
        [bag("TRASTUZUMAB", "420 mg", "0900", "1015", *[POWDER] * 3, wasted="30")],
        ["96413"],
        drugs=["J9355 N450242013201 UN2.8 x42"],
        withheld=[],
        policy=GUIDE,
    ),
]
