"""Claims about files that are not used: each is refused in words that say what to do.

A file that is half there, renamed, edited by hand or of another year would give a wrong limit or no
edit, and nobody would see it. All mistakes of a run come together.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from chargeline.engine import PtpEdit, Quarter
from chargeline.refdata.building import build
from chargeline.refdata.errors import MOST, RefdataError
from chargeline.refdata.vintage import parse_quarter, quarters_in
from tests.refdata import published


def refusal(*paths: Path, asked: Quarter | None = None) -> str:
    """The words with which these files are refused."""
    with pytest.raises(RefdataError) as caught:
        build(list(paths), published.CODES, asked)
    return str(caught.value)


Text = Callable[..., str]
CROSSWALK = ("October 2026.csv", published.asp_crosswalk, published.CROSSWALK_ROWS)
LIMITS = ("October 2026.csv", published.payment_limits, published.LIMIT_ROWS)
ADDENDUM = ("October 2026.csv", published.addendum_b, published.ADDENDUM_ROWS)
MUES = ("2026Q4.csv", published.mue, published.MUE_ROWS)
EDITS = ("ccioph-v323r0-f1.txt", published.ptp, published.PTP_ROWS)
ADD_ONS = ("AOC_V2026Q4.txt", published.add_on, published.ADD_ON_ROWS)
ANWEBS = ("HCPC2026_OCT_ANWEB.txt", published.anweb, published.ANWEB_LINES)


@pytest.mark.parametrize(
    ("table", "before", "after", "said"),
    [
        (CROSSWALK, "99999-0001-01", "99999-ABCD-01", "expected an NDC such as 99999-0001-01"),
        (CROSSWALK, "1,1,10,10", "1,1,-10,10", "expected a number of at least 0 in units"),
        (CROSSWALK, "1,1,10,10", "1,1,10", "expected a number of at least 0 in package_units"),
        (CROSSWALK, "Q0002,", "Q00,", "expected a code of five signs, found 'Q00'"),
        (LIMITS, "12.345", "$12.345", "expected a number of at least 0 in limit, found '$12.345'"),
        (LIMITS, "12.345", "12.34.5", "expected a number of at least 0 in limit"),
        (LIMITS, "12.345", "1e3", "expected a number of at least 0 in limit"),
        (LIMITS, ",20,", ",120,", "expected a percentage from 0 to 100"),
        (ADDENDUM, "$12.35 ", "€12.35", "expected a number of at least 0 in rate"),
        (ADDENDUM, ",K,", ",,", "expected a status indicator such as K or J2"),
        (ADDENDUM, ",K,", ",ZZ,", "expected a status indicator such as K or J2, found 'ZZ'"),
        (MUES, "J0001,60", "J0001,-60", "expected a whole number of at least 0 in units"),
        (MUES, "J0001,60", "J0001,6.5", "expected a whole number of at least 0 in units"),
        (MUES, "J0001,60,3", "J0001,60,4", "expected an indicator that begins with 1, 2 or 3"),
        (EDITS, "20200101\t*\t1", "20201301\t*\t1", "expected a day such as 20261001 in starts"),
        (EDITS, "20200101\t*\t1", "\t*\t1", "expected a day such as 20261001 in starts"),
        (EDITS, "20200101\t*\t1", "20200101\t*\t7", "expected 0, 1 or 9 as the modifier indic"),
        (ADD_ONS, "2020001", "2020400", "expected a day such as 20261001 in starts"),
        (ADD_ONS, "1\t90002\t\t90001", "4\t90002\t\t90001", "expected type 1, 2 or 3, found '4'"),
        (ANWEBS, "19900101", "19901801", "expected a day such as 20261001 in added"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_with_its_line(
    table: tuple[str, Text, tuple[str, ...]], before: str, after: str, said: str, tmp_path: Path
) -> None:
    """The message says what was expected in which column, what stands there, and in which line."""
    name, text, rows = table
    content = text(rows)
    assert before in content
    path = published.write(tmp_path, name, content.replace(before, after, 1), "utf-8")
    words = refusal(path)
    assert said in words
    assert words.startswith(f"{name}:")


def test_a_crosswalk_of_another_year_under_a_wrong_name_is_refused(tmp_path: Path) -> None:
    """The name says October 2026, and the text above the header, or the header, 2025."""
    name = "section 508 version of October 2026 ASP NDC-HCPCS Crosswalk.csv"
    text = published.asp_crosswalk(published.CROSSWALK_ROWS, year=2025)
    assert "expected a file of 2025Q4 throughout, found 2026Q4 in its name" in refusal(
        published.write(tmp_path, name, text)
    )
    untitled = text.replace("October", "made up").replace("December", "made up")
    assert "expected a file of 2026 throughout, found 2025 in its header" in refusal(
        published.write(tmp_path, name, untitled)
    )


def test_addendum_b_of_another_year_is_refused(tmp_path: Path) -> None:
    """Its title says only the year, so the quarter is in the name or is asked for."""
    text = published.addendum_b(published.ADDENDUM_ROWS, year=2025)
    words = refusal(published.write(tmp_path, "b.csv", text), asked=Quarter(2026, 4))
    assert "expected a file of 2026 throughout, found 2025 in its header" in words


def test_a_quarter_that_nobody_says_is_asked_for(tmp_path: Path) -> None:
    """A MUE table has no date in it; --quarter says it, and does not overrule what a file says."""
    path = published.write(tmp_path, "mue.csv", published.mue(published.MUE_ROWS))
    assert "found none; say it, such as --quarter 2026Q4" in refusal(path)
    bundle = build([path], published.CODES, Quarter(2026, 1)).bundle
    assert [source.quarter for source in bundle.sources] == [Quarter(2026, 1)]
    named = published.write(tmp_path, "MUE_Eff_10-01-2026.csv", published.mue(published.MUE_ROWS))
    bundle = build([named], published.CODES, Quarter(2026, 1)).bundle
    assert [source.quarter for source in bundle.sources] == [Quarter(2026, 4)]


@pytest.mark.parametrize(
    ("text", "quarters"),
    [
        ("section 508 version of October 2026 ASP NDC-HCPCS Crosswalk 091126.csv", "2026Q4"),
        ("MCR_MUE_PractitionerServices_Eff_01-01-2026.csv", "2026Q1"),
        ("AOC_V2025Q4_01-MCR.txt", "2025Q4"),
        ("HCPC2026_JAN_ANWEB_12292025.xlsx", "2026Q1"),
        ("medicare-ncci-2026-q4-practitioner-services-mue-table.zip", "2026Q4"),
        ("medicare-ncci-q2-2026-ptp.zip", "2026Q2"),
        ("ccipra-v320r0-f1.txt", "2026Q1"),
        ("ccioph-v313r0-f2.xlsx", "2025Q4"),
        ("january-2026-addendum-b.csv", "2026Q1"),
        ("Effective October 1, 2026 through December 31, 2026", "2026Q4"),
        ("July_2026_Web_Addendum_B.06.15.2026.csv", "2026Q3"),
        ("ccipra-v324r0-f1.txt", ""),
        ("addendum_b.csv", ""),
        ("copyright 2025", ""),
    ],
)
def test_a_quarter_is_read_as_cms_writes_it(text: str, quarters: str) -> None:
    """Months, quarters, effective dates and versions of edits; days of printing say nothing."""
    assert " ".join(map(str, sorted(quarters_in(text)))) == quarters


@pytest.mark.parametrize("text", ["2026Q5", "2026", "Q4", "26Q4", "2026Q44", ""])
def test_a_quarter_that_is_none_is_not_taken_for_one(text: str) -> None:
    """--quarter takes a year and a quarter from 1 to 4."""
    assert parse_quarter(text) is None
    assert parse_quarter("2026q4") == Quarter(2026, 4)


# ------------------------------------------------------------------ half a file


@pytest.mark.parametrize(
    ("table", "kept", "said"),
    [
        (EDITS, 2, "expected all parts of the edits, found the last code is 90002"),
        (MUES, 2, "expected codes up to K…, found the last one is 90003"),
        (ADDENDUM, 2, "expected codes up to V…, found the last one is J0001"),
        (LIMITS, 2, "expected codes up to Q…, found the last one is J0003"),
        (ANWEBS, 2, "expected codes up to V…, found the last one is J0001"),
        (CROSSWALK, 2, "expected codes up to Q…, found the last one is J0001"),
        (CROSSWALK, 0, "expected rows below the header, found none"),
    ],
)
def test_half_a_file_is_refused(
    table: tuple[str, Text, tuple[str, ...]], kept: int, said: str, tmp_path: Path
) -> None:
    """Files are in the order of codes, so a file that ends early lacks the last letters."""
    name, text, rows = table
    assert said in refusal(published.write(tmp_path, name, text(rows[:kept])))


def test_a_missing_part_of_the_edits_is_refused(tmp_path: Path) -> None:
    """Parts f1 and f3 need f2; look-ups in half the edits would find no edit where one is."""
    paths = [
        published.write(tmp_path, f"ccioph-v323r0-f{number}.txt", published.ptp(rows))
        for number, rows in ((1, published.PTP_ROWS[:1]), (3, published.PTP_ROWS[1:]))
    ]
    words = refusal(*paths)
    assert words.startswith("PTP, hospital, 2026Q4: expected all parts of the edits, found no part")
    assert "f2" in words


def test_a_line_of_fixed_width_that_is_cut_is_refused(tmp_path: Path) -> None:
    """The last line ends before the column of the last day."""
    text = published.anweb(published.ANWEB_LINES).rstrip("\r\n")[:-100]
    words = refusal(published.write(tmp_path, "HCPC2026_OCT_ANWEB.txt", text))
    assert words.startswith("HCPC2026_OCT_ANWEB.txt:6: expected lines of at least 293 characters")


def test_a_notice_that_does_not_end_is_refused(tmp_path: Path) -> None:
    """A file that is cut within a quoted text has a quotation mark too few."""
    text = published.mue(published.MUE_ROWS)
    words = refusal(published.write(tmp_path, "2026Q4.csv", text[:60]))
    assert "found a quotation mark that is opened and not closed" in words


@pytest.mark.parametrize("name", ["edits 2026Q4.zip", "ccioph-v323r0-f1.xlsx"])
def test_half_an_archive_and_half_a_workbook_are_refused(name: str, tmp_path: Path) -> None:
    """The end of the file is missing, so nothing in it is believed."""
    path = published.workbook(tmp_path, name, [["Column 1", "Column 2"]] * 200)
    path.write_bytes(path.read_bytes()[:-300])
    assert "found the beginning of one without its end, or with damage" in refusal(path)


# ------------------------------------------------------------------ other files


def test_a_workbook_that_is_called_csv_is_refused(tmp_path: Path) -> None:
    """And a text that is called .xlsx is too: a name that lies was given by hand."""
    workbook = published.workbook(tmp_path, "2026Q4.csv", [["Column 1", "Column 2"]])
    assert "found a workbook; use the file as it was published" in refusal(workbook)
    text = published.write(tmp_path, "2026Q4.xlsx", published.mue(published.MUE_ROWS))
    assert "found text; use the file as it was published" in refusal(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "found nothing"),
        (b"\r\n \r\n", "found nothing"),
        (b"\x00\x01\x02", "found bytes that are no text"),
        (b"name,age\r\nzebra,3\r\n", "expected the header of one of NDC-HCPCS crosswalk, "),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    """Nothing, bytes, and a table of something else."""
    path = tmp_path / "2026Q4.csv"
    path.write_bytes(content)
    assert said in refusal(path)


def test_an_archive_without_a_table_is_refused(tmp_path: Path) -> None:
    """An archive of a PDF, and one that needs a password."""
    assert "found none" in refusal(published.archive(tmp_path, "a.zip", {"a.pdf": b"%PDF"}))
    path = published.archive(tmp_path, "b.zip", {"a.csv": "x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag of the directory that says: encrypted
    path.write_bytes(bytes(data))
    assert "expected an archive without a password" in refusal(path)


@pytest.mark.parametrize(
    ("table", "column", "lacking"),
    [
        (CROSSWALK, "BILLUNITSPKG", "package_units"),
        (LIMITS, "HCPCS Code Dosage", "dosage"),
        (ADDENDUM, "Payment Rate", "rate"),
        (MUES, "MUE Adjudication Indicator", "indicator"),
        (EDITS, "Effective Date", "starts"),
        (ADD_ONS, "AOC_Edit_Type", "type"),
    ],
)
def test_a_header_that_lacks_a_column_is_refused(
    table: tuple[str, Text, tuple[str, ...]], column: str, lacking: str, tmp_path: Path
) -> None:
    """The message names the column that is missing and those that are there."""
    name, text, rows = table
    content = text(rows)
    assert column in content
    words = refusal(published.write(tmp_path, name, content.replace(column, "Another")))
    assert f"expected the columns {lacking} of the" in words
    assert "Another" in words


def test_edits_that_do_not_say_their_setting_are_refused(tmp_path: Path) -> None:
    """Practitioner and hospital edits have the same header; only the name tells them apart."""
    words = refusal(published.write(tmp_path, "2026Q4.txt", published.ptp(published.PTP_ROWS)))
    assert "expected the setting: practitioner, hospital or DME" in words
    assert "ccipra-v323r0-f1.txt" in words


# ------------------------------------------------------------------ contradictions


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (CROSSWALK, "J0001,Made up,ZEBRA LABS,99999-0001-02,Zebramab 100 MG,10 MG,1,2,10,30"),
        (LIMITS, "J0001,Made up,10 MG,12.346,20,,,,,,,,"),
        (ADDENDUM, "J0001,Made up,N,,,"),
        (MUES, "J0001,61,3 Date of Service Edit: Clinical,Made up"),
        (EDITS, "90001\t90002\t\t20200101\t*\t0\tMade up"),
        (ADD_ONS, "3\t90002\t\t90001\t\t2020001\t\t"),
        (ANWEBS, published.anweb_line("J0001", "20200102")),
    ],
)
def test_two_different_rows_under_one_key_are_refused(
    table: tuple[str, Text, tuple[str, ...]], row: str, tmp_path: Path
) -> None:
    """A corrected file beside the one that it corrects: a person says which one counts."""
    name, text, rows = table
    first = published.write(tmp_path, name, text(rows))
    second = published.write(tmp_path, f"corrected {name}", text([*rows[:-1], row, rows[-1]]))
    words = refusal(first, second)
    assert "expected one row under one key, found another row of it in" in words
    assert "give only the later of the two files" in words


def test_two_edits_of_a_pair_on_one_day_are_refused(tmp_path: Path) -> None:
    """An edit that begins while another of the same codes binds; on its last day it hands over."""
    rows = [*published.PTP_ROWS, "J0001\t90002\t\t20251230\t*\t1\tMade up"]
    words = refusal(published.write(tmp_path, "ccioph-v323r0-f1.txt", published.ptp(rows)))
    assert "expected one edit of 90002 and J0001 on a day, found two on 2025-12-30" in words
    after = [*published.PTP_ROWS, "J0001\t90002\t\t20251231\t*\t1\tMade up"]
    path = published.write(tmp_path, "ccioph-v323r0-f1.txt", published.ptp(after))
    edit = build([path], published.CODES).bundle.tables.ptp(
        "90002", "J0001", date(2025, 12, 31), "hospital"
    )
    assert isinstance(edit, PtpEdit) and edit.indicator == "1"


def test_many_mistakes_are_counted_and_the_first_ones_said(tmp_path: Path) -> None:
    """Of 50 rows without a limit 20 are said in full, and that there are 30 more."""
    rows = [f"J{number:04},Made up,10 MG,free,20,,,,,,,," for number in range(50)]
    path = published.write(
        tmp_path, "limits.csv", published.payment_limits([*rows, *published.LIMIT_ROWS[2:]])
    )
    words = refusal(path)
    assert words.count("found 'free'") == MOST == 20
    assert "found 30 mistakes more" in words


def test_mistakes_of_several_files_come_together(tmp_path: Path) -> None:
    """One run says what is wrong in each of its files."""
    first = published.write(
        tmp_path, "MUE 2026Q4.csv", published.mue(published.MUE_ROWS).replace(",60,", ",many,")
    )
    second = published.write(
        tmp_path,
        "limits.csv",
        published.payment_limits(published.LIMIT_ROWS).replace("12.345", "free"),
    )
    words = refusal(first, second)
    assert "MUE 2026Q4.csv:" in words and "limits.csv:" in words


def test_limits_whose_name_and_header_say_two_settings_are_refused(tmp_path: Path) -> None:
    """Hospitals and practitioners have other limits, so nobody may guess which the file has."""
    text = published.mue(published.MUE_ROWS, "Practitioner")
    name = "MCR_MUE_OutpatientHospitalServices_Eff_10-01-2026.csv"
    words = refusal(published.write(tmp_path, name, text))
    assert "the name says hospital, found practitioner in the header" in words
