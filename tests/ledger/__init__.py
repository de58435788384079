"""The ledger keeps its promises: the same tests run on a SQLite file and on a real PostgreSQL.

This module owns what other tests need of a ledger: an empty one that has its tables.
"""

import tempfile
from pathlib import Path

from chargeline.ledger.store import Ledger

_SQLITE = "sqlite:///"
_migrated = b""


async def with_tables(url: str) -> str:
    """Give an empty database all tables; returns its address.

    A SQLite file is a copy of a file that the migrations made once. Run for each of hundreds of
    tests, the migrations would take 50 ms each.
    """
    if url.startswith(_SQLITE):
        file = Path(url.removeprefix(_SQLITE))
        file.touch(0o600)
        file.write_bytes(await _migrated_file())
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
