"""Addresses of visits, and the fields of forms that name one.

It owns how the key of a visit becomes a part of an address and comes back. A sender may write any
sign into a number, and a server splits and decodes an address before anybody reads it, so each sign
that could mean something there is written as `~` and its bytes: the visit `AB/12` is `AB~2F12`.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from pydantic import BeforeValidator, StringConstraints

from chargeline.engine import Finding, VisitKey
from chargeline.workbench.bench import NotThereError

_WRITTEN = re.compile(r"([A-Za-z0-9_-]|~[0-9A-F]{2})+")

Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=3, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
"""Why somebody does something: at least three signs that are no blanks."""
Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line without signs that no database keeps."""
OfDay = Annotated[date | None, BeforeValidator(lambda value: value or None)]
"""A day such as 2026-03-19; None for an empty field."""
Id = Annotated[str, StringConstraints(max_length=80, pattern=r"^[A-Za-z0-9._-]*$")]
"""The id of a line or a question, the digest of a message; "" for none."""


def days_asked(first: date | None, last: date | None, today: date, shown: int) -> tuple[date, date]:
    """The first and the last day that an address asks for. Where it names none, so many days are
    shown, today included; where it names the first alone, those from then on.
    """
    last = last or max(today, first or today)
    earliest = max(last, date.min + timedelta(days=shown)) - timedelta(days=shown - 1)
    return first or earliest, last


def with_query(path: str, values: Mapping[str, Any]) -> str:
    """An address with those parameters that have a value."""
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{path}?{query}" if query else path


def visit_address(facility: str, visit: str) -> str:
    """Where a visit is shown."""
    return f"/visits/{segment(facility)}/{segment(visit)}"


def segment(text: str) -> str:
    """A text as one segment of an address: letters, digits, `_`, `-`, and `~2F` for other bytes."""
    quoted = quote(text, safe="", errors="surrogatepass")  # it leaves . and ~ as they are
    return quoted.replace(".", "%2E").replace("~", "%7E").replace("%", "~")


def key_of(facility: str, visit: str) -> VisitKey:
    """The visit that two segments name. Raises NotThereError for segments that `segment` never
    writes.
    """
    return VisitKey(_text(facility), _text(visit))


def name_of(facility: str, visit: str) -> str:
    """A visit as the value of a field of a form."""
    return f"{segment(facility)}.{segment(visit)}"


def key_named(name: str) -> VisitKey:
    """The visit that a field of a form names. Raises NotThereError."""
    facility, _dot, visit = name.partition(".")
    return key_of(facility, visit)


def _text(written: str) -> str:
    try:
        if _WRITTEN.fullmatch(written):
            text = unquote_to_bytes(written.replace("~", "%")).decode()
            if "\x00" not in text:
                return text
    except UnicodeDecodeError as error:
        raise no_such_visit(written) from error
    raise no_such_visit(written)  # no ledger keeps such a number


def no_such_visit(written: str) -> NotThereError:
    """The refusal of an address or a field that names no visit."""
    return NotThereError(
        Finding(
            "command.not_found",
            expected="a visit of the ledger",
            found=written[:60] or "none",
            where="visit",
            do="go there from the list of work; nothing was recorded",
        )
    )
