"""Claims about the balance of drugs: dispensed = given + discarded = billed, each difference named.

The feeds are written by hand, so that a pharmacist can add them up: trastuzumab comes in vials of
150 mg, one unit of J9355 is 10 mg.
"""

import csv
import io
import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from chargeline import code
from chargeline.cli import main
from chargeline.coding.balance import Balance, BalanceRow, Period
from chargeline.coding.balance_page import (
    COLUMNS,
    balance_as_csv,
    balance_as_json,
    balance_in_short,
)
from chargeline.coding.run import CodedVisit
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from chargeline.simulator import simulate
from tests.golden.messages import message, orc, rxa, rxr, segment

MEDICARE = "cms-facility-2026"
VIAL = "50242-0132-01"
FORMULARY = load_rulebook(rules_directory()).formulary
ALL_DAYS = Period()


def dispensed(amount: str, unit: str = "VIAL", *, visit: str = "V1", control: str = "RE") -> bytes:
    """An RDS of trastuzumab, by the NDC of its vial."""
    named = f"{VIAL}^trastuzumab 150 mg^NDC"
    fields = {1: "1", 2: named, 3: "20260302", 4: amount, 5: unit, 18: "LOT7"}
    return message(
        "RDS^O13", orc(control=control), segment("RXD", fields), visit=visit, sent="0800"
    )


def given(mg: str, *, vials: int = 0, wasted: str = "", note: str = "", visit: str = "V1") -> bytes:
    """A RAS of trastuzumab over an hour, with scanned vials and a discarded amount."""
    observed = [f"OBX|1|ST|VIAL-NDC^vial^L||{VIAL}||||||F"] * vials
    if wasted:
        observed.append(f"OBX|9|NM|WASTED-AMOUNT^discarded^L||{wasted}|mg|||||F")
    row = rxa("TRASTUZUMAB", f"{mg} mg", "0900", "1000", note=note)
    return message("RAS^O17", orc(), row, rxr("IV"), *observed, visit=visit)


def rows(*messages: bytes, policy: str = MEDICARE) -> tuple[BalanceRow, ...]:
    run = code(b"".join(messages), policy=policy)
    assert not run.set_aside
    return balance(run.visits)


def balance(
    visits: Iterable[CodedVisit], period: Period = ALL_DAYS, *, by_day: bool = True
) -> tuple[BalanceRow, ...]:
    """The rows of some visits."""
    kept = Balance(FORMULARY, period, by_day=by_day)
    for visit in visits:
        kept.add(visit.timeline, visit.draft)
    return kept.rows()


def only(*messages: bytes, policy: str = MEDICARE) -> BalanceRow:
    (row,) = rows(*messages, policy=policy)
    return row


def amounts(row: BalanceRow) -> tuple[str, ...]:
    """Dispensed, given, discarded, billed and the difference, as text."""
    cells = (row.dispensed, row.given, row.discarded, row.billed, row.difference)
    return tuple("-" if cell is None else f"{cell.normalize():f}" for cell in cells)


def why(row: BalanceRow) -> list[tuple[str, int, bool]]:
    return [(reason.says, int(reason.amount), reason.is_explained) for reason in row.reasons]


def test_a_visit_balances() -> None:
    """3 vials are 450 mg: 440 given, 10 discarded, and 44 units and one of JW bill 450 mg."""
    row = only(dispensed("3"), given("440", vials=3, wasted="10"))
    assert amounts(row) == ("450", "440", "10", "450", "0")
    assert (row.drug, row.ndc, why(row)) == ("trastuzumab", "50242013201", [])


RITUXIMAB, LARGE = "50242-0051-21", "50242-0053-06"


def liquid(mg: str, *, vials: int, wasted: str, unit: str) -> bytes:
    """A RAS of rituximab from vials of 100 mg in 10 mL, with a discarded amount in any unit."""
    observed = [f"OBX|1|ST|VIAL-NDC^vial^L||{RITUXIMAB}||||||F"] * vials
    observed.append(f"OBX|9|NM|WASTED-AMOUNT^discarded^L||{wasted}|{unit}|||||F")
    row = rxa("RITUXIMAB", f"{mg} mg", "0900", "1000")
    return message("RAS^O17", orc(), row, rxr("IV"), *observed)


