"""What all tests stand on: real servers, started once for a run, and tests spread over workers.

A test that uses the fixtures `kafka`, `postgres` or `database` shares the server with the tests
that run at the same time. A test that stops, kills or freezes a server is marked so, for example
`@pytest.mark.hurts("kafka")`, and gets a server that belongs to its worker alone. One worker runs
all tests that hurt Kafka, so a run starts at most two Kafkas. A test that cannot get its server
fails with the reason. A test that would have to hurt a server named by the environment is skipped,
and the summary of the run says so.
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
# Nobody kills the shared Kafka, so its session need not be short. With 60 s the session also
# survives a machine that is busy elsewhere.
LENT = OWN | {
    "kafka": partial(kafka_server, quick=True, settings={"broker.session.timeout.ms": "60000"})
}
# Folders whose tests run first. Started last, one slow test would keep the whole run waiting.
TAKE_LONG = {"live", "serve"}
KEEPER = pytest.StashKey[Keeper]()

# No test claims that something is fast: on a busy machine any example may take any time.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")
# A traceback in colours takes 20 ms to print, and tests that let things fail log thousands.
structlog.get_config()["processors"][-1].exception_formatter = structlog.dev.plain_traceback


# ------------------------------------------------------------------ a run and its workers


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory if there is room: the tests write thousands of ledgers."""
    if memory := memory_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where to borrow servers: this process starts the workers and keeps the servers.

    The first worker makes the keeper; pytest closes the keeper at the end of the run.
    """
    if KEEPER not in node.config.stash:
        node.config.stash[KEEPER] = Keeper(Servers(LENT))
        node.config.add_cleanup(node.config.stash[KEEPER].close)
    node.workerinput["keeper"] = node.config.stash[KEEPER].address


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker its next test when it has finished one; give a group's tests to one worker.

    xdist promises the same with `--dist loadgroup`, but with this pytest the promise fails without
    an error: xdist writes the group into a test's id and later does not find it there
    (pytest-xdist, issue 1386). Any other value of `--dist` is left to xdist.
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
            # Without the deletion xdist looks at all finished tests again after each test.
            if all(self.assigned_work[node][scope].values()):
                del self.assigned_work[node][scope]

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test that uses a server as live. A worker also sorts slow tests to the front.

    A worker tells the keeper the group of each test: two tests that hurt Kafka are one group, and
    so are those that stand on the same slow fixture (`together`).
    """
    for item in items:
        if OWN.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.live)
    if keeper := keeper_of(config):
        items.sort(key=lambda item: item.path.parent.name not in TAKE_LONG)
        tell_groups(keeper, {item.nodeid: group for item in items if (group := group_of(item))})


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection: each pass over them takes 0.1 s."""
    gc.collect()
    gc.freeze()


def keeper_of(config: pytest.Config) -> str:
    """The address where a worker borrows servers; "" in a run without workers."""
    return str(getattr(config, "workerinput", {}).get("keeper", ""))


def group_of(item: pytest.Item) -> str:
    """The group whose tests one worker runs; "" for a test that any worker may run."""
    shared = [mark.args[0] for mark in item.iter_markers("together")]
    return min([*hurts(item), *shared], default="")


def hurts(item: pytest.Item) -> set[str]:
    """The servers that a test stops, kills or freezes."""
    return {name for mark in item.iter_markers("hurts") for name in mark.args}


# ------------------------------------------------------------------ the servers


@pytest.fixture(scope="session")
def own_servers() -> Iterator[Servers]:
    """The servers that belong to this process alone."""
    servers = Servers(OWN)
    yield servers
    servers.close()


def server_of(request: pytest.FixtureRequest, name: str) -> Iterator[Any]:
    """The server for one test: the shared one, or one that the test may hurt.

    A server that the test may hurt is healed after the test.
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
    """The address of an empty database, which is dropped after the test."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    yield postgres.create_database(name)
    postgres.heal()
    postgres.drop_database(name)


@pytest.fixture
def topics(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A function that turns `drafts` into a topic or group name that only this test uses.

    The function creates no topic.
    """
    test = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:80].strip("-")
    prefix = f"{test}-{uuid.uuid4().hex[:8]}"
    return lambda name: f"{prefix}-{name}"


# ------------------------------------------------------------------ servers of somebody else


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from loud_skip(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from loud_skip(item))


def loud_skip(item: pytest.Item) -> Generator[None, object, object]:
    """Skip a test that its external server does not allow, with a warning that even -q shows."""
    try:
        return (yield)
    except UnsupportedError as reason:
        item.warn(pytest.PytestWarning(f"skipped: {reason}"))
        pytest.skip(str(reason))
