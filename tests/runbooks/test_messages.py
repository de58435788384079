"""Walks of the pages on messages: parked, removed unseen, refused, slow, or none at all.

No patient is real.
"""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from chargeline.mllp.client import MllpClient
from tests.drafting.test_processor import Lines, by_code
from tests.golden.messages import message
from tests.ledger.test_failures import FULL
from tests.live.test_new_passwords import Login
from tests.serve import HOST, Served, code_of, deliver, drafted, feed, revisions, until
from tests.serve.test_keys import dose
from tests.serve.test_watched import REPOSITORY

from . import Walking

pytestmark = pytest.mark.live
Serving = Callable[..., Served]
UNREADABLE = "visit.missing"


def visit_at(folder: Path, address: str) -> str:
    """A rules folder whose interface `standard` reads the visit number at an address."""
    rules = folder / "rules"
    if not rules.exists():
        shutil.copytree(REPOSITORY / "rules", rules)
    profile = rules / "interfaces" / "standard" / "profile.toml"
    right = (REPOSITORY / "rules" / "interfaces" / "standard" / "profile.toml").read_text()
    shipped = 'visit = ["PV1-19.1", "PID-18.1"]'
    assert shipped in right
    profile.write_text(right.replace(shipped, f'visit = ["{address}"]'))
    return str(rules)


def lines_of(service: Served) -> Lines:
    return drafted(service.events())


async def test_parked_share_and_sender_quarantined(
    served: Serving, walk: Walking, tmp_path: Path
) -> None:
    """A new interface reads the visit number where the sender writes none: messages are parked, and
    the sender is quarantined. With the right one nothing is lost.
    """
    messages = feed(12, 71)
    service = served(rules=visit_at(tmp_path, "PV1-50.1"))
    service.start()
    await service.ready()
    share = await walk("parked-share", service)
    quarantine = share.beside("sender-quarantined")
    await deliver(messages, service.port)
    await share.fires("ChargelineParkedShare")
    await quarantine.fires("ChargelineSenderQuarantined")
    await share.shows("Parked by reason", reason=UNREADABLE)
    await share.shows("Versions at work")
    assert UNREADABLE in (await share.run("chargeline parked list --json")).out
    assert (await quarantine.logs("sender.quarantined"))["code"] == UNREADABLE
    unread = await quarantine.run("chargeline parked list --code sender.quarantined")
    assert "sender.quarantined" in unread.out
    assert lines_of(service) == {}
    await service.stop()
    visit_at(tmp_path, "PV1-19.1")
    service.start()
    await service.ready()
    await share.run("chargeline parked retry --code CODE", CODE=UNREADABLE)
    await quarantine.run("chargeline parked retry --code sender.quarantined")
    wanted = by_code(messages)
    await until(lambda: lines_of(service) == wanted, service.said)
    await share.is_over("ChargelineParkedShare")
    await quarantine.is_over("ChargelineSenderQuarantined")


def park_before(service: Served, ago: timedelta) -> None:
    """Change the ledger as if its messages had been parked so long ago."""
    then = (datetime.now(UTC) - ago).isoformat()
    with sqlite3.connect(service.folder / "ledger.sqlite", timeout=60) as ledger:
        assert ledger.execute("UPDATE parked SET first_seen = ?", [then]).rowcount > 0


async def test_parked_too_long(served: Serving, walk: Walking) -> None:
    """A person looks at the message, and drops one and retries the other."""
    service = served()
    service.start()
    await service.ready()
    page = await walk("parked-too-long", service)
    bad = [message("ADT^A08", visit="V" * 3_000 + number) for number in "12"]
    await deliver(bad, service.port)
    await until(lambda: len(service.events()) == len(bad), service.said)
    park_before(service, timedelta(hours=5))
    await page.fires("ChargelineParkedTooLong")
    listed = (await page.run("chargeline parked list", "--json")).out
    assert '"id"' in listed
    shown = (await page.run("chargeline parked show ID", ID="1")).out
    assert "expected" in shown and "PV1" in shown
    await page.run("chargeline parked drop ID --reason TEXT", ID="1", TEXT="r")
    await page.run("chargeline parked retry ID", ID="2")
    await page.is_over("ChargelineParkedTooLong")


