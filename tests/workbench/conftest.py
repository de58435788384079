"""A workbench over a fresh SQLite ledger, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargeline.ledger.store import Ledger
from tests.ledger import with_tables

from .asking import Standing, standing_over


@pytest.fixture
async def standing(tmp_path: Path) -> AsyncIterator[Standing]:
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    yield await standing_over(ledger, tmp_path)
    await ledger.close()
