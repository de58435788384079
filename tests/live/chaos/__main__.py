"""`make chaos`: 20,000 messages through three consumers while everything that can fail fails.

This module owns the servers, the feed and the report at the end. The seed from the variable SEED
decides the feed, its disorder and the faults. Exit code 0: the drafts are those of
`chargeline code`, and all else is as it must be (`judging.py`). Exit code 1: something differs.
"""

import asyncio
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ..records import as_kafka_ships, key_of
from ..servers import Kafka, Postgres, kafka_server, postgres_server
from ..service import Service
from .conductor import CONSUMERS, LONG, Conductor
from .evidence import distinct
from .feed import messy_feed
from .honest import HonestSenders
from .hostile import FRAME_BYTES, QUARANTINED, Hostile, hostile_feed
from .judging import Judgement, judged

MESSAGES = 20_000
VISITS = 1_600
HOSTILE_VISITS = 40
SHOWN = 20  # of the differences
QUIET_SECONDS = 10
"""On a quiet machine a takeover needs the session timeout of the group and less than this."""
EQUAL = """
equal: each visit's last draft is that of `chargeline code` on the same messages, each field;
its revisions are 1, 2, 3 … without a gap, in order, none with two contents; their changes add up;
the topics hold what the ledger holds; no draft and no question is missing; each record that was
to stop us is parked for its reason, and no honest message; every chain and every seal is whole."""


def account(conductor: Conductor, judgement: Judgement) -> list[str]:
    """What happened, in numbers: from the conductor, the log, the topics and `chargeline code`."""
    done = conductor.done
    said = Counter(str(line["event"]) for line in conductor.service.logged())
    evidence = judgement.evidence
    announced = [*evidence.drafts, *evidence.questions]
    return [
        f"messages              {conductor.sent:7,} sent, in disorder and with duplicates",
        *_faults(conductor, said),
        *_senders(conductor, judgement, said),
        f"started again         {done['started again']:7,} consumers that found no server "
        "at their start",
        f"rebalances            {said['partitions.assigned']:7,} assignments of partitions",
        f"fenced                {said['fenced']:7,} transactions of consumers "
        "whose partitions were others'",
        f"published             {len(announced):7,} drafts and questions, "
        f"{len(announced) - len(distinct(announced)):,} of them repeats, known by their id",
        f"revisions             {len(distinct(evidence.drafts)):7,}",
        f"visits                {len(judgement.wanted):7,} drafted by `chargeline code`",
        f"verified              {sum(judgement.verified.values()):7,} rows by `ledger verify`: "
        + ", ".join(f"{rows:,} {table}" for table, rows in judgement.verified.items()),
    ]


def _faults(conductor: Conductor, said: Counter[str]) -> list[str]:
    """What happened to the programs and the servers."""
    done = conductor.done
    kafka, postgres = (
        (done[f"{name} stopped"], done[f"{name} killed"]) for name in ("Kafka", "PostgreSQL")
    )
    expected = conductor.service.session_seconds + QUIET_SECONDS
    return [
        f"SIGKILL               {done['killed at work']:7,} consumers at work, "
        f"their partitions claimed; {done['killed at its start']} more at their start",
        f"SIGSTOP               {done['frozen']:7,} consumers until others had all partitions, "
        f"{done['frozen in a transaction']} in the middle of a transaction",
        f"longest takeover      {max(conductor.takeovers, default=0.0):7.1f} s of "
        f"{len(conductor.takeovers)}; at most {expected:.0f} s on a quiet machine",
        f"joined, left          {done['joined']:7,} and {done['left']}, ended with 0 by SIGTERM",
        f"Kafka                 {kafka[0]:7,} times stopped, {kafka[1]} times killed",
        f"PostgreSQL            {postgres[0]:7,} times stopped, {postgres[1]} times killed",
        f"open transactions     {conductor.hostile.done['open transactions']:7,} left on the "
        f"topic; the log tells of {said['transaction.open']}",
    ]


def _senders(conductor: Conductor, judgement: Judgement, said: Counter[str]) -> list[str]:
    """What the senders did, and what became of it."""
    honest, hostile = conductor.honest.done, conductor.hostile.done
    unread = sum(row.code == QUARANTINED for row in judgement.parked)
    return [
        f"misplaced             {honest['misplaced']:7,} messages in another partition or under "
        f"another key; {honest['forged']:,} with a header of ours",
        f"poison                {hostile['poison']:7,} records that were to stop us",
        f"hostile sender        {hostile['of the hostile sender']:7,} messages in "
        f"{hostile['bursts']} bursts",
        f"parked                {len(judgement.parked):7,} messages, for "
        f"{len({row.code for row in judgement.parked})} reasons",
        f"quarantined           {said[QUARANTINED]:7,} times a sender by a consumer; "
        f"{unread:,} messages were parked unread and came back",
    ]


async def play(kafka: Kafka, postgres: Postgres, seed: int, folder: Path) -> int:
    """Play one run; returns the exit code."""
    feed, hostile = messy_feed(VISITS, MESSAGES, seed), hostile_feed(HOSTILE_VISITS, seed)
    database = postgres.create_database(f"chaos_{os.getpid()}")
    service = Service(kafka, database, "chaos", folder / "capture.log")
    service.environment["CHARGELINE_MLLP_FRAME_BYTES"] = str(FRAME_BYTES)
    await service.prepare()
    await as_kafka_ships(kafka.bootstrap, service.inbound)
    # The conductor asks its dice until a consumer is at work, so the others have dice of their own.
    dice, of_honest, of_hostile = (random.Random(seed * 3 + number) for number in range(3))
    conductor = Conductor(
        service,
        kafka,
        postgres,
        dice=dice,
        honest=HonestSenders(of_honest, [key_of(message) for message in feed.written[:100]]),
        hostile=Hostile(service, of_hostile, hostile, LONG.bursts),
        tell=lambda text: print(text, flush=True),
    )
    feed_words = f"{len(feed.arriving):,} messages, {CONSUMERS} consumers"
    print(f"seed {seed}: {feed_words}, log in {service.log}", flush=True)
    try:
        await conductor.run(feed.arriving, LONG)
        await conductor.stop()
        await conductor.bring_back()
        await conductor.stop()
    finally:
        service.end()
    judgement = await judged(service, feed.written, hostile, conductor.hostile.sent, folder=folder)
    print("\n" + "\n".join(account(conductor, judgement)))
    problems = judgement.problems
    if problems:
        print(f"\nNOT equal: {len(problems)} differences from what must be, the first are:")
        print("\n".join(f"  {problem}" for problem in problems[:SHOWN]))
        return 1
    print(EQUAL)
    return 0


def main() -> int:
    """Start the servers, play, and end the servers."""
    # The clients of this process lose Kafka as well, and their log lines would hide the report.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10_000))
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="chargeline-chaos-"))
    kafka, postgres = kafka_server(), postgres_server()
    try:
        kafka.start()
        postgres.start()
        code = asyncio.run(play(kafka, postgres, seed, folder))
    finally:
        kafka.close()
        postgres.close()
    print(f"\nseed {seed}, {time.monotonic() - began:.0f} s; again with: make chaos SEED={seed}")
    return code


if __name__ == "__main__":
    sys.exit(main())
