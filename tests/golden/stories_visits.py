"""Stories of visits with a practitioner: reports, notes and posted charges beside an infusion.

Times are of 2 March 2026. All people are invented.
"""

from tests.golden.messages import given, message, segment
from tests.golden.story import FACILITY, PHYSICIAN, Story, story


def report(*rows: tuple[str, str, str], sent: str = "1100", number: str = "R7") -> bytes:
    """An ORU with rows of code, value and unit of one report."""
    obr = segment("OBR", {1: "1", 3: number, 7: "202603021030"})
    observed = [
        segment("OBX", {1: str(n), 2: "ST", 3: code, 4: "1", 5: value, 6: unit, 11: "F"})
        for n, (code, value, unit) in enumerate(rows, 1)
    ]
    return message("ORU^R01", obr, *observed, sent=sent)


def note(state: str, *, degree: str = "MD", sent: str = "1200", trigger: str = "T02") -> bytes:
    """A visit note of D7 in a state."""
    fields = {2: "PN", 4: "202603021030", 9: f"D7^TEST^DOC^^^^{degree}", 12: "N7", 17: state}
    return message(f"MDM^{trigger}", segment("TXA", {1: "1", **fields}), sent=sent)


def posted(code: str, *modifiers: str, kind: str = "CG", sent: str = "1300") -> bytes:
    """A charge that the record system posted."""
    fields = {1: "1", 2: "T7", 4: "20260302", 6: kind, 10: "1", 25: code, 26: "~".join(modifiers)}
    return message("DFT^P03", segment("FT1", fields), sent=sent)


INFUSION = given("CARBOPLATIN", "450 mg", "0900", "1000")
DECISION = report(
    ("MDM-PROBLEMS", "LOW", ""),
    ("MDM-DATA", "MODERATE", ""),
    ("MDM-RISK", "HIGH", ""),
    ("PATIENT-STATUS", "ESTABLISHED", ""),
)

VISITS = [
    story(
        "42 minutes, a signed note, and an infusion: a visit with 25 and the infusion.",
        [INFUSION, report(("VISIT-MINUTES", "42", "min"), ("PATIENT-STATUS", "ESTABLISHED", "")),
         note("AU")],
        ["96413", "99215-25"],
        asks=[],
        policy=PHYSICIAN,
        any_order=True,
    ),
    story(
        "The same day on the hospital's claim: one clinic code with 25.",
        [INFUSION, DECISION, note("LA"), posted("99214", "25")],
        ["96413", "G0463-25"],
        asks=[],
        policy=FACILITY,
        any_order=True,
    ),
    story(
        "Dictated at noon and signed an hour later: in whatever order they arrive, it is signed.",
        [INFUSION, DECISION, note("DI"), note("AU", sent="1301")],
        ["96413", "99214-25"],
        asks=[],
        policy=PHYSICIAN,
        any_order=True,
    ),
    story(
        "A note that is only dictated is asked about.",
        [INFUSION, DECISION, note("DI")],
        ["96413", "99214-25"],
        asks=["visit.note_unsigned"],
        policy=PHYSICIAN,
    ),
    story(
        "A nurse's signature does not make it a visit with a practitioner.",
        [INFUSION, DECISION, note("AU", degree="RN")],
        ["96413", "99214-25"],
        asks=["visit.note_author"],
        policy=PHYSICIAN,
    ),
    story(
        "A note that is taken back leaves the visit open.",
        [INFUSION, DECISION, note("AU"), note("AU", trigger="T11", sent="1302")],
        ["96413", "99214-25"],
        asks=["visit.note_cancelled"],
        policy=PHYSICIAN,
        any_order=True,
    ),
    Story(
        "The infusion under one visit number, the visit under another: 25 all the same.",
        (
            INFUSION,
            message("ORU^R01", segment("OBR", {1: "1", 3: "R8", 7: "202603021030"}),
                    segment("OBX", {1: "1", 2: "NM", 3: "VISIT-MINUTES", 5: "25", 6: "min"}),
                    segment("OBX", {1: "2", 2: "ST", 3: "PATIENT-STATUS", 5: "ESTABLISHED"}),
                    visit="V2", sent="1100"),
            message("MDM^T02", segment("TXA", {1: "1", 2: "PN", 4: "202603021030",
                    9: "D7^TEST^DOC^^^^MD", 12: "N8", 17: "AU"}), visit="V2", sent="1200"),
        ),
        {"V1": ["96413"], "V2": ["99213-25"]},
        policy=PHYSICIAN,
        any_order=True,
    ),
    story(
        "99211 posted beside an infusion is part of it.",
        [INFUSION, posted("99211")],
        ["96413"],
        withheld=["visit.nurse.beside_drugs"],
        asks=[],
        policy=PHYSICIAN,
    ),
    story(
        "Minutes that the sender corrects from 420 to 42: the correction counts.",
        [
            INFUSION,
            report(("VISIT-MINUTES", "420", "min"), ("PATIENT-STATUS", "ESTABLISHED", "")),
            report(("VISIT-MINUTES", "42", "min"), ("PATIENT-STATUS", "ESTABLISHED", ""),
                   sent="1130"),
            note("AU"),
        ],
        ["96413", "99215-25"],
        asks=[],
        policy=PHYSICIAN,
        any_order=True,
    ),
]  # fmt: skip
