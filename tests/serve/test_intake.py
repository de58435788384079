"""Claims about the intake: a sender is answered after the commit, and told if the commit failed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from structlog.testing import capture_logs

from chargeline.drafting.acting import act_of, note_start
from chargeline.drafting.setup import new_processor
from chargeline.gateway.received import InboundMessage
from chargeline.gateway.server import Gateway, ListenerSettings, StoreUnavailable
from chargeline.ledger import Fenced, Ledger, LedgerLimits, Unreachable
from chargeline.ledger.auditing import _AUDIT_LOCK
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import Announcement
from chargeline.mllp.client import MllpClient
from chargeline.published.inbound import INTERFACE
from chargeline.serve.intake import PARTITION, TOPIC, Intake
from chargeline.serve.publisher import Publisher
from chargeline.settings import Settings
from chargeline.telemetry.logs import logger
from chargeline.telemetry.metrics import Metrics
from tests.clock import PATIENCE_SECONDS
from tests.golden.messages import given
from tests.ledger import with_tables
from tests.ledger.frozen import frozen_session
from tests.ledger.test_encryption import new_key, opened

from . import HOST, code_of, until

NOW = datetime(2027, 1, 1, tzinfo=UTC)
MESSAGE = given("OXALIPLATIN", "130 mg", "0900", "1000")


class Unsure(Ledger):
    """A ledger whose connection can break at a commit. `breaks` is "before" the commit, or "after"
    it and before its answer. While it is `away`, no transaction begins.
    """

    breaks = ""
    away = False

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Batch]:
        if self.away:
            raise Unreachable(expected="an answer", found="none", do="try again")
        broken, self.breaks = self.breaks, ""
        async with super().batch() as batch:
            yield batch
            if broken == "before":
                raise Unreachable(expected="an answer", found="none", do="try again")
        if broken == "after":
            raise Unreachable(expected="an answer", found="none", do="try again")


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Unsure]:
    opened = await Unsure.open(await with_tables(url))
    assert isinstance(opened, Unsure)
    yield opened
    await opened.close()


def intake_on(ledger: Ledger, owner: str = "us") -> Intake:
    settings = Settings(settle_seconds=0)
    return Intake(
        new_processor(settings, ledger, TOPIC, lambda _outcome: None),
        owner=owner,
        most=500,
        metrics=Metrics(CollectorRegistry(), program="serve", version="0"),
        log=logger("serve"),
    )


def inbound(raw: bytes = MESSAGE, visit: str = "V1") -> InboundMessage:
    return InboundMessage(raw, f"ZEBRA|{visit}", {}, NOW)


@asynccontextmanager
async def working(intake: Intake) -> AsyncIterator[asyncio.Task[None]]:
    await intake.claim()
    task = asyncio.create_task(intake.run())
    yield task
    task.cancel()
    await asyncio.wait([task])


@asynccontextmanager
async def listening(intake: Intake, store_seconds: float) -> AsyncIterator[MllpClient]:
    """A sender's connection to a gateway in front of the intake."""
    settings = ListenerSettings(host=HOST, port=0, store_seconds=store_seconds, retry_seconds=0.01)
    gateway = Gateway(intake, intake.processor.profile, settings)
    await gateway.start()
    async with await MllpClient.connect(HOST, gateway.server.port) as client:
        yield client
    await gateway.close()


async def kept(ledger: Ledger) -> int:
    """How many messages of visit V1 the ledger has."""
    async with ledger.view() as view:
        return sum(map(len, (await view.messages_of([("ZEBRA", "V1")])).values()))


async def test_put_returns_when_the_ledger_has_the_message(ledger: Unsure) -> None:
    """After `put` another connection to the ledger sees the message."""
    intake = intake_on(ledger)
    async with working(intake):
        await intake.put(inbound())
        assert await kept(ledger) == 1


async def test_nobody_is_answered_while_the_commit_waits(tmp_path: Path) -> None:
    """While another program holds the ledger, the sender gets no answer. When that program lets go,
    the message is kept and the sender gets AA.
    """
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    ours = await Ledger.open(url, accept_old=True)
    await ours.migrate()
    theirs = await Ledger.open(url)
    intake = intake_on(ours)
    async with working(intake), listening(intake, store_seconds=60) as client:
        async with theirs.batch() as batch:
            await batch.claim("elsewhere", 0, "them")
            answer = asyncio.create_task(client.send(MESSAGE))
            await until(intake._lock.locked)
            assert not (await asyncio.wait([answer], timeout=0.3))[0]
            assert await kept(ours) == 0
        assert code_of(await answer) == "AA"
        assert await kept(ours) == 1
    await theirs.close()
    await ours.close()


