"""Claims about discarded amounts and vial codes: they are read where the profile says."""

from decimal import Decimal

import pytest

from chargeline.engine import Record
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import message, orc, rxa, rxr

RXA = rxa("CARBOPLATIN", "450 mg", "0900", "1000")


def record(*after: str, row: str = RXA) -> Record:
    """The record of one bag of 450 mg, with these segments after its route."""
    data = message("RAS^O17", orc(), row, rxr("IV"), *after)
    profile = make_profile(read_interface(rules_directory(), "standard"))
    (bag,) = [
        event for event in read_events(read_message(data), profile).events if type(event) is Record
    ]
    return bag


def test_waste_is_read_from_an_observation() -> None:
    """An OBX of WASTED-AMOUNT gives the amount in OBX-5 and the unit in OBX-6."""
    (waste,) = record("OBX|1|NM|WASTED-AMOUNT^discarded^L||50|mg|||||F").wasted
    assert (waste.amount, waste.unit, waste.address) == (Decimal(50), "mg", "RXA[1]/OBX[1]-5")


def test_waste_is_read_from_a_note() -> None:
    """`Waste: 12.5 mg witnessed` in an NTE after the RXA gives 12.5 mg."""
    (waste,) = record("NTE|1||Waste: 12.5 mg witnessed").wasted
    assert (waste.amount, waste.unit, waste.address) == (Decimal("12.5"), "mg", "RXA[1]/NTE[1]-3")


WASTE = "OBX|1|NM|WASTED-AMOUNT^discarded^L||50|mg|||||F"
WITNESS = "OBX|2|ST|WASTED-BY^witness^L||N77||||||F"
REASON = "OBX|3|ST|WASTE-REASON^why^L||VIAL SIZE||||||F"
BY_A_NURSE = RXA.replace("|450|mg||||", "|450|mg|||N42^ZEBRA|")


@pytest.mark.parametrize(
    ("row", "after", "signed", "reasoned"),
    [
        (RXA, (WASTE,), False, False),
        (BY_A_NURSE, (WASTE,), True, False),
        (RXA, (WASTE, WITNESS), True, False),
        (RXA, (WASTE, REASON), False, True),
        (BY_A_NURSE, (WASTE, REASON), True, True),
    ],
)
def test_a_row_says_by_whom_and_why_it_was_discarded(
    row: str, after: tuple[str, ...], signed: bool, reasoned: bool
) -> None:
    """The nurse of RXA-10 or a witness signs for the amount; an OBX of WASTE-REASON says why."""
    (waste,) = record(*after, row=row).wasted
    assert (waste.is_signed, waste.has_reason) == (signed, reasoned)


@pytest.mark.parametrize(
    ("note", "reasoned"),
    [
        ("Wasted 5 mg due to vial size", True),
        ("waste: 5 mg, reason: rest of vial", True),
        ("Wasted 5mg because dose rounded down", True),
        ("Wasted 5 mg. Patient slept because tired", False),
        ("Waste: 5 mg witnessed", False),
    ],
)
def test_a_note_says_why_beside_the_amount(note: str, reasoned: bool) -> None:
    """Only words that follow the amount are its reason; the rest of a note is prose."""
    (waste,) = record(f"NTE|1||{note}").wasted
    assert (waste.amount, waste.has_reason) == (Decimal(5), reasoned)


def test_the_vial_is_read_from_an_observation() -> None:
    """Two OBX of VIAL-NDC give the codes of two vials, in the order of scanning."""
    bag = record(
        "OBX|1|ST|VIAL-NDC^vial^L||00000-0001-01||||||F",
        "OBX|2|ST|VIAL-NDC^vial^L||00000-0002-01||||||F",
    )
    assert [vial.ndc for vial in bag.vials] == ["00000-0001-01", "00000-0002-01"]


def test_a_drug_coded_as_ndc_is_a_vial() -> None:
    """The alternate code of RXA-5 is the code of the vial if its coding system is NDC."""
    data = message("RAS^O17", orc(), rxa("CARBOPLATIN", "450 mg", "0900", "1000"), rxr("IV"))
    coded = data.replace(
        b"|CARBOPLATIN", b"|CARBOPLATIN^carboplatin^L^00000-0003-01^carboplatin vial^NDC^", 1
    )
    profile = make_profile(read_interface(rules_directory(), "standard"))
    records = [
        event for event in read_events(read_message(coded), profile).events if type(event) is Record
    ]
    assert [(vial.ndc, vial.address) for vial in records[0].vials] == [
        ("00000-0003-01", "RXA[1]-5.4")
    ]


def test_an_administration_without_waste_says_none() -> None:
    """Without any of these fields a record has no waste and no vial; no zero is invented."""
    assert record().wasted == ()
    assert record().vials == ()


def test_the_separator_of_a_barcode_may_be_escaped() -> None:
    """FNC1 reaches an OBX as `\\X1D\\`, because many interfaces let no control character pass."""
    bag = record("OBX|1|ST|VIAL-NDC^vial^L||010035024213201510A1\\X1D\\21S9||||||F")
    assert [vial.ndc for vial in bag.vials] == ["010035024213201510A1\x1d21S9"]
