"""Many rows in one statement: arrays to PostgreSQL, executemany to SQLite.

This module owns the text of the INSERT statements, which it makes from the tables, the conversion
of whole columns, and the check that either database can keep the texts. It does not know what a
table is for. The module exists because one statement for each row is four times slower.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import Column, Dialect, Table
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from chargeline.ledger.errors import Unstorable

OnConflict = Literal["fail", "ignore", "replace", "add"]
Rows = Sequence[tuple[Any, ...]]

_make_postgresql: Callable[[], Dialect] = PGDialect
_DIALECTS: dict[str, Dialect] = {"postgresql": _make_postgresql(), "sqlite": SQLiteDialect()}
# Five such texts in one key are 2,000 bytes, below the 2,704 bytes of a PostgreSQL index row.
KEY_BYTES_MOST = 400
_UTF8_BYTES_MOST = 4


class Plan(NamedTuple):
    """How rows of one table are written: the statement, and the conversion of each field."""

    statement: str
    fields: tuple[str, ...]
    keys: tuple[int, ...]  # the places of the primary key among the fields
    converters: tuple[Callable[[Any], Any] | None, ...]


class Prepared(NamedTuple):
    """Rows as the driver takes them: one for each key, sorted by key so that no two writers
    deadlock.

    `keys` has the key of each row, and `places` the row's place in the call. Where the database
    gives the keys (outbox, parked), every key is () and the rows stay in the order of the call.
    """

    statement: str
    rows: list[tuple[Any, ...]]
    keys: list[tuple[Any, ...]]
    places: list[int]

    def only(self, wanted: Callable[[tuple[Any, ...]], bool]) -> "Prepared":
        """Only the rows whose key is wanted."""
        kept = [i for i, key in enumerate(self.keys) if wanted(key)]
        return Prepared(
            self.statement,
            [self.rows[i] for i in kept],
            [self.keys[i] for i in kept],
            [self.places[i] for i in kept],
        )


def prepare(dialect_name: str, table: Table, rows: Rows, on_conflict: OnConflict) -> Prepared:
    """Make rows ready for the driver. `rows` are records, all of one kind. Raises Unstorable."""
    fields: tuple[str, ...] = getattr(rows[0], "_fields")  # noqa: B009  # a NamedTuple has it
    if fields[-1] == "id" and not rows[0][-1]:  # the database gives an id that is 0
        fields, rows = fields[:-1], [row[:-1] for row in rows]
    plan = plan_of(dialect_name, table, fields, on_conflict)
    ready = list(zip(*_converted(table, plan, rows), strict=True))
    keys = [tuple([row[place] for place in plan.keys]) for row in ready]
    places = list(range(len(ready)))
    if plan.keys and on_conflict != "fail":
        last = dict(zip(keys, places, strict=True))
        first = dict(zip(reversed(keys), reversed(places), strict=True))
        places = list((last if on_conflict == "replace" else first).values())
    if plan.keys:
        places.sort(key=keys.__getitem__)
    return Prepared(plan.statement, [ready[i] for i in places], [keys[i] for i in places], places)


@cache
def plan_of(
    dialect_name: str, table: Table, fields: tuple[str, ...], on_conflict: OnConflict
) -> Plan:
    """The plan for rows with these fields. The database gives a key that is not among them."""
    dialect = _DIALECTS[dialect_name]
    columns = [table.c[name] for name in fields]
    keys = [column.name for column in table.primary_key if column.name in fields]
    returning = on_conflict == "ignore" and dialect_name == "postgresql"
    statement = " ".join(
        (
            f"INSERT INTO {_quoted(dialect, [table.name])} ({_quoted(dialect, fields)})",
            _source(dialect, columns),
            _conflict(dialect, table.name, fields=fields, keys=keys, on_conflict=on_conflict),
            f"RETURNING {_quoted(dialect, keys)}" if returning else "",
        )
    )
    converters = tuple(
        column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns
    )
    return Plan(statement, fields, tuple(fields.index(name) for name in keys), converters)


def _quoted(dialect: Dialect, names: Sequence[str]) -> str:
    return ", ".join(map(dialect.identifier_preparer.quote, names))


def _source(dialect: Dialect, columns: Sequence[Column[Any]]) -> str:
    if dialect.name == "sqlite":
        return f"VALUES ({', '.join('?' * len(columns))})"
    types = [column.type.compile(dialect).partition(" COLLATE")[0] for column in columns]
    arrays = ", ".join(f"${number}::{name}[]" for number, name in enumerate(types, start=1))
    return f"SELECT * FROM unnest({arrays})"


def _conflict(
    dialect: Dialect,
    name_of_table: str,
    *,
    keys: Sequence[str],
    fields: Sequence[str],
    on_conflict: OnConflict,
) -> str:
    if on_conflict == "fail":
        return ""
    if on_conflict == "ignore":
        return "ON CONFLICT DO NOTHING"
    others = [_quoted(dialect, [name]) for name in fields if name not in keys]
    own = f"{_quoted(dialect, [name_of_table])}." if on_conflict == "add" else ""
    before = {name: f"{own}{name} + " if own else "" for name in others}
    settings = ", ".join(f"{name} = {before[name]}excluded.{name}" for name in others)
    return f"ON CONFLICT ({_quoted(dialect, keys)}) DO UPDATE SET {settings}"


def _converted(table: Table, plan: Plan, rows: Rows) -> list[Sequence[Any]]:
    """The rows turned into columns, each as the driver takes it."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, (name, convert) in enumerate(zip(plan.fields, plan.converters, strict=True)):
        if convert is not None:
            columns[place] = [convert(value) for value in columns[place]]
        if table.c[name].type.python_type is str:
            _check(f"{table.name}.{name}", columns[place], in_key=place in plan.keys)
    return columns


def _check(place: str, values: Sequence[str | None], *, in_key: bool) -> None:
    """Refuse text that PostgreSQL cannot keep.

    SQLite could keep it. We refuse it there as well, so that both ledgers take the same messages.
    """
    whole = "".join(filter(None, values))
    if "\0" in whole or not _encodes(whole):
        row = next(
            i for i, text in enumerate(values) if text and ("\0" in text or not _encodes(text))
        )
        raise Unstorable(
            expected=f"text without a NUL and without half a character in {place}",
            found="one of them",
            row=row,
        )
    if in_key:
        sizes = [_size(text) if text else 0 for text in values]
        if (longest := max(sizes, default=0)) > KEY_BYTES_MOST:
            raise Unstorable(
                expected=f"at most {KEY_BYTES_MOST} bytes in {place}",
                found=f"{longest}",
                row=sizes.index(longest),
            )


def _size(text: str) -> int:
    """How many bytes a text has in UTF-8.

    A text of 100 characters or fewer cannot be too long, so its characters are counted instead.
    """
    return len(text) if len(text) * _UTF8_BYTES_MOST <= KEY_BYTES_MOST else len(text.encode())


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def no_key(text: str) -> str | None:
    """Why a text cannot be part of a key of the ledger, without showing it; None if it can."""
    if "\0" in text or not _encodes(text):
        return "a NUL or half a character"
    return f"{size} bytes" if (size := _size(text)) > KEY_BYTES_MOST else None


def mended(text: str | None) -> str | None:
    """The text, with U+FFFD in place of every character that a database cannot keep."""
    if text is None or ("\0" not in text and _encodes(text)):
        return text
    return "".join(
        letter if letter != "\0" and _encodes(letter) else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
