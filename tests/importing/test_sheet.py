"""Claims about files of authorizations as spreadsheet programs write them."""

import pytest

from chargeline.importing.sheet import ListError, read_sheet
from tests.importing import GOOD, listed, read

TEXT = listed({"site": "Krankenhaus Zürich"}).decode()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("cp1252"),
        TEXT.encode("utf-16"),  # what Excel calls Unicode text
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace(",", ";").encode("cp1252"),  # a spreadsheet of a country with decimal commas
        TEXT.replace(",", "\t").encode("utf-16-le").join([b"\xff\xfe", b""]),
        b"sep=;\r\n" + TEXT.replace(",", ";").encode(),
        TEXT.replace("status", " Status ").encode(),
    ],
)
def test_a_list_is_read_however_a_spreadsheet_writes_it(data: bytes) -> None:
    """Byte order marks, Windows-1252, UTF-16, semicolons, tabs, capitals: one and the same row."""
    (entry,) = read(data).notices
    assert (entry.notice.site, entry.notice.units) == ("Krankenhaus Zürich", 800)


def test_blanks_around_a_cell_are_no_part_of_it() -> None:
    """Trailing blanks, a no-break space, and ="00123", by which people keep zeros."""
    data = listed(
        {"number": "A77 \N{NO-BREAK SPACE}", "patient": '"=""00123"""', "payer": " AETNA"}
    )
    (entry,) = read(data).notices
    assert (entry.notice.number, entry.notice.patient, entry.notice.payer) == (
        "A77",
        "00123",
        "AETNA",
    )


def test_rows_have_the_numbers_of_the_spreadsheet() -> None:
    """An empty line counts as a row, and so does the line that only Excel reads."""
    lines = listed({"number": "A1"}, {"number": "A2"}).decode().split("\r\n")
    rows = read_sheet("list.csv", "\r\n".join([*lines[:2], ",,,", *lines[2:]]).encode())
    assert [row.number for row in rows] == [2, 4]
    text = ("sep=,\r\n" + "\r\n".join(lines)).encode()
    assert [row.number for row in read_sheet("list.csv", text)] == [3, 4]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04rest", "a workbook"),
        (b"\xd0\xcf\x11\xe0rest", "a workbook"),
        (b"payer\0,", "bytes that are no text"),
        (TEXT.encode("cp1252").replace(b"\xfc", b"\x81"), "bytes that are neither"),
        (TEXT.split("\r\n")[0].encode(), "none"),
        (TEXT.replace("payer", "insurer").encode(), "'insurer'"),
        (TEXT.replace("patient", "payer").encode(), "payer twice"),
        (TEXT.replace("A77", '"A77').encode(), "unexpected end of data"),
    ],
)
def test_what_is_no_list_is_refused_and_said(data: bytes, found: str) -> None:
    """A workbook, no text, no rows, a column that nobody knows, a quotation mark left open."""
    with pytest.raises(ListError, match=found):
        read_sheet("list.csv", data)


@pytest.mark.parametrize("column", [name for name in GOOD if name in ("payer", "number", "status")])
def test_a_column_that_must_be_there_is_named(column: str) -> None:
    """The header lacks it: the columns that are missing are all named."""
    header, row = listed({}).decode().split("\r\n")[:2]
    place = header.split(",").index(column)
    cells = [[*line.split(",")] for line in (header, row)]
    without = "\r\n".join([",".join(line[:place] + line[place + 1 :]) for line in cells])
    with pytest.raises(ListError, match=f"also {column}"):
        read_sheet("list.csv", without.encode())


def test_codes_or_a_class_must_have_a_column() -> None:
    """Without both nobody knows what is authorized."""
    with pytest.raises(ListError, match="a column codes or class"):
        read_sheet("list.csv", listed({}).replace(b"codes", b"site"))
