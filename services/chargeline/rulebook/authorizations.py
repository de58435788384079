"""The table of authorizations: for which codes which payer wants one, since when, with what shown.

This module owns its columns and checks each row: a payer, a code, days, a class of evidence, a
source. Each site writes the table for its payers; the rows that ship are those that a source dates.
The module does not know which authorizations there are.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import get_args

from chargeline.engine import Finding, NeedRow, authorization_words
from chargeline.rulebook.files import Row, check_key, days_of, read_table

_COLUMNS = ("payer", "code", "from", "until", "evidence", "cite", "note")
_CODE = re.compile(r"[A-Z0-9][0-9]{3}[0-9A-Z]")


def parse_needs(path: Path, sources: Mapping[str, str], mistakes: list[Finding]) -> list[NeedRow]:
    """The rows of the table, in its order; each mistake is added to `mistakes`."""
    rows = []
    for row in read_table(path, _COLUMNS, mistakes):
        check_key(row.cells["cite"], row.place, sources, mistakes)
        need = _need(row, mistakes)
        if need is not None:
            rows.append(need)
    mistakes += _overlaps(rows, f"{path.parent.name}/{path.name}")
    return rows


def _need(row: Row, mistakes: list[Finding]) -> NeedRow | None:
    """The need of a row; None, and mistakes, if the row says none."""
    cells = {column: row.cells[column].strip() for column in _COLUMNS}
    days = days_of(row, mistakes)
    classes = get_args(authorization_words.EvidenceClass)
    evidence = next((word for word in classes if word == cells["evidence"]), None)
    wrong: list[tuple[str, str]] = []
    if not cells["payer"]:
        wrong.append(("a payer as IN1-3 or IN1-2 has it, or * for all", "none"))
    if not _CODE.fullmatch(cells["code"]):
        wrong.append(("a HCPCS or CPT code of five characters", repr(cells["code"])))
    if evidence is None:
        wrong.append((f"evidence = one of {', '.join(classes)}", repr(cells["evidence"])))
    mistakes += [_wrong(row.place, expected, found) for expected, found in wrong]
    if wrong or evidence is None:
        return None
    return NeedRow(
        payer=cells["payer"].upper(),
        code=cells["code"],
        starts=days.starts,
        ends=days.ends,
        evidence=evidence,
        cite=cells["cite"],
    )


def _overlaps(rows: Iterable[NeedRow], place: str) -> list[Finding]:
    """A mistake for each payer and code that two rows name on one day."""
    mistakes = []
    last: dict[tuple[str, str], NeedRow] = {}
    for row in sorted(rows, key=lambda row: (row.payer, row.code, row.starts)):
        before = last.get((row.payer, row.code))
        if before is not None and (before.ends or date.max) > row.starts:
            expected = "one row for a payer and a code on a day"
            mistakes.append(_wrong(place, expected, f"{row.payer} {row.code} twice"))
        last[row.payer, row.code] = row
    return mistakes


def _wrong(place: str, expected: str, found: str) -> Finding:
    do = "correct the row; the payer's list says since when it holds"
    return Finding("rules.authorization", expected=expected, found=found, where=place, do=do)
