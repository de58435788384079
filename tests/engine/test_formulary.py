"""Claims about finding the drug that a sender means; an unknown drug is None, never a guess."""

from datetime import date
from decimal import Decimal

import pytest

from chargeline.engine import Drug, Formulary
from tests.engine import rulebook

DAY = date(2026, 3, 2)


def drug(
    name: str,
    *names: str,
    hcpcs: str = "J9999",
    starts: date = date(2024, 1, 1),
    ends: date | None = None,
) -> Drug:
    return Drug(
        name, names, hcpcs, Decimal(1), "mg", "antineoplastic", "SDV", starts, ends, "site", ""
    )


STRIPES = Formulary(
    [
        drug("zebrastatin", "stripes", "zebra-statin HCl", hcpcs="J0001"),
        drug("zebrastatin-qlex", "stripes qlex", hcpcs="J0002"),
        drug("yakamab", "shaggy", hcpcs="J0003"),
        drug("yakamab-yyyy", "shaggy two", hcpcs="J0003"),
        drug("oxen", hcpcs=""),
    ]
)


def found(formulary: Formulary, *codes: str, text: str = "", day: date = DAY) -> str | None:
    row = formulary.find(codes, text, day)
    return row.id if row is not None else None


@pytest.mark.parametrize(
    "code",
    [
        "zebrastatin",
        "ZEBRASTATIN",
        "Stripes",
        "zebra statin hcl",
        "ZEBRA_STATIN_HCL",
        " zebra-statin  hcl ",
    ],
)
def test_a_drug_is_found_by_id_and_names(code: str) -> None:
    """Capital letters, hyphens, underscores and blanks do not make another name."""
    assert found(STRIPES, code) == "zebrastatin"


def test_a_drug_is_found_by_its_billing_code() -> None:
    """J0001 names one drug, in capital or small letters."""
    assert found(STRIPES, "J0001") == found(STRIPES, "j0001") == "zebrastatin"


def test_a_billing_code_of_two_drugs_names_neither() -> None:
    """J0003 belongs to two drugs, so the text must say which one is meant."""
    assert found(STRIPES, "J0003") is None
    assert found(STRIPES, "J0003", text="shaggy two") == "yakamab-yyyy"


def test_a_code_is_believed_before_a_text() -> None:
    """Where code and text differ the code wins; an unknown first code leaves it to the second."""
    assert found(STRIPES, "J0001", text="shaggy") == "zebrastatin"
    assert found(STRIPES, "LOCAL77", "yakamab", text="stripes") == "yakamab"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stripes 200 mg in normal saline", "zebrastatin"),
        ("stripes qlex 200 mg", "zebrastatin-qlex"),
        ("Stripes-Qlex 200 mg", "zebrastatin-qlex"),
        ("mystripes 200 mg", None),
        ("stripesque 200 mg", None),
        ("generic stripes", None),
        ("", None),
    ],
)
def test_a_text_is_known_by_the_longest_name_that_it_begins_with(
    text: str, expected: str | None
) -> None:
    """The text begins with the name in whole words; "stripes qlex" is not the drug "stripes"."""
    assert found(STRIPES, text=text) == expected


def test_nobody_is_guessed() -> None:
    """An unknown code without text, nothing at all, and an empty billing code find no drug."""
    assert found(STRIPES, "GIRAFFE") is None
    assert found(STRIPES) is None
    assert found(STRIPES, "") is None


def test_a_row_holds_from_its_first_day_until_the_day_before_its_end() -> None:
    """J0001 holds on 30 June, J0009 on 1 July 2026; before 2025 the drug is not known."""
    formulary = Formulary(
        [
            drug("zebrastatin", hcpcs="J0001", starts=date(2025, 1, 1), ends=date(2026, 7, 1)),
            drug("zebrastatin", hcpcs="J0009", starts=date(2026, 7, 1)),
        ]
    )
    days = (date(2024, 12, 31), date(2025, 1, 1), date(2026, 6, 30), date(2026, 7, 1))
    rows = [formulary.find(("zebrastatin",), "", day) for day in days]
    assert [row.hcpcs if row else None for row in rows] == [None, "J0001", "J0001", "J0009"]


def test_an_old_billing_code_is_free_again() -> None:
    """J0001 names the old drug until 31 December, and the new one from 1 January."""
    formulary = Formulary(
        [
            drug("old", hcpcs="J0001", ends=date(2026, 1, 1)),
            drug("new", hcpcs="J0001", starts=date(2026, 1, 1)),
        ]
    )
    assert found(formulary, "J0001", day=date(2025, 12, 31)) == "old"
    assert found(formulary, "J0001", day=date(2026, 1, 1)) == "new"


def test_asking_again_gives_the_same() -> None:
    """The formulary remembers its answers by day: that of 30 June is not given for 1 July."""
    formulary = Formulary([drug("zebrastatin", starts=date(2026, 7, 1))])
    days = (date(2026, 6, 30), date(2026, 7, 1), date(2026, 6, 30), date(2026, 7, 1))
    assert [found(formulary, "zebrastatin", day=day) for day in days] == [None, "zebrastatin"] * 2


@pytest.mark.parametrize(
    ("text", "hcpcs"),
    [
        ("PEMBROLIZUMAB 200 MG", "J9271"),
        ("keytruda", "J9271"),
        ("Paclitaxel 300 mg in NS", "J9267"),
        ("paclitaxel protein-bound 100 mg", "J9264"),
        ("bevacizumab-awwb 400 mg", "Q5107"),
        ("bevacizumab 400 mg", "J9035"),
        ("atezolizumab and hyaluronidase-tqjs", "J9024"),
    ],
)
def test_products_that_share_a_beginning_are_told_apart(text: str, hcpcs: str) -> None:
    """In the shipped table the longer name is a biosimilar or another form with its own code."""
    row = rulebook().formulary.find((), text, DAY)
    assert row is not None
    assert row.hcpcs == hcpcs
