# ruff: noqa: N818  # these are the words of those who run it: "fenced", not "fenced error"
"""What can go wrong with the ledger, and what a driver's error means in these words.

It owns the exceptions of this package and the tables from SQLSTATE and SQLite's error names to
them. It shows neither a password nor a patient: the driver's own error, which quotes keys and
values, is cut off.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chargeline.engine import Finding, FindingCode, FindingError


class LedgerError(FindingError):
    """Something about the ledger. `passing`: the same again may succeed later.

    Each kind has the code of its finding.
    """

    code: FindingCode = "ledger.unexpected"
    passing = False

    def __init__(self, *, expected: str, found: str, do: str) -> None:
        super().__init__(Finding(self.code, expected=expected, found=found, where="", do=do))


class BadAddress(LedgerError):
    """The address of the ledger is not one."""

    code = "ledger.bad_address"


class Unreachable(LedgerError):
    """Nothing answers at the address, or the connection went away: what was not committed is not
    there.
    """

    code = "ledger.unreachable"
    passing = True


class AccessRefused(LedgerError):
    """The database answers and lets us not in, or not write."""

    code = "ledger.access_refused"


class NotALedger(LedgerError):
    """The file is not a SQLite database."""

    code = "ledger.not_a_ledger"


class SchemaTooOld(LedgerError):
    """The tables are missing or of an older chargeline."""

    code = "ledger.schema_too_old"


class SchemaTooNew(LedgerError):
    """The tables are of a newer chargeline, which may keep them in ways that we do not know."""

    code = "ledger.schema_too_new"


class DiskFull(LedgerError):
    """The database has no room: nothing of the batch was kept."""

    code = "ledger.disk_full"
    passing = True


class Busy(LedgerError):
    """Another program held what we needed for too long."""

    code = "ledger.busy"
    passing = True


class Fenced(LedgerError):
    """Some `partitions` are another owner's, or were read on from elsewhere: give them up, commit
    nothing.
    """

    code = "ledger.fenced"

    def __init__(self, *, expected: str, found: str, do: str, partitions: frozenset[int]) -> None:
        super().__init__(expected=expected, found=found, do=do)
        self.partitions = partitions


class AlreadyThere(LedgerError):
    """A row that may be written once was written before."""

    code = "ledger.already_there"


class NotFound(LedgerError):
    """No row of that number in that state."""

    code = "ledger.not_found"


class Unstorable(LedgerError):
    """Row `row` of a call holds text that no database keeps; nothing was sent, the batch may go
    on.
    """

    code = "ledger.unstorable"

    def __init__(self, *, expected: str, found: str, row: int) -> None:
        super().__init__(
            expected=expected, found=found, do="park that message and go on without it"
        )
        self.row = row


class BatchFailed(LedgerError):
    """A step of the batch failed and the program went on: it cannot be committed."""

    code = "ledger.batch_failed"


class Unexpected(LedgerError):
    """The database refused, for a reason not known here."""

    code = "ledger.unexpected"


# SQLSTATE, or the class that its first two characters make:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL: dict[str, type[LedgerError]] = {
    "28": AccessRefused,
    "42501": AccessRefused,  # insufficient privilege
    "25006": AccessRefused,  # read-only transaction: a replica
    "08": Unreachable,
    "3D000": Unreachable,  # no such database
    "53300": Unreachable,  # too many connections
    "57P01": Unreachable,  # shut down
    "57P02": Unreachable,  # crashed
    "57P03": Unreachable,  # starting
    "57P05": Unreachable,  # idle for too long
    "25P03": Unreachable,  # idle in a transaction for too long
    "53100": DiskFull,
    "40001": Busy,
    "40P01": Busy,  # deadlock
    "55P03": Busy,
    "57014": Busy,  # cancelled, by a time limit or a person
    "23505": AlreadyThere,
}
# The beginnings of SQLite's extended names.
_SQLITE: dict[str, type[LedgerError]] = {
    "SQLITE_CANTOPEN": Unreachable,
    "SQLITE_PERM": AccessRefused,
    "SQLITE_READONLY": AccessRefused,
    "SQLITE_NOTADB": NotALedger,
    "SQLITE_FULL": DiskFull,
    "SQLITE_BUSY": Busy,
    "SQLITE_LOCKED": Busy,
    "SQLITE_CONSTRAINT_PRIMARYKEY": AlreadyThere,
    "SQLITE_CONSTRAINT_UNIQUE": AlreadyThere,
}
_SAID: dict[type[LedgerError], tuple[str, str]] = {
    Unreachable: (
        "a database that answers at {address}",
        "check the address, that the server runs or the folder exists, and what stands between",
    ),
    AccessRefused: (
        "to be let in and to write at {address}",
        "check the user, the password and the rights; the password is not shown here",
    ),
    NotALedger: ("a SQLite database at {address}", "name another file, or move this one away"),
    DiskFull: (
        "room for the batch at {address}",
        "make room, or forget old visits; nothing was lost, the batch is read again",
    ),
    Busy: (
        "the ledger at {address} to be free",
        "try again; if it stays so, look for a program that hangs",
    ),
    AlreadyThere: (
        "a row that is not there yet, at {address}",
        "look for two programs that write the same visit; roll back and read it again",
    ),
    Unexpected: ("{address} to do as asked", "look into the log of the database at this time"),
}
DRIVER_ERRORS = (
    DBAPIError,
    PoolTimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that died between two messages of its protocol
    sqlite3.Error,
    OSError,
)


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Turn a driver's error into a LedgerError that names the address, without the driver's own
    words.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        raise explain(error, address) from None


def explain(error: BaseException, address: str) -> LedgerError:
    """The LedgerError that an error of a driver amounts to."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    kind, found = _kind_of(original)
    if kind is Unexpected and lost:
        kind, found = Unreachable, "a connection that was closed"
    expected, do = _SAID[kind]
    return kind(expected=expected.format(address=address), found=found, do=do)


