"""The types of the ledger's columns: times, names and numbers, the same on SQLite and PostgreSQL.

This module owns how a time with its zone is written in a database that has no such type, and the
order of names, which is the order of their bytes on both. It knows no table. The migrations use
these types too, so a type must never change its meaning: ledgers in the field were made with it.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine


# A time of a row is written twice at least, under its seal and into its column.
@lru_cache(maxsize=4_096)
def stamp(value: datetime) -> str:
    """An aware time as text that sorts by time: 2026-03-02T08:00:00.000000+00:00."""
    assert value.tzinfo is not None, "a time without its zone"
    return value.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(TypeDecorator[datetime]):
    """An aware time to the microsecond, read back in UTC.

    The column is `timestamptz` on PostgreSQL and text on SQLite.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, which has no type for times."""
        return dialect.type_descriptor(
            Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        )

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a time without its zone: asyncpg would take it as local time."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a time without its zone"
        return stamp(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read the text of SQLite back. PostgreSQL gives an aware time in UTC by itself."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class SentText(TypeDecorator[datetime]):
    """An aware time as text, or "" for no time: a primary key cannot hold NULL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column sorts by bytes, as Name does."""
        return dialect.type_descriptor(Name().dialect_impl(dialect))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str:
        """Write the time. No time is "", which sorts before every time."""
        return "" if value is None else stamp(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read the time back, None from ""."""
        return datetime.fromisoformat(value) if value else None


def Name() -> TypeEngine[str]:  # noqa: N802  # it stands where a type stands
    """Text of a key. The database compares it by its bytes, whatever its locale is."""
    return Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def Number() -> TypeEngine[int]:  # noqa: N802  # it stands where a type stands
    """A number that the database gives. SQLite counts up only in a column of type INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")
