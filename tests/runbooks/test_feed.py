"""Walks of the pages on Kafka: messages wait, the backlog grows, drafts are not announced, and a
transaction is left open.

No patient is real.
"""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from chargeline.ledger.relay import RELAY_LOCK
from chargeline.telemetry.alerts.recorded import LAG
from tests.drafting.test_processor import by_code
from tests.golden.messages import message
from tests.live.records import Record, abandon_transaction, as_kafka_ships, key_of
from tests.live.servers import java, kafka_classes
from tests.live.service import Program, Service, service
from tests.serve.test_keys import dose

from . import Walk, Walking

__all__ = ["service"]  # a fixture

pytestmark = pytest.mark.live


@asynccontextmanager
async def session(service: Service, statement: str, *values: object) -> AsyncIterator[None]:
    """A session of somebody else, which has run a statement in a transaction and stands still."""
    connection = await asyncpg.connect(service.database)
    try:
        async with connection.transaction():
            await connection.execute(statement, *values)
            yield
    finally:
        await connection.close()


async def watched(service: Service, walk: Walking, page: str) -> tuple[Program, Walk]:
    """A running capture, and the walk of a page on it."""
    await service.prepare()
    capture = service.start()
    await service.ready(capture)
    return capture, await walk(page, service, {"capture": capture.port})


async def test_feed_not_drafted_and_lag_grows(service: Service, walk: Walking) -> None:
    """Somebody holds the rows of the partitions in PostgreSQL: nothing is worked off, and when that
    session ends, all of it is.
    """
    _capture, waits = await watched(service, walk, "feed-not-drafted")
    await as_kafka_ships(service.kafka.bootstrap, service.inbound)
    grows = waits.beside("lag-grows")
    before = int((time.time() - 600) * 1000)
    moves = [message("ADT^A08", visit=f"V{number}") for number in range(1_400)]
    records = [Record(data, key_of(data), timestamp_ms=before) for data in moves]
    async with session(service, "SELECT * FROM partition_offset FOR UPDATE"):
        await service.deliver_records(records[:1_200])
        await waits.fires("ChargelineFeedNotDrafted")
        await grows.gives(f"{LAG} > 1000", wanted=True)
        await service.deliver_records(records[1_200:])
        await grows.fires("ChargelineLagGrows")
        behind = await waits.shows("Behind, by partition")
        assert len({one["metric"].get("partition") for one in behind}) > 2, "all partitions"
        assert await waits.run("chargeline offsets show")
        await grows.shows("Messages by type")
        await grows.shows("CPU, by pod", job="capture")
    await service.until(service.drained, "all messages to be read")
    await waits.shows("Where a batch spends its time, p95", phase="ledger")
    await waits.is_over("ChargelineFeedNotDrafted")
    await grows.is_over("ChargelineLagGrows")


async def make_older(service: Service) -> None:
    """Change the ledger as if its events had waited for five minutes."""
    connection = await asyncpg.connect(service.database)
    await connection.execute("UPDATE outbox SET created_at = created_at - interval '5 minutes'")
    await connection.close()


async def test_not_announced_and_relay_stuck(service: Service, walk: Walking) -> None:
    """A session that does nothing has the right to be the relay; PostgreSQL names it, and when it
    ends, a capture is the relay.
    """
    await service.prepare()
    async with session(service, "SELECT pg_advisory_lock($1)", RELAY_LOCK):
        capture = service.start()
        await service.ready(capture)
        stuck = await walk("relay-stuck", service, {"capture": capture.port})
        waits = stuck.beside("not-announced")
        await service.deliver([dose("V1")])
        await stuck.fires("ChargelineRelayStuck")
        await make_older(service)
        await waits.fires("ChargelineNotAnnounced")
        await waits.shows("Outbox and relay")
        waits.says("Nothing leaves and Kafka is well: see [relay-stuck](relay-stuck.md)")
        assert "outbox     1, the oldest since" in (await stuck.run("chargeline ledger status")).out
        held = await service.ask("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")
        assert held, "`pg_locks` names the session"
    wanted = by_code([dose("V1")])
    assert await service.settled(wanted) == wanted, service.last_words()
    await waits.is_over("ChargelineNotAnnounced")
    await stuck.is_over("ChargelineRelayStuck", as_written=True)


async def test_open_transaction(service: Service, walk: Walking) -> None:
    """A producer goes away in the middle of a transaction; Kafka's own tool finds and ends it."""
    _capture, page = await watched(service, walk, "open-transaction")
    behind = dose("V1")
    place = key_of(behind)
    await abandon_transaction(
        service.kafka.bootstrap, service.inbound, [Record(b"no HL7", place)],
        name=f"{service.name}-gone", timeout_ms=600_000,
    )  # fmt: skip
    await service.deliver([behind])
    (held,) = await page.fires("ChargelineOpenTransaction")
    told = await page.logs("transaction.open")
    number = held["metric"]["partition"]
    assert (told["topic"], str(told["partition"])) == (service.inbound, number)
    await page.shows("Held back by open transactions")

    def ask(written: str, **values: str) -> str:
        """What Kafka's tool says to a line of the page."""
        page.says(f"kafka-transactions.sh --bootstrap-server … {written}")
        words = [values.get(word, word) for word in written.split()]
        tool = [java(), "-cp", kafka_classes(), "org.apache.kafka.tools.TransactionsCommand"]
        done = subprocess.run(
            [*tool, "--bootstrap-server", service.kafka.bootstrap, *words],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = {"TOPIC": service.inbound, "NUMBER": number}
    listed = await asyncio.to_thread(
        ask, "describe-producers --topic TOPIC --partition NUMBER", **where
    )
    head, *rows = [line.split() for line in listed.splitlines() if line.strip()]
    column = head.index("CurrentTransactionStartOffset")
    (begin,) = [row[column] for row in rows if row[column].isdigit()]
    await asyncio.to_thread(
        ask, "abort --topic TOPIC --partition NUMBER --start-offset OFFSET", **where, OFFSET=begin
    )
    wanted = by_code([behind])
    assert await service.settled(wanted) == wanted, service.last_words()
    await page.is_over("ChargelineOpenTransaction")
