"""`make bench`, the part of the ledger: what seals and encryption cost, beside what they stand in.

This module owns the comparison. It stores the same messages in SQLite files in memory with seals
and tallies, without both, and encrypted, in turns of one run, and holds the difference against the
whole way of a message: read, folded, drafted and stored. CPU time of this process is measured, all
threads of it; the best of some rounds counts, because other work on the machine can only slow one
down.
"""

import asyncio
import base64
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

from chargeline.hl7.reader import read_message
from chargeline.ledger import Ledger, StoredMessage
from chargeline.ledger import batch as batch_module
from chargeline.ledger.encrypting import read_keys
from tests.ledger import with_tables
from tests.live.servers import memory_folder

AT_ONCE, ROUNDS = 500, 7
WANTED_SHARE = 0.05
KEY = base64.b64encode(b"zebra key, thirty-two bytes long").decode()


def print_storing(feed: Sequence[tuple[str, bytes]], way_seconds: float) -> None:
    """Print the three costs of a message; `way_seconds` is its way from bytes to updated draft."""
    rows = [_row(number, data) for number, (_style, data) in enumerate(feed[: 2 * AT_ONCE])]
    best = asyncio.run(_best(rows))
    bare, sealed, encrypted = (best[name] for name in ("bare", "sealed", "encrypted"))
    whole = way_seconds + sealed
    print(f"\nstoring a message in SQLite, {AT_ONCE} a transaction, microseconds of CPU")
    print(f"  without seals and tallies{bare * 1e6:>17,.0f}")
    print(f"  with seals and tallies{sealed * 1e6:>20,.0f}   {sealed / bare:,.2f} of that")
    print(f"  sealed and encrypted{encrypted * 1e6:>22,.0f}   {encrypted / bare:,.2f} of that")
    print("\nshare of the way from bytes to updated draft in the ledger")
    for name, more in (("seals and tallies", sealed - bare), ("encryption", encrypted - sealed)):
        print(f"  {name:<38}{more / whole:>8,.1%}   wanted at most {WANTED_SHARE:.0%}")


async def _best(rows: Sequence[StoredMessage]) -> dict[str, float]:
    """The best seconds a message of each way of storing."""
    best: dict[str, float] = {}
    for _round in range(ROUNDS):
        for name in ("bare", "sealed", "encrypted"):
            seconds = await _stored(rows, name)
            best[name] = min(seconds, best.get(name, seconds))
    return best


async def _stored(rows: Sequence[StoredMessage], name: str) -> float:
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        url = await with_tables(f"sqlite:///{folder}/ledger.sqlite")
        ledger = await Ledger.open(url, keys=read_keys(KEY) if name == "encrypted" else ())
        async with ledger.batch() as batch:
            await batch.add_messages([_row(-1, b"the first makes statements and keys")])
        with _without_seals() if name == "bare" else _as_it_is():
            began = time.process_time()
            for first in range(0, len(rows), AT_ONCE):
                async with ledger.batch() as batch:
                    await batch.add_messages(rows[first : first + AT_ONCE])
            seconds = time.process_time() - began
        await ledger.close()
    return seconds / len(rows)


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _without_seals() -> Iterator[None]:
    """Messages get no seal, and their partitions no tally."""
    same: Callable[[StoredMessage], StoredMessage] = lambda message: message  # noqa: E731
    with (
        patch.object(batch_module, "sealed_message", same),
        patch.object(batch_module, "tallies", lambda _about, _rows: []),
    ):
        yield


def _row(number: int, data: bytes) -> StoredMessage:
    now = datetime.now(UTC)
    return StoredMessage(
        facility="ZEBRA",
        visit=f"V{number % 50}",
        digest=read_message(data).body_digest.hex() if number >= 0 else "first",
        control_id=f"C{number}",
        sent=now,
        type="RAS^O17",
        topic="hl7.inbound",
        partition=0,
        offset=number,
        received_at=now,
        raw=data,
    )
