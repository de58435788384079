"""`make soak`: a million messages through one capture process, to see that nothing grows.

This module owns two claims: memory stays flat, and a message costs the same when the ledger holds
eight times more visits. One run shows both: it prints a line for each fiftieth of the messages.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path
from time import perf_counter

from chargeline.ledger import Ledger
from tests.bench.live import Capture, feed_of, load
from tests.live.servers import KafkaServer, PostgresServer, kafka_server, postgres_server

MESSAGES = int(os.environ.get("MESSAGES", "1000000"))
LOT = MESSAGES // 50
AHEAD = 2 * LOT  # messages that are on the topic before capture reads them
SETTLING = 5  # of the fifty lots: then as many visits are in memory as there ever will be


def endless() -> Iterator[tuple[bytes, bytes]]:
    """Invented visits without end, each with its own numbers."""
    for copy in count(1):
        yield from feed_of(1, first=copy)


async def soak(kafka: KafkaServer, postgres: PostgresServer, folder: Path) -> int:
    """Send the messages and print a line for each lot; returns the exit code."""
    capture = Capture(kafka, postgres, "soak", folder)
    await capture.prepare()
    ledger = await Ledger.open(capture.url)
    feed, loaded, rows = endless(), 0, []
    with capture.running():
        began, read = perf_counter(), 0
        print(f"{'messages':>12}{'visits':>10}{'memory MB':>11}{'a second':>10}")
        for wanted in range(LOT, MESSAGES + 1, LOT):
            while loaded < min(wanted + AHEAD, MESSAGES):
                lot = list(islice(feed, LOT))
                await load(kafka.bootstrap, "soak.inbound", lot)
                loaded += len(lot)
            while (read := await capture.read_so_far(ledger)) < wanted:
                await asyncio.sleep(0.2)
            now = perf_counter()
            visits = (await ledger.counts()).visits.get("open", 0) + await capture.final_visits(
                ledger
            )
            rows.append((visits, capture.resident_bytes() / 1e6, now - began))
            print(
                f"{read:>12,}{visits:>10,}{rows[-1][1]:>11,.0f}{LOT / (now - began):>10,.0f}",
                flush=True,
            )
            began = perf_counter()
    await ledger.close()
    return _verdict(rows)


def _verdict(rows: list[tuple[int, float, float]]) -> int:
    """Compare the first tenth after settling with the last tenth: both have as many messages."""
    first, last = rows[SETTLING : 2 * SETTLING], rows[-SETTLING:]
    memory = max(row[1] for row in last) / max(row[1] for row in first)
    speed = sum(row[2] for row in first) / sum(row[2] for row in last)
    print(f"\nmemory at the end / after settling {memory:.2f}   wanted about 1")
    visits = f"{last[-1][0]:,} visits / {first[0][0]:,} visits"
    print(f"messages a second, {visits} {speed:.2f}   wanted about 1")
    return 0


async def main() -> int:
    """Start the servers, soak, and stop the servers."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chargeline-soak-")))
        kafka, postgres = kafka_server(), postgres_server()
        assert isinstance(kafka, KafkaServer) and isinstance(postgres, PostgresServer)
        for server in (kafka, postgres):
            stack.callback(server.close)
            server.start()
        return await soak(kafka, postgres, folder)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
