"""Claims about finding the drug that a sender means; an unknown drug is None, never a guess."""

from datetime import date
from decimal import Decimal

import pytest

from chargeline.engine import AmountRange, Drug, Formulary, Given, NameWords, words
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


WORDS = NameWords(frozenset({"mg", "ml", "in", "normal", "saline"}), {"hcl": "hydrochloride"})
STRIPES = Formulary(
    [
        drug("zebrastatin", "stripes", "zebra-statin HCl", hcpcs="J0001"),
        drug("zebrastatin-qlex", "stripes qlex", hcpcs="J0002"),
        drug("yakamab", "shaggy", hcpcs="J0003"),
        drug("yakamab-yyyy", "shaggy two", hcpcs="J0003"),
        drug("oxen", hcpcs=""),
    ],
    WORDS,
)


def found(formulary: Formulary, *codes: str, text: str = "", day: date = DAY) -> str | None:
    row = formulary.find(codes, text, day).drug
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


def test_a_code_and_a_text_of_two_products_are_neither() -> None:
    """Nobody can say which of the two was given."""
    assert found(STRIPES, "J0001", text="shaggy") is None


def test_a_code_is_believed_before_a_text_that_nobody_knows() -> None:
    """A text that nobody knows changes nothing; an unknown first code leaves it to the second."""
    assert found(STRIPES, "J0001", text="ours") == "zebrastatin"
    assert found(STRIPES, "LOCAL77", "yakamab", text="ours") == "yakamab"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stripes 200 mg in normal saline", "zebrastatin"),
        ("stripes qlex 200 mg", "zebrastatin-qlex"),
        ("Stripes-Qlex 200 mg", "zebrastatin-qlex"),
        ("Zebrastatin (STRIPES), 200mg/2.5mL", "zebrastatin"),
        ("stripes / zebrastatin", "zebrastatin"),
        ("zebra-statin hydrochloride", "zebrastatin"),
        ("200 mg stripes", "zebrastatin"),
        ("stripes-yyyy 200 mg", None),
        ("stripes (yak pharma)", None),
        ("stripes and oxen", None),
        ("mystripes 200 mg", None),
        ("stripesque 200 mg", None),
        ("generic stripes", None),
        ("", None),
    ],
)
def test_each_word_of_a_text_must_belong_to_the_product_or_be_harmless(
    text: str, expected: str | None
) -> None:
    """The beginning of a name is no product: "stripes-yyyy" is not the drug "stripes"."""
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
    rows = [formulary.find(("zebrastatin",), "", day).drug for day in days]
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


# ------------------------------------------------------------------ route and amount choose


def sized(name: str, *amounts: tuple[str | None, str | None]) -> Drug:
    """A row for amounts from least to most; None is no bound."""
    ranges = tuple(
        AmountRange(Decimal(least) if least else None, Decimal(most) if most else None)
        for least, most in amounts
    )
    return drug(name, "herd")._replace(unit="mL", amounts=ranges)


HERDS = Formulary([sized("small", (None, "250")), sized("large", ("250.01", None))])


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [
        ("250", "mL", "small"),
        ("250.01", "mL", "large"),
        ("1", "L", "large"),
        (None, "", "large"),
        ("7", "mg", "large"),
    ],
)
def test_of_rows_with_one_name_the_amount_chooses(
    amount: str | None, unit: str, expected: str
) -> None:
    """Without an amount that can be compared the first row stands for all: the dose is asked."""
    given = Given("", Decimal(amount) if amount else None, unit)
    row = HERDS.find(("herd",), "", DAY, given).drug
    assert row is not None
    assert row.id == expected


def test_an_amount_in_which_the_product_does_not_come_is_unknown() -> None:
    """The product comes in 7.5 and 30 only; the nearest row is named."""
    formulary = Formulary([sized("herd", ("7.5", "7.5"), ("30", "30"))])
    found_row = formulary.find(("herd",), "", DAY, Given("", Decimal("11.25"), "mL"))
    assert (found_row.drug, found_row.nearest) == (None, ("herd",))


def test_of_rows_with_one_name_the_route_chooses() -> None:
    """A route that no row has makes the drug unknown; without a route nobody can tell."""
    rows = [
        drug("into-a-vein", "herd")._replace(routes=frozenset({"intravenous"})),
        drug("under-the-skin", "herd")._replace(routes=frozenset({"subcutaneous"})),
    ]
    formulary = Formulary(rows)
    by_route = {
        route: formulary.find(("herd",), "", DAY, Given(route, Decimal(5), "mg"))
        for route in ("intravenous", "subcutaneous", "intramuscular", "")
    }
    assert [answer.drug and answer.drug.id for answer in by_route.values()] == [
        "into-a-vein", "under-the-skin", None, None,
    ]  # fmt: skip
    assert by_route[""].nearest == ("into-a-vein", "under-the-skin")


def test_the_nearest_rows_of_an_unknown_name_are_told() -> None:
    """The rows whose names stand in the text, the longest name first."""
    answer = STRIPES.find((), "stripes qlex two", DAY)
    assert (answer.drug, answer.nearest) == (None, ("zebrastatin-qlex", "zebrastatin"))


# ------------------------------------------------------------------ the shipped table

IV, SC, IM = "intravenous", "subcutaneous", "intramuscular"


