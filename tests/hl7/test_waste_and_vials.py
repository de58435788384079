"""Claims about discarded amounts and vial codes: read where the profile says, kept with their
place.
"""

from decimal import Decimal

from chargeline.engine import Record
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import message, orc, rxa, rxr


def record(*after: str) -> Record:
    """The record of one bag of 450 mg with some segments after its route."""
    data = message(
        "RAS^O17", orc(), rxa("CARBOPLATIN", "450 mg", "0900", "1000"), rxr("IV"), *after
    )
    profile = make_profile(read_interface(rules_directory(), "standard"))
    (found,) = [
        event for event in read_events(read_message(data), profile).events if type(event) is Record
    ]
    return found


def test_waste_is_read_from_an_observation() -> None:
    """OBX of WASTED-AMOUNT: the amount of OBX-5 in the unit of OBX-6."""
    (waste,) = record("OBX|1|NM|WASTED-AMOUNT^discarded^L||50|mg|||||F").wasted
    assert (waste.amount, waste.unit, waste.address) == (Decimal(50), "mg", "RXA[1]/OBX[1]-5")


def test_waste_is_read_from_a_note() -> None:
    """`Waste: 12.5 mg witnessed` in an NTE after the RXA."""
    (waste,) = record("NTE|1||Waste: 12.5 mg witnessed").wasted
    assert (waste.amount, waste.unit, waste.address) == (Decimal("12.5"), "mg", "RXA[1]/NTE[1]-3")


def test_the_vial_is_read_from_an_observation() -> None:
    """OBX of VIAL-NDC, twice for two vials, as they were scanned."""
    found = record(
        "OBX|1|ST|VIAL-NDC^vial^L||00000-0001-01||||||F",
        "OBX|2|ST|VIAL-NDC^vial^L||00000-0002-01||||||F",
    )
    assert [vial.ndc for vial in found.vials] == ["00000-0001-01", "00000-0002-01"]


def test_a_drug_coded_as_ndc_is_a_vial() -> None:
    """RXA-5 with NDC as the coding system of its alternate code names the vial."""
    data = message("RAS^O17", orc(), rxa("CARBOPLATIN", "450 mg", "0900", "1000"), rxr("IV"))
    coded = data.replace(
        b"|CARBOPLATIN", b"|CARBOPLATIN^carboplatin^L^00000-0003-01^carboplatin vial^NDC^", 1
    )
    profile = make_profile(read_interface(rules_directory(), "standard"))
    records = [
        each for each in read_events(read_message(coded), profile).events if type(each) is Record
    ]
    assert [(vial.ndc, vial.address) for vial in records[0].vials] == [
        ("00000-0003-01", "RXA[1]-5.4")
    ]


def test_an_administration_without_waste_says_none() -> None:
    """Nothing charted is nothing kept: no zero is invented."""
    assert record().wasted == ()
    assert record().vials == ()
