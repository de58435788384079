"""The two empty databases on which every test of the ledger runs, and a ledger in each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargeline.ledger import Ledger
from tests.ledger import with_tables


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    address: str = request.getfixturevalue("database")
    return address


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(await with_tables(url))
    yield opened
    await opened.close()
