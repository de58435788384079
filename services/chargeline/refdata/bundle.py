"""The bundle: one file of published tables that a person can read with `less` and no one changes.

It owns the format. The first line is a JSON object: the format's number, the version of the tables,
and the SHA-256 of all bytes after that line. Each further line is a JSON array whose first word
says what it is. A row that several quarters have in common stands once, with all of them. Sources
come first, so that `head` shows what a bundle is made of; the version is the SHA-256 of the rows
only, so that two bundles of the same rows have the same version, whatever the files were called.

    {"chargeline_refdata": 1, "version": "2026Q4.0a1b2c3d4e5f", "sha256": "…"}
    ["source", "payment_limits", "", "2026Q4", "limits.csv", "…", 1024, 1024, []]
    ["codes", "96413", "J9271"]
    ["limit", "2026Q3 2026Q4", "J9271", "1 MG", "58.333", "20"]

The same tables give the same bytes: lines are sorted, and numbers have no zeros at their ends.
SQLite would be faster for a single look-up, and keeps its own version in each file.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chargeline.engine import PublishedTables, Quarter, claim_words
from chargeline.refdata.errors import RefdataError, refused
from chargeline.refdata.rows import from_lines, to_line, to_lines
from chargeline.refdata.vintage import parse_quarter

FORMAT = 1
_MARK = "chargeline_refdata"


class TableSource(NamedTuple):
    """A sheet that a bundle was made from. `kept` are its rows that are in the bundle."""

    table: claim_words.PublishedTable
    setting: str
    quarter: Quarter
    name: str
    sha256: str
    rows: int
    kept: int
    remarks: tuple[str, ...]


class Bundle(NamedTuple):
    """Published tables, and the sheets that they come from, in order of table and quarter."""

    tables: PublishedTables
    sources: tuple[TableSource, ...]


def version_of(tables: PublishedTables, sources: Iterable[TableSource]) -> str:
    """The latest quarter and the first signs of the checksum of all rows: 2026Q4.0a1b2c3d4e5f."""
    digest = hashlib.sha256()
    issues = {(source.table, source.setting, str(source.quarter)) for source in sources}
    for line in (*map(to_line, sorted(issues)), *to_lines(tables)):
        digest.update(line)
    latest = max(quarter for _table, _setting, quarter in issues)
    return f"{latest}.{digest.hexdigest()[:12]}"


def to_bytes(bundle: Bundle) -> bytes:
    """The bytes of a bundle."""
    lines = [to_line(_source_line(source)) for source in sorted(bundle.sources)]
    body = b"".join([*lines, *to_lines(bundle.tables)])
    first = {
        _MARK: FORMAT,
        "version": bundle.tables.version,
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return to_line(first) + body


def _source_line(source: TableSource) -> tuple[object, ...]:
    return ("source", *source._replace(quarter=str(source.quarter)))  # type: ignore[arg-type]


def write_bundle(bundle: Bundle, path: Path, *, force: bool = False) -> bool:
    """Write a bundle whole or not at all; False if the file has these bytes already.

    Another file of that name is replaced with `force` only: a bundle that drafts were made with is
    evidence. Raises RefdataError or OSError.
    """
    data = to_bytes(bundle)
    if path.exists():
        if path.is_file() and path.read_bytes() == data:
            return False
        if not force:
            raise refused(
                "refdata.bundle",
                expected="no file of that name",
                found="one with other contents",
                where=str(path),
                do="name a new file with --out, or replace it with --force",
            )
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True


def read_bundle(path: Path) -> Bundle:
    """A bundle from its file. Raises RefdataError if it is none, is damaged or is too new."""
    try:
        first, _end, body = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise _not_a_bundle(path, str(error.strerror)) from error
    head = _head(first, path)
    if head["sha256"] != hashlib.sha256(body).hexdigest():
        raise _not_a_bundle(path, "one that was changed after it was built, or is cut off")
    lines = [json.loads(line) for line in body.splitlines()]
    sources = tuple([_source(line) for line in lines if line[0] == "source"])
    issues = [(source.table, source.setting, source.quarter) for source in sources]
    tables = from_lines([line for line in lines if line[0] != "source"], issues)
    return Bundle(tables._replace(version=str(head["version"])), sources)


def _head(first: bytes, path: Path) -> Mapping[str, Any]:
    try:
        head = json.loads(first)
    except ValueError as error:
        raise _not_a_bundle(path, "another file") from error
    if not isinstance(head, dict) or not {_MARK, "version", "sha256"} <= set(head):
        raise _not_a_bundle(path, "another file")
    if head[_MARK] != FORMAT:
        raise _not_a_bundle(path, f"one of format {head[_MARK]}, where {FORMAT} is read")
    return head


def _source(line: list[Any]) -> TableSource:
    _word, table, setting, quarter, name, sha256, rows, kept, remarks = line
    parsed = parse_quarter(quarter)
    assert parsed is not None, "a bundle with the right checksum has quarters"
    return TableSource(
        table, setting, parsed, name, sha256=sha256, rows=rows, kept=kept, remarks=tuple(remarks)
    )


def _not_a_bundle(path: Path, found: str) -> RefdataError:
    return refused(
        "refdata.bundle",
        expected="a bundle of `chargeline refdata build`",
        found=found,
        where=str(path),
        do="build it again from the downloaded files, or correct CHARGELINE_REFDATA or --refdata",
    )