async def test_parked_expired(served: Serving, walk: Walking) -> None:
    """A message that nobody looked at for half a year goes, and the page finds out which."""
    service = served()
    service.start()
    await service.ready()
    page = await walk("parked-expired", service)
    await deliver([message("ADT^A08", visit="V" * 3_000)], service.port)
    await until(lambda: service.events(), service.said)
    assert await service.stop() == 0
    park_before(service, timedelta(days=200))
    service.start()
    await service.ready()
    await page.fires("ChargelineParkedExpired")
    assert (await page.logs("parked.expired"))["count"] == 1
    assert "1" in (await page.run("chargeline audit list --what retention")).out
    await page.is_over("ChargelineParkedExpired")


async def test_ledger_disk_full_and_messages_not_stored(
    served: Serving, walk: Walking, database: str
) -> None:
    """PostgreSQL has no room for a message: the sender gets AR, keeps it, and is served again as
    soon as there is room.
    """
    service = served(database)
    service.start()
    await service.ready()
    disk = await walk("ledger-disk-full", service)
    stored = disk.beside("messages-not-stored")
    connection = await asyncpg.connect(database)
    await connection.execute(FULL.format(when=""))
    sending = asyncio.create_task(deliver([dose("V1")], service.port))
    await disk.fires("ChargelineLedgerDiskFull")
    await stored.fires("ChargelineMessagesNotStored")
    await stored.shows("Refused messages by reason", reason="store_full")
    await disk.run("chargeline ledger status")
    await connection.execute("DROP TRIGGER full_disk ON message")
    await connection.close()
    await sending
    await until(lambda: revisions(service.events()), service.said)
    await disk.is_over("ChargelineLedgerDiskFull")
    await stored.is_over("ChargelineMessagesNotStored")


async def test_ledger_fails(walk: Walking, database: str, tmp_path: Path) -> None:
    """The password of the ledger's role was changed: the new one goes into the file of the address,
    and the program is not started again.
    """
    login = Login(database, tmp_path / "address")
    await login.make()
    service = Served(tmp_path, ledger_url_file=str(login.file))
    del service.environment["CHARGELINE_LEDGER_URL"]
    service.start()
    try:
        await service.ready()
        page = await walk("ledger-fails", service)
        await login.change("second")
        sending = asyncio.create_task(deliver([dose("V1")], service.port))
        await page.fires("ChargelineLedgerFails")
        await page.shows("Ledger transactions", result="unreachable")
        assert (await page.logs("ledger.unavailable"))["error"]
        login.write("second")
        await sending
        await until(lambda: revisions(service.events()), service.said)
        await page.is_over("ChargelineLedgerFails")
    finally:
        service.end()


async def test_slow_acknowledgements(served: Serving, walk: Walking) -> None:
    """Another program holds the ledger for six seconds: the sender waits, and gets AA."""
    service = served()
    service.start()
    await service.ready()
    page = await walk("slow-acknowledgements", service)
    holder = sqlite3.connect(service.folder / "ledger.sqlite", isolation_level=None, timeout=60)
    holder.execute("BEGIN IMMEDIATE")
    async with await MllpClient.connect(HOST, service.port) as client:
        began = time.monotonic()
        waiting = asyncio.create_task(client.send(dose("V1")))
        await asyncio.to_thread(time.sleep, 6)  # what is played is this time
        holder.execute("ROLLBACK")
        holder.close()
        assert code_of(await waiting) == "AA"
        assert time.monotonic() - began >= 6
        await page.fires("ChargelineSlowAcknowledgements")
        await page.shows("Memory of unanswered frames")
        await page.shows("CPU, by pod", job="serve")
        for number in range(300):
            assert code_of(await client.send(dose(f"V2{number}"))) == "AA"
    await page.is_over("ChargelineSlowAcknowledgements")
