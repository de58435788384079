"""Claims about building a bundle: each published table is read, from text, workbook and archive.

The files are made up, in the layouts of those that CMS publishes (published.py).
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as any_of
from hypothesis import strategies as st

from chargeline.engine import (
    AddOnCode,
    CrosswalkRow,
    HcpcsDates,
    MueLimit,
    NotLoaded,
    OppsStatus,
    PaymentLimit,
    PtpEdit,
    PublishedTables,
    Quarter,
)
from chargeline.refdata.building import build
from chargeline.refdata.bundle import read_bundle, to_bytes, write_bundle
from chargeline.refdata.errors import RefdataError
from tests.refdata import published

DAY = date(2026, 11, 2)
AUTUMN = Quarter(2026, 4)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> PublishedTables:
    """Everything of October 2026, written as a bundle and read again."""
    folder = tmp_path_factory.mktemp("published")
    written = folder / "bundle"
    write_bundle(build(published.everything(folder), published.CODES).bundle, written)
    return read_bundle(written).tables


def test_a_crosswalk_gives_the_codes_of_a_package(tables: PublishedTables) -> None:
    """One package has two codes with units of different size; descriptions are not kept."""
    rows = tables.products_of_ndc("99999000201", DAY)
    assert not isinstance(rows, NotLoaded)
    assert rows == (
        CrosswalkRow(
            ndc="99999000201",
            hcpcs="Q0001",
            lists=("asp",),
            labeler="ZEBRA LABS",
            drug_name="Zebratin 1000 UNITS",
            dosage="100 UNITS",
            package_size=Decimal(1),
            pieces=Decimal(1),
            billing_units=Decimal(10),
            package_units=Decimal(10),
        ),
        rows[1],
    )
    assert (rows[1].hcpcs, rows[1].package_units) == ("Q0002", 1)


def test_a_crosswalk_gives_the_packages_of_a_code(tables: PublishedTables) -> None:
    """A code has its packages in the order of their NDCs."""
    rows = tables.ndcs_of("J0001", DAY)
    assert not isinstance(rows, NotLoaded)
    assert [(row.ndc, row.labeler) for row in rows] == [
        ("99999000101", "ZEBRA LABS®"),
        ("99999000102", "ZEBRA LABS"),
    ]


def test_payment_limits_are_dollars_as_published(tables: PublishedTables) -> None:
    """A limit of N/A is none, and the coinsurance may be below 20 percent or not be said."""
    assert tables.payment_limit("J0001", DAY) == PaymentLimit(
        "J0001", "10 MG", Decimal("12.345"), Decimal(20)
    )
    assert tables.payment_limit("J0003", DAY) == PaymentLimit(
        "J0003", "1 MG", None, Decimal("17.885")
    )
    assert tables.payment_limit("Q0001", DAY) == PaymentLimit(
        "Q0001", "100 UNITS", Decimal("1.5"), None
    )
    assert tables.payment_limit("Q0009", DAY) is None


def test_addendum_b_says_how_a_code_is_paid(tables: PublishedTables) -> None:
    """`$1,234.50 ` is 1234.50 dollars; a packaged drug has no rate."""
    assert tables.status_indicator("90001", DAY) == OppsStatus(
        "90001", "S", "5693", Decimal("1234.50")
    )
    assert tables.status_indicator("Q0001", DAY) == OppsStatus("Q0001", "N", "", None)


def test_anweb_says_when_a_code_is_valid(tables: PublishedTables) -> None:
    """Added and terminated days are those of the fixed columns; modifiers are no codes."""
    assert tables.hcpcs[AUTUMN]["Q0001"] == HcpcsDates(
        "Q0001", date(2020, 1, 1), date(2026, 10, 31)
    )
    assert tables.valid("Q0001", DAY) == "ended"
    assert tables.valid("V0001", DAY) == "not_yet"
    assert sorted(tables.hcpcs[AUTUMN]) == ["A0001", "J0001", "Q0001", "V0001"]


def test_mues_have_a_limit_and_an_indicator(tables: PublishedTables) -> None:
    """The indicator is the first digit of its sentence; other codes are not kept."""
    assert tables.mue("J0001", DAY, "hospital") == MueLimit("J0001", 60, 3, "Made up")
    assert tables.mue("90002", DAY, "hospital") is None
    assert isinstance(tables.mue("90003", DAY, "hospital"), NotLoaded)


def test_edits_bind_from_their_first_to_their_last_day(tables: PublishedTables) -> None:
    """`*` is no end, the deletion date is the last day, and indicator 9 never binds."""
    assert tables.ptp("90002", "90001", DAY, "hospital") == PtpEdit(
        "90001", "90002", "1", starts=date(2020, 1, 1), ends=None, rationale="Made up"
    )
    assert tables.ptp("90002", "J0001", DAY, "hospital") is None
    ended = tables.ptp("90002", "J0001", date(2025, 12, 31), "hospital")
    assert isinstance(ended, PtpEdit) and ended.indicator == "0"
    assert tables.ptp("J0001", "90001", date(2020, 1, 1), "hospital") is None


def test_add_on_codes_have_their_primary_codes(tables: PublishedTables) -> None:
    """Days are years with the number of the day; CCCCC is left to the contractor."""
    assert tables.addon_primaries("90002", DAY) == AddOnCode("90002", 1, ("90001",))
    assert tables.addon_primaries("90002", date(2025, 12, 31)) == AddOnCode(
        "90002", 1, ("90001", "J0001")
    )
    assert tables.addon_primaries("J0001", DAY) == AddOnCode("J0001", 2, ())
    assert tables.addon_primaries("90001", DAY) is None


# ------------------------------------------------------------------ other forms of the same


def built(paths: list[Path], codes: frozenset[str] = published.CODES) -> PublishedTables:
    return build(paths, codes).bundle.tables


def ptp_workbook(folder: Path, name: str = "ccioph-v323r0-f1.xlsx") -> Path:
    """The edits of PTP_ROWS as a workbook: numbers, and a header of four lines."""
    rows: list[list[object]] = []
    for row in published.PTP_ROWS:
        first, second, old, starts, ends, indicator, why = row.split("\t")
        rows.append(
            [
                int(first) if first.isdecimal() else first,
                second,
                old,
                float(starts),
                ends if ends == "*" else float(ends),
                int(indicator),
                why,
            ]
        )
    return published.workbook(folder, name, [*published.PTP_WORKBOOK_HEADER, *rows])


def test_a_workbook_says_the_same_as_its_text(tmp_path: Path) -> None:
    """Dates such as 20241231.0 and codes kept as numbers give the edits of the text."""
    text = published.write(tmp_path, "ccioph-v323r0-f1.TXT", published.ptp(published.PTP_ROWS))
    assert built([ptp_workbook(tmp_path)]).ptps == built([text]).ptps


def test_a_code_that_a_workbook_keeps_as_a_number_gets_its_zeros_back(tmp_path: Path) -> None:
    """00902 is the number 902 in a workbook, and a code of five digits in the bundle."""
    row: list[object] = [902, "J0001", "", 20200101, "*", 1, "Made up"]
    last: list[object] = ["J0001", "90001", "", 20200101, "*", 1, "Made up"]
    path = published.workbook(
        tmp_path, "ccipra-v323r0-f1.xlsx", [*published.PTP_WORKBOOK_HEADER, row, last]
    )
    tables = built([path], frozenset({"00902", "J0001"}))
    edit = tables.ptp("J0001", "00902", DAY, "practitioner")
    assert isinstance(edit, PtpEdit) and edit.column1 == "00902"


def test_of_a_text_and_a_workbook_of_one_name_in_an_archive_the_text_is_read(
    tmp_path: Path,
) -> None:
    """CMS packs both with the same rows; the workbook is named among what is left out."""
    members: dict[str, str | bytes] = {
        "ccioph-v323r0-f1.TXT": published.ptp(published.PTP_ROWS),
        "ccioph-v323r0-f1.xlsx": ptp_workbook(tmp_path).read_bytes(),
    }
    archive = published.archive(tmp_path, "hospital-ptp.zip", members)
    done = build([archive], published.CODES)
    assert [source.name for source in done.bundle.sources] == [
        "hospital-ptp.zip/ccioph-v323r0-f1.TXT"
    ]
    assert done.left_out == ("hospital-ptp.zip/ccioph-v323r0-f1.xlsx",)


def test_a_number_is_the_same_in_a_text_and_in_a_workbook(tmp_path: Path) -> None:
    """1.50 of a text and 1.5 of a workbook are one row, and give the same bytes in any order."""
    header = ["HCPCS Code", "HCPCS Code Dosage", "Payment Limit"]
    workbook = published.workbook(
        tmp_path, "October 2026.xlsx", [header, ["Q0001", "100 UNITS", 1.5]]
    )
    text = published.write(
        tmp_path, "October 2026.csv", published.payment_limits(["Q0001,x,100 UNITS,1.50,,,,,,,,,"])
    )
    first, second = (
        build(files, published.CODES) for files in ([workbook, text], [text, workbook])
    )
    assert to_bytes(first.bundle) == to_bytes(second.bundle)


def test_anweb_as_a_workbook_says_the_same_as_its_text(tmp_path: Path) -> None:
    """The workbook names its columns and has a row for a code."""
    header = ["HCPC", "SEQNUM", "RECID", "LONG DESCRIPTION", "ADD DT", "ACT EFF DT", "TERM DT"]
    rows: list[list[object]] = [
        ["A0001", 100, 3, "MADE UP", 19900101, 19900101, ""],
        ["J0001", 100, 3, "MADE UP", 20200101, 20200101, ""],
        ["Q0001", 100, 3, "MADE UP", 20200101, 20200101, 20261031],
        ["V0001", 100, 3, "MADE UP", 20261115, 20261115, ""],
        ["ZZ", 100, 7, "MADE UP", 20200101, 20200101, ""],
    ]
    workbook = published.workbook(tmp_path, "HCPC2026_OCT_ANWEB.xlsx", [header, *rows])
    text = published.write(
        tmp_path, "HCPC2026_OCT_ANWEB.txt", published.anweb(published.ANWEB_LINES)
    )
    assert built([workbook]).hcpcs == built([text]).hcpcs


def test_a_package_that_two_crosswalks_list_alike_is_one_row(tmp_path: Path) -> None:
    """The row says both lists; the column of NDCs may be called NDC2."""
    asp = published.write(
        tmp_path, "October 2026 ASP.csv", published.asp_crosswalk(published.CROSSWALK_ROWS)
    )
    opps = published.write(
        tmp_path, "October 2026 OPPS.csv", published.opps_crosswalk(published.CROSSWALK_ROWS[:1])
    )
    rows = built([asp, opps]).ndcs_of("J0001", DAY)
    assert not isinstance(rows, NotLoaded)
    assert [row.lists for row in rows] == [("asp", "opps"), ("asp",)]


def test_a_package_without_a_size_is_left_out_with_a_remark(tmp_path: Path) -> None:
    """A blank or a 0 that CMS publishes is no mistake of the download; the other rows are used."""
    rows = [
        published.CROSSWALK_ROWS[0],
        "J0001,x,ZEBRA LABS,99999-0001-02,Zebramab,10 MG,1,0,10,10",
        "J0001,x,ZEBRA LABS,99999-0001-03,Zebramab,10 MG,1,1,,",
        published.CROSSWALK_ROWS[2],
    ]
    path = published.write(tmp_path, "October 2026.csv", published.asp_crosswalk(rows))
    (source,) = build([path], published.CODES).bundle.sources
    assert (source.rows, source.kept) == (4, 2)
    assert source.remarks == ("2 left out, the package of J0001 has no size or units",)


def test_a_rate_that_a_sheet_shows_as_a_dash_is_none(tmp_path: Path) -> None:
    """Addendum B writes dollars, and a sheet shows an amount of nothing as `$-`."""
    rows = ["J0001,x,N,,, $-   ", *published.ADDENDUM_ROWS[3:]]
    path = published.write(tmp_path, "October 2026.csv", published.addendum_b(rows))
    assert built([path]).status_indicator("J0001", DAY) == OppsStatus("J0001", "N", "", None)


def test_an_inch_mark_in_a_line_of_fixed_width_is_a_sign_like_any_other(tmp_path: Path) -> None:
    """One quotation mark in a description of ANWEB does not make the file half a file."""
    text = published.anweb(published.ANWEB_LINES).replace("MADE UP", 'MADE 6"', 1)
    path = published.write(tmp_path, "HCPC2026_OCT_ANWEB.txt", text)
    assert built([path]).valid("J0001", DAY) == "valid"


def test_a_drug_without_a_code_is_found_by_its_package(tmp_path: Path) -> None:
    """The list of drugs not otherwise classified has names in place of codes."""
    rows = [
        "zebrasine,ZEBRA LABS,99999-0009-01,Zebrasine 5 MG,1 MG,1,1,5,5",
        "zebrasine,ZEBRA LABS,NO NDC YET,Zebrasine 5 MG,1 MG,1,1,5,5",
    ]
    path = published.write(tmp_path, "noc.csv", published.noc_crosswalk(rows))
    products = built([path]).products_of_ndc("99999000901", DAY)
    assert not isinstance(products, NotLoaded)
    assert [(row.hcpcs, row.lists, row.package_units) for row in products] == [("", ("noc",), 5)]


def test_older_payment_limits_have_no_column_of_coinsurance(tmp_path: Path) -> None:
    """The column is not needed; the limit of a quarter is that quarter's."""
    text = published.payment_limits(published.LIMIT_ROWS, month="July")
    text = text.replace("Co-insurance Percentage,", "").replace(",12.345,20,", ",11.5,")
    path = published.write(tmp_path, "limits.csv", text)
    limit = built([path]).payment_limit("J0001", date(2026, 7, 1))
    assert limit == PaymentLimit("J0001", "10 MG", Decimal("11.5"), None)


