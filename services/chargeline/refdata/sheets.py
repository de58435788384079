"""Rows of cells from the files as they are downloaded: CSV, tab-separated text, XLSX, and .zip.

It owns bytes, encodings and archives, and knows no table: each file becomes a sheet, whose rows are
texts with their line numbers. Text is read as a stream, twice: once for its checksum and encoding
(the files are UTF-8, Windows-1252 or Latin-1, and say nowhere which), once for its rows. A sheet is
told by its bytes, and a name that says otherwise is refused: a workbook that is called .csv was
mostly saved or renamed by hand.
"""

import codecs
import csv
import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from chargeline.refdata.errors import RefdataError, refused

_CHUNK = 1 << 20
_ZIP = b"PK\x03\x04"
_TABLES = (".csv", ".txt", ".xlsx", ".tsv")
_NOT_TABLES = (".pdf", ".doc", ".docx", ".htm", ".html", ".zip", ".rtf", ".xls", ".json", ".xml")
_FIXED = re.compile(r"(?:[A-Z][A-Z0-9]{4}|   [A-Z0-9]{2})[0-9]{5}[3478]")
_AGAIN = "download the file again"

Open = Callable[[], BinaryIO]


class NumberedRow(NamedTuple):
    """The line of a file on which a row begins, and its cells without blanks at their ends."""

    line: int
    cells: Sequence[str]


class Sheet(NamedTuple):
    """One sheet of rows. `name`: file, or archive/file; `archive` is "" for a file by itself."""

    name: str
    archive: str
    sha256: str
    rows: Callable[[], Iterator[NumberedRow]]


class Opened(NamedTuple):
    """The sheets of a file, and what of an archive is no table."""

    sheets: tuple[Sheet, ...]
    left_out: tuple[str, ...]


def open_file(path: Path) -> Opened:
    """The sheets of a file or of an archive. Raises RefdataError, or OSError if it is not there."""
    with path.open("rb") as file:
        begins = file.read(4)
    if begins == _ZIP and not _is_workbook(path):
        return _open_archive(path)
    return Opened((_sheet(path.name, "", lambda: path.open("rb")),), ())


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile as error:
        raise _half(path.name) from error


def _half(name: str) -> RefdataError:
    return refused(
        "refdata.file",
        expected="a whole .zip or .xlsx",
        found="the beginning of one without its end, or with damage",
        where=name,
        do=_AGAIN,
    )


def _open_archive(path: Path) -> Opened:
    sheets, left_out = [], []
    with zipfile.ZipFile(path) as archive:
        names = {info.filename.lower() for info in archive.infolist()}
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            if info.is_dir():
                continue
            name = Path(info.filename).name
            if info.flag_bits & 1:
                raise refused(
                    "refdata.file",
                    expected="an archive without a password",
                    found="one with a password",
                    where=f"{path.name}/{name}",
                    do="unpack it, and name the files in it",
                )
            if name.lower().endswith(_TABLES) and not _has_text(info.filename, names):
                sheets.append(_sheet(name, path.name, _opener(path, info)))
            else:
                left_out.append(f"{path.name}/{name}")
    return Opened(tuple(sheets), tuple(left_out))


def _has_text(name: str, names: Set[str]) -> bool:
    """Whether a workbook stands beside a text of its name: CMS packs both, with the same rows."""
    stem, _dot, ending = name.lower().rpartition(".")
    return ending == "xlsx" and any(f"{stem}.{text}" in names for text in ("txt", "csv"))


def _opener(path: Path, info: zipfile.ZipInfo) -> Open:
    def opened() -> BinaryIO:
        # The member keeps the archive's file open, and closes it when it is closed itself.
        return zipfile.ZipFile(path).open(info)  # type: ignore[return-value]

    return opened


@contextmanager
def _whole(name: str) -> Iterator[None]:
    """Say in words what the libraries say of a damaged archive or workbook."""
    try:
        yield
    except (zipfile.BadZipFile, CalamineError, EOFError) as error:
        raise _half(name) from error


