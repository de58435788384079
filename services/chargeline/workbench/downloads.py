"""Lists as CSV, for people who go on with them in a spreadsheet.

It owns the form of a table, and that no cell of it is taken for a formula.
"""

import csv
import io
from collections.abc import Sequence

from fastapi.responses import Response
from pydantic import BaseModel


def table_of(name: str, row: type[BaseModel], rows: Sequence[BaseModel]) -> Response:
    """Rows of one kind as a table in a file of this name, with the names of their fields."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(row.model_fields)
    for one in rows:
        table.writerow([_cell(value) for value in one.model_dump(mode="json").values()])
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(written.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object) -> object:
    """A value; what a spreadsheet would take for a formula gets a quote before it."""
    risky = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if risky else value
