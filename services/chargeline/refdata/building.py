"""From downloaded files to a bundle: recognise each, find its quarter, read it, bring it together.

It owns the order of the work. Drug tables are read first, because their codes belong to those of
the bundle; the large tables are then read for these codes only. It refuses files that contradict
each other, and tables of which a part is missing: a look-up in half a table would say "no edit"
where there is one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from chargeline.engine import CrosswalkRow, PtpEdit, PublishedTables, Quarter, claim_words
from chargeline.refdata.bundle import Bundle, TableSource, version_of
from chargeline.refdata.collected import Collected, Issue, Rows
from chargeline.refdata.errors import refused
from chargeline.refdata.layouts import LAYOUTS, NOC_CROSSWALK, Recognised, recognise
from chargeline.refdata.reading import Job, SheetCounts, read_sheet, seems_cut_off
from chargeline.refdata.rows import tables_of
from chargeline.refdata.sheets import open_file
from chargeline.refdata.vintage import quarter_for

_NOT_USED = re.compile(
    r"(?<![a-z])(?:awp|prep|delta)(?![a-z])|seasonal|introduction|additions-deletions"
)
_OPPS = re.compile(r"(?<![a-z])opps(?![a-z])")
_PART = re.compile(r"-f(\d+)(?!\d)", re.IGNORECASE)
_SETTINGS = (
    ("dme", re.compile(r"(?<![a-z])dme(?![a-z])|durable|dmesupplier")),
    ("hospital", re.compile(r"hospital|ccioph")),
    ("practitioner", re.compile(r"practitioner|ccipra")),
)
_CUMULATIVE = frozenset({"ptp", "add_on"})
_DRUG_TABLES = frozenset({"crosswalk", "payment_limits"})


class Built(NamedTuple):
    """A bundle, the files of archives that are no tables of ours, and what a person should know."""

    bundle: Bundle
    left_out: tuple[str, ...]
    remarks: tuple[str, ...]


def build(paths: Sequence[Path], codes: frozenset[str], asked: Quarter | None = None) -> Built:
    """The bundle of files, for the codes that the rules can emit and those of the drug tables.

    `asked` is the quarter of files that do not say theirs. Raises RefdataError, or OSError.
    """
    sheets: list[Recognised] = []
    left_out: list[str] = []
    for path in paths:
        recognised, others = _sheets_of(path)
        sheets += recognised
        left_out += others
    collected = Collected()
    jobs = [_job(sheet, asked) for sheet in sheets]
    drugs = [job for job in jobs if job.issue.table in _DRUG_TABLES]
    read = [(job, read_sheet(job, collected)) for job in drugs]
    kept = codes | collected.drug_codes()
    for job in jobs:
        if job.issue.table not in _DRUG_TABLES:
            of_codes = None if job.issue.table == "hcpcs" else kept
            read.append((job, read_sheet(job._replace(codes=of_codes), collected)))
    _refuse_half(read, collected)
    _refuse_overlaps(collected)
    collected.mistakes.refuse()
    return Built(_bundle(read, collected, kept), tuple(sorted(left_out)), _shrunken(read))


def _sheets_of(path: Path) -> tuple[list[Recognised], list[str]]:
    """The tables of a file, and the names of what in it is none. Raises RefdataError if none is."""
    opened = open_file(path)
    sheets, left_out = [], list(opened.left_out)
    for sheet in opened.sheets:
        recognised = None if _NOT_USED.search(sheet.name.lower()) else recognise(sheet)
        if recognised is None:
            left_out.append(sheet.name)
        else:
            sheets.append(recognised)
    if not sheets:
        raise refused(
            "refdata.header",
            expected=f"the header of one of {', '.join(layout.name for layout in LAYOUTS)}",
            found="none",
            where=path.name,
            do="name the files as docs/refdata.md lists them; others are not used",
        )
    return sheets, left_out


def _job(sheet: Recognised, asked: Quarter | None) -> Job:
    name = sheet.sheet.name
    nearest = name.rpartition("/")[2]
    quarter = quarter_for(
        [nearest, sheet.sheet.archive], sheet.preamble, sheet.year, asked=asked, where=name
    )
    issue = Issue(sheet.layout.table, _setting(sheet), quarter)
    return Job(sheet, issue, _list_of(sheet), codes=None)


def _setting(sheet: Recognised) -> str:
    """The setting of a MUE table, by its header; of PTP edits, by what their file is called.

    Raises RefdataError where the name of a MUE table says another setting than its header.
    """
    own_name, archive = sheet.sheet.name.rpartition("/")[2], sheet.sheet.archive
    named = _setting_in(own_name) or _setting_in(archive)
    if sheet.layout.table == "mue":
        setting = _setting_in(sheet.heading["units"])
        if setting and named and named != setting:
            raise refused(
                "refdata.header",
                expected=f"the limits of one setting; the name says {named}",
                found=f"{setting} in the header",
                where=sheet.sheet.name,
                do="download the file again under its own name: the two settings differ in limits",
            )
    elif sheet.layout.table == "ptp":
        setting = named
    else:
        return ""
    if setting:
        return setting
    raise refused(
        "refdata.header",
        expected="the setting: practitioner, hospital or DME",
        found="none in the header or the name of the file",
        where=sheet.sheet.name,
        do="give the file the name under which CMS publishes it, such as ccipra-v323r0-f1.txt",
    )


def _setting_in(text: str) -> str:
    """The setting that a text names; "" for none."""
    lower = text.lower()
    return next((setting for setting, pattern in _SETTINGS if pattern.search(lower)), "")


def _list_of(sheet: Recognised) -> claim_words.CrosswalkList:
    """Which crosswalk it is: NOC by its header, OPPS by its title or its name, else ASP."""
    if sheet.layout is NOC_CROSSWALK:
        return "noc"
    is_opps = _OPPS.search(f"{sheet.preamble} {sheet.sheet.name}".lower())
    return "opps" if is_opps else "asp"


# ------------------------------------------------------------------ what must not be


def _refuse_half(read: Iterable[tuple[Job, SheetCounts]], collected: Collected) -> None:
    """A mistake for each table that is empty or lacks its end, and for a part that is missing."""
    whole: dict[Issue, str] = {}
    parts: dict[Issue, set[int]] = {}
    for job, counts in read:
        name = job.recognised.sheet.name
        if not counts.rows:
            _half(collected, "rows below the header", "none", name)
        numbers = [int(number) for number in _PART.findall(name)]
        if job.issue.table == "ptp" and numbers:
            parts.setdefault(job.issue, set()).add(numbers[-1])
            whole[job.issue] = max(whole.get(job.issue, ""), counts.last)
        elif _is_in_whole_order(job) and seems_cut_off(job.recognised.layout, counts):
            least = job.recognised.layout.last
            _half(collected, f"codes up to {least}…", f"the last one is {counts.last}", name)
    for issue, numbers_of in parts.items():
        where = f"PTP, {issue.setting}, {issue.quarter}"
        missing = sorted(set(range(1, max(numbers_of) + 1)) - numbers_of)
        if missing:
            _half(collected, "all parts of the edits", f"no part f{missing[0]}", where)
        elif whole[issue] < "A":
            _half(collected, "all parts of the edits", f"the last code is {whole[issue]}", where)


def _is_in_whole_order(job: Job) -> bool:
    """Whether the codes with which a whole file ends are sure: those of OPPS drugs may be few."""
    return (job.issue.table, job.list_name) != ("crosswalk", "opps")


def _half(collected: Collected, expected: str, found: str, where: str) -> None:
    collected.mistakes.add(
        "refdata.part",
        expected=expected,
        found=found,
        where=where,
        do="download the file again, and name all of its parts",
    )


def _refuse_overlaps(collected: Collected) -> None:
    """A mistake for two edits of a pair of codes that bind on the same days.

    An edit that ends on the day on which another begins hands over on that day.
    """
    for issue, rows in collected.ptp.items():
        pairs: dict[tuple[str, ...], list[PtpEdit]] = {}
        for edit in rows.values().values():
            pairs.setdefault(tuple(sorted((edit.column1, edit.column2))), []).append(edit)
        for pair, edits in pairs.items():
            ordered = sorted(edits, key=lambda edit: edit.starts)
            for earlier, later in pairwise(ordered):
                if earlier.ends is None or earlier.ends > later.starts:
                    collected.mistakes.add(
                        "refdata.conflict",
                        expected=f"one edit of {pair[0]} and {pair[1]} on a day",
                        found=f"two on {later.starts}",
                        where=f"PTP, {issue.setting}, {issue.quarter}",
                        do="download the edits again; if they stay so, report it to CMS",
                    )


# ------------------------------------------------------------------ the bundle


def _bundle(
    read: Sequence[tuple[Job, SheetCounts]], collected: Collected, codes: frozenset[str]
) -> Bundle:
    latest: dict[str, Quarter] = {}
    for job, _counts in read:
        name = f"{job.issue.table} {job.issue.setting}"
        latest[name] = max(latest.get(name, job.issue.quarter), job.issue.quarter)
    sources = tuple(sorted([_source(job, counts, latest) for job, counts in read]))
    tables = _tables(collected, codes, {job.issue for job, _counts in read})
    return Bundle(tables._replace(version=version_of(tables, sources)), sources)


def _source(job: Job, counts: SheetCounts, latest: Mapping[str, Quarter]) -> TableSource:
    """The sheet of a job. Of cumulative tables only the latest quarter is kept."""
    sheet = job.recognised.sheet
    newest = latest[f"{job.issue.table} {job.issue.setting}"]
    if job.issue.table in _CUMULATIVE and newest != job.issue.quarter:
        counts = counts._replace(kept=0, remarks=(*counts.remarks, f"{newest} has its history"))
    return TableSource(
        *job.issue,
        name=sheet.name,
        sha256=sheet.sha256,
        rows=counts.rows,
        kept=counts.kept,
        remarks=counts.remarks,
    )


def _tables(
    collected: Collected, codes: frozenset[str], issues: Iterable[Issue]
) -> PublishedTables:
    """The engine's tables. A package that two crosswalks list alike is one row with both lists."""
    rows: dict[tuple[str, Quarter], list[object]] = {}
    for issue, products in collected.crosswalk.items():
        merged: dict[CrosswalkRow, list[claim_words.CrosswalkList]] = {}
        for row in products.values().values():
            merged.setdefault(row._replace(lists=()), []).extend(row.lists)
        rows["product", issue.quarter] = [
            row._replace(lists=tuple(sorted(lists))) for row, lists in merged.items()
        ]
    others: tuple[tuple[str, Mapping[Issue, Rows[Any, Any]]], ...] = (
        ("limit", collected.payment_limits),
        ("status", collected.status_indicators),
        ("hcpcs", collected.hcpcs),
        ("mue", collected.mue),
        ("ptp", collected.ptp),
        ("add_on", collected.add_on),
    )
    for word, by_issue in others:
        for issue, of_issue in by_issue.items():
            rows[f"{word} {issue.setting}".strip(), issue.quarter] = [*of_issue.values().values()]
    return tables_of(rows, codes, issues)


def _shrunken(read: Iterable[tuple[Job, SheetCounts]]) -> tuple[str, ...]:
    """A remark for each table with less than half of the rows of the quarter before it."""
    rows: dict[Issue, int] = {}
    for job, counts in read:
        rows[job.issue] = rows.get(job.issue, 0) + counts.rows
    remarks = []
    for issue in sorted(rows):
        after = issue._replace(quarter=issue.quarter.next)
        if after in rows and rows[after] * 2 < rows[issue]:
            remarks.append(
                f"{issue.table} {issue.setting}".strip()
                + f" has {rows[after]:,} of {rows[issue]:,} rows in {after.quarter}, compared with "
                f"{issue.quarter}: is it the whole file?"
            )
    return tuple(remarks)
