"""Claims about what a bundle says of itself, of two quarters, and of our formulary.

The bundles are built of made-up files (published.py), so a claim begins where a site begins.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chargeline.engine import Drug, Quarter
from chargeline.refdata.building import build
from chargeline.refdata.bundle import Bundle
from chargeline.refdata.contradictions import Contradictions, contradictions, expected_units
from chargeline.refdata.differences import differences
from chargeline.refdata.status import stale_tables, status, table_names
from tests.engine.test_tables import row
from tests.refdata import published

SUMMER, AUTUMN = Quarter(2026, 3), Quarter(2026, 4)


def bundle_of(folder: Path, *files: tuple[str, str]) -> Bundle:
    """The bundle of these files, given by name and text."""
    paths = [published.write(folder, name, text) for name, text in files]
    return build(paths, published.CODES).bundle


def two_quarters(folder: Path, before: str, after: str) -> list[str]:
    """What differs between the same table in July and in October."""
    files = (("July 2026 ccioph.csv", before), ("October 2026 ccioph.csv", after))
    return list(differences(bundle_of(folder, *files).tables, SUMMER, AUTUMN))


# ------------------------------------------------------------------ status


def test_a_bundle_is_stale_when_the_quarter_of_the_day_is_missing(tmp_path: Path) -> None:
    """In October every table answers; in July only those with a history; in January none."""
    bundle = build(published.everything(tmp_path), published.CODES).bundle
    assert stale_tables(bundle.tables, date(2026, 12, 31)) == ()
    everything = (
        "crosswalk", "payment_limits", "status_indicators", "hcpcs", "mue hospital",
        "ptp hospital", "add_on",
    )  # fmt: skip
    assert stale_tables(bundle.tables, date(2027, 1, 1)) == everything
    assert stale_tables(bundle.tables, date(2026, 9, 30)) == everything[:-2]


def test_the_page_names_each_table_its_rows_and_its_sources(tmp_path: Path) -> None:
    """A table that is not there is `none`; each source has its whole checksum."""
    bundle = build(published.everything(tmp_path), published.CODES).bundle
    page = list(status(bundle, date(2026, 11, 2)))
    assert page[0] == f"bundle {bundle.tables.version}: 7 sheets, 6 codes of the rules and the " + (
        "drug tables"
    )
    assert [line.split()[0] for line in page[1 : len(table_names()) + 1]] == [
        str(name).split()[0] for name in table_names()
    ]
    assert "  crosswalk            2026Q4, 4 of 5 rows" in page
    assert "  mue dme              none" in page
    assert "on 2026-11-02 (2026Q4) every table that it has answers" in page
    for source in bundle.sources:
        assert f"  {source.sha256}  2026Q4  {source.name}" in page
    assert "    1 left out, the package of J0002 has no NDC" in page


def test_the_page_says_what_to_do_about_a_stale_table(tmp_path: Path) -> None:
    """The tables are named, with the day and its quarter."""
    bundle = build(published.everything(tmp_path)[-1:], published.CODES).bundle
    page = list(status(bundle, date(2027, 1, 1)))
    assert "stale on 2027-01-01 (2027Q1): hcpcs" in page


# ------------------------------------------------------------------ two quarters


def test_packages_that_come_go_and_change_are_told(tmp_path: Path) -> None:
    """Units a vial, units a package and the unit itself; an unchanged package is not told."""
    before = [
        published.CROSSWALK_ROWS[0],
        "J0001,x,ZEBRA LABS,99999-0001-02,Zebramab 100 MG,10 MG,1,2,5,10",
        "J0001,x,ZEBRA LABS,99999-0001-03,Zebramab 100 MG,20 MG,1,1,10,10",
        "J0001,x,ZEBRA LABS,99999-0001-04,Zebramab 100 MG,10 MG,1,1,10,10",
    ]
    after = [
        published.CROSSWALK_ROWS[0],
        published.CROSSWALK_ROWS[1],
        "J0001,x,ZEBRA LABS,99999-0001-03,Zebramab 100 MG,10 MG,1,1,10,10",
        "J0001,x,ZEBRA LABS,99999-0001-05,Zebramab 100 MG,10 MG,1,1,10,10",
    ]
    end = "Q0009,x,ZEBRA LABS,99999-0009-01,Zebrase,1 MG,1,1,1,1"
    told = two_quarters(
        tmp_path,
        published.asp_crosswalk([*before, end], month="July"),
        published.asp_crosswalk([*after, end]),
    )
    assert told == [
        "crosswalk: 5 changes",
        "  J0001: 99999-0001-02 Zebramab 100 MG: 10 units a vial, not 5",
        "  J0001: 99999-0001-02 Zebramab 100 MG: 20 units a package, not 10",
        "  J0001: 99999-0001-03 Zebramab 100 MG: one unit is 10 MG, not 20 MG",
        "  J0001: 99999-0001-04 Zebramab 100 MG: no longer billed under this code",
        "  J0001: 99999-0001-05 Zebramab 100 MG: new, 10 units a package, one unit is 10 MG",
    ]


def test_a_package_that_another_list_takes_over_is_not_told(tmp_path: Path) -> None:
    """The same package in the list of OPPS beside that of ASP is billed as before."""
    asp = published.asp_crosswalk(published.CROSSWALK_ROWS, month="July")
    files = (
        ("July 2026.csv", asp),
        ("October 2026 asp.csv", published.asp_crosswalk(published.CROSSWALK_ROWS)),
        ("October 2026 opps.csv", published.opps_crosswalk(published.CROSSWALK_ROWS)),
    )
    told = list(differences(bundle_of(tmp_path, *files).tables, SUMMER, AUTUMN))
    assert told == ["crosswalk: no changes"]


def test_a_changed_price_is_told_with_its_percentage(tmp_path: Path) -> None:
    """A limit that rises, one that goes, one that comes, and a unit that is another amount."""
    before = ["J0001,x,10 MG,10,20,,,,,,,,", "J0004,x,1 MG,3,20,,,,,,,,", "Q0001,x,1 MG,5,,,,,,,"]
    after = ["J0001,x,10 MG,10.5,20,,,,,,,,", "J0003,x,1 MG,7,20,,,,,,,,", "Q0001,x,2 MG,5,,,,,,,"]
    told = two_quarters(
        tmp_path,
        published.payment_limits(before, month="July"),
        published.payment_limits(after),
    )
    assert told == [
        "payment_limits: 4 changes",
        "  J0001: 10.5 dollars for 10 MG, not 10 dollars (+5.0 %)",
        "  J0003: new, 7 dollars for 1 MG",
        "  J0004: no payment limit any more",
        "  Q0001: one unit is 2 MG, not 1 MG; 5 dollars for it",
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("10", "9.5", "9.5 dollars for 10 MG, not 10 dollars (-5.0 %)"),
        ("10", "N/A", "no limit for 10 MG, not 10 dollars"),
        ("N/A", "10", "10 dollars for 10 MG, not no limit"),
        ("0", "10", "10 dollars for 10 MG, not 0 dollars"),
    ],
)
def test_a_price_that_falls_or_is_none_is_told(
    before: str, after: str, told: str, tmp_path: Path
) -> None:
    """A percentage is told where both limits are amounts."""
    texts = [
        published.payment_limits(
            [f"J0001,x,10 MG,{limit},20,,,,,,,,", published.LIMIT_ROWS[2]], month=month
        )
        for limit, month in ((before, "July"), (after, "October"))
    ]
    assert two_quarters(tmp_path, *texts) == ["payment_limits: 1 change", f"  J0001: {told}"]


def test_edits_are_compared_in_their_setting(tmp_path: Path) -> None:
    """An edit that begins for practitioners does not begin for hospitals."""
    begins = ["90001\t90002\t\t20261001\t*\t1\tx", published.PTP_ROWS[3]]
    bundle = bundle_of(
        tmp_path,
        ("ccipra-v323r0-f1.txt", published.ptp(begins)),
        ("ccioph-v323r0-f1.txt", published.ptp(published.PTP_ROWS)),
    )
    assert list(differences(bundle.tables, SUMMER, AUTUMN))[:2] == [
        "ptp practitioner: 1 change",
        "  90002: not paid beside 90001 from 2026-10-01, unless a modifier says so",
    ]
    assert list(differences(bundle.tables, SUMMER, AUTUMN))[2:] == ["ptp hospital: no changes"]


def test_a_limit_of_units_that_is_raised_or_lowered_is_told(tmp_path: Path) -> None:
    """Of the codes of the bundle; V0001 is in no rule."""
    before = [
        "90001,3,2 Policy,x",
        "90002,3,3 Clinical,x",
        "J0001,60,3 Clinical,x",
        "V0001,1,1 L,x",
    ]
    after = ["90001,1,2 Policy,x", "90002,3,2 Policy,x", "J0001,80,3 Clinical,x", "V0001,0,1 L,x"]
    told = two_quarters(tmp_path, published.mue(before), published.mue(after))
    assert told == [
        "mue hospital: 3 changes",
        "  90001: lowered to 1 unit a day, from 3",
        "  90002: 3 units a day, now of indicator 2",
        "  J0001: raised to 80 units a day, from 60",
    ]


def test_a_drug_that_becomes_packaged_is_told(tmp_path: Path) -> None:
    """Status K is paid apart, and N is not."""
    after = ["J0001,x,N,,,", *published.ADDENDUM_ROWS[3:]]
    before = ["90001,x,S,5693,1,$9.00", "J0001,x,K,9999,,$12.35", *published.ADDENDUM_ROWS[3:]]
    told = two_quarters(tmp_path, published.addendum_b(before), published.addendum_b(after))
    assert told == [
        "status_indicators: 2 changes",
        "  90001: no longer in Addendum B",
        "  J0001: status N (packaged, not paid apart), not status K (paid apart)",
    ]


def test_codes_that_are_added_or_end_are_told(tmp_path: Path) -> None:
    """Of drugs and of the rules; a wheelchair (E0001) that goes is nothing to a pharmacist."""

    def quarter(*lines: str) -> str:
        return published.anweb(
            [
                published.anweb_line("A0001", "19900101"),
                *lines,
                published.anweb_line("V0001", "19900101"),
            ]
        )

    before = quarter(
        published.anweb_line("E0001", "20200101"),
        published.anweb_line("J0001", "20200101"),
        published.anweb_line("J0002", "20200101"),
        published.anweb_line("J0004", "20200101"),
        published.anweb_line("J0005", "20200101", "20260930"),
        published.anweb_line("J0006", "20200101"),
    )
    after = quarter(
        published.anweb_line("J0001", "20200101", "20261130"),
        published.anweb_line("J0002", "20200101", "20260930"),
        published.anweb_line("J0005", "20200101"),
        published.anweb_line("J0006", "20200201"),
        published.anweb_line("Q0001", "20261001"),
    )
    assert two_quarters(tmp_path, before, after) == [
        "hcpcs: 6 changes",
        "  J0001: ends on 2026-11-30",
        "  J0002: ended on 2026-09-30",
        "  J0004: no longer listed",
        "  J0005: goes on; it was to end on 2026-09-30",
        "  J0006: valid from 2020-02-01, not 2020-01-01",
        "  Q0001: new, valid from 2026-10-01",
    ]


def test_edits_that_begin_and_end_between_the_quarters_are_told(tmp_path: Path) -> None:
    """The latest file has the history, so one file is enough for two quarters."""
    rows = [
        "90001\t90002\t\t20261001\t*\t1\tx",
        "90001\tJ0001\t\t20200101\t20260930\t0\tx",
        "90002\tJ0001\t\t20200101\t20260930\t0\tx",
        "90002\tJ0001\t\t20261001\t*\t1\tx",
        "J0001\t90003\t\t20200101\t*\t1\tx",
    ]
    add_ons = [
        "1\t90002\t\t90001\t\t2020001\t2026273\t",
        "1\t90002\t\tJ0001\t\t2026274\t\t",
    ]
    bundle = bundle_of(
        tmp_path,
        ("ccioph-v323r0-f1.txt", published.ptp(rows)),
        ("AOC_V2026Q4.txt", published.add_on(add_ons)),
        ("July 2026.csv", published.payment_limits(published.LIMIT_ROWS, month="July")),
    )
    assert list(differences(bundle.tables, SUMMER, AUTUMN)) == [
        "payment_limits: not compared, the bundle does not have 2026Q4",
        "ptp hospital: 3 changes",
        "  90002: not paid beside 90001 from 2026-10-01, unless a modifier says so",
        "  J0001: beside 90002: not paid, unless a modifier says so",
        "  J0001: may stand beside 90001 after 2026-09-30",
        "add_on: 2 changes",
        "  90002: may stand beside J0001",
        "  90002: no longer beside 90001",
    ]


# ------------------------------------------------------------------ the formulary


def drug(**changes: Any) -> Drug:
    """A row of the formulary: J0001, by 10 mg."""
    usual = Drug(
        id="zebramab",
        names=("zebramab",),
        hcpcs="J0001",
        unit_amount=Decimal(10),
        unit="mg",
        kind="anti_vegf_antibody",
        container="SDV",
        starts=date(2024, 1, 1),
        ends=None,
        cite="ZEBRA",
        note="",
    )
    return usual._replace(**changes)


def compared(folder: Path, *drugs: Drug) -> Contradictions:
    """These rows against everything of October 2026."""
    tables = build(published.everything(folder), published.CODES).bundle.tables
    return contradictions(tables, drugs, AUTUMN)


def test_a_row_that_the_tables_agree_with_is_not_told(tmp_path: Path) -> None:
    """J0001 is valid, by 10 mg, and paid apart; a row of grams may say the same."""
    assert compared(tmp_path, drug(), drug(unit="g", unit_amount=Decimal("0.01"))) == (
        (),
        (),
        (),
        0,
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hcpcs": "Q0001", "unit": "units", "unit_amount": Decimal(100)}, ""),
        (
            {"hcpcs": "Q0001", "unit": "units", "unit_amount": Decimal(100),
             "starts": date(2026, 11, 1)},
            "zebramab: expected Q0001 to be valid on 2026-11-01, found a code that has ended",
        ),
        (
            {"hcpcs": "V0001"},
            "zebramab: expected V0001 to be valid on 2026-10-01, found a code that is valid from a "
            "later day",
        ),
        (
            {"hcpcs": "J0003", "unit_amount": Decimal(1)},
            "zebramab: expected J0003 to be valid on 2026-10-01, found a code that the list of the "
            "quarter does not have",
        ),
        (
            {"unit_amount": Decimal(1)},
            "zebramab: expected one unit of J0001 to be 1 mg, found 10 MG; correct unit_amount and "
            "unit of the row; every dose of it is billed wrongly",
        ),
        ({"unit_amount": Decimal(1), "unit": "ml"}, ""),  # mL and mg do not compare
        ({"ends": date(2026, 10, 1), "unit_amount": Decimal(1)}, ""),  # no longer in force
        ({"hcpcs": "", "unit_amount": Decimal(1)}, ""),  # billed under no code
    ],
)  # fmt: skip
def test_a_row_that_a_quarter_contradicts_is_told_with_what_to_do(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """A code that is not valid that day, or another amount in a unit; each says what to do."""
    findings = [str(finding) for finding in compared(tmp_path, drug(**changes)).findings]
    assert [finding[: len(said)] for finding in findings] == ([said] if said else [])


def test_a_status_that_no_hospital_can_bill_is_told(tmp_path: Path) -> None:
    """E1 is not covered; N is packaged, which is a note and no mistake."""
    rows = ["J0001,x,E1,,,", "Q0001,x,N,,,", *published.ADDENDUM_ROWS[3:]]
    tables = bundle_of(tmp_path, ("October 2026.csv", published.addendum_b(rows))).tables
    tables = tables._replace(codes=tables.codes | {"Q0001"})
    result = contradictions(tables, [drug(), drug(hcpcs="V0001")], AUTUMN)
    assert [finding.found for finding in result.findings] == [
        "status indicator E1: Medicare does not cover it"
    ]
    # What is not in the bundle is said once for all rows.
    assert result.unsaid == (
        "hcpcs of 2026Q4: the bundle does not have it",
        "crosswalk of 2026Q4: the bundle does not have it",
        "payment_limits of 2026Q4: the bundle does not have it",
        "status_indicators of 2026Q4: the bundle was built without the code V0001",
    )


def test_a_packaged_drug_is_a_note(tmp_path: Path) -> None:
    """Q0001 has status N, and its row is right."""
    packaged = drug(hcpcs="Q0001", unit="units", unit_amount=Decimal(100))
    result = compared(tmp_path, packaged)
    assert (result.findings, result.packaged) == ((), ("Q0001",))


@pytest.mark.parametrize(
    ("name", "dosage", "size", "pieces", "units"),
    [
        ("Zebramab 100 MG", "10 MG", "1", "1", "10"),  # a powder vial
        ("Zebramab 100 MG", "10 MG", "1", "5", "50"),
        ("Zebramab 100 MG/4 ML", "10 MG", "4", "1", "10"),  # a strength by mL
        ("Zebramab 25 MG/ML", "10 MG", "4", "2", "20"),
        ("Zebramab 1,000 UNITS", "PER 100 UNITS", "1", "1", "10"),
        ("Zebramab 0.5 G", "10 MG", "1", "1", "50"),
        ("Zebramab .5 mg", "100 MCG", "1", "1", "5"),
        ("Zebramab", "10 MG", "1", "1", None),  # no strength
        ("Zebramab 10 MG-20 MG", "10 MG", "1", "1", None),  # two strengths
        ("Zebramab 100 MG", "1 DOSE", "1", "1", None),  # no factor from mg to doses
        ("Zebramab 100 MG", "10 MG/3 MG", "1", "1", None),  # two drugs in one
        ("Zebramab", "0.1 ML", "7.5", "20", "1500"),  # billed by mL
    ],
)
def test_units_of_a_package_follow_from_strength_size_and_pieces(
    name: str, dosage: str, size: str, pieces: str, units: str | None
) -> None:
    """strength x size x pieces / dosage; where a name cannot be read nothing is claimed."""
    package = row(drug_name=name, dosage=dosage, package_size=Decimal(size), pieces=Decimal(pieces))
    assert expected_units(package) == (None if units is None else Decimal(units))


def test_a_package_whose_units_do_not_follow_is_told(tmp_path: Path) -> None:
    """200 mg by 10 mg are 20 units and not 10; 4 of 10 are not 90; 133.33 or 0.5 is rounded up."""
    rows = [
        "J0001,x,ZEBRA LABS,99999-0001-07,Zebramab 200 MG,10 MG,1,1,10,10",
        "J0001,x,ZEBRA LABS,99999-0001-06,Zebramab 110 MG,10 MG,1,1,10,10",
        "J0001,x,ZEBRA LABS,99999-0001-08,Zebramab 1333.3 MG,10 MG,1,1,133.33,134",
        "J0002,x,ZEBRA LABS,99999-0003-01,Zebra gel,1 ML,0.5,1,0.5,1",
        "J0004,x,ZEBRA LABS,99999-0004-01,Zebra mix,1 MG,1,4,10,90",
        "Q0001,x,ZEBRA LABS,99999-0002-01,Zebratin,100 UNITS,1,1,10,10",
    ]
    tables = bundle_of(tmp_path, ("October 2026.csv", published.asp_crosswalk(rows))).tables
    result = contradictions(tables, [], AUTUMN)
    assert [str(finding) for finding in result.findings] == [
        "99999-0001-06 under J0001: expected 11 units a package (Zebramab 110 MG, size 1 x 1, by "
        "10 MG), found 10; take the units from the label, and write to CMS",
        "99999-0001-07 under J0001: expected 20 units a package (Zebramab 200 MG, size 1 x 1, by "
        "10 MG), found 10; take the units from the label, and write to CMS",
        "99999-0004-01 under J0004: expected the units of a package to follow from 10 units a "
        "piece (Zebra mix, size 1 x 4, by 1 MG), found 90; take the units from the label, and "
        "write to CMS",
    ]
    assert result.unread_packages == 2
