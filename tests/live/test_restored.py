"""A ledger that was put back to a backup goes on where billing stands, on real servers.

This module owns the sequence of docs/production.md: back up while captures run, lose the database,
restore, catch up, start. It reads the topics as billing does.
"""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from chargeline.published.shapes import DraftRevision
from tests.golden.messages import given
from tests.operate.test_ledger import PRIVATE, PUBLIC
from tests.test_documentation import PRODUCTION, blocks

from .commands import command, printed
from .records import PARTITIONS
from .servers import Postgres, postgres_binaries
from .service import Service, service

__all__ = ["service"]

pytestmark = pytest.mark.live
ROLES = Path(__file__).parents[2] / "docs" / "rights" / "roles.sql"
ONE_DOSE = [("96413", 1), ("J9045", 9)]


def dose(visit: str, stop: str = "1000", drug: str = "CARBOPLATIN") -> bytes:
    """A dose, which a message of another stop corrects."""
    sent = "1800" if stop == "1000" else "1900"
    return given(drug, "450 mg", "0900", stop, visit=visit, patient=f"ZZ{visit}", sent=sent)


def written_around(pg_dump: Path, folder: Path) -> Path:
    """A folder with a `pg_dump` before and after which the ledger is written to, as a busy ledger
    is all the time: what is done before the dump or after it sees another ledger than the dump.
    """
    programs = folder / "busy"
    programs.mkdir(exist_ok=True)
    act = "chargeline ledger hold --patient 'ZEBRA|ZZV1' --reason traffic >&2"
    free = act.replace(" hold ", " release ")
    stand_in = programs / "pg_dump"
    once = f"{act}\n{free}\n"
    stand_in.write_text(f'#!/bin/sh -e\n{once}{shlex.quote(str(pg_dump))} "$@"\n{once}')
    stand_in.chmod(0o755)
    return programs


async def by_the_page(service_: Service, which: str, but: str = "nothing", owner: str = "") -> str:
    """Run the block of shell commands of the page that holds a word, but for the lines that hold
    another one; gives what it printed. `owner` is the address of the ledger for the login that
    migrates, if the service's own login is another.
    """
    (whole,) = [text for text in blocks(PRODUCTION, "sh") if which in text]
    block = "\n".join([line for line in whole.splitlines() if but not in line])
    folder = service_.log.parent
    files = {"signing.pem": PRIVATE, "public.pem": PUBLIC, "roles.sql": ROLES.read_text("utf-8")}
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    busy = written_around(postgres_binaries() / "pg_dump", folder)
    programs = (busy, Path(sys.executable).parent, postgres_binaries(), os.environ["PATH"])
    server, name = service_.database.rsplit("/", 1)
    ledger = owner or service_.database
    environment = service_.environment | {
        "CHARGELINE_LEDGER_URL": ledger.replace("postgresql://", "postgresql+asyncpg://"),
        "PATH": os.pathsep.join(map(str, programs)),
        "LEDGER": ledger,
        "ADMIN": f"{server}/postgres",
        "NAME": name,
        "OWNER": str(urlsplit(ledger).username),
        "CHARGELINE_SIGNING_KEY_FILE": str(folder / "signing.pem"),
    }
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-e", "-c", block],
        cwd=folder, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


async def published(service_: Service) -> Mapping[tuple[str, str], Sequence[DraftRevision]]:
    """The revisions of each visit as they were published, repeats dropped by their id."""
    topic = f"{service_.name}.drafts"
    ends = await service_.ends(topic)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=service_.kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    records: list[ConsumerRecord] = []
    try:
        while len(records) < sum(ends.values()):
            for lot in (await consumer.getmany(timeout_ms=500)).values():
                records += lot
    finally:
        await consumer.stop()
    seen, of_visit = set[bytes](), dict[tuple[str, str], list[DraftRevision]]()
    for record in records:
        event_id = dict(record.headers)["ce_id"]
        if event_id not in seen:
            seen.add(event_id)
            data = DraftRevision.model_validate_json(record.value)
            of_visit.setdefault((data.facility, data.visit), []).append(data)
    return of_visit


def billed(revisions: Sequence[DraftRevision]) -> dict[str, tuple[str, int]]:
    """What a biller has who follows `changes` alone; each must rest on what is billed."""
    bill: dict[str, tuple[str, int]] = {}
    chain = ""
    for revision in revisions:
        assert revision.chain_before == chain, "it does not follow"
        chain = revision.chain
        for change in [*revision.changes.changed, *revision.changes.removed]:
            assert change.before is not None
            assert bill.pop(change.line_id) == (change.before.code, change.before.units)
        for change in [*revision.changes.added, *revision.changes.changed]:
            assert change.after is not None
            bill[change.line_id] = (change.after.code, change.after.units)
    return bill