def _kind_of(error: BaseException) -> tuple[type[LedgerError], str]:
    name = getattr(error, "sqlite_errorname", None)
    if name is not None:
        known = [kind for beginning, kind in _SQLITE.items() if name.startswith(beginning)]
        return (
            known[0] if known else Unexpected
        ), f"{name} ({error})"  # names at most, never values
    state = getattr(error, "sqlstate", None)
    if state is not None:
        kind = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2]) or Unexpected
        return kind, f"SQLSTATE {state} ({_said_by_postgresql(error, state)})"
    if isinstance(error, PoolTimeoutError):
        return Busy, "every connection in use"
    if isinstance(error, asyncpg.InternalClientError):
        return Unreachable, "a connection that broke off"
    if isinstance(error, asyncpg.InterfaceError) and "closed" in str(error):
        return Unreachable, "a connection that was closed"
    if isinstance(error, OSError):  # a TimeoutError is one
        return Unreachable, _cause_of(error)
    cause = error.__cause__  # SQLAlchemy's own wrapper around asyncpg's
    if isinstance(cause, DRIVER_ERRORS) and not isinstance(cause, DBAPIError):
        return _kind_of(cause)
    return Unexpected, _cause_of(error)


def _said_by_postgresql(error: BaseException, state: str) -> str:
    """The first line of what the server says; of bad data (class 22) it quotes the data, so only
    its name.
    """
    inner = error if isinstance(error, asyncpg.PostgresError) else error.__cause__
    if isinstance(inner, asyncpg.PostgresError) and not state.startswith("22"):
        return str(inner.args[0]).partition("\n")[0]
    return _cause_of(error)


def _cause_of(error: BaseException) -> str:
    """The kind of an error, never its text."""
    inner = error.__cause__ if type(error).__module__.startswith("sqlalchemy") else None
    text = (getattr(error, "strerror", None) or "") if isinstance(error, OSError) else ""
    return f"{type(inner or error).__name__}{f': {text}' if text else ''}"