def test_millilitres_count_by_the_concentration_of_the_vials() -> None:
    """3 mL of 10 mg a millilitre are 30 mg: the balance is that of 30 mg."""
    in_ml = only(liquid("470", vials=5, wasted="3", unit="mL"))
    assert amounts(in_ml) == ("-", "470", "30", "500", "0")
    assert why(in_ml) == []
    assert in_ml == only(liquid("470", vials=5, wasted="30", unit="mg"))


def test_millilitres_of_which_nobody_knows_the_concentration_are_asked_about() -> None:
    """Nobody knows in how much a powder was dissolved: the balance names the question."""
    row = only(given("420", vials=3, wasted="3").replace(b"|3|mg|", b"|3|mL|"))
    assert ("a discarded amount that cannot be read", 0, True) in why(row)


def test_waste_under_the_guide_is_named_with_its_rule() -> None:
    """The guide bills no waste: 30 of 450 mg are not billed, because guide.waste withholds them."""
    row = only(dispensed("3"), given("420", vials=3, wasted="30"), policy="guide-2026")
    assert amounts(row) == ("450", "420", "30", "420", "30")
    assert why(row) == [("discarded, and withheld by guide.waste", 30, True)]


def test_a_dispensed_vial_without_an_administration_is_told() -> None:
    """Three vials that nobody charted stand in a row of their own; nothing of them is billed."""
    discharge = message("ADT^A03", patient_class="O")
    row = only(dispensed("3"), discharge)
    assert amounts(row) == ("450", "0", "0", "0", "450")
    assert why(row) == [("dispensed, and nothing is charted", 450, True)]


def test_two_visits_of_a_day_share_a_row() -> None:
    """450 and 300 mg of two patients are 750, and the JW of each is added up."""
    row = only(
        dispensed("3"),
        given("440", vials=3, wasted="10"),
        dispensed("2", visit="V2"),
        given("300", vials=2, wasted="0", visit="V2"),
    )
    assert amounts(row) == ("750", "740", "10", "750", "0")


def test_a_dose_that_is_asked_about_is_named_with_its_question() -> None:
    """A dose without an amount bills nothing: the 450 mg wait for the question."""
    row = only(
        dispensed("3"), given("", vials=3).replace(b"|| mg|", b"|||").replace(b"| mg|", b"||")
    )
    assert amounts(row)[0] == "450"
    assert amounts(row)[3] == "0"
    assert {says for says, amount, _is in why(row) if amount} == {"asked: dose.missing"}
    assert row.is_explained


def test_a_mixture_counts_each_of_its_drugs_once() -> None:
    """RXA-5 names what RXC-2 names again: 16 mg of ondansetron are given once."""
    parts = [segment("RXC", {1: "A", 2: drug, 3: mg, 4: "mg"}) for drug, mg in (
        ("ONDANSETRON^ondansetron^L", "16"), ("DEXAMETHASONE^dexamethasone^L", "12"),
    )]  # fmt: skip
    row = rxa("ONDANSETRON", "16 mg", "0900", "1000")
    mixture = message("RAS^O17", orc(), row, *parts, rxr("IV"))
    assert [(row.drug, amounts(row)[1]) for row in rows(mixture)] == [
        ("dexamethasone", "12"),
        ("ondansetron", "16"),
    ]


def test_fluid_beside_a_drug_takes_nothing_of_what_was_discarded() -> None:
    """The 30 mg are of the trastuzumab whose vials were scanned."""
    parts = [
        segment("RXC", {1: "A", 2: f"{drug}^{drug.lower()}^L", 3: amount, 4: unit})
        for drug, amount, unit in (
            ("TRASTUZUMAB", "420", "mg"),
            ("SODIUM CHLORIDE 0.9 %", "250", "mL"),
        )
    ]
    bag = given("420", vials=3, wasted="30").decode()
    told = rows(bag.replace("RXR|", "\r".join([*parts, "RXR|"])).encode())
    of_drugs = {row.drug: (amounts(row), why(row)) for row in told}
    assert of_drugs.pop("trastuzumab") == (("-", "420", "30", "450", "0"), [])
    ((fluid, reasons),) = of_drugs.values()
    assert fluid[2] == "0"
    assert all("discarded" not in says for says, _amount, _is in reasons)


