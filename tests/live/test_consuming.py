"""Claims about docs/examples/billing.py, the reader of drafts that docs/consuming.md explains.

It is started as a person starts it, reads a real Kafka behind a real capture, and is killed in the
middle. What it keeps is compared with the revisions of the ledger.
"""

import asyncio
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from tests.clock import PATIENCE_SECONDS
from tests.golden.messages import adt, given
from tests.test_documentation import blocks, missing_lines

from .chaos.evidence import distinct, events_of
from .chaos.feed import joins_patients, messy_feed
from .records import PARTITIONS, Record, send
from .servers import SASL_PASSWORD, SASL_USER, Kafka
from .service import Service, service

__all__ = ["service"]

PROGRAM = Path(__file__).resolve().parents[2] / "docs/examples/billing.py"
DOCUMENT = "docs/consuming.md"
GROUP = "billing"
Charges = dict[tuple[str, str, str], dict[str, Any]]
ON_A_BILL = ("code", "units", "modifiers", "service_date", "drug", "ndc", "authorization")


class Billing:
    """The example with a database of its own; what it prints goes to a file."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.database = folder / "billing.sqlite"
        self.printed = folder / "printed"
        self.bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.runs: list[subprocess.Popen[bytes]] = []

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start it on the plain listener, with further options."""
        at = ("--bootstrap", self.service.kafka.bootstrap, "--database", str(self.database))
        return self.run([sys.executable, str(PROGRAM), "follow", *at, *more], {})

    def run(self, command: list[str], secrets: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start a command on the topic and in the group of this test."""
        topic = ("--topic", f"{self.service.name}.drafts", "--group", self.group)
        with self.printed.open("ab") as file:
            started = subprocess.Popen([*command, *topic], env=self.bare | secrets, stdout=file)
        self.runs.append(started)
        return started

    @property
    def group(self) -> str:
        return f"{self.service.name}.{GROUP}"

    def rows(self, statement: str) -> list[Any]:
        """Rows of the database; none before the example has made its tables."""
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(self.database, timeout=30)) as database:
            try:
                return database.execute(statement).fetchall()
            except sqlite3.OperationalError as error:
                assert "no such table" in str(error), error
                return []

    def entries(self) -> list[dict[str, Any]]:
        """What it printed, each entry once: after a kill one may stand there twice."""
        lines = [json.loads(line) for line in self.printed.read_text().splitlines()]
        return [*{line["number"]: line for line in lines}.values()]

    async def caught_up(self) -> None:
        """Wait until Kafka has the example's word that all of the topic is read."""

        async def all_is_read() -> bool:
            assert self.runs[-1].poll() is None, "the example ended early"
            admin = AIOKafkaAdminClient(bootstrap_servers=self.service.kafka.bootstrap)
            await admin.start()
            try:
                read = await admin.list_consumer_group_offsets(self.group)
            finally:
                await admin.close()
            topic = f"{self.service.name}.drafts"
            ends = await self.service.ends(topic)
            at = {part: read.get(TopicPartition(topic, part)) for part in ends}
            return all((at[part].offset if at[part] else 0) == ends[part] for part in ends)

        await self.service.until(all_is_read, "the example to read the whole topic")

    async def stop(self) -> None:
        """SIGTERM ends the example, with 0."""
        self.runs[-1].terminate()
        assert await asyncio.to_thread(self.runs[-1].wait) == 0


@pytest.fixture
def billing(service: Service, tmp_path: Path) -> Iterator[Billing]:
    own = Billing(service, tmp_path)
    yield own
    for run in own.runs:
        if run.poll() is None:
            run.kill()
            run.wait()


def lines_of(revision: dict[str, Any]) -> Charges:
    """What a bill shows of each line of a revision."""
    return {
        (revision["facility"], revision["visit"], line["line_id"]): {
            name: line[name] for name in ON_A_BILL
        }
        for encounter in revision["encounters"]
        for line in encounter["lines"]
    }


async def in_the_ledger(service: Service) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The revisions of each visit, in their order, as the ledger has them."""
    rows = await service.ask("SELECT body FROM draft_revision ORDER BY revision")
    by_visit: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        revision = json.loads(row[0])
        by_visit.setdefault((revision["facility"], revision["visit"]), []).append(revision)
    return by_visit


def wanted(by_visit: dict[tuple[str, str], list[dict[str, Any]]]) -> tuple[Charges, Charges]:
    """The lines of each visit's last draft, and what is to be billed: the last that was ready."""
    lines: Charges = {}
    bills: Charges = {}
    for revisions in by_visit.values():
        lines |= lines_of(revisions[-1])
        may_be_billed = [r for r in revisions if r["ready"] or r["status"] == "merged"]
        bills |= lines_of(may_be_billed[-1]) if may_be_billed else {}
    return lines, bills


def billed_by(entries: list[dict[str, Any]]) -> Charges:
    """What is billed after these entries; a credit must take back exactly what was billed."""
    bills: Charges = {}
    for entry in entries:
        key = (entry["facility"], entry["visit"], entry["line_id"])
        charge = {name: entry[name] for name in ON_A_BILL}
        if entry["do"] == "credit":
            assert bills.pop(key, None) == charge, f"credits what was not billed: {entry}"
        else:
            assert key not in bills, f"bills a line twice: {entry}"
            bills[key] = charge
    return bills


async def test_killed_and_misled_it_has_the_last_drafts_and_each_charge_once(
    service: Service, billing: Billing
) -> None:
    """SIGKILL in the middle, all events again in another order, an old revision again.

    Its lines are those of the ledger's last drafts, and its journal bills each charge once.
    """
    await service.prepare()
    service.start()
    feed = messy_feed(visits=60, count=500, seed=11)
    merges = [message for message in feed.arriving if joins_patients(message)]
    others = [message for message in feed.arriving if not joins_patients(message)]
    topic = f"{service.name}.drafts"
    first = billing.start("--poll-records", "5")
    await service.deliver(merges)
    await service.deliver(others[::3])
    await service.until(service.drained, "the first third to be drafted")
    await billing.caught_up()
    with closing(sqlite3.connect(billing.database, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")  # it reads on, and can store nothing
        await service.deliver(others[1::3])
        await service.until(service.drained, "the second third to be drafted")
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    announced = distinct(await events_of(service, topic))
    assert 0 < len(billing.rows("SELECT ce_id FROM seen")) < len(announced), "in the middle"

    await service.deliver(others[2::3])
    billing.start()
    await service.until(service.drained, "the last third to be drafted")
    await billing.caught_up()
    last_entry = billing.rows("SELECT max(number) FROM entry")
    events = await events_of(service, topic)
    assert any(event.body["revision"] > 1 for event in events)
    again = [await copy_of(service, topic, at) for at in range(PARTITIONS)]
    await send(service.kafka.bootstrap, topic, [r for part in again for r in reversed(part)])
    await billing.caught_up()
    await billing.stop()

    lines, bills = wanted(await in_the_ledger(service))
    rows = billing.rows("SELECT facility, visit, line_id, charge FROM line")
    assert {tuple(row[:3]): json.loads(row[3]) for row in rows} == lines
    entries = billing.entries()
    assert bills and billed_by(entries) == bills
    assert {entry["do"] for entry in entries} == {"bill", "credit"}
    assert billing.rows("SELECT max(number) FROM entry") == last_entry, "repeats bill nothing"
    assert not billing.rows("SELECT * FROM aside")


async def copy_of(service: Service, topic: str, partition: int) -> list[Record]:
    """The records of a partition with their keys and headers, to be sent once more."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=service.kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    here = TopicPartition(topic, partition)
    consumer.assign([here])
    end = (await consumer.end_offsets([here]))[here]
    records: list[Record] = []
    try:
        while await consumer.position(here) < end:
            for record in (await consumer.getmany(timeout_ms=200)).get(here, []):
                records.append(Record(record.value, record.key, partition, record.headers))
    finally:
        await consumer.stop()
    return records


def as_shown(verb: str, replaced: dict[str, str]) -> list[str]:
    """The words of the page's command with this verb, with other values in place of its own."""
    text = "".join(blocks(DOCUMENT, "sh")).replace("\\\n", " ")
    lines = [line.split("  #")[0] for line in text.splitlines()]
    (words,) = [
        shlex.split(line)
        for line in lines
        if f"billing.py {verb} " in line and replaced.keys() <= {*shlex.split(line)}
    ]
    return [replaced.get(word, word) for word in words]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--topic", "no.such.topic"),
            "expected the topic no.such.topic at {kafka}, found none of that name",
        ),
        (("--bootstrap", "127.0.0.1:1"), "expected a Kafka at 127.0.0.1:1 that lets us in"),
        (("--tls-ca", "no-such.pem"), "expected certificates (PEM) in no-such.pem, found"),
        (
            ("--tls-ca", "{authority}", "--user", "billing"),
            "expected the password of billing in BILLING_KAFKA_PASSWORD, found no such variable",
        ),
    ],
)
async def test_what_cannot_be_followed_is_said_in_a_sentence(
    kafka: Kafka, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    """No topic, no Kafka, no certificate, no password: one line with what was expected, found and
    what to do, no traceback, the exit code 1, and no wait without an end.
    """
    names = {"kafka": kafka.bootstrap, "authority": str(kafka.tls_file("authority.pem"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), "follow", "--database", str(tmp_path / "billing.sqlite")),
        *("--bootstrap", kafka.bootstrap, *(option.format(**names) for option in options)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    ours = [line for line in err.decode().splitlines() if line.startswith("billing: ")]
    assert (process.returncode, out) == (1, b"") and len(ours) == 1
    assert said.format(**names) in ours[0]
    assert b"Traceback" not in err


async def test_a_voided_dose_is_credited_as_the_page_shows(
    service: Service, billing: Billing
) -> None:
    """Two drugs are billed when the visit is final; one is voided, and its lines are credited.

    The program is started as docs/consuming.md starts it, over TLS with a password, and prints what
    the page shows. A second one, without any event, accepts what the ledger has.
    """
    await service.prepare()
    service.start()
    usual = {"python": sys.executable, "docs/examples/billing.py": str(PROGRAM)}
    secret, *follow = as_shown(
        "follow",
        usual
        | {
            "billing.sqlite": str(billing.database),
            "kafka:9093": service.kafka.secure_bootstrap,
            "kafka-ca.pem": str(service.kafka.tls_file("authority.pem")),
            "billing": SASL_USER,
        },
    )
    billing.run(follow, {secret.partition("=")[0]: SASL_PASSWORD})
    doses = [
        given("CARBOPLATIN", "450 mg", "0900", "1030", sent="1030"),
        given("FAMOTIDINE", "20 mg", "0850", method="IVP", sent="0855"),
    ]
    await service.deliver([*doses, adt("A03", sent="1200")])
    await service.until(service.drained, "the visit to be drafted")
    await billing.caught_up()
    void = given("FAMOTIDINE", "20 mg", "0850", method="IVP", sent="1300", status="D")
    await service.deliver([void])
    await service.until(service.drained, "the void to be drafted")
    await billing.caught_up()
    await billing.stop()
    printed = billing.printed.read_text()
    (shown,) = blocks(DOCUMENT, "json")
    assert next(missing_lines(shown.splitlines(), printed), None) is None, printed
    left = billed_by(billing.entries())
    assert sorted(charge["code"] for charge in left.values()) == ["96413", "96415", "J9045"]

    other = {"billing.sqlite": str(billing.database.with_name("other.sqlite"))}
    accept = as_shown("accept", usual | other | {"V100018": "V1"})
    assert (accept[0], accept.count("|")) == ("chargeline", 1)
    command = f"{sys.executable} -m chargeline.cli {' '.join(accept[1:])}"
    taken = await asyncio.to_thread(ended_well, command, service.environment)
    assert billed_by([json.loads(line) for line in taken.splitlines()]) == left
    aside = " ".join(as_shown("aside", usual | other))
    assert await asyncio.to_thread(ended_well, aside, service.environment) == ""


def ended_well(command: str, environment: dict[str, str]) -> str:
    """What a line of a shell prints, which must end with 0."""
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