@pytest.mark.parametrize(
    ("heading", "setting"), [("Practitioner", "practitioner"), ("DME Supplier", "dme")]
)
def test_the_header_of_a_mue_table_says_its_setting(
    heading: str, setting: str, tmp_path: Path
) -> None:
    """The same file under a neutral name belongs to the setting of its header."""
    path = published.write(tmp_path, "2026Q4.csv", published.mue(published.MUE_ROWS, heading))
    assert list(built([path]).mues) == [setting]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_letters_with_accents_survive_every_encoding(encoding: str, tmp_path: Path) -> None:
    """The labeler of J0001 ends with a registered sign in each encoding."""
    text = published.asp_crosswalk(published.CROSSWALK_ROWS)
    path = published.write(tmp_path, "October 2026.csv", text, encoding)
    rows = built([path]).products_of_ndc("99999000101", DAY)
    assert not isinstance(rows, NotLoaded)
    assert rows[0].labeler == "ZEBRA LABS®"


# ------------------------------------------------------------------ quarters, and what stays equal


def test_quarters_stand_side_by_side(tmp_path: Path) -> None:
    """Each day has the limit of its quarter, and a row of both quarters stands once."""
    july = published.write(
        tmp_path, "July.csv", published.payment_limits(published.LIMIT_ROWS[1:], month="July")
    )
    october = published.write(
        tmp_path, "October.csv", published.payment_limits(published.LIMIT_ROWS)
    )
    bundle = build([july, october], published.CODES).bundle
    assert bundle.tables.payment_limit("J0001", date(2026, 9, 30)) is None
    assert bundle.tables.payment_limit("J0001", DAY) is not None
    lines = [line for line in to_bytes(bundle).splitlines() if line.startswith(b'["limit"')]
    assert [b'"2026Q3 2026Q4"' in line for line in lines] == [True, True, False]


