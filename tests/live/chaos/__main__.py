"""`make chaos`: 20,000 messages through three consumers while everything that can fail fails.

This module owns the servers, the feed and the report at the end. The seed from the variable SEED
decides the feed, its disorder and the faults. Exit code 0: the drafts are those of
`chargeline code`. Exit code 1: the drafts differ.
"""

import asyncio
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ..servers import Kafka, Postgres, kafka_server, postgres_server
from ..service import Service
from .conductor import CONSUMERS, LONG, Conductor
from .evidence import Body, Evidence, Visit, differences, distinct, drafted_by_code, gathered
from .feed import messy_feed

MESSAGES = 20_000
VISITS = 1_600
SHOWN = 20  # of the differences
EQUAL = """
equal: each visit's last draft is that of `chargeline code` on the same messages, each field;
its revisions are 1, 2, 3 … without a gap, in order, none with two contents; their changes add up;
the topics hold what the ledger holds; no draft and no question is missing."""


def digest_of(log: Path) -> Counter[str]:
    """How often the consumers logged each event."""
    events: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{") and line.endswith("}"):  # a SIGKILL may cut a line off
            events[json.loads(line)["event"]] += 1
    return events


def account(conductor: Conductor, evidence: Evidence, wanted: dict[Visit, list[Body]]) -> list[str]:
    """What happened, in numbers: from the conductor, the log, the topics and `chargeline code`."""
    done, said = conductor.done, digest_of(conductor.service.log)
    announced = [*evidence.drafts, *evidence.questions]
    kafka, postgres = (
        (done[f"{name} stopped"], done[f"{name} killed"]) for name in ("Kafka", "PostgreSQL")
    )
    return [
        f"messages              {conductor.sent:7,} sent, in disorder and with duplicates",
        f"SIGKILL               {done['killed at work']:7,} consumers at work, "
        f"their partitions claimed; {done['killed at its start']} more at their start",
        f"SIGSTOP               {done['frozen and thawed']:7,} consumers, "
        "until others had taken over",
        f"joined, left          {done['joined']:7,} and {done['left']}, ended with 0 by SIGTERM",
        f"Kafka                 {kafka[0]:7,} times stopped, {kafka[1]} times killed",
        f"PostgreSQL            {postgres[0]:7,} times stopped, {postgres[1]} times killed",
        f"started again         {done['started again']:7,} consumers that found no server "
        "at their start",
        f"rebalances            {said['partitions.assigned']:7,} assignments of partitions",
        f"fenced                {said['fenced']:7,} transactions of consumers "
        "whose partitions were others'",
        f"published             {len(announced):7,} drafts and questions, "
        f"{len(announced) - len(distinct(announced)):,} of them repeats, known by their id",
        f"revisions             {len(distinct(evidence.drafts)):7,}",
        f"visits                {len(wanted):7,} drafted by `chargeline code`",
    ]


async def play(kafka: Kafka, postgres: Postgres, seed: int, folder: Path) -> int:
    """Play one run; returns the exit code."""
    dice = random.Random(seed)
    feed = messy_feed(VISITS, MESSAGES, seed)
    service = Service(
        kafka, postgres.create_database(f"chaos_{os.getpid()}"), "chaos", folder / "capture.log"
    )
    await service.prepare()
    conductor = Conductor(service, kafka, postgres, dice, lambda text: print(text, flush=True))
    feed_words = f"{len(feed.arriving):,} messages, {CONSUMERS} consumers"
    print(f"seed {seed}: {feed_words}, log in {service.log}", flush=True)
    try:
        await conductor.run(feed.arriving, LONG)
        await conductor.stop()
    finally:
        service.end()
    wanted = drafted_by_code(feed.written, folder)
    evidence = await gathered(service)
    problems = differences(evidence, wanted)
    print("\n" + "\n".join(account(conductor, evidence, wanted)))
    if problems:
        print(f"\nNOT equal: {len(problems)} differences from `chargeline code`, the first are:")
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
