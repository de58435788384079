"""Claims about the messages of a quarantined sender: each is parked for its visit, none is lost."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargeline.drafting.quarantine import QUARANTINED
from chargeline.ledger.store import Ledger
from chargeline.published.inbound import NO_VISIT, PEER, RETRIED
from tests.golden.messages import given
from tests.ledger import with_tables

from .test_processor import Bench, by_bench, by_code

GOOD = given("OXALIPLATIN", "130 mg", "0900", "1000")
FROM = {PEER: "192.0.2.1"}


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench that has just quarantined the sender of GOOD, behind a gateway and without one."""
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    bench = Bench(ledger)
    await bench.claim()
    broken = [
        f"MSH|^~\\&|MAR|ZEBRA|C|Z|20260302||RAS^O17|B{n}|T|2.5.1\rPID|1\r".encode()
        for n in range(60)
    ]
    for headers in ({}, FROM):
        await bench.feed([("ZEBRA|nobody", data, headers | {NO_VISIT: "1"}) for data in broken])
    assert bench.processors[0].quarantine.senders() == 2
    yield bench
    await ledger.close()


async def parked(bench: Bench) -> list[tuple[str | None, bytes]]:
    """Visit and bytes of what was parked for the quarantine, but for the broken messages."""
    rows = await bench.ledger.parked(limit=1000, code=QUARANTINED)
    return [(row.visit, row.raw) for row in rows if b"PID|1\r" not in row.raw]


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        ("ZEBRA|V1", FROM),
        ("ZEBRA|V1", {}),
        ("ZEBRA|another", {}),
        ("", {}),
    ],
    ids=["gateway", "producer", "other_key", "no_key"],
)
async def test_it_is_parked_for_its_visit_wherever_it_lies(
    held: Bench, key: str, headers: dict[str, str]
) -> None:
    """The gateway's key is believed; another record is read, or sent into its place and held
    there. No draft of the visit may say that it is complete.
    """
    other = given("VANCOMYCIN", "1000 mg", "1100", "1200").replace(b"|MAR|", b"|EHR|")
    await held.feed([("ZEBRA|V1", other, {}), (key, GOOD, headers)])
    assert await parked(held) == [("V1", GOOD)]
    async with held.ledger.view() as view:
        (visit,) = (await view.visits([("ZEBRA", "V1")])).values()
    assert visit.incomplete


async def test_it_is_drafted_when_the_quarantine_is_over(held: Bench) -> None:
    """Parked meanwhile, and after 15 minutes a retry is read as if nothing had been."""
    await held.feed([("ZEBRA|V1", GOOD, FROM)])
    await held.later(15)
    assert held.processors[0].quarantine.senders() == 0
    await held.feed([("ZEBRA|V1", GOOD, {**FROM, RETRIED: "1"})])
    assert by_bench(await held.drafts()) == by_code([GOOD])


async def test_what_a_person_sends_again_is_read_meanwhile(held: Bench) -> None:
    """Its sender is still quarantined: the retry is drafted, and not parked once more."""
    await held.feed([("ZEBRA|V1", GOOD, {**FROM, RETRIED: "1"})])
    assert held.processors[0].quarantine.senders() == 2
    assert await parked(held) == []
    assert by_bench(await held.drafts()) == by_code([GOOD])


async def test_what_a_person_sends_again_quarantines_nobody(held: Bench) -> None:
    """60 messages that are still broken are parked for what is wrong with them, and their sender
    is free when its quarantine is over.
    """
    await held.later(15)
    assert held.processors[0].quarantine.senders() == 0
    broken = [GOOD.replace(b"RXA|", f"RXA{n}|".encode(), 1)[:40] for n in range(60)]
    again = [("ZEBRA|V1", data, {**FROM, RETRIED: str(n)}) for n, data in enumerate(broken)]
    before = len(await held.ledger.parked(limit=1000))
    await held.feed(again)
    assert len(await held.ledger.parked(limit=1000)) == before + 60
    assert held.processors[0].quarantine.senders() == 0
