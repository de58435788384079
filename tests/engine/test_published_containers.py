"""What a vial holds by the published crosswalk, where the site's own table does not say it.

The packages are invented.
"""

from datetime import date
from decimal import Decimal

import pytest

from chargeline.engine.containers import Container, Containers
from chargeline.engine.formulary import Formulary
from chargeline.engine.published_containers import published_containers
from chargeline.engine.tables import Crosswalk, CrosswalkRow, PublishedTables, Quarter

from . import rulebook

Q1, Q2 = Quarter(2026, 1), Quarter(2026, 2)
NDC = "00000000101"
DRUGS = rulebook().formulary.drugs


def row(hcpcs: str, units: int, size: int, pieces: int = 1, package: int = 0) -> CrosswalkRow:
    return CrosswalkRow(
        ndc=NDC,
        hcpcs=hcpcs,
        lists=("asp",),
        labeler="ZEBRA",
        drug_name="ZEBRASTATIN",
        dosage="",
        package_size=Decimal(size),
        pieces=Decimal(pieces),
        billing_units=Decimal(units),
        package_units=Decimal(package or units * pieces),
    )


def containers(*rows: CrosswalkRow, own: Containers | None = None) -> tuple[Container, ...]:
    tables = PublishedTables(version="made up", crosswalk={Q1: Crosswalk({NDC: rows}, {})})
    return published_containers(tables, Formulary(DRUGS, containers=own))


def test_a_package_of_several_vials_holds_in_each_what_the_row_says_of_a_piece() -> None:
    """Four vials of nine units of 50 mg in 45 mL: each holds 450 mg."""
    (one,) = containers(row("J9045", 9, 45, pieces=4))
    assert (one.drugs, one.amount, one.unit) == (("carboplatin",), Decimal(450), "mg")
    assert (one.form, one.millilitres) == ("liquid", Decimal(45))


@pytest.mark.parametrize(
    "rows",
    [
        (row("J0000", 9, 45),),
        (row("J9045", 9, 45, pieces=4, package=10),),
        (row("J9045", 9, 45), row("J9271", 9, 45)),
    ],
    ids=["no drug of ours", "contradicts itself", "two codes of different amounts"],
)
def test_what_is_not_clear_is_no_container(rows: tuple[CrosswalkRow, ...]) -> None:
    """Then the NDC is known and what it holds is not, as for any unknown NDC."""
    assert containers(*rows) == ()


def test_a_package_may_have_another_code_that_the_formulary_lacks() -> None:
    """An epoetin has one code for dialysis, in other units, and one for all others."""
    (one,) = containers(row("Q5105", 20, 1), row("Q5106", 2, 1))
    assert one.drugs == ("epoetin-alfa-epbx",)
    assert (one.amount, one.form, one.millilitres) == (Decimal(2000), "", None)


def test_the_sites_own_row_goes_first_and_only_its_vials_can_be_taken_from_the_shelf() -> None:
    """A pharmacist read that label. What others sell says nothing of what is economical here."""
    (published,) = containers(row("J9045", 9, 45))
    own = published._replace(amount=Decimal(600), is_stocked=True)
    assert containers(row("J9045", 9, 45), own=Containers([own])) == ()
    both = Containers([own, published._replace(ndc="00000000201")])
    assert both.of_drug("carboplatin", date(2026, 3, 2)) == (own,)


def test_a_package_holds_what_the_quarter_of_the_day_says() -> None:
    """A package that was published anew held before what it was said to hold then."""
    tables = PublishedTables(
        version="made up",
        crosswalk={
            Q2: Crosswalk({NDC: (row("J9045", 12, 60),)}, {}),
            Q1: Crosswalk({NDC: (row("J9045", 9, 45),)}, {}),
        },
    )
    held = Containers(published_containers(tables, Formulary(DRUGS)))
    amounts = {
        day: container.amount
        for day in (date(2025, 12, 31), Q1.last, Q2.first, date(2026, 9, 1))
        if (container := held.of(NDC, day)) is not None
    }
    assert list(amounts.values()) == [Decimal(450), Decimal(450), Decimal(600), Decimal(600)]


def test_a_package_that_did_not_change_is_one_container() -> None:
    """Two quarters that say the same make no two rows."""
    same_row = Crosswalk({NDC: (row("J9045", 9, 45),)}, {})
    tables = PublishedTables(version="made up", crosswalk={Q1: same_row, Q2: same_row})
    (one,) = published_containers(tables, Formulary(DRUGS))
    assert (one.starts, one.ends) == (None, None)


def test_a_rulebook_with_tables_names_a_drug_by_its_package() -> None:
    """RXA-5 may hold nothing but the NDC."""
    tables = PublishedTables(
        version="made up", crosswalk={Q1: Crosswalk({NDC: (row("J9045", 9, 45),)}, {})}
    )
    formulary = rulebook().with_tables(tables).formulary
    match = formulary.find(["00000-0001-01"], "", date(2026, 3, 2))
    assert match.drug is not None
    assert match.drug.id == "carboplatin"


@pytest.mark.parametrize(
    ("units", "rounding"), [("133.33", "0.000375"), ("133", "0"), ("0.5", "0")]
)
def test_what_a_row_rounds_off_may_be_in_the_vial(units: str, rounding: str) -> None:
    """133.33 units of 0.075 mg are 10 mg as well as 9.99975 mg; whole and half units are exact."""
    published = row("J9359", 1, 1)._replace(
        billing_units=Decimal(units), package_units=Decimal(units)
    )
    (one,) = containers(published)
    assert one.rounding == Decimal(rounding)