async def test_a_ledger_that_stays_locked_is_said_with_ae(tmp_path: Path) -> None:
    """The sender gets AE after 0.5 seconds. When the ledger is free again, the
    same message gets AA.
    """
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    ours = await Ledger.open(url, accept_old=True, limits=LedgerLimits(busy=0.1))
    await ours.migrate()
    theirs = await Ledger.open(url)
    intake = intake_on(ours)
    async with working(intake), listening(intake, store_seconds=0.5) as client:
        async with theirs.batch():
            assert code_of(await client.send(MESSAGE)) == "AE"
            await until(lambda: "Busy" in intake.trouble)

        async def accepted() -> bool:
            return code_of(await client.send(MESSAGE)) == "AA"

        await until(accepted)
        assert intake.trouble == ""
        assert await kept(ours) == 1
    await theirs.close()
    await ours.close()


async def test_a_full_disk_is_said_with_ar(tmp_path: Path) -> None:
    """Without room the sender gets AR at once. With room again the same message gets AA."""
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite", accept_old=True)
    await ledger.migrate()
    large = given("OXALIPLATIN", "130 mg", "0900", "1000", note="x" * 400_000)
    intake = intake_on(ledger)
    async with working(intake), listening(intake, store_seconds=30) as client:
        async with ledger.batch() as batch:
            await batch._transaction.connection.exec_driver_sql("PRAGMA max_page_count = 100")
        assert code_of(await client.send(large)) == "AR"
        assert "DiskFull" in intake.trouble
        async with ledger.batch() as batch:
            await batch._transaction.connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        assert code_of(await client.send(large)) == "AA"
    await ledger.close()


async def test_a_refusing_ledger_is_logged_at_loss_and_return(ledger: Unsure) -> None:
    """Five transactions in a row are refused, and three lines say so, at 1, 2 and 4; one says that
    the ledger is back, after how many. What goes well says nothing.
    """
    intake = intake_on(ledger)
    with capture_logs() as said:
        async with working(intake):
            ledger.away = True
            for _ in range(5):
                with pytest.raises(StoreUnavailable):
                    await intake.put(inbound())
            ledger.away = False
            await intake.put(inbound())
            await intake.put(inbound(visit="V2"))
    told = [(line["event"], line["attempt"]) for line in said if "ledger." in line["event"]]
    refused = [("ledger.unavailable", attempt) for attempt in (1, 2, 4)]
    assert told == [*refused, ("ledger.available", 5)]


@pytest.mark.parametrize("breaks", ["before", "after"])
async def test_a_commit_that_nobody_confirmed_is_not_mistaken_for_a_successor(
    ledger: Unsure, breaks: str
) -> None:
    """The connection breaks at the commit, and `put` fails. The same `put` again succeeds, and the
    message is kept once.
    """
    intake = intake_on(ledger)
    async with working(intake):
        await intake.put(inbound(given("OXALIPLATIN", "130 mg", "1200", "1300")))
        ledger.breaks = breaks
        with pytest.raises(StoreUnavailable):
            await intake.put(inbound())
        assert await kept(ledger) == (1 if breaks == "before" else 2)
        await intake.put(inbound())
        assert await kept(ledger) == 2
        assert await intake.work_off_due() == 0


async def test_drafts_of_a_failed_timer_are_made_again(ledger: Unsure) -> None:
    """The commit of a round of timers fails: the next round drafts and announces the same visit."""
    settings = Settings(settle_seconds=1)
    intake = intake_on(ledger)
    intake.processor = new_processor(settings, ledger, TOPIC, lambda _outcome: None)
    async with working(intake):
        await intake.put(inbound())

        async def fails_when_due() -> bool:
            async with ledger.view() as view:
                (visit,) = (await view.visits([("ZEBRA", "V1")])).values()
            return visit.settle_due is not None and visit.settle_due <= datetime.now(UTC)

        await until(fails_when_due)
        ask = intake._still_ours

        async def ask_and_break() -> None:
            await ask()
            ledger.breaks = "before"

        intake._still_ours = ask_and_break  # type: ignore[method-assign]
        assert await intake.work_off_due() == 0
        assert "Unreachable" in intake.trouble
        intake._still_ours = ask  # type: ignore[method-assign]
        assert await intake.work_off_due() == 1
    topics = [row.topic for row in await ledger.take_outbox(10)]
    assert "charge.draft" in topics