@pytest.mark.parametrize(
    ("text", "hcpcs"),
    [
        ("PEMBROLIZUMAB 200 MG", "J9271"),
        ("keytruda", "J9271"),
        ("Paclitaxel 300 mg in NS", "J9267"),
        ("paclitaxel protein-bound 100 mg", "J9264"),
        ("PACLitaxel (protein-bound)", "J9264"),
        ("PACLitaxel (protein bound) 200 mg", "J9264"),
        ("bevacizumab-awwb 400 mg", "Q5107"),
        ("bevacizumab (MVASI)", "Q5107"),
        ("bevacizumab 400 mg", "J9035"),
        ("bevacizumab-nwgd (Jobevne)", "Q5160"),
        ("trastuzumab (OGIVRI)", "Q5114"),
        ("rituximab (TRUXIMA)", "Q5115"),
        ("pegfilgrastim (UDENYCA)", "Q5111"),
        ("pemetrexed disodium (Pemfexy)", "J9304"),
        ("DOXOrubicin (liposomal)", "Q2050"),
        ("doxorubicin liposome 2 MG/ML", "Q2050"),
        ("DOXOrubicin HCl pegylated liposomal", "Q2050"),
        ("octreotide acetate microspheres", "J2353"),
        ("irinotecan HCl liposome (Onivyde)", "J9205"),
        ("cyclophosphamide 500 mg/2.5 mL (Auromedics)", "J9071"),
        ("tocilizumab-anoh (Avtozma)", "Q5156"),
        ("bortezomib (maia)", "J9051"),
        ("meropenem and vaborbactam", "J2186"),
        ("trastuzumab / hyaluronidase", "J9356"),
        ("carboplatin 450 mg in NS 250 mL IVPB", "J9045"),
        ("ondansetron HCl (PF) 4 mg/2 mL injection", "J2405"),
        ("NS 1000 mL + magnesium sulfate 2 g", "J3475"),
    ],
)
def test_a_product_finds_its_own_code(text: str, hcpcs: str) -> None:
    """Brands in brackets or behind a stroke count; dose, salt, form and diluent do not."""
    row = rulebook().formulary.find((), text, DAY, Given(SC if "hyalu" in text else "")).drug
    assert row is not None
    assert row.hcpcs == hcpcs


@pytest.mark.parametrize(
    "text",
    [
        "bevacizumab-tnjn", "denosumab-nxxp", "denosumab-desu (Jubereq)", "trastuzumab biosimilar",
        "vincristine liposome (Marqibo)", "cytarabine liposomal", "haloperidol decanoate",
        "infliximab-dyyb (lookalike)", "doxorubicin hydrochloride, liposomal, imported lipodox",
        "Mitomycin pyelocalyceal instillation", "Leuprolide acetate implant", "epoetin beta",
        "leuprolide acetate for depot suspension (fensolvi)", "hydrocortisone acetate",
        "ceftazidime and avibactam, 0.5 g/0.125 g", "magnesium oxide", "pertuzumab-dpzb",
        "penicillin g benzathine and penicillin g procaine", "amivantamab and hyaluronidase",
        "isatuximab with hyaluronidase", "normal saline with potassium phosphate",
        "morphine sulfate, preservative-free for epidural or intrathecal use",
    ],
)  # fmt: skip
def test_a_product_that_the_table_lacks_is_nobody_elses(text: str) -> None:
    """Each of these begins like a row of the table and is another product."""
    assert rulebook().formulary.find((), text, DAY).drug is None


@pytest.mark.parametrize(
    ("text", "route", "amount", "unit", "hcpcs"),
    [
        ("daratumumab", SC, "1800", "mg", "J9144"),
        ("daratumumab", IV, "1200", "mg", "J9145"),
        ("rituximab", SC, "1400", "mg", "J9311"),
        ("trastuzumab", SC, "600", "mg", "J9356"),
        ("pembrolizumab", SC, "395", "mg", ""),
        ("leuprolide", IM, "11.25", "mg", "J1950"),
        ("leuprolide", IM, "3.75", "mg", "J1950"),
        ("leuprolide", IM, "22.5", "mg", "J9217"),
        ("normal saline", IV, "1000", "mL", "J7030"),
        ("normal saline", IV, "500", "mL", "J7040"),
        ("sodium chloride 0.9 %", IV, "250", "mL", "J7050"),
        ("dextrose 5 %", IV, "1", "L", "J7070"),
        ("dextrose 5%", IV, "500", "mL", "J7060"),
    ],
)
def test_route_strength_and_bag_choose_the_product(
    text: str, route: words.Route, amount: str, unit: str, hcpcs: str
) -> None:
    """One name stands for several products; "" is a product without a code of its own."""
    row = rulebook().formulary.find((), text, DAY, Given(route, Decimal(amount), unit)).drug
    assert row is not None
    assert row.hcpcs == hcpcs


@pytest.mark.parametrize(
    ("name", "day", "hcpcs"),
    [
        ("thiotepa", date(2025, 6, 30), "J9340"),
        ("thiotepa", date(2025, 7, 1), "J9342"),
        ("vancomycin", date(2025, 6, 30), "J3370"),
        ("epinephrine", date(2025, 5, 15), "J0171"),
        ("furosemide", date(2025, 3, 31), "J1940"),
        ("furosemide", date(2025, 4, 1), "J1938"),
    ],
)
def test_a_code_holds_from_its_day(name: str, day: date, hcpcs: str) -> None:
    """The days are those of CMS's HCPCS file of January 2026."""
    row = rulebook().formulary.find((name,), "", day).drug
    assert row is not None
    assert row.hcpcs == hcpcs
