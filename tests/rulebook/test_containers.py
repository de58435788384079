"""Claims about the table of containers: kits, and units in which no payer takes an NDC."""

from decimal import Decimal
from pathlib import Path

import pytest

from chargeline.engine import Container, Finding, Formulary, NameWords, draft
from chargeline.engine.containers import Containers
from chargeline.rulebook.containers import parse_containers
from tests.engine import rulebook
from tests.engine.short import FACILITY, timeline

_HEADER = "ndc,drugs,amount,unit,ml,form,use,from,until,cite,note,pieces\n"
_DRUGS = frozenset({"epoetin-alfa", "fulvestrant", "trastuzumab"})


def parsed(folder: Path, row: str) -> tuple[list[Container], list[Finding]]:
    """The containers of a table of one row, and the mistakes in it."""
    path = folder / "containers.csv"
    path.write_text(f"{_HEADER}{row}\n")
    mistakes: list[Finding] = []
    return parse_containers(path, _DRUGS, {"HOUSE": ""}, mistakes), mistakes


def test_a_kit_holds_the_sum_of_its_pieces(tmp_path: Path) -> None:
    """Two syringes of 250 mg in 5 mL under one NDC hold 500 mg in 10 mL."""
    row = "00000-0001-01,fulvestrant,250,mg,5,liquid,single_dose,,,HOUSE,,2"
    ((kit,), mistakes) = parsed(tmp_path, row)
    assert (kit.amount, kit.millilitres, kit.pieces) == (Decimal(500), Decimal(10), 2)
    assert mistakes == []


def test_a_kit_of_powders_is_billed_by_its_pieces(tmp_path: Path) -> None:
    """One kit of two dry vials of 150 mg is UN2, and a half of it is UN1."""
    row = "00000-0001-01,trastuzumab,150,mg,,powder,single_dose,,,HOUSE,,2"
    (kits, _mistakes) = parsed(tmp_path, row)
    book = rulebook()
    book = book._replace(formulary=Formulary(book.formulary.drugs, NameWords(), Containers(kits)))
    given = "trastuzumab {} mg iv 09:00-10:00 vials=00000-0001-01 waste={}mg"
    for dose, quantities in ((300, ["UN2"]), (150, ["UN1", "UN1"])):
        text = given.format(dose, 300 - dose)
        (encounter,) = draft(timeline([text]), book, policy=FACILITY).encounters
        billed = [line.ndc.in_full for line in encounter.lines if line.ndc is not None]
        assert [ndc.split()[-1] for ndc in billed] == quantities


def test_f2_in_a_table_is_international_units(tmp_path: Path) -> None:
    """A claim counts the NDC in millilitres; F2 says how much of the drug a vial holds."""
    row = "00000-0001-01,epoetin-alfa,2000,F2,1,liquid,single_dose,,,HOUSE,,"
    ((vial,), mistakes) = parsed(tmp_path, row)
    assert (vial.amount, vial.unit, vial.pieces, mistakes) == (Decimal(2000), "unit", 1, [])


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("240,ME,,powder,single_dose,,,HOUSE,,", "ME"),
        ("240,mg,,powder,single_dose,,,HOUSE,,1.5", "pieces"),
        ("240,mg,,powder,single_dose,,,HOUSE,,0", "pieces"),
    ],
)
def test_me_and_broken_pieces_are_refused(tmp_path: Path, cells: str, said: str) -> None:
    """The row is no container, and the finding names the cell."""
    (containers, (mistake,)) = parsed(tmp_path, f"00000-0001-01,trastuzumab,{cells}")
    assert containers == []
    assert said in mistake.expected