async def test_messages_that_come_during_a_transaction_share_the_next(ledger: Unsure) -> None:
    """60 messages at once take at most 3 transactions, not 60."""
    intake = intake_on(ledger)
    messages = [
        given("OXALIPLATIN", "130 mg", f"09{n % 60:02}", "1100", sent=f"18{n:02}")
        for n in range(60)
    ]
    async with working(intake):
        await asyncio.gather(*(intake.put(inbound(message)) for message in messages))
    text = intake.metrics.exposition()[1].decode()
    count = 'batch_duration_seconds_count{phase="ledger"}'
    (line,) = (line for line in text.splitlines() if count in line)
    assert 1 <= float(line.split()[1]) <= 3
    assert await kept(ledger) == 60


async def test_a_put_that_was_cancelled_and_comes_again_counts_once(ledger: Unsure) -> None:
    """The gateway cancels a put before or after the commit, and the sender repeats: one message."""
    intake = intake_on(ledger)
    await intake.claim()
    first = asyncio.create_task(intake.put(inbound()))
    await until(lambda: intake._queue)
    first.cancel()
    await asyncio.wait([first])
    assert not intake._queue
    async with working(intake):
        second = asyncio.create_task(intake.put(inbound()))
        await until(lambda: not intake._queue)  # the message is in a batch, or committed already
        second.cancel()
        await intake.put(inbound())
        assert await kept(ledger) == 1


async def test_one_message_that_cannot_be_kept_costs_its_neighbours_nothing(ledger: Unsure) -> None:
    """In a batch of three one message has a zero byte, which no database keeps: two are kept."""
    intake = intake_on(ledger)
    bad = given("OXALIPLATIN", "130 mg", "0900", "1000", control="C\0")
    good = [given("OXALIPLATIN", "130 mg", "1200", f"13{n}0") for n in range(2)]
    await intake.claim()
    sent = (good[0], bad, good[1])
    puts = [asyncio.create_task(intake.put(inbound(message))) for message in sent]
    await until(lambda: len(intake._queue) == 3)
    async with working(intake):
        results = await asyncio.gather(*puts, return_exceptions=True)
    assert (results[0], results[2]) == (None, None)
    assert results[1] is None or isinstance(results[1], StoreUnavailable)
    assert await kept(ledger) == 2


async def test_a_successor_fences_the_one_before(ledger: Unsure) -> None:
    """Another program claims the ledger: the batch of the first is rolled back, its senders are
    refused, and it ends.
    """
    first, second = intake_on(ledger, "first"), intake_on(ledger, "second")
    async with working(first) as task:
        async with working(second):
            await second.put(inbound(given("OXALIPLATIN", "130 mg", "1200", "1300")))
            with pytest.raises(Fenced, match="expected to be the only"):
                await first.work_off_due()
            with pytest.raises(StoreUnavailable):
                await first.put(inbound())
            with pytest.raises(Fenced, match="senders repeat what was not acknowledged"):
                await task
            with pytest.raises(StoreUnavailable, match="ending"):
                await first.put(inbound())
        assert await kept(ledger) == 1


async def test_a_frozen_one_does_not_keep_its_successor_out(database: str) -> None:
    """A `serve` froze in the middle of a statement of a batch: the next one ends its session, and
    goes on at its offset.
    """
    ledger = await Ledger.open(await with_tables(database))
    first, second = intake_on(ledger, "first"), intake_on(ledger, "second")
    async with working(first):
        await first.put(inbound())
    async with frozen_session(database, "BEGIN; UPDATE partition_offset SET next_offset = 9") as it:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await second.claim()
            await it.read()  # the server has closed it
    assert second._offset == 1
    await ledger.close()


async def test_a_frozen_act_does_not_keep_a_start_out(database: str) -> None:
    """A program froze while it added an act to the trail: the start of the next one is noted."""
    ledger = await Ledger.open(await with_tables(database))
    start = act_of("program.start", "program", "serve")
    held = f"BEGIN; SELECT pg_advisory_xact_lock({_AUDIT_LOCK})"
    async with frozen_session(database, held), asyncio.timeout(PATIENCE_SECONDS):
        await note_start(ledger, start)
    async with ledger.view() as view:
        assert [act.did for act in await view.acts(0, 2)] == ["program.start"]
    await ledger.close()


