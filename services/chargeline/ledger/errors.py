# ruff: noqa: N818  # an operations team says "the batch was fenced", not "a fenced error"
"""What can go wrong with the ledger, and which of these errors an error of a driver means.

This module owns the exceptions of the package, and the tables that lead from a SQLSTATE of
PostgreSQL or an error name of SQLite to one of them. It does not know what the program was doing.
No error shows a password or a patient: the driver's own error, which quotes keys and values, is cut
off from ours.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from typing import NamedTuple

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chargeline.engine import Finding, FindingCode, FindingError


class LedgerError(FindingError):
    """Something is wrong with the ledger. Each kind has the code of its finding.

    `passing` says that the same call may succeed later without anybody's help.
    """

    code: FindingCode = "ledger.unexpected"
    passing = False

    def __init__(self, *, expected: str, found: str, do: str, where: str = "") -> None:
        super().__init__(Finding(self.code, expected=expected, found=found, where=where, do=do))


class BadAddress(LedgerError):
    """The address of the ledger cannot be understood."""

    code = "ledger.bad_address"


class Unreachable(LedgerError):
    """Nothing answers at the address, or the connection broke and took its transaction along."""

    code = "ledger.unreachable"
    passing = True


class AccessRefused(LedgerError):
    """The database answers, but does not let us in or does not let us write."""

    code = "ledger.access_refused"


class NotALedger(LedgerError):
    """The file is not a SQLite database."""

    code = "ledger.not_a_ledger"


class SchemaTooOld(LedgerError):
    """There are no tables, or an older chargeline made them."""

    code = "ledger.schema_too_old"


class SchemaTooNew(LedgerError):
    """A newer chargeline made the tables, and may use them in ways that this one does not know."""

    code = "ledger.schema_too_new"


class DiskFull(LedgerError):
    """The database has no room left; nothing of the batch was stored."""

    code = "ledger.disk_full"
    passing = True


class Busy(LedgerError):
    """Another program held a lock that we needed for too long."""

    code = "ledger.busy"
    passing = True


class Fenced(LedgerError):
    """Another program owns some `partitions`, or has read further in them.

    Nothing was committed. Give those partitions up.
    """

    code = "ledger.fenced"

    def __init__(self, *, expected: str, found: str, do: str, partitions: frozenset[int]) -> None:
        super().__init__(expected=expected, found=found, do=do)
        self.partitions = partitions


class AlreadyThere(LedgerError):
    """A row that may be written only once was written before."""

    code = "ledger.already_there"


class NotFound(LedgerError):
    """No parked message has that number and that status."""

    code = "ledger.not_found"


class OnHold(LedgerError):
    """Something that is to be removed is under a legal hold."""

    code = "ledger.on_hold"


class KeyMissing(LedgerError):
    """Rows are encrypted, and we were given no key."""

    code = "ledger.key_missing"


class KeyWrong(LedgerError):
    """A data key is wrapped by a key that we were not given, or is not there."""

    code = "ledger.key_wrong"


class KeyUnusable(LedgerError):
    """What the key file or the key command gives is no key."""

    code = "ledger.key_unusable"


class KeyGone(LedgerError):
    """The data key that we encrypt with is in the ledger no more; the next batch has another."""

    code = "ledger.key_gone"
    passing = True


class NotAsWritten(LedgerError):
    """Bytes do not open with their key: somebody changed them, or they are another row's."""

    code = "ledger.not_as_written"


class RowPlace(NamedTuple):
    """Which row of which table, by what shows no patient, and where its message lay in Kafka.

    An event that waits has a topic only, and what chargeline itself wrote of a visit has none.
    """

    table: str
    row: str
    topic: str = ""
    partition: int | None = None
    offset: int | None = None

    def __str__(self) -> str:
        if self.partition is None:
            return f"{self.table} {self.row}{f', for {self.topic}' if self.topic else ''}"
        return f"{self.table} {self.row}, from {self.topic}[{self.partition}] offset {self.offset}"


class UnreadableRow(NotAsWritten):
    """One row cannot be opened or read, and that is its own fault: all other rows are read.

    `place` names the row, its topic, its partition and its offset as far as it has them, and shows
    no patient. `visit` is the facility and the visit of the row, which are in the clear. `found`
    says what is wrong.
    """

    def __init__(
        self, *, place: RowPlace, visit: tuple[str | None, str | None], found: str
    ) -> None:
        super().__init__(
            expected=f"a row of {place.table} as it was written",
            found=found,
            where=str(place),
            do="restore the row from a backup; `chargeline ledger verify` says what else was "
            "changed, and find out who changed the database",
        )
        self.place, self.visit = place, visit


class Unstorable(LedgerError):
    """Row `row` of a call holds text that a database cannot keep.

    Nothing was sent to the database, so the batch may go on.
    """

    code = "ledger.unstorable"

    def __init__(self, *, expected: str, found: str, row: int) -> None:
        super().__init__(
            expected=expected, found=found, do="park that message and go on without it"
        )
        self.row = row