def test_the_latest_edits_have_the_history_of_all_quarters(tmp_path: Path) -> None:
    """Of edits of two quarters the later ones are kept; the source of the others says so."""
    july = published.write(tmp_path, "ccioph-v322r0-f1.TXT", published.ptp(published.PTP_ROWS[2:]))
    october = published.write(tmp_path, "ccioph-v323r0-f1.TXT", published.ptp(published.PTP_ROWS))
    bundle = build([july, october], published.CODES).bundle
    assert bundle.tables.ptps["hospital"].quarter == AUTUMN
    assert [(source.kept, source.remarks) for source in bundle.sources] == [
        (0, ("2026Q4 has its history",)),
        (2, ()),
    ]
    assert isinstance(bundle.tables.ptp("90001", "90002", date(2026, 8, 1), "hospital"), PtpEdit)


def test_edits_in_several_parts_are_one_table(tmp_path: Path) -> None:
    """Part f1 ends before the letters, and part f2 goes on."""
    parts = [
        published.write(tmp_path, f"ccioph-v323r0-f{number}.TXT", published.ptp(rows))
        for number, rows in ((1, published.PTP_ROWS[:3]), (2, published.PTP_ROWS[3:]))
    ]
    whole = published.write(tmp_path, "ccioph-v323r0.TXT", published.ptp(published.PTP_ROWS))
    assert built(parts).ptps == built([whole]).ptps


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    """The same files in any order give the same bytes."""
    paths = published.everything(tmp_path)
    there = to_bytes(build(paths, published.CODES).bundle)
    assert to_bytes(build(paths[::-1], published.CODES).bundle) == there


