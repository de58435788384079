"""An example for billing: it follows `charge.draft` and says what to bill and what to credit.

Copy it and make it yours; docs/consuming.md explains it. It needs aiokafka and nothing else. One
SQLite file holds the lines of each visit's last revision and a journal of what was billed, and each
poll is one transaction of it. A program that is killed at any moment goes on from there.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, KafkaError
from aiokafka.helpers import create_ssl_context

WAIT_SECONDS = 30  # for a first answer of Kafka, and for each commit
DRAFT = "org.chargeline.charge.draft.v1"
ON_A_BILL = ("code", "units", "modifiers", "service_date", "drug", "ndc", "authorization")
TABLES = """
CREATE TABLE IF NOT EXISTS visit (  -- where each visit stands: its last revision
    facility TEXT, visit TEXT, revision INTEGER, status TEXT, ready INTEGER, waits_for TEXT,
    chain TEXT, PRIMARY KEY (facility, visit));
CREATE TABLE IF NOT EXISTS line (   -- the lines of that revision
    facility TEXT, visit TEXT, line_id TEXT, charge TEXT, PRIMARY KEY (facility, visit, line_id));
CREATE TABLE IF NOT EXISTS entry (  -- the journal: what was billed and credited, in this order
    number INTEGER PRIMARY KEY, do TEXT, facility TEXT, visit TEXT, revision INTEGER, line_id TEXT,
    charge TEXT, printed INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS entry_of_visit ON entry (facility, visit, line_id);
CREATE TABLE IF NOT EXISTS seen (ce_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS aside (  -- events that a person must look at
    ce_id TEXT PRIMARY KEY, subject TEXT, why TEXT, value BLOB);
"""


@dataclass(frozen=True)
class Revision:
    """What billing needs of a revision; `lines` has what a bill shows of each line, by its id."""

    facility: str
    visit: str
    revision: int
    status: str
    ready: bool
    waits_for: list[str]
    chain_before: str
    chain: str
    lines: dict[str, str]


class RefusedError(Exception):
    """An event that may not be billed by, with the reason."""


class CannotFollowError(Exception):
    """The topic cannot be followed: what was expected, what was found, and what to do."""


# ------------------------------------------------------------------ reading an event


def read_revision(value: bytes) -> Revision:
    """Read the value of an event; raises RefusedError where it is no draft or was changed."""
    try:
        data = json.loads(value)
        said = value[: value.rindex(b',"chain":')]
        lines = [line for encounter in data["encounters"] for line in encounter["lines"]]
        revision = Revision(
            facility=data["facility"],
            visit=data["visit"],
            revision=data["revision"],
            status=data["status"],
            ready=data["ready"],
            waits_for=data["waits_for"],
            chain_before=data["chain_before"],
            chain=data["chain"],
            lines={line["line_id"]: on_a_bill(line) for line in lines},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(f"expected a draft with a chain, found none: {error!r}") from error
    if sha256(revision.chain_before.encode() + said).hexdigest() != revision.chain:
        raise RefusedError(
            "expected a chain over the bytes of the event, found another: it was changed"
        )
    return revision


def on_a_bill(line: dict[str, Any]) -> str:
    """The part of a line that a bill shows. A question that opens or closes changes none of it."""
    return json.dumps({name: line[name] for name in ON_A_BILL})


# ------------------------------------------------------------------ keeping the last revision


def take(
    database: sqlite3.Connection, value: bytes, *, ce_id: str, ce_type: str, subject: str
) -> None:
    """Take one event: a repeat does nothing, and one that does not fit is set aside."""
    repeated = "SELECT 1 FROM seen WHERE ce_id = ?1 UNION SELECT 1 FROM aside WHERE ce_id = ?1"
    if database.execute(repeated, (ce_id,)).fetchone():
        return
    try:
        if ce_type != DRAFT:
            raise RefusedError(f"expected the type {DRAFT}, found {ce_type}: see the ledger")
        revision = read_revision(value)
        _must_follow(database, revision)
    except RefusedError as refused:
        row = (ce_id, subject, str(refused), value)
        database.execute("INSERT INTO aside VALUES (?, ?, ?, ?)", row)
        return
    database.execute("INSERT INTO seen VALUES (?)", (ce_id,))
    replace(database, revision)


def _must_follow(database: sqlite3.Connection, revision: Revision) -> None:
    """Refuse a revision that does not rest on the one that we have: a credit would be wrong."""
    last = database.execute(
        "SELECT revision, chain FROM visit WHERE facility = ? AND visit = ?",
        (revision.facility, revision.visit),
    ).fetchone() or (0, "")
    if (revision.revision, revision.chain_before) != (last[0] + 1, last[1]):
        raise RefusedError(
            f"expected revision {last[0] + 1} on the chain of revision {last[0]}, found revision "
            f"{revision.revision} on {'that' if revision.chain_before == last[1] else 'another'}"
        )


def replace(database: sqlite3.Connection, revision: Revision) -> None:
    """Put a revision in the place of the visit's last one, and bill what may be billed."""
    key = (revision.facility, revision.visit)
    stands = (revision.revision, revision.status, revision.ready, json.dumps(revision.waits_for))
    row = (*key, *stands, revision.chain)
    database.execute("INSERT OR REPLACE INTO visit VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    database.execute("DELETE FROM line WHERE facility = ? AND visit = ?", key)
    rows = [(*key, line_id, charge) for line_id, charge in revision.lines.items()]
    database.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", rows)
    if revision.ready or revision.status == "merged":  # a merged visit is never ready
        entries = [
            (do, *key, revision.revision, line_id, charge)
            for do, line_id, charge in differences(billed(database, *key), revision.lines)
        ]
        columns = "INSERT INTO entry (do, facility, visit, revision, line_id, charge)"
        database.executemany(f"{columns} VALUES (?, ?, ?, ?, ?, ?)", entries)


def billed(database: sqlite3.Connection, facility: str, visit: str) -> dict[str, str]:
    """What the journal bills of a visit now: of each line the last entry, unless it is a credit."""
    rows = database.execute(
        "SELECT line_id, do, charge, max(number) FROM entry WHERE facility = ? AND visit = ? "
        "GROUP BY line_id",
        (facility, visit),
    )
    return {line_id: charge for line_id, do, charge, _number in rows if do == "bill"}


def differences(before: dict[str, str], after: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """The entries that lead from one bill to the other, credits first."""
    for line_id, charge in before.items():
        if after.get(line_id) != charge:
            yield "credit", line_id, charge
    for line_id, charge in after.items():
        if before.get(line_id) != charge:
            yield "bill", line_id, charge


def print_new(database: sqlite3.Connection) -> None:
    """Print the entries that were not printed yet. After a kill one may come twice: see number."""
    rows = database.execute(
        "SELECT number, do, facility, visit, revision, line_id, charge FROM entry "
        "WHERE NOT printed ORDER BY number"
    ).fetchall()
    for number, do, facility, visit, revision, line_id, charge in rows:
        where = {"facility": facility, "visit": visit, "revision": revision, "line_id": line_id}
        print(json.dumps({"number": number, "do": do, **where, **json.loads(charge)}), flush=True)
    with database:
        database.executemany(
            "UPDATE entry SET printed = 1 WHERE number = ?", [(row[0],) for row in rows]
        )


# ------------------------------------------------------------------ the verbs


def security(options: argparse.Namespace) -> dict[str, Any]:
    """How the client connects: TLS with a CA file, and a password (SCRAM-SHA-512) with a user."""
    if not options.tls_ca:
        return {}
    try:
        context = create_ssl_context(cafile=options.tls_ca)
    except OSError as error:  # an SSLError is one
        raise CannotFollowError(
            f"expected certificates (PEM) in {options.tls_ca}, found {error}: correct --tls-ca"
        ) from error
    chosen = {"security_protocol": "SSL", "ssl_context": context}
    if options.user and "BILLING_KAFKA_PASSWORD" not in os.environ:
        raise CannotFollowError(
            f"expected the password of {options.user} in BILLING_KAFKA_PASSWORD, found no such "
            "variable: set it"
        )
    if options.user:
        chosen |= {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": options.user,
            "sasl_plain_password": os.environ["BILLING_KAFKA_PASSWORD"],
        }
    return chosen


async def follow(database: sqlite3.Connection, options: argparse.Namespace) -> None:
    """Follow the topic until SIGTERM or ^C; raises CannotFollowError."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=options.bootstrap,
        group_id=options.group,
        enable_auto_commit=False,  # the database first, and then Kafka
        auto_offset_reset="earliest",  # the first start reads what the topic has
        max_poll_records=options.poll_records,
        **security(options),
    )
    try:
        await begin(consumer, options)
        while not stop.is_set():
            await poll(database, consumer)
    except KafkaError as error:
        raise CannotFollowError(
            f"expected Kafka at {options.bootstrap} to give {options.topic} to the group "
            f"{options.group}, found {error!r}: correct --group, or give the user Read on both"
        ) from error
    finally:
        await consumer.stop()


async def begin(consumer: AIOKafkaConsumer, options: argparse.Namespace) -> None:
    """Connect, and subscribe to the topic if Kafka has it; raises CannotFollowError."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await consumer.start()
            topics = await consumer.topics()
    except (KafkaError, TimeoutError) as error:
        raise CannotFollowError(
            f"expected a Kafka at {options.bootstrap} that lets us in within {WAIT_SECONDS} "
            f"seconds, found {error!r}: correct --bootstrap, --tls-ca, --user and the password"
        ) from error
    if options.topic not in topics:
        raise CannotFollowError(
            f"expected the topic {options.topic} at {options.bootstrap}, found none of that name "
            "that our user may see: correct --topic, or make it with `chargeline topics create`, "
            "or give the user Read on it"
        )
    consumer.subscribe([options.topic])


async def poll(database: sqlite3.Connection, consumer: AIOKafkaConsumer) -> None:
    """Take the next records in one transaction of the database, and then tell Kafka."""
    with database:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for record in records:
                headers = {name: data.decode() for name, data in record.headers}
                at = f"{record.topic}/{record.partition}/{record.offset}"
                take(
                    database,
                    record.value or b"",
                    ce_id=headers.get("ce_id", at),
                    ce_type=headers.get("ce_type", "none"),
                    subject=headers.get("ce_subject", at),
                )
    print_new(database)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await consumer.commit()
    except (CommitFailedError, TimeoutError) as error:
        # The partitions went to another process, or Kafka is away. Whoever has them next reads the
        # records again, and `seen` says that they are repeats.
        print(f"not committed: {error!r}", file=sys.stderr)


def accept(database: sqlite3.Connection) -> None:
    """Take the revision on standard input, as `visit show --json` prints it, whatever we had."""
    revision = read_revision(sys.stdin.buffer.read().strip())
    with database:
        replace(database, revision)
        subject = f"{revision.facility.replace('%', '%25').replace('|', '%7C')}|{revision.visit}"
        database.execute("DELETE FROM aside WHERE subject = ?", (subject,))
    print_new(database)


def main() -> int:
    """Run the verb of the command line."""
    parser = argparse.ArgumentParser(description="Follow charge.draft, and say what to bill.")
    parser.add_argument("verb", choices=("follow", "aside", "accept"))
    parser.add_argument("--database", default="billing.sqlite")
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--topic", default="charge.draft")
    parser.add_argument("--group", default="billing")
    parser.add_argument("--tls-ca", help="the CA of Kafka's certificate, PEM")
    parser.add_argument("--user", help="the password is in BILLING_KAFKA_PASSWORD")
    parser.add_argument("--poll-records", type=int, default=500)
    options = parser.parse_args()
    os.umask(0o077)  # visits and drugs are nobody else's business
    with contextlib.closing(sqlite3.connect(options.database, timeout=30)) as database:
        database.executescript(TABLES)
        if options.verb == "follow":
            try:
                asyncio.run(follow(database, options))
            except CannotFollowError as error:
                print(f"billing: {error}", file=sys.stderr)
                return 1
        elif options.verb == "accept":
            accept(database)
        else:
            for subject, why in database.execute("SELECT subject, why FROM aside"):
                print(f"{subject}  {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