def test_a_vial_under_an_order_with_an_unknown_drug_is_asked_about() -> None:
    """What was charted by a name that nobody knows may be the 3 vials that were handed out."""
    unknown = message("RAS^O17", orc(), rxa("ZL4711", "440 mg", "0900", "1000"), rxr("IV"))
    row = only(dispensed("3"), unknown)
    assert why(row) == [("asked: drug.unknown", 450, True)]


def test_a_rest_that_nobody_charted_is_unexplained() -> None:
    """4 vials were handed out and 3 scanned: 150 mg are neither given nor discarded."""
    row = only(dispensed("4"), given("440", vials=3, wasted="10"))
    assert amounts(row) == ("600", "440", "10", "450", "150")
    says = "dispensed, and charted neither as given nor as discarded"
    assert why(row) == [(says, 150, False)]
    assert balance_in_short([row]) == "1 row, 1 with a difference, 1 unexplained"


def test_milligrams_are_dispensed_as_well_as_vials() -> None:
    """450 mg in RXD-4 and RXD-5 are what 3 vials are."""
    assert only(dispensed("450", "mg"), given("450", vials=3)).dispensed == Decimal(450)


@pytest.mark.parametrize("local", ["450", "500"])
def test_what_is_handed_out_by_a_code_of_the_pharmacy_is_that_of_the_vials(local: str) -> None:
    """The pharmacy writes milligrams, the nurse scans NDCs: one row, and what is over is a rest."""
    by_code = dispensed(local, "mg").replace(
        f"{VIAL}^trastuzumab 150 mg^NDC".encode(), b"TRASTUZUMAB^trastuzumab^L"
    )
    row = only(by_code, given("420", vials=3, wasted="30"))
    assert amounts(row) == (local, "420", "30", "450", str(int(local) - 450))
    assert len(why(row)) == (local != "450")


def test_what_is_handed_out_by_a_code_of_the_pharmacy_covers_several_ndcs() -> None:
    """500 mg of rituximab in one vial and 250 mg in three of 100 mg, of which 50 are discarded."""
    scanned = [f"OBX|1|ST|VIAL-NDC^vial^L||{ndc}||||||F" for ndc in (LARGE, *[RITUXIMAB] * 3)]
    scanned.append("OBX|9|NM|WASTED-AMOUNT^discarded^L||50|mg|||||F")
    bag = message("RAS^O17", orc(), rxa("RITUXIMAB", "750 mg", "0900", "1000"), rxr("IV"), *scanned)
    fields = {1: "1", 2: "RITUXIMAB^rituximab^L", 3: "20260302", 4: "800", 5: "mg"}
    by_code = message("RDS^O13", orc(), segment("RXD", fields), sent="0800")
    assert [(amounts(row), why(row)) for row in rows(by_code, bag)] == [
        (("300", "250", "50", "300", "0"), []),
        (("500", "500", "0", "500", "0"), []),
    ]


def test_an_ndc_without_a_unit_counts_its_vials() -> None:
    """3 of an NDC of 150 mg are 450 mg."""
    row = only(dispensed("3", ""), given("440", vials=3, wasted="10"))
    assert (amounts(row), why(row)) == (("450", "440", "10", "450", "0"), [])


def test_what_was_handed_out_in_a_unit_that_converts_to_nothing_is_told() -> None:
    """3 trays say nothing of milligrams: the row is unexplained and says so, once."""
    row = only(dispensed("3", "TRAY"), given("450", vials=3, wasted="0"))
    assert why(row) == [("an amount that was handed out in TRAY", 0, False)]


def test_what_was_handed_out_in_an_unknown_unit_and_never_charted_has_a_row() -> None:
    """Nobody knows how much it was, so the row says only that."""
    row = only(dispensed("3", "TRAY"), message("ADT^A03", patient_class="O"))
    assert why(row) == [("an amount that was handed out in TRAY", 0, False)]


def test_without_a_dispense_message_the_chart_is_held_against_the_bill() -> None:
    """445 mg are 45 units: 450 mg are billed, rounded to whole units."""
    row = only(given("445"))
    assert amounts(row) == ("-", "445", "0", "450", "-5")
    assert why(row)[0] == ("rounded to whole units", -5, True)