async def answer(service_: Service) -> None:
    (line,) = printed(service_.environment, "questions", "list", "--json").splitlines()
    said = ("--value", "carboplatin", "--by", "ZC1", "--reason", "the pharmacy says so")
    printed(service_.environment, "answer", json.loads(line)["question_id"], "product", *said)


async def ended(service_: Service) -> None:
    """End the capture as an orderly restart does."""
    service_.programs[-1].process.terminate()
    assert await service_.programs[-1].ended() == 0, service_.last_words()


@pytest.fixture
def lost(service: Service, postgres: Postgres) -> Iterator[str]:
    """The name of the lost database, which the page's commands let step aside."""
    name = f"{service.database.rsplit('/', 1)[1]}_lost"
    yield name
    postgres.drop_database(name)


async def worked_off(service_: Service) -> None:
    """The messages are read, and the minutes pass after which visits are looked at again."""

    async def read() -> bool:
        ends = await service_.ends(service_.inbound)
        rows = await service_.ask("SELECT partition, next_offset FROM partition_offset")
        at = {row[0]: row[1] or 0 for row in rows}
        return all(at.get(number, 0) == end for number, end in ends.items())

    await service_.until(read, "all messages to be read")
    await service_.ask("UPDATE visit SET settle_due = now() WHERE settle_due > now()")
    await service_.until(service_.drained, "all visits to be drafted")


async def test_a_restored_ledger_goes_on_from_what_billing_has(service: Service, lost: str) -> None:
    """Before the backup one dose each; after it a longer one, a new visit, and an answer.

    What was lost is the database since the backup. Afterwards each visit's revisions are one chain,
    and a biller who follows it has what the ledger drafts; the lost answer is taken back.
    """
    visits = [f"V{number}" for number in range(2 * PARTITIONS)]
    await service.prepare()
    service.start()
    await service.deliver([*map(dose, visits), dose("ASKED", drug="ZEBRAMAB")])
    await service.until(service.drained, "the visits to be drafted")
    await by_the_page(service, "pg_dump")
    await service.deliver([dose(visit, stop="1100") for visit in visits[:PARTITIONS]])
    await service.deliver([dose("NEW")])
    await answer(service)
    await service.until(service.drained, "the visits to be drafted again")
    await ended(service)
    before = await published(service)

    said = await by_the_page(service, "pg_restore")
    count = PARTITIONS + 2
    assert f"revisions added from Kafka: {count}, of {count} visits\n" in said
    assert "BROKEN" not in said and "head " in said
    assert [line for line in said.splitlines() if "is lost" in line] == [
        "chargeline: ZEBRA|ASKED: an answer of a person is lost; answer again"
    ]
    assert (await command("ledger verify", service.environment)).code == 0
    again = await command("ledger catch-up --reason twice", service.environment)
    assert again.out == "revisions added from Kafka: 0, of 0 visits\n"

    service.start()
    await worked_off(service)
    after = await published(service)
    changed = {key[1] for key, revisions in after.items() if revisions != before.get(key)}
    assert changed == {"ASKED"}, "the others came out as they had been published"
    assert not billed(after["ZEBRA", "ASKED"]), "what the lost answer had billed is taken back"
    assert sorted(billed(after["ZEBRA", "NEW"]).values()) == ONE_DOSE
    assert ("96415", 1) in billed(after["ZEBRA", visits[0]]).values()
    await answer(service)
    await service.until(service.drained, "the visit to be drafted")
    assert billed((await published(service))["ZEBRA", "ASKED"])
    assert (await command("ledger verify", service.environment)).code == 0


async def test_a_ledger_that_went_on_by_itself_is_told(service: Service, lost: str) -> None:
    """A capture ran before the ledger had caught up: the visit is named, and nothing is added."""
    await service.prepare()
    service.start()
    await service.deliver([dose("V1", drug="ZEBRAMAB")])
    await service.until(service.drained, "the visit to be drafted")
    await by_the_page(service, "pg_dump")
    await answer(service)
    await service.deliver([dose("V1", stop="1100", drug="ZEBRAMAB")])
    await service.until(service.drained, "the visit to be drafted again")
    await ended(service)
    await by_the_page(service, "pg_restore", but="catch-up")
    service.start()
    await worked_off(service)
    caught = await command("ledger catch-up --reason late", service.environment)
    assert caught.code == 3
    assert "revisions that go on from the ledger's last one" in caught.err
    assert "ZEBRA|V1" in caught.err
    assert (await command("ledger verify", service.environment)).code == 0
