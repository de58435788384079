"""Both databases for the one-process mode, and processes that do not outlive their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ledger import conftest as ledger_fixtures

from . import Served

url = ledger_fixtures.url


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """A function that makes a service. The services of one test share a folder, and so a ledger."""
    services: list[Served] = []

    def make(url: str = "", **settings: str) -> Served:
        services.append(Served(tmp_path, url, **settings))
        return services[-1]

    yield make
    for service in services:
        service.end()
