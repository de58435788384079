"""What all tests stand on: real servers, started once for a run, and how tests are spread over
workers.

A test that uses the fixtures `kafka`, `postgres` or `database` shares the servers with the tests
beside it. One that stops, kills or freezes a server says so, `@pytest.mark.hurts("kafka")`, and
gets one that is its worker's own; one worker runs all tests that hurt Kafka, so there are two of it
at most. A test that cannot get its server fails with the reason. A test that would have to hurt a
server that the environment names is skipped, and the summary of the run says so.
"""

import gc
import os
import re
import uuid
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from .live.keeper import Keeper, Servers, borrowed, tell_groups
from .live.servers import (
    Kafka,
    LocalServer,
    Postgres,
    ServerError,
    UnsupportedError,
    kafka_server,
    memory_folder,
    postgres_server,
)

OWN = {"kafka": partial(kafka_server, quick=True), "postgres": partial(postgres_server, quick=True)}
# Nobody kills this Kafka, so its session need not be short, and it outlasts a machine that is busy
# elsewhere.
LENT = OWN | {
    "kafka": partial(kafka_server, quick=True, settings={"broker.session.timeout.ms": "60000"})
}
TAKE_LONG = {
    "live",
    "serve",
}  # folders: started last, one of their tests would be waited for at the end
KEEPER = pytest.StashKey[Keeper]()

# No test says how fast something is: on a busy machine any example may take any time.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")
# A traceback in colours takes 20 ms to print, and thousands are logged by tests that let things
# fail.
structlog.get_config()["processors"][-1].exception_formatter = structlog.dev.plain_traceback


# ------------------------------------------------------------------ a run and its workers


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory, where the machine has enough: the tests write thousands of
    ledgers.
    """
    if memory := memory_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker who keeps the servers: the process that starts the workers, which is this
    one.
    """
    if KEEPER not in node.config.stash:
        node.config.stash[KEEPER] = Keeper(Servers(LENT))
        node.config.add_cleanup(node.config.stash[KEEPER].close)
    node.workerinput["keeper"] = node.config.stash[KEEPER].address


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker the next test when it is done with one, and the tests of a group to the same
    worker.

    xdist does so with `--dist loadgroup`, but not with this pytest: the group that it writes into a
    test's id is not there when it looks for it (pytest-xdist, issue 1386), and nothing fails. What
    else somebody asks for with `--dist` is left to xdist.
    """
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            keeper = config.stash.get(KEEPER, None)
            return keeper.groups.get(nodeid, nodeid) if keeper else nodeid

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            super().mark_test_complete(node, item_index, duration)
            scope = self._split_scope(self.registered_collections[node][item_index])
            if all(
                self.assigned_work[node][scope].values()
            ):  # else each test makes it look at all before
                del self.assigned_work[node][scope]

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what uses a server; workers begin with what takes long, and tell the groups of tests."""
    for item in items:
        if OWN.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.live)
    if keeper := keeper_of(config):
        items.sort(key=lambda item: item.path.parent.name not in TAKE_LONG)
        tell_groups(keeper, {item.nodeid: min(hurt) for item in items if (hurt := hurts(item))})


def pytest_collection_finish() -> None:
    """Have Python look for garbage in what tests make only: each look at all tests takes 0.1 s."""
    gc.collect()
    gc.freeze()


def keeper_of(config: pytest.Config) -> str:
    """Where a worker asks for servers; "" in a process that has no workers beside it."""
    return str(getattr(config, "workerinput", {}).get("keeper", ""))


def hurts(item: pytest.Item) -> set[str]:
    """The servers that a test stops, kills or freezes."""
    return {name for mark in item.iter_markers("hurts") for name in mark.args}


# ------------------------------------------------------------------ the servers


@pytest.fixture(scope="session")
def own_servers() -> Iterator[Servers]:
    """Servers of this process's own."""
    servers = Servers(OWN)
    yield servers
    servers.close()


def server_of(request: pytest.FixtureRequest, name: str) -> Iterator[Any]:
    """The server for one test: one that all use, or one that may be hurt, which is healed after the
    test.
    """
    own: Servers = request.getfixturevalue("own_servers")
    keeper, hurt = keeper_of(request.config), name in hurts(request.node)
    try:
        server = borrowed(keeper, name) if keeper and not hurt else own.started(name)
    except ServerError as error:
        pytest.fail(str(error), pytrace=False)
    yield server.lent() if isinstance(server, LocalServer) and not hurt else server
    if isinstance(server, LocalServer) and hurt:
        server.heal()


@pytest.fixture
def kafka(request: pytest.FixtureRequest) -> Iterator[Kafka]:
    yield from server_of(request, "kafka")


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    yield from server_of(request, "postgres")


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The address of an empty database, gone after the test."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    yield postgres.create_database(name)
    postgres.heal()
    postgres.drop_database(name)


@pytest.fixture
def topics(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Turns `drafts` into a name for topics and groups that only this test uses; it creates
    nothing.
    """
    test = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:80].strip("-")
    prefix = f"{test}-{uuid.uuid4().hex[:8]}"
    return lambda name: f"{prefix}-{name}"


# ------------------------------------------------------------------ servers that the environment
# names


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