_ROWS: list[tuple[str, Callable[..., str], tuple[str, ...]]] = [
    ("crosswalk October 2026.csv", published.asp_crosswalk, published.CROSSWALK_ROWS),
    ("limits.csv", published.payment_limits, published.LIMIT_ROWS),
    ("addendum_b October 2026.csv", published.addendum_b, published.ADDENDUM_ROWS),
    ("mue 2026Q4.csv", published.mue, published.MUE_ROWS),
    ("ccioph-v323r0.txt", published.ptp, published.PTP_ROWS),
    ("aoc_v2026q4.txt", published.add_on, published.ADD_ON_ROWS),
    ("anweb 2026q4.txt", published.anweb, published.ANWEB_LINES),
]


@pytest.mark.parametrize(("name", "text", "rows"), _ROWS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@any_of(data=st.data())
def test_the_order_and_number_of_equal_rows_do_not_matter(
    name: str, text: Callable[..., str], rows: tuple[str, ...], data: st.DataObject, tmp_path: Path
) -> None:
    """Shuffled rows, each of them any number of times, give the tables and the version of one."""
    once = build([published.write(tmp_path, name, text(rows))], published.CODES).bundle.tables
    several = data.draw(st.permutations([*rows, *data.draw(st.lists(st.sampled_from(rows)))]))
    if name.startswith("anweb") and not several[0].strip().startswith(("A", "J", "Q", "V")):
        several = [*several[1:], several[0]]
    again = build([published.write(tmp_path, name, text(several))], published.CODES).bundle.tables
    assert again == once


def test_the_codes_of_drug_tables_belong_to_the_bundle(tmp_path: Path) -> None:
    """Q0001 is in no rule, and has its status, because a package is billed under it."""
    bundle = build(published.everything(tmp_path), frozenset({"90001"})).bundle
    assert {"90001", "J0001", "Q0001", "J0003"} <= bundle.tables.codes
    assert "90002" not in bundle.tables.codes


def test_what_is_no_table_is_named(tmp_path: Path) -> None:
    """The introduction in an archive is left out by name, and so is a list of wholesale prices."""
    members: dict[str, str | bytes] = {
        "October 2026 ASP.csv": published.asp_crosswalk(published.CROSSWALK_ROWS),
        "October 2026 AWP NDC-HCPCS.csv": published.asp_crosswalk(published.CROSSWALK_ROWS),
        "Read me.pdf": b"%PDF",
    }
    archive = published.archive(tmp_path, "a.zip", members)
    done = build([archive], published.CODES)
    assert done.left_out == ("a.zip/October 2026 AWP NDC-HCPCS.csv", "a.zip/Read me.pdf")
    assert [source.name for source in done.bundle.sources] == ["a.zip/October 2026 ASP.csv"]


def test_a_table_that_has_shrunk_to_half_is_remarked_on(tmp_path: Path) -> None:
    """Three rows in July and one in October may be half a file, cut between two rows."""
    july = published.write(
        tmp_path, "July.csv", published.payment_limits(published.LIMIT_ROWS, month="July")
    )
    october = published.write(
        tmp_path, "October.csv", published.payment_limits(published.LIMIT_ROWS[2:])
    )
    assert build([july, october], published.CODES).remarks == (
        "payment_limits has 1 of 3 rows in 2026Q4, compared with 2026Q3: is it the whole file?",
    )
    assert build([october], published.CODES).remarks == ()


# ------------------------------------------------------------------ the file


def test_a_bundle_is_not_overwritten_unless_it_is_asked_for(tmp_path: Path) -> None:
    """The same bytes are left as they are, other bytes are refused, and --force replaces."""
    bundle = build(published.everything(tmp_path), published.CODES).bundle
    path = tmp_path / "bundle"
    assert write_bundle(bundle, path)
    assert not write_bundle(bundle, path)
    other = bundle._replace(tables=bundle.tables._replace(version="other"))
    with pytest.raises(RefdataError, match="expected no file of that name"):
        write_bundle(other, path)
    assert read_bundle(path) == bundle
    assert write_bundle(other, path, force=True)
    assert read_bundle(path) == other
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda data: data[:-9], "changed after it was built, or is cut off"),
        (lambda data: data.replace(b"12.345", b"12.346"), "changed after it was built"),
        (lambda data: b"HCPCS,limit\n", "another file"),
        (lambda data: b'{"a": 1}\n', "another file"),
        (lambda data: b"", "another file"),
        (lambda data: data.replace(b'refdata":1', b'refdata":2', 1), "format 2, where 1 is read"),
    ],
)
def test_a_damaged_bundle_is_refused(
    change: Callable[[bytes], bytes], found: str, tmp_path: Path
) -> None:
    """A bundle that is cut off, edited, another file or of a later format is not read."""
    path = tmp_path / "bundle"
    write_bundle(build(published.everything(tmp_path), published.CODES).bundle, path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(RefdataError, match=found):
        read_bundle(path)


def test_a_bundle_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The message names the file and how to make one."""
    with pytest.raises(RefdataError, match=r"nowhere: expected a bundle.*No such file"):
        read_bundle(tmp_path / "nowhere")
