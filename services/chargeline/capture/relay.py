"""Publishes the outbox on Kafka, each visit's events in their order, and deletes what Kafka has.

This module owns the loop and the producer, which it makes anew after a failure. It does not know
what an event says. Every program of `capture` runs a relay, but only one of them publishes at a
time (`ledger/relay.py`).

Order on the topics
===================

What is ordered is a slot: the events of one key (facility and visit) on one topic, such as the
drafts of V1. Nothing is promised between two visits, of events of no visit (a message that nobody
can read is parked), and between two topics: the question of revision 2 may arrive before revision
2. Three places keep the order of a slot:

    drafting   A batch that drafts a visit holds the row of its partition (the fence) until it
               commits, and the database numbers the events of the batch as they are inserted. So
               revision 2 is drafted after revision 1 is committed, and its id is greater.
    relay      This file sends the next event of a slot only when Kafka has acknowledged the one
               before it. An event that is acknowledged stands in the log for good.
    events     An event that is sent again has the same `ce_id` (`published/events.py`), so a
               reader knows a repeat.

There is one machine for each slot. An event of the slot is waiting, then sent, then acknowledged,
then deleted; once it is acknowledged, the next one may be sent. These things move the machine:

    turn       takes the first 500 events in the order of their ids, from all slots.
    round      sends at most one event of each slot, and ends when Kafka has answered for all.
               Three events of V1 and one of V2 are three rounds: V1 and V2, V1, V1.
    delete     removes what was acknowledged, after the last round of the turn.
    KafkaError ends the turn. The producer is thrown away, and a second later a new one sends again
               what was not deleted.
    too large  an event that its topic does not take is announced as its size and hash
               (`events.too_large`), and its slot goes on. One of our own records on the inbound
               topic is a message, so it is parked (`own_records.py`).

One sequence, worked through. A, B and C are programs; A is the relay and owns the partition of V1,
B owns that of V2. The right column is what charge.draft then holds of V1.

    09:00:00.0  A commits revision 1 of V1 (id 11) and a question of it (id 12).
    09:00:00.1  B drafts V2 and inserts its revision (id 13), but has not committed yet.
    09:00:00.2  A commits revision 2 of V1 (id 14).
    09:00:00.3  A takes a turn. It sees 11, 12 and 14, and sends 11 and 12.         r1
    09:00:00.4  Kafka has acknowledged both. The next round sends 14.               r1 r2
    09:00:00.5  B commits, so 13 can be seen. It goes out after 14, which does no
                harm: V1 and V2 are two slots. But a relay that asked only for ids
                above 14 would lose it, so each turn takes the first ids there are.
    09:00:00.6  SIGKILL for A, before it has deleted anything. Its session ends,
                and with it its right to publish.
    09:00:01    B is the relay. It takes 11, 12, 13 and 14, and sends all of them.  r1 r2 r1 r2
                Then it deletes them. A minute later it has the partition of V1.
    09:05:00    B commits revision 3 (id 15) and hands it to its producer. SIGSTOP
                for B, before a byte has left.
    09:06:00    PostgreSQL ends B's session, which was idle for 60 seconds. C is
                the relay, sends 15, and deletes it.                                … r3
    09:06:30    C owns the partition of V1 by now. It commits revision 4 (id 16),
                and publishes it.                                                   … r3 r4
    09:07:00    B goes on, and its producer sends 15 after all. B is no relay any
                more: it can delete nothing, and takes nothing new.                 … r3 r4 r3

The topic holds r1 r2 r1 r2 r3 r4 r3. The first occurrences of the ids are r1 r2 r3 r4. A kill or a
freeze repeats events, but it never moves a first occurrence: no relay sends an event before it has
the acknowledgement of the one before. So a reader drops the ids that it has seen, or it drops every
revision that is not greater than the last.

Two things do disturb the order, and no relay can mend them. Another number of partitions sends the
events of a visit to another log. A ledger that was put back to yesterday's copy counts again from
yesterday's revisions: the same number then has another content, and so another `ce_id`.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from chargeline.capture.consumer import RETRY_SECONDS
from chargeline.capture.courtesies import waited
from chargeline.capture.failures import TaskFailures
from chargeline.capture.own_records import park_own
from chargeline.drafting.announcing import ParkedTopic
from chargeline.drafting.processor import utc_now
from chargeline.drafting.unreadable_events import those_that_open
from chargeline.kafka.placing import KeyPlacement
from chargeline.kafka.starting import KafkaUnavailableError
from chargeline.ledger.errors import KeyMissing, LedgerError
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger
from chargeline.published.events import too_large
from chargeline.published.inbound import REKEYED, parts_of_key

MOST = 500
IDLE_SECONDS = 0.05

Producers = Callable[[], AbstractAsyncContextManager[AIOKafkaProducer]]


class OutboxRelay:
    """Sends the events of the ledger's outbox to Kafka. `tell` is called with a topic, and how many
    of its events Kafka has now.
    """

    def __init__(
        self,
        ledger: Ledger,
        producers: Producers,
        failures: TaskFailures,
        parked: ParkedTopic,
        *,
        inbound: str,
        tell: Callable[[str, int], None] = lambda _topic, _events: None,
    ) -> None:
        self.ledger = ledger
        self._tell = tell
        self.failures = failures
        self.stop = asyncio.Event()
        """Set when nobody adds events any more: publish the rest, and end."""
        self.wake = asyncio.Event()
        """Set after a commit, so that its events do not wait for the next look at the outbox."""
        self.in_hand = 0
        """How many events are taken from the outbox and not acknowledged by Kafka yet."""
        self._producers = producers
        self._parked = parked
        self._inbound = inbound
        self._held = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None

    async def connect(self) -> None:
        """Make a producer; raises KafkaUnavailableError."""
        self._producer = await self._held.enter_async_context(self._producers())

    async def close(self) -> None:
        """Close the producer."""
        self._producer = None
        await self._held.aclose()

    async def run(self) -> None:
        """Publish until `stop` is set and the outbox is empty.

        Raises an error that needs a person.
        """
        while True:
            stopping = self.stop.is_set()
            try:
                published = await self.turn()
            except KeyMissing as error:
                # Messages go on being kept. A capture that ended would keep none: without the key
                # it does not start.
                self.failures.bear("relay", error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except (LedgerError, KafkaError, KafkaUnavailableError) as error:
                self.failures.met("relay", error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.failures.over("relay")
            if not published:
                if stopping:
                    return
                await waited(self.wake, IDLE_SECONDS)
            self.wake.clear()

    async def turn(self) -> int:
        """Publish the next events of the outbox; returns how many Kafka has acknowledged."""
        events = await self._taken()
        if not events:
            return 0
        self.in_hand = len(events)
        published: list[int] = []
        try:
            for part in in_rounds(events):
                published += await self._publish(part)
        except KafkaError:
            await self.close()  # its state is unknown; a new producer has none
            raise
        finally:
            if published:
                sent = set(published)
                for topic, count in Counter(e.topic for e in events if e.id in sent).items():
                    self._tell(topic, count)
                await self.ledger.delete_outbox(published)
            self.in_hand -= len(published)
        self.in_hand = 0
        return len(published)

    async def _taken(self) -> list[Announcement]:
        """The next events of the outbox; those that do not open are parked."""
        return await those_that_open(
            self.ledger,
            await self.ledger.take_outbox(MOST),
            inbound=self._inbound,
            topic=self._parked,
            now=utc_now(),
        )

    async def _without_bytes(self, event: Announcement) -> list[int]:
        """Announce the size and hash of an event that is too large for its topic; returns its id if
        Kafka has that.

        A record of the inbound topic is no event, so it is parked instead.
        """
        self.failures.too_large(event.topic, len(event.payload))
        small = too_large(json.loads(event.headers), event.payload)
        if small is None:
            await park_own(self.ledger, event, self._parked, utc_now())
            return [event.id]
        headers, payload = small
        await (await self._send(event._replace(headers=json.dumps(headers), payload=payload)))
        return [event.id]

    async def _publish(self, events: Sequence[Announcement]) -> list[int]:
        """Send events of different topics and keys; returns the ids of those that Kafka has."""
        if self._producer is None:
            await self.connect()
        sent: list[tuple[Announcement, asyncio.Future[object]]] = []
        refused: list[Announcement] = []
        try:
            for event in events:
                try:
                    sent.append((event, await self._send(event)))
                except MessageSizeTooLargeError:  # above the limit of our own producer
                    refused.append(event)
        finally:
            results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        done = []
        for (event, _future), result in zip(sent, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError):
                refused.append(event)
            elif isinstance(result, BaseException):
                raise result
            else:
                done.append(event.id)
        for event in refused:
            done += await self._without_bytes(event)
        return done

    async def _send(self, event: Announcement) -> "asyncio.Future[object]":
        assert self._producer is not None, "connected before it is sent"
        named: dict[str, str] = json.loads(event.headers)
        future: asyncio.Future[object] = await self._producer.send(
            event.topic,
            value=event.payload,
            key=event.key.encode(),
            headers=[(name, value.encode()) for name, value in named.items()],
            partition=await self._partition(event, named.get(REKEYED, "")),
        )
        return future

    async def _partition(self, event: Announcement, placed_by: str) -> int | None:
        """The partition of a record that is sent again into its place; None for the producer's
        choice.

        Such a record must not come back to where it was, so the number of partitions by which the
        sender placed it counts, and not the number that this producer has last heard of. Raises
        UnknownTopicOrPartitionError if Kafka does not tell us of that partition yet.
        """
        assert self._producer is not None, "connected before it is sent"
        if not placed_by:
            return None
        number = KeyPlacement(int(placed_by)).of(event.key)
        if number not in await self._producer.partitions_for(event.topic):
            await self._producer.client.force_metadata_update()
            if number not in await self._producer.partitions_for(event.topic):
                raise UnknownTopicOrPartitionError()
        return number


def in_rounds(events: Sequence[Announcement]) -> Iterator[list[Announcement]]:
    """The events in rounds: each round has at most one event of a topic and visit.

    Events a1, a2, b1 of the visits a and b are the rounds [a1, b1] and [a2]: a2 waits until
    Kafka has acknowledged a1. Events of no visit have no order, so all are in the first round: a
    thousand unreadable messages of one sender, parked one after the other, must not keep the drafts
    of everybody waiting for a thousand answers of Kafka.
    """
    rounds: list[list[Announcement]] = []
    seen: dict[tuple[str, str], int] = {}
    for event in events:
        slot = (event.topic, event.key)
        number = seen[slot] = seen.get(slot, -1) + 1 if parts_of_key(event.key)[1] else 0
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(event)
    yield from rounds
