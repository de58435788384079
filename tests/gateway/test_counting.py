"""Claims about the gateway's metrics: each count of a gateway is scraped, refusals by reason."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from chargeline.gateway.counting import observe_senders, tell_gateway
from chargeline.gateway.permission import REFUSALS
from chargeline.gateway.server import COUNTED, Gateway, StoreFull, StoreTooLarge, StoreUnavailable
from chargeline.mllp.limits import COUNTED as MLLP_COUNTED
from chargeline.mllp.limits import MllpLimits
from chargeline.telemetry.labels import LABELS
from chargeline.telemetry.metrics import Metrics
from tests.clock import PATIENCE_SECONDS
from tests.gateway import MemoryStore, connected, profile, settings
from tests.hl7 import RAS, with_header


class Watched:
    """A gateway on a free port whose counts go into metrics of its own."""

    def __init__(self, **given: object) -> None:
        self.store = MemoryStore()
        self.metrics = Metrics(CollectorRegistry(), program="gateway", version="1.2.3")
        self.gateway = Gateway(
            self.store,
            profile(),
            settings(**given),
            report=tell_gateway(self.metrics),
            observed=observe_senders(self.metrics),
        )

    async def send(self, message: bytes) -> None:
        await self.gateway.start()
        try:
            async with connected(self.gateway) as client:
                await client.send(message)
        finally:
            await self.gateway.close()

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def refusals(self) -> dict[str, float | None]:
        """How often each reason of a refusal was counted."""
        name = "chargeline_gateway_refusals_total"
        return {reason: self.value(name, reason=reason) for reason in NONE}


NONE = dict.fromkeys(
    ("message_refused", "store_full", "store_too_large", "store_unavailable", *REFUSALS), 0
)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (StoreUnavailable(), "store_unavailable"),
        (StoreFull(), "store_full"),
        (StoreTooLarge(), "store_too_large"),
    ],
)
async def test_what_the_store_does_not_take_is_counted_by_reason(
    condition: Exception, reason: str
) -> None:
    """One refusal of that reason and none of another, on one connection."""
    watched = Watched(store_seconds=0.01)
    watched.store.failing = condition
    assert watched.refusals() == NONE
    await watched.send(RAS)
    assert watched.refusals() == NONE | {reason: 1}
    assert watched.value("chargeline_gateway_connections_total") == 1


@pytest.mark.parametrize(
    ("given", "message", "frame"),
    [
        ({"limits": MllpLimits(frame_bytes=100)}, RAS, "too_large"),
        ({"processing_ids": frozenset("P")}, with_header(MSH_11="T"), "complete"),
    ],
)
async def test_what_the_gateway_itself_refuses_is_counted(
    given: dict[str, object], message: bytes, frame: str
) -> None:
    """A frame that is too large, or an MSH-11 that the site does not take, counts as
    `message_refused`. The kind of frame is counted as well.
    """
    watched = Watched(**given)
    await watched.send(message)
    assert watched.refusals() == NONE | {"message_refused": 1}
    assert watched.value("chargeline_gateway_frames_total", frame=frame) == 1


async def test_what_is_stored_is_no_refusal() -> None:
    """An AA is counted, and no reason of a refusal."""
    watched = Watched()
    await watched.send(RAS)
    assert watched.refusals() == NONE
    assert watched.value("chargeline_gateway_acknowledgements_total", acknowledgement="AA") == 1


def test_every_name_that_a_gateway_counts_can_be_told() -> None:
    """Each name fits a label of the metrics, and together they reach each acknowledgement and each
    kind of frame.
    """
    watched = Watched()
    tell = tell_gateway(watched.metrics)
    for name in {**COUNTED, **MLLP_COUNTED}:
        tell(name, 1)
    assert set(watched.refusals().values()) == {1}
    for label, metric in (("acknowledgement", "acknowledgements"), ("frame", "frames")):
        name = f"chargeline_gateway_{metric}_total"
        assert {watched.value(name, **{label: str(word)}) for word in LABELS[label]} == {1}


async def test_a_connection_too_many_is_counted() -> None:
    """With one connection allowed, the second is refused, and the metric says why."""
    watched = Watched(limits=MllpLimits(connections=1))
    name = "chargeline_gateway_refused_connections_total"
    reasons = ("too_many", "handshake")
    assert [watched.value(name, reason=reason) for reason in reasons] == [0, 0]
    await watched.gateway.start()
    try:
        async with connected(watched.gateway), asyncio.timeout(PATIENCE_SECONDS):
            while not watched.gateway.server.connections:
                await asyncio.sleep(0)
            reader, writer = await asyncio.open_connection("127.0.0.1", watched.gateway.server.port)
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
    finally:
        await watched.gateway.close()
    assert [watched.value(name, reason=reason) for reason in reasons] == [1, 0]


async def test_a_stored_message_tells_when_its_sender_was_heard() -> None:
    """Without a file of senders under the name of the interface; its acknowledgement is timed."""
    watched, began = Watched(), datetime.now(UTC).timestamp()
    await watched.send(RAS)
    sender = {"sender": profile().name}
    assert watched.value("chargeline_gateway_sender_messages_total", **sender) == 1
    heard = watched.value("chargeline_gateway_sender_last_message_timestamp_seconds", **sender)
    assert heard is not None and heard >= began
    assert watched.value("chargeline_gateway_acknowledge_seconds_count") == 1


async def test_a_message_that_is_not_stored_is_timed_and_tells_of_no_sender() -> None:
    """A sender that is refused is not heard."""
    watched = Watched(store_seconds=0.01)
    watched.store.failing = StoreUnavailable()
    await watched.send(RAS)
    sender = {"sender": profile().name}
    assert watched.value("chargeline_gateway_sender_messages_total", **sender) is None
    assert watched.value("chargeline_gateway_acknowledge_seconds_count") == 1
    waited = watched.value("chargeline_gateway_acknowledge_seconds_sum")
    assert waited is not None and waited >= 0.01
