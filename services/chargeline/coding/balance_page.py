"""The balance of drugs as a page, as CSV and as JSON lines.

It owns how a row and its reasons are shown. It adds nothing up and explains nothing. Visit numbers
stand beside a reason, because that is where a person looks next; no record names a patient.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from chargeline.coding.balance import BalanceRow, Reason
from chargeline.coding.charted_drugs import Stock
from chargeline.engine import hyphenated, plain, printable

_TITLES: Mapping[Stock, str] = {
    "own": "",
    "340B": "bought under 340B",
    "not bought": "not bought by the site",
}
_VISITS_SHOWN = 3
COLUMNS = (
    "stock", "day", "place", "drug", "ndc", "unit", "dispensed", "given", "discarded", "billed",
    "difference", "explained", "why",
)  # fmt: skip


def print_balance(console: Console, rows: Sequence[BalanceRow]) -> None:
    """Print a table for each stock, and the count of what nothing explains as the last line."""
    for stock, title in _TITLES.items():
        of_stock = [row for row in rows if row.stock == stock]
        if title and of_stock:
            console.print(title, style="bold")
        if of_stock:
            console.print(_table(of_stock))
    console.print(balance_in_short(rows))


def balance_in_short(rows: Sequence[BalanceRow]) -> str:
    """The last line: how many rows there are, differ, and differ without a reason."""
    differ = sum(1 for row in rows if row.difference)
    unexplained = sum(1 for row in rows if not row.is_explained)
    noun = "row" if len(rows) == 1 else "rows"
    return f"{len(rows)} {noun}, {differ} with a difference, {unexplained} unexplained"


def _table(rows: Sequence[BalanceRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("day", "place", "drug", "NDC"):
        table.add_column(name, no_wrap=True)
    for name in ("dispensed", "given", "discarded", "billed", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why")
    for row in rows:
        amounts = [row.given, row.discarded, row.billed]
        table.add_row(
            *(
                row.day.isoformat() if row.day is not None else "",
                printable(row.place),
                printable(f"{row.drug} {row.unit}"),
                hyphenated(row.ndc) if row.ndc else "",
                plain(row.dispensed) if row.dispensed is not None else "-",
                *[plain(amount) for amount in amounts],
                plain(row.difference),
                printable("; ".join(_reasons_in_words(row))),
            )
        )
    return table


def _reasons_in_words(row: BalanceRow) -> Iterator[str]:
    for reason in row.reasons:
        amount = f"{plain(reason.amount)} " if reason.amount else ""
        mark = "" if reason.is_explained else "UNEXPLAINED "
        yield f"{mark}{amount}{reason.says} ({_visits(reason)})"


def _visits(reason: Reason) -> str:
    more = len(reason.visits) - _VISITS_SHOWN
    named = ", ".join(reason.visits[:_VISITS_SHOWN])
    return f"{named} and {more} more" if more > 0 else named


def balance_as_csv(rows: Sequence[BalanceRow]) -> str:
    """The rows as CSV with the columns of COLUMNS; the reasons are joined by semicolons."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        record = _record(row)
        why = "; ".join(_reasons_in_words(row))
        writer.writerow([_cell(record[name]) for name in COLUMNS[:-1]] + [why])
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def balance_as_json(rows: Sequence[BalanceRow]) -> Iterator[str]:
    """One JSON object for each row; amounts are texts, so that no digit is lost."""
    for row in rows:
        why = [
            {
                "says": reason.says,
                "amount": plain(reason.amount),
                "explained": reason.is_explained,
                "visits": list(reason.visits),
            }
            for reason in row.reasons
        ]
        yield json.dumps({**_record(row), "why": why}, ensure_ascii=False)


def _record(row: BalanceRow) -> dict[str, object]:
    """The cells of a row besides its reasons."""
    return {
        "stock": row.stock,
        "day": row.day.isoformat() if row.day is not None else None,
        "place": row.place,
        "drug": row.drug,
        "ndc": row.ndc or None,
        "unit": row.unit,
        "dispensed": _text(row.dispensed),
        "given": _text(row.given),
        "discarded": _text(row.discarded),
        "billed": _text(row.billed),
        "difference": _text(row.difference),
        "explained": row.is_explained,
    }


def _text(amount: Decimal | None) -> str | None:
    return plain(amount) if amount is not None else None