def _sheet(name: str, archive: str, opened: Open) -> Sheet:
    whole_name = f"{archive}/{name}" if archive else name
    with _whole(whole_name), opened() as file:
        begins = file.read(4)
    is_workbook = begins == _ZIP
    if is_workbook is not name.lower().endswith(".xlsx"):
        raise refused(
            "refdata.file",
            expected="text in a .csv or .txt, and a workbook in an .xlsx",
            found="a workbook" if is_workbook else "text",
            where=whole_name,
            do="use the file as it was published, or give it the ending of what it is",
        )
    if name.lower().endswith(_NOT_TABLES):
        raise refused(
            "refdata.file",
            expected="a .csv, .txt, .xlsx or .zip",
            found=Path(name).suffix,
            where=whole_name,
            do="name the file with the table",
        )
    if is_workbook:
        checksum = _checksum(whole_name, opened)
        return Sheet(whole_name, archive, checksum, lambda: _workbook_rows(whole_name, opened))
    text = _text_of(whole_name, opened)
    return Sheet(whole_name, archive, text.sha256, lambda: _text_rows(whole_name, opened, text))


# ------------------------------------------------------------------ text


class _Text(NamedTuple):
    """What the first reading of a text finds out."""

    sha256: str
    encoding: str
    separator: str


def _checksum(name: str, opened: Open) -> str:
    digest = hashlib.sha256()
    with _whole(name), opened() as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _text_of(name: str, opened: Open) -> _Text:
    digest = hashlib.sha256()
    decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252")}
    quotes, begins = 0, b""
    with _whole(name), opened() as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            begins = begins or chunk
            quotes += chunk.count(b'"')
            for encoding in list(decoders):
                try:
                    decoders[encoding].decode(chunk)
                except UnicodeDecodeError:
                    del decoders[encoding]
    if not begins.strip():
        found = "nothing"
    elif b"\0" in begins:
        found = "bytes that are no text"
    elif quotes % 2 and _separator(begins):  # in lines of fixed width it is a sign like any other
        found = "a quotation mark that is opened and not closed"
    else:
        encoding = next(iter(decoders), "latin-1")
        is_utf8 = encoding == "utf-8"
        return _Text(digest.hexdigest(), "utf-8-sig" if is_utf8 else encoding, _separator(begins))
    raise refused(
        "refdata.file", expected="the whole text of a table", found=found, where=name, do=_AGAIN
    )


def _separator(begins: bytes) -> str:
    """A tab, a comma, or "" for lines of fixed width."""
    first = begins[:400].decode("latin-1").removeprefix("ï»¿").split("\n")[0]
    if _FIXED.match(first):
        return ""
    return "\t" if begins.count(b"\t") > begins.count(b",") else ","


def _text_rows(name: str, opened: Open, text: _Text) -> Iterator[NumberedRow]:
    """The rows of a text that are not empty; a line of fixed width is one cell."""
    with _whole(name), opened() as file, TextIOWrapper(file, text.encoding, newline="") as lines:
        if not text.separator:
            for number, whole_line in enumerate(lines, start=1):
                if whole_line.strip():
                    yield NumberedRow(number, (whole_line.rstrip("\r\n"),))
            return
        reader = csv.reader(lines, delimiter=text.separator)
        line = 1
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield NumberedRow(line, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            raise refused(
                "refdata.file",
                expected="rows of cells",
                found=str(error),
                where=f"{name}:{line}",
                do=_AGAIN,
            ) from error


# ------------------------------------------------------------------ workbooks


def _workbook_rows(name: str, opened: Open) -> Iterator[NumberedRow]:
    """The rows of the first sheet of a workbook that has any."""
    with _whole(name), opened() as file:
        workbook = CalamineWorkbook.from_filelike(file)
        for title in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(title)
            if sheet.start is not None:
                above = sheet.start[0] + 1
                for number, row in enumerate(sheet.iter_rows(), start=above):
                    cells = [_as_text(value) for value in row]
                    if any(cells):
                        yield NumberedRow(number, cells)
                return


def _as_text(value: object) -> str:
    """A cell of a workbook as it would stand in a CSV: 20241231.0 is 20241231, a date likewise."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    return str(value).strip()
