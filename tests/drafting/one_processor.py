"""The bench of tests for which one processor with all partitions is enough.

Those of `test_processor.py` run each test twice, with one processor and with one for each
partition. This one runs it once.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargeline.ledger.store import Ledger
from tests.drafting.test_processor import Bench
from tests.ledger import with_tables


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A fresh SQLite ledger under one processor."""
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    claimed = Bench(ledger)
    await claimed.claim()
    yield claimed
    await ledger.close()
