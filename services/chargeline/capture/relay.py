"""Publishes the outbox: in order, as often as needed, deleting only what Kafka has.

It owns nothing but the loop. A crash between publishing and deleting repeats events under the same
ids, which every reader can recognise.
"""

import asyncio
import json

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from structlog.typing import FilteringBoundLogger

from chargeline.ledger.errors import LedgerError
from chargeline.ledger.records import Announcement
from chargeline.ledger.store import Ledger

MOST = 500
IDLE_SECONDS = 0.05
RETRY_SECONDS = 1.0


class OutboxRelay:
    """Sends what the ledger wants announced."""

    def __init__(self, ledger: Ledger, producer: AIOKafkaProducer, log: FilteringBoundLogger) -> None:
        self.ledger = ledger
        self.producer = producer
        self.log = log
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Publish until `stopping` is set."""
        while not self.stopping.is_set():
            try:
                if not await self.turn():
                    await asyncio.sleep(IDLE_SECONDS)
            except (LedgerError, KafkaError) as error:
                self.log.error("relay.unavailable", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)

    async def turn(self) -> int:
        """Publish one lot; returns how many events it held."""
        events = await self.ledger.take_outbox(MOST)
        if not events:
            return 0
        sent = [await self._send(each) for each in events]
        await asyncio.gather(*sent)
        await self.ledger.delete_outbox([each.id for each in events])
        return len(events)

    async def _send(self, event: Announcement) -> "asyncio.Future[object]":
        headers = [(name, value.encode()) for name, value in json.loads(event.headers).items()]
        future: asyncio.Future[object] = await self.producer.send(
            event.topic, value=event.payload, key=event.key.encode(), headers=headers
        )
        return future
