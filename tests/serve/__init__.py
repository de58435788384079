"""Tests of the one-process mode, and the process and the sender that they share.

No patient is real.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from chargeline.hl7.reader import read_message
from chargeline.mllp.client import MllpClient
from chargeline.mllp.wire import MllpError
from chargeline.published import shapes
from chargeline.simulator.feed import simulate
from tests.clock import PATIENCE_SECONDS
from tests.drafting.test_processor import Lines, by_bench
from tests.live.processes import Forked
from tests.live.servers import free_port

HOST = "127.0.0.1"
ACCEPTED = ("AA", "CA")
Event = dict[str, Any]


@cache
def feed(visits: int, seed: int, mess: float = 0.5) -> tuple[bytes, ...]:
    """A messy feed in the standard style."""
    return tuple(
        data
        for _style, data in simulate(visits=visits, seed=seed, style="standard", mess=mess).messages
    )


class Served:
    """One `chargeline serve`, which may be killed and started again on the same ledger and file."""

    def __init__(self, folder: Path, url: str = "", **settings: str) -> None:
        self.folder = folder
        self.out = folder / "events.jsonl"
        self.log = folder / "serve.log"
        self.port = free_port()
        self.page_port = free_port()
        self.process: Forked | subprocess.Popen[bytes] | None = None
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("CHARGELINE_")
            },
            "CHARGELINE_LEDGER_URL": _with_driver(url)
            or f"sqlite+aiosqlite:///{folder}/ledger.sqlite",
            "CHARGELINE_MLLP_PORT": str(self.port),
            "CHARGELINE_HTTP_PORT": str(self.page_port),
            "CHARGELINE_SETTLE_SECONDS": "0",
            **{f"CHARGELINE_{name.upper()}": value for name, value in settings.items()},
        }

    def start(self, *arguments: str) -> None:
        """Start it, into the file unless the arguments say otherwise."""
        words = ["serve", *(arguments or ("--out", str(self.out)))]
        self.process = Forked(words, self.environment, self.log)

    def start_into(self, stdout: int) -> subprocess.Popen[bytes]:
        """Start it as a shell does, with this file descriptor as its standard output."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chargeline.cli", "serve"],
                env=self.environment,
                stdout=stdout,
                stderr=log,
            )
        return self.process

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        await until(self._is_ready, self.said)

    async def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        return b" 200 " in (await self.page("/readyz")).partition(b"\r\n")[0]

    async def page(self, path: str) -> bytes:
        """Its answer on a page; b"" while it does not listen."""
        try:
            reader, writer = await asyncio.open_connection(HOST, self.page_port)
        except OSError:
            return b""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer

    def said(self) -> str:
        """The end of its log, which all its starts share."""
        return self.log.read_text(errors="replace")[-4000:]

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self.process is not None
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), PATIENCE_SECONDS)

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(by)
        return await self.ended()

    def events(self) -> list[Event]:
        """The events in the whole lines of the file, with repeats."""
        text = self.out.read_text() if self.out.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def end(self) -> None:
        """Kill the process if a test has left it running."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _with_driver(url: str) -> str:
    return url.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")


async def until(condition: Callable[[], Any], why: Callable[[], str] = str) -> None:
    """Wait until a process makes a condition true. The condition may return an awaitable."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                state = condition()
                if await state if asyncio.iscoroutine(state) else state:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not in {PATIENCE_SECONDS} s: {why()}") from None


def code_of(answer: bytes) -> str:
    """MSA-1 of an acknowledgement."""
    return read_message(answer).value("MSA-1") or ""


async def deliver(
    messages: Sequence[bytes],
    port: int,
    *,
    in_flight: int = 8,
    accepted: Callable[[int], None] = lambda _count: None,
) -> None:
    """Send like a hospital's interface engine: a message that is not accepted is sent again, if
    need be over a new connection.
    """
    done = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while done < len(messages):
            try:
                async with await MllpClient.connect(HOST, port) as client:
                    async for answer in client.send_many(messages[done:], in_flight):
                        if code_of(answer) not in ACCEPTED:
                            break
                        done += 1
                        accepted(done)
            except (MllpError, OSError):
                await asyncio.sleep(0.05)


def once(told: Iterable[Event]) -> list[Event]:
    """The events without repeats: a repeat has the same id."""
    return list({event["id"]: event for event in told}.values())


def revisions(told: Iterable[Event]) -> list[shapes.DraftRevision]:
    """The draft revisions among events, without repeats."""
    kind = shapes.TYPES[shapes.DraftRevision]
    return [
        shapes.DraftRevision.model_validate(event["data"])
        for event in once(told)
        if event["type"] == kind
    ]


def questions(told: Iterable[Event]) -> list[shapes.DocumentationQuestion]:
    """The questions that were opened or closed, in the order in which they were told."""
    kind = shapes.TYPES[shapes.DocumentationQuestion]
    return [
        shapes.DocumentationQuestion.model_validate(event["data"])
        for event in once(told)
        if event["type"] == kind
    ]


def drafted(told: Iterable[Event]) -> Lines:
    """The lines of each visit's last revision."""
    last: dict[tuple[str, str], shapes.DraftRevision] = {}
    for revision in revisions(told):
        key = (revision.facility, revision.visit)
        if key not in last or last[key].revision < revision.revision:
            last[key] = revision
    return by_bench(last)
