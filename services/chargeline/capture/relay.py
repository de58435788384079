"""Publishes the outbox: each visit's events in their order, as often as needed, deleting what Kafka
has.

It owns the loop and the producer, which it makes anew after a failure. A crash between publishing
and deleting repeats events under the same ids. An event is sent when the one before it of the same
visit is acknowledged, so the first of each id stand in order on a topic, whatever failed and
whoever took over. What Kafka takes no record of that size of stays in the outbox with what follows
it of the same visit, is tried again every minute, and holds up nobody else.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from chargeline.capture.consumer import RETRY_SECONDS, waited
from chargeline.capture.failures import TaskFailures
from chargeline.kafka.starting import KafkaUnavailableError
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger

MOST = 500
HOLD_SECONDS = 60.0
IDLE_SECONDS = 0.05

_TopicAndKey = tuple[str, str]  # events of one topic and key stay in order
Producers = Callable[[], AbstractAsyncContextManager[AIOKafkaProducer]]


class OutboxRelay:
    """Sends the events of the ledger's outbox to Kafka."""

    def __init__(self, ledger: Ledger, producers: Producers, failures: TaskFailures) -> None:
        self.ledger = ledger
        self.failures = failures
        self.stop = asyncio.Event()
        """Set when nobody adds events any more: publish the rest, and end."""
        self.wake = asyncio.Event()
        """Set after a commit, so that its events do not wait for the next look at the outbox."""
        self.in_hand = 0
        """How many events are taken from the outbox and not acknowledged by Kafka yet."""
        self._on_hold: dict[_TopicAndKey, float] = {}
        """Topics and keys whose first event is too large, and the loop's time of its next try."""
        self._passed_over = 0
        self._producers = producers
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
        taken = await self.ledger.take_outbox(MOST + self._passed_over)
        events = [event for event in taken if self._may_go(event)]
        self._passed_over = len(taken) - len(events)
        if not events:
            return 0
        self.in_hand = len(events)
        published: list[int] = []
        try:
            for part in in_rounds(events):
                published += await self._publish([event for event in part if self._may_go(event)])
        except KafkaError:
            await self.close()  # its state is unknown; a new producer has none
            raise
        finally:
            if published:
                await self.ledger.delete_outbox(published)
            self.in_hand -= len(published)
        self.in_hand = 0
        return len(published)

    def _may_go(self, event: Announcement) -> bool:
        """Whether an event may be sent: its topic and key are not on hold, or the hold is over."""
        slot = (event.topic, event.key)
        if self._on_hold.get(slot, 0.0) > asyncio.get_running_loop().time():
            return False
        self._on_hold.pop(slot, None)
        return True

    def _hold(self, event: Announcement) -> None:
        self._on_hold[event.topic, event.key] = asyncio.get_running_loop().time() + HOLD_SECONDS
        self.failures.too_large(event.topic, len(event.payload))

    async def _publish(self, events: Sequence[Announcement]) -> list[int]:
        """Send events of different topics and keys; returns the ids of those that Kafka has."""
        if self._producer is None:
            await self.connect()
        sent: list[tuple[Announcement, asyncio.Future[object]]] = []
        try:
            for event in events:
                try:
                    sent.append((event, await self._send(event)))
                except MessageSizeTooLargeError:  # above the limit of our own producer
                    self._hold(event)
        finally:
            results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        done = []
        for (event, _future), result in zip(sent, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError):
                self._hold(event)
            elif isinstance(result, BaseException):
                raise result
            else:
                done.append(event.id)
        return done

    async def _send(self, event: Announcement) -> "asyncio.Future[object]":
        assert self._producer is not None, "connected before it is sent"
        headers = [(name, value.encode()) for name, value in json.loads(event.headers).items()]
        future: asyncio.Future[object] = await self._producer.send(
            event.topic, value=event.payload, key=event.key.encode(), headers=headers
        )
        return future


def in_rounds(events: Sequence[Announcement]) -> Iterator[list[Announcement]]:
    """The events in rounds: each round has at most one event of a topic and key.

    Events a1, a2, b1 of the keys a and b are the rounds [a1, b1] and [a2]: a2 waits until
    Kafka has acknowledged a1.
    """
    rounds: list[list[Announcement]] = []
    seen: dict[tuple[str, str], int] = {}
    for event in events:
        slot = (event.topic, event.key)
        number = seen[slot] = seen.get(slot, -1) + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(event)
    yield from rounds
