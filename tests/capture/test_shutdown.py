"""Claims about the end of a service: it is in good order, whatever a closing client does."""

import asyncio

import pytest
from structlog.testing import capture_logs

from chargeline.capture import shutdown
from chargeline.telemetry import logs


async def at_once() -> None:
    return


async def by_a_cancelled_task() -> None:
    """End as aiokafka's stop ends when Kafka is away."""
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def never() -> None:
    await asyncio.Event().wait()


async def with_an_error() -> None:
    raise OSError("the network is gone")


async def test_what_is_closed_is_not_given_up() -> None:
    """A close that ends is awaited, and nothing is logged."""
    with capture_logs() as said:
        await shutdown.closed(at_once(), "ledger", logs.logger("test"))
    assert said == []


@pytest.mark.parametrize("close", [by_a_cancelled_task, never])
async def test_a_close_that_does_not_come_to_an_end_is_given_up(
    close: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is cancelled from within, one waits for ever: the log says so, and the end goes on."""
    monkeypatch.setattr(shutdown, "CLOSE_SECONDS", 0.02)
    with capture_logs() as said:
        await shutdown.closed(close(), "consumer", logs.logger("test"))  # type: ignore[operator]
    assert [(line["event"], line["reason"]) for line in said] == [("close.given_up", "consumer")]


async def test_an_error_of_a_close_is_not_hidden() -> None:
    """The error comes out of `closed` as it is."""
    with pytest.raises(OSError, match="the network"):
        await shutdown.closed(with_an_error(), "ledger", logs.logger("test"))
