"""Both databases for the one-process mode, and processes that do not outlive their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ledger import conftest as ledger_fixtures

from . import Served

postgres = ledger_fixtures.postgres
database = ledger_fixtures.database
leave_servers_running = ledger_fixtures.leave_servers_running
pytest_runtest_setup = ledger_fixtures.pytest_runtest_setup
pytest_runtest_call = ledger_fixtures.pytest_runtest_call
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
