"""The types of the ledger's columns: times, names and numbers, alike on SQLite and PostgreSQL.

It owns how an aware time is written where the database has no such type, and the order of names,
which is that of their bytes everywhere. The migrations share it: a type here must not change its
meaning.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine


def stamp(value: datetime) -> str:
    """An aware time as text whose order is that of time: 2026-03-02T08:00:00.000000+00:00."""
    assert value.tzinfo is not None, "a time without its zone"
    return value.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(TypeDecorator[datetime]):
    """An aware time to the microsecond; back in UTC. `timestamptz`, or text on SQLite."""

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
        """Read the text back; PostgreSQL gives aware times in UTC."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class SentText(TypeDecorator[datetime]):
    """An aware time or none, as text, "" for none: it can be part of a primary key."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Ordered by bytes, as Name is."""
        return dialect.type_descriptor(Name().dialect_impl(dialect))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str:
        """Write it; none sorts before every time."""
        return "" if value is None else stamp(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read it back."""
        return datetime.fromisoformat(value) if value else None


def Name() -> TypeEngine[str]:  # noqa: N802  # it stands where a type stands
    """Text of a key: compared by its bytes, whatever the locale of the database."""
    return Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def Number() -> TypeEngine[int]:  # noqa: N802  # it stands where a type stands
    """A number that the database gives; SQLite counts only in columns called INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")
