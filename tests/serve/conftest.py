"""Both databases for the one-process mode, and processes that do not outlive their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ledger import conftest as ledger_fixtures

from . import Served

url = ledger_fixtures.url


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Makes a service; several of one test share a folder, and so a ledger."""
    made: list[Served] = []

    def make(url: str = "", **settings: str) -> Served:
        made.append(Served(tmp_path, url, **settings))
        return made[-1]

    yield make
    for each in made:
        each.end()
