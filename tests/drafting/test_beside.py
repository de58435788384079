"""Claims about large messages: they are read in a thread, and come out in their order."""

import asyncio
import threading
from datetime import UTC, datetime
from time import sleep
from typing import Any

import pytest

from chargeline.drafting import reading
from chargeline.drafting.beside import read_beside
from chargeline.drafting.inbound import InboundRecord, ReadRecord
from chargeline.drafting.processor import Processor
from chargeline.drafting.quarantine import Quarantine
from chargeline.hl7.reader import LARGE_BYTES
from tests.engine import profile
from tests.golden.messages import given

SMALL = given("ONDANSETRON", "4 mg", "0900")
LARGE = SMALL + b"NTE|1||" + LARGE_BYTES * b"Z" + b"\r"


@pytest.mark.parametrize(("raw", "is_beside"), [(SMALL, False), (LARGE, True)])
async def test_only_a_large_message_is_read_in_a_thread(raw: bytes, is_beside: bool) -> None:
    """Other senders do not wait while a message of 5,000 rows is read."""
    thread = await read_beside(raw, threading.get_ident)
    assert (thread != threading.get_ident()) == is_beside


async def test_large_messages_are_read_one_after_the_other() -> None:
    """Of 20 large messages that come at once, never two are read side by side: each would take many
    times its bytes.
    """
    lock = threading.Lock()

    def read() -> bool:
        alone = lock.acquire(blocking=False)
        sleep(0.001)
        if alone:
            lock.release()
        return alone

    assert all(await asyncio.gather(*(read_beside(LARGE, read) for _ in range(20))))


async def test_a_small_message_does_not_overtake_a_large_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The large one is read in a thread, and the one behind it waits for it."""
    threads: list[int] = []

    def noted(record: InboundRecord, **more: Any) -> ReadRecord:
        threads.append(threading.get_ident())
        return read_record(record, **more)

    read_record = reading.read_record
    monkeypatch.setattr(reading, "read_record", noted)
    program = Processor.__new__(Processor)
    program.profile, program.interfaces, program.placement = profile(), {}, None
    now = datetime(2026, 3, 2, tzinfo=UTC)
    program.quarantine = Quarantine(50, 500, minutes=15, clock=lambda: now)
    records = [
        InboundRecord("inbound", 0, offset, "ZEBRA|V1", raw, {}, now)
        for offset, raw in enumerate((SMALL, LARGE, SMALL))
    ]
    read = await program.read(records)
    assert [each.record.offset for each in read] == [0, 1, 2]
    assert [each.kind for each in read] == ["message", "message", "message"]
    here = threading.get_ident()
    assert [thread == here for thread in threads] == [True, False, True]