@pytest.mark.parametrize(("note", "stock"), [("340B", "340B"), ("WHITE BAG", "not bought")])
def test_stock_that_is_not_the_sites_own_stands_apart(note: str, stock: str) -> None:
    """A row of 340B or of a drug that others paid for is not added to the site's own."""
    own, apart = rows(given("450", vials=3, wasted="0"), given("300", note=note, visit="V2"))
    assert (own.stock, amounts(own)[1]) == ("own", "450")
    assert (apart.stock, amounts(apart)[1]) == (stock, "300")
    assert apart.is_explained


def test_discounted_and_own_stock_of_one_day_are_rows_of_their_own() -> None:
    """One bag under 340B and one of the site's own: each is held against its own lines."""
    bag = rxa("TRASTUZUMAB", "300 mg", "1100", "1200", note="340B")
    second = message("RAS^O17", orc("R2"), bag, rxr("IV"))
    own, discounted = rows(given("450", vials=3, wasted="0"), second)
    assert (own.stock, amounts(own)[1], own.difference) == ("own", "450", 0)
    assert (discounted.stock, amounts(discounted)[1], discounted.difference) == ("340B", "300", 0)


@pytest.mark.parametrize("policy", ["guide-2026", MEDICARE])
def test_the_reasons_of_a_row_add_up_to_its_difference(policy: str) -> None:
    """In a feed with every mess and fault, no part of a difference is without a reason."""
    feed = simulate(visits=60, seed=31, style="standard", mess=0.7, faults=0.6)
    run = code(b"".join(text for _style, text in feed.messages), policy=policy)
    balanced = balance(run.visits)
    assert len(balanced) > 30
    for row in balanced:
        told = sum([reason.amount for reason in row.reasons], Decimal(0))
        assert told == row.difference, row


def test_a_clean_feed_has_nothing_unexplained() -> None:
    """What an invented centre gives without mess is billed, rounded or withheld by a rule."""
    feed = simulate(visits=60, seed=31, style="standard")
    run = code(b"".join(text for _style, text in feed.messages))
    balanced = balance(run.visits)
    assert [row for row in balanced if not row.is_explained] == []
    assert any(row.discarded for row in balanced)


def test_a_period_is_one_row_and_leaves_other_days_out() -> None:
    """2 March is in the period from that day on, and not in the one that begins after it."""
    run = code(given("450", vials=3, wasted="0"))
    (row,) = balance(run.visits, Period(date(2026, 3, 2)), by_day=False)
    assert row.day is None
    assert balance(run.visits, Period(date(2026, 3, 3))) == ()


def test_csv_and_json_hold_the_same_rows() -> None:
    """The cells of a CSV row are the values of its JSON object."""
    balanced = rows(dispensed("4"), given("440", vials=3, wasted="10"))
    (cells,) = csv.DictReader(io.StringIO(balance_as_csv(balanced)))
    (record,) = [json.loads(line) for line in balance_as_json(balanced)]
    assert tuple(cells) == COLUMNS
    assert (
        (cells["difference"], cells["explained"]) == (record["difference"], "no") == ("150", "no")
    )
    assert record["why"][0]["visits"] == ["V1"]


def test_a_difference_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`chargeline balance` ends with 0, and its last line counts what nothing explains."""
    path = tmp_path / "feed.hl7"
    path.write_bytes(dispensed("4") + given("440", vials=3, wasted="10"))
    assert main(["balance", str(path), "--policy", MEDICARE, "--from", "2026-03-01"]) == 0
    page = capsys.readouterr().out.splitlines()
    assert page[-1] == "1 row, 1 with a difference, 1 unexplained"


@pytest.mark.parametrize(
    ("diagnoses", "amount"), [(("N18.6", "Z99.2"), "9950"), (("C50.911",), "9500")]
)
def test_a_code_for_dialysis_is_balanced_in_its_own_units(
    diagnoses: tuple[str, ...], amount: str
) -> None:
    """Q5105 counts hundreds and Q5106 thousands: either rounds up to the 10,000 that are billed."""
    problems = [f"DG1|{n}||{code}^invented^I10" for n, code in enumerate(diagnoses, start=1)]
    bag = rxa("EPOETIN ALFA-EPBX", f"{amount} unit", "0900")
    (row,) = rows(message("RAS^O17", *problems, orc(), bag, rxr("SC")))
    assert row.billed == Decimal(10000)
    rounded = [reason.amount for reason in row.reasons if reason.says == "rounded to whole units"]
    assert rounded == [Decimal(amount) - 10000]
