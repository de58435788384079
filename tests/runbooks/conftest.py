"""A walk of a page under a Prometheus of its own, which ends with the test."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.prometheus import Prometheus
from tests.live.service import Service
from tests.serve import Served
from tests.serve.conftest import served
from tests.serve.test_watched import RULES, scraped

from . import Walk, Walking

__all__ = ["served"]  # a fixture


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walking]:
    """A function that begins the walk of a page, once each of the jobs has been scraped; `jobs` are
    their ports.
    """
    started: list[Prometheus] = []

    async def begin(
        page: str, service: Served | Service, jobs: dict[str, int] | None = None
    ) -> Walk:
        if jobs is None:
            assert isinstance(service, Served)
            jobs = {"serve": service.page_port}
        started.append(Prometheus(tmp_path, jobs, RULES))
        await asyncio.to_thread(started[-1].ready)
        for job in jobs:
            await scraped(started[-1], 1, job)
        return Walk(page, started[-1], service.log, service.environment)

    yield begin
    for prometheus in started:
        prometheus.end()
