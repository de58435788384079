"""What the tests of lists of authorizations share: a list that is right, and what becomes of it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from chargeline.engine import NeedRow, Needs
from chargeline.importing.columns import ColumnName
from chargeline.importing.rows import CheckedList, ListOptions, checked
from chargeline.importing.sheet import read_sheet

NOW = datetime(2026, 10, 1, 12, 0)
GOOD: dict[ColumnName, str] = {
    "facility": "ZEBRA",
    "payer": "AETNA",
    "patient": "ZZ1",
    "number": "A77",
    "codes": "J9271",
    "from": "2026-10-01",
    "until": "2027-03-31",
    "units": "800",
    "basis": "units",
    "status": "approved",
    "received": "2026-09-25",
}
NEEDS = Needs(
    NeedRow(
        payer=payer,
        code=code,
        starts=date(2026, 1, 1),
        ends=None,
        evidence="checkpoint_inhibitor",
        cite="HOUSE",
    )
    for payer, code in (("AETNA", "J9271"), ("*", "J9299"), ("CIGNA", "J9022"))
)


def listed(*rows: dict[Any, str], separator: str = ",") -> bytes:
    """A CSV file of rows that say something else than the good row in some columns."""
    columns = list(dict.fromkeys([*GOOD, *[name for row in rows for name in row]]))
    lines = [separator.join(columns)]
    lines += [
        separator.join({**dict.fromkeys(columns, ""), **GOOD, **row}[c] for c in columns)
        for row in rows
    ]
    return "\r\n".join([*lines, ""]).encode()


def read(data: bytes, **options: Any) -> CheckedList:
    """What becomes of a file on 1 October 2026 at noon."""
    wanted = ListOptions(now=NOW, needs=NEEDS)._replace(**options)
    return checked("list.csv", read_sheet("list.csv", data), wanted)


def wrong(result: CheckedList) -> list[tuple[str, str, str]]:
    """Where something is wrong, what was expected and what was found."""
    return [(f.where.removeprefix("list.csv, "), f.expected, f.found) for f in result.wrong]


def places(result: CheckedList) -> Sequence[str]:
    """Where something is wrong."""
    return [place for place, _expected, _found in wrong(result)]