async def test_a_successor_fences_the_timers_in_their_own_transaction(ledger: Unsure) -> None:
    """Another program claims the ledger after the first has asked the fence: the first drafts
    nothing from its old memory.
    """
    first, second = intake_on(ledger, "first"), intake_on(ledger, "second")
    first.processor = new_processor(
        Settings(settle_seconds=1), ledger, TOPIC, lambda _outcome: None
    )
    async with working(first):
        await first.put(inbound())

        async def is_due() -> bool:
            async with ledger.view() as view:
                (visit,) = (await view.visits([("ZEBRA", "V1")])).values()
            return visit.settle_due is not None and visit.settle_due <= datetime.now(UTC)

        await until(is_due)
        first._still_ours = second.claim  # type: ignore[method-assign]
        with pytest.raises(Fenced):
            await first.work_off_due()
    assert await ledger.take_outbox(10) == []


async def test_a_message_of_an_interface_that_we_lack_is_parked_by_serve(ledger: Unsure) -> None:
    """So it is when the ledger of another `serve`, with other rules, sends it again."""
    intake = intake_on(ledger)
    async with working(intake):
        await intake.keep("ZEBRA|V1", MESSAGE, {INTERFACE: "zebra"}, NOW)
    assert [row.code for row in await ledger.parked()] == ["interface.unknown"]
    assert await kept(ledger) == 0


async def test_a_ledger_that_moves_on_to_kafka_begins_at_its_beginning(ledger: Unsure) -> None:
    """Our offset stands under a name that no topic can have, so a capture begins partition 0 of its
    topic at the beginning.
    """
    intake = intake_on(ledger)
    async with working(intake):
        await intake.put(inbound())
    async with ledger.batch() as batch:
        assert await batch.claim(TOPIC, PARTITION, "next") == 1
        assert await batch.claim("hl7.inbound", 0, "capture") is None
    with pytest.raises(ValueError):
        Settings(topic_inbound=TOPIC)


async def test_a_row_that_does_not_open_refuses_no_message(url: str) -> None:
    """A program that starts again keeps what comes for that visit and for others, and sets the
    visit aside.
    """
    async with opened(await with_tables(url), new_key()) as ledger:
        before = intake_on(ledger)
        async with working(before):
            await before.put(inbound())
        async with ledger.batch() as batch:
            await batch._transaction.run(text("UPDATE message SET data_key = 99"))
        again = intake_on(ledger)
        async with working(again):
            later = given("OXALIPLATIN", "130 mg", "1100", "1130")
            other = given("OXALIPLATIN", "130 mg", "0900", "1000", visit="V2")
            await asyncio.gather(again.put(inbound(later)), again.put(inbound(other, "V2")))
        assert again.trouble == ""
        assert [row.code for row in await ledger.parked()] == ["visit.unreadable"]
        async with ledger.view() as view:
            drafted = await view.last_revisions([("ZEBRA", "V1"), ("ZEBRA", "V2")])
        assert {key.visit: row.revision for key, row in drafted.items()} == {"V1": 1, "V2": 1}


class Written:
    """An output that notes what it was given."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def write(self, events: Sequence[Announcement]) -> bool:
        self.topics += [event.topic for event in events]
        return True


async def test_an_event_that_does_not_open_holds_up_no_output(url: str) -> None:
    """The draft of V1 cannot be opened: it is parked, and the next draft of V1 is written."""
    async with opened(await with_tables(url), new_key()) as ledger:
        intake, output = intake_on(ledger), Written()
        publisher = Publisher(ledger, intake, cast(Any, output), {TOPIC}, logger("serve"))
        async with working(intake):
            await intake.put(inbound())
            async with ledger.batch() as batch:
                change = text("UPDATE outbox SET data_key = 99 WHERE topic LIKE '%draft%'")
                await batch._transaction.run(change)
            await publisher.drain()
        assert [row.code for row in await ledger.parked()] == ["event.unreadable"]
        assert {topic: output.topics.count(topic) for topic in output.topics} == {
            "charge.draft": 1, "hl7.parked": 1
        }  # fmt: skip


async def test_the_message_that_waits_longest_tells_its_age(ledger: Unsure) -> None:
    """Until the ledger has it, or its sender is told no."""
    intake = intake_on(ledger)
    later = NOW + timedelta(seconds=90)
    assert intake.oldest_age(later) == 0
    waiting = asyncio.create_task(intake.put(inbound()))
    await until(lambda: intake.oldest_age(later) == 90)
    async with working(intake):
        await waiting
        assert intake.oldest_age(later) == 0
