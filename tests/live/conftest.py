"""Fixtures that hand out the real servers: one of each kind for the session, healed after every test.

A test that cannot get its server fails with the reason. A test that would have to stop or hurt a server
that the environment names is skipped, and the summary of the run says so.
"""

import re
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import pytest

from .servers import (
    ExternalKafka,
    ExternalPostgres,
    KafkaServer,
    PostgresServer,
    ServerError,
    UnsupportedError,
    kafka_server,
    postgres_server,
)

Kafka = KafkaServer | ExternalKafka
Postgres = PostgresServer | ExternalPostgres
SERVERS = {"kafka", "postgres"}


Server = TypeVar("Server", Kafka, Postgres)


def served(make: Callable[[], Server]) -> Iterator[Server]:
    """Start a server for the session and end it afterwards; without one the test fails and says why."""
    server, reason = None, ""
    try:
        server = make()
        server.start()
    except ServerError as error:
        reason = str(error)
    if server is None or reason:
        if server is not None:
            server.close()
        pytest.fail(reason, pytrace=False)
    yield server
    server.close()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    yield from served(kafka_server)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    yield from served(postgres_server)


@pytest.fixture(autouse=True)
def leave_servers_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to a server, the next one finds it running."""
    used = [request.getfixturevalue(name) for name in sorted(SERVERS.intersection(request.fixturenames))]
    yield
    for server in used:
        server.heal()


@pytest.fixture
def database(postgres: Postgres, leave_servers_running: None) -> Iterator[str]:
    """The address of an empty database, gone after the test."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    yield postgres.create_database(name)
    postgres.heal()
    postgres.drop_database(name)


@pytest.fixture
def topics(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Turns `drafts` into a name for topics and groups that only this test uses; it creates nothing."""
    test = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:80].strip("-")
    prefix = f"{test}-{uuid.uuid4().hex[:8]}"
    return lambda name: f"{prefix}-{name}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the marker `live` to the tests that use a server."""
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.live)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from loud_skip(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from loud_skip(item))


def loud_skip(item: pytest.Item) -> Generator[None, object, object]:
    """Turn what an external server cannot do into a skip, with a warning, which even -q shows."""
    try:
        return (yield)
    except UnsupportedError as reason:
        item.warn(pytest.PytestWarning(f"skipped: {reason}"))
        pytest.skip(str(reason))
