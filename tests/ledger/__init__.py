"""The ledger keeps its promises, on a SQLite file and on a real PostgreSQL, by the same tests.

What other tests need of it stands here: a ledger with its tables.
"""

import tempfile
from pathlib import Path

from chargeline.ledger.store import Ledger

_SQLITE = "sqlite:///"
_migrated = b""


async def with_tables(url: str) -> str:
    """Give an empty database all tables; returns its address.

    Into a file goes a copy of one that the migrations have made: they take 50 ms, for hundreds of
    tests.
    """
    if url.startswith(_SQLITE):
        Path(url.removeprefix(_SQLITE)).write_bytes(await _migrated_file())
    else:
        await _migrate(url)
    return url


async def _migrated_file() -> bytes:
    global _migrated
    if not _migrated:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "ledger.sqlite")
            await _migrate(f"{_SQLITE}{path}")
            _migrated = path.read_bytes()
    return _migrated


async def _migrate(url: str) -> None:
    ledger = await Ledger.open(url, accept_old=True)
    await ledger.migrate()
    await ledger.close()