class BatchFailed(LedgerError):
    """A step of the batch failed and the program went on; the batch cannot be committed."""

    code = "ledger.batch_failed"


class Unexpected(LedgerError):
    """The database refused for a reason that this module does not know."""

    code = "ledger.unexpected"


# SQLSTATE, or the class that its first two characters make:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL: dict[str, type[LedgerError]] = {
    "28": AccessRefused,
    "42501": AccessRefused,  # insufficient privilege
    "25006": AccessRefused,  # a read-only transaction: the address is that of a replica
    "08": Unreachable,
    "3D000": Unreachable,  # no such database
    "53300": Unreachable,  # too many connections
    "57P01": Unreachable,  # the server shuts down
    "57P02": Unreachable,  # the server crashed
    "57P03": Unreachable,  # the server is starting
    "57P05": Unreachable,  # our session was idle for too long
    "25P03": Unreachable,  # our session was idle in a transaction for too long
    "53100": DiskFull,
    "40001": Busy,
    "40P01": Busy,  # deadlock
    "55P03": Busy,  # a lock is not available
    "57014": Busy,  # cancelled, by a time limit or a person
    "23505": AlreadyThere,  # unique violation
}
# Beginnings of SQLite's extended error names: SQLITE_BUSY is also SQLITE_BUSY_SNAPSHOT.
_SQLITE: dict[str, type[LedgerError]] = {
    "SQLITE_CANTOPEN": Unreachable,
    "SQLITE_PERM": AccessRefused,
    "SQLITE_READONLY": AccessRefused,
    "SQLITE_NOTADB": NotALedger,
    "SQLITE_FULL": DiskFull,
    "SQLITE_IOERR_SHMSIZE": DiskFull,  # no room for the file -shm, when a ledger is opened
    "SQLITE_BUSY": Busy,
    "SQLITE_LOCKED": Busy,
    "SQLITE_CONSTRAINT_PRIMARYKEY": AlreadyThere,
    "SQLITE_CONSTRAINT_UNIQUE": AlreadyThere,
}
_SAID: dict[type[LedgerError], tuple[str, str]] = {
    Unreachable: (
        "a database that answers at {address}",
        "check the address; check that the server runs or that the folder exists, and that the "
        "network between lets us through",
    ),
    AccessRefused: (
        "to be let in and to write at {address}",
        "check the user, its password and its rights; the password is not shown here",
    ),
    NotALedger: ("a SQLite database at {address}", "name another file, or move this one away"),
    DiskFull: (
        "room for the transaction at {address}",
        "make room, or keep visits for fewer days; nothing was lost, and nothing of it was stored",
    ),
    Busy: (
        "the ledger at {address} to be free",
        "try again; if it stays busy, look for a program that hangs",
    ),
    AlreadyThere: (
        "a row that is not there yet, at {address}",
        "look for two programs that write the same visit; roll back and read the visit again",
    ),
    Unexpected: (
        "{address} to do as asked",
        "look into the log of the database, or of the system if it is a file, at the time of this "
        "error",
    ),
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
    """Turn a driver's error into a LedgerError, which names the address."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise explain(error, address) from None


def explain(error: BaseException, address: str) -> LedgerError:
    """The LedgerError that an error of a driver means."""
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
        kinds = [kind for beginning, kind in _SQLITE.items() if name.startswith(beginning)]
        # SQLite's own words name tables and columns at most, never values.
        return kinds[0] if kinds else Unexpected, f"{name} ({error})"
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
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
        return DiskFull, _cause_of(error)
    if isinstance(error, OSError):  # TimeoutError among them
        return Unreachable, _cause_of(error)
    cause = error.__cause__  # SQLAlchemy wraps the error of asyncpg in one of its own
    if isinstance(cause, DRIVER_ERRORS) and not isinstance(cause, DBAPIError):
        return _kind_of(cause)
    return Unexpected, _cause_of(error)


def _said_by_postgresql(error: BaseException, state: str) -> str:
    """The first line of the server's message.

    For bad data (class 22) the server quotes the data, so we give the name of the error only.
    """
    inner = error if isinstance(error, asyncpg.PostgresError) else error.__cause__
    if isinstance(inner, asyncpg.PostgresError) and not state.startswith("22"):
        return str(inner.args[0]).partition("\n")[0]
    return _cause_of(error)


def _cause_of(error: BaseException) -> str:
    """The kind of an error. Its text is left out, except that of the operating system.

    "ConnectionRefusedError: Connection refused" quotes no data.
    """
    inner = error.__cause__ if type(error).__module__.startswith("sqlalchemy") else None
    text = (getattr(error, "strerror", None) or "") if isinstance(error, OSError) else ""
    return f"{type(inner or error).__name__}{f': {text}' if text else ''}"
