"""Claims about `make live`: it starts, everything that operators look at shows something, it stops.

It is started as a person starts it, on the servers that the tests share.
"""

import asyncio
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chargeline.telemetry.dashboards.operations import OPERATIONS
from tests.clock import PATIENCE_SECONDS
from tests.serve.test_watched import asked

from .commands import environment
from .prometheus import Prometheus
from .servers import KAFKA_VARIABLE, POSTGRES_VARIABLE, Kafka, Postgres
from .test_consuming import as_shown

REPOSITORY = Path(__file__).resolve().parents[2]

# What may show nothing, and why that is right.
NOTHING = {
    "Odd but read, sent again": "the second query: the gateway writes each message to its place",
}


class Told:
    """What a running `make live` has printed so far, and the addresses in it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, ending: str) -> None:
        """Read lines until one ends so."""
        assert self.process.stdout is not None
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            while not (self.lines and self.lines[-1].endswith(ending)):
                line = await self.process.stdout.readline()
                assert line, f"it ended:\n{''.join(self.lines)}"
                self.lines.append(line.decode().rstrip())

    def address(self, title: str) -> str:
        """The address that stands behind a title."""
        (line,) = [line for line in self.lines if line.startswith(f"{title} ")]
        return line[len(title) :].strip()


async def test_what_operators_look_at_shows_something(
    kafka: Kafka, postgres: Postgres, tmp_path: Path
) -> None:
    """Each panel of the operations dashboard has data, or a reason to have none; at ^C all
    programs end, and nothing is left behind.
    """
    own = environment() | {
        KAFKA_VARIABLE: kafka.bootstrap,
        POSTGRES_VARIABLE: postgres.dsn,
        "PER_SECOND": "60",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.live.stand",
        env=own, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    told = Told(process)
    try:
        await told.until("stop with ^C")
        prometheus = Prometheus.__new__(Prometheus)
        prometheus.port = int(told.address("Prometheus").rpartition(":")[2])

        def empty() -> set[str]:
            return {
                panel.title
                for panel in OPERATIONS.panels
                if not all(prometheus.query(query) for query in asked(panel, OPERATIONS))
            }

        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            while await asyncio.to_thread(empty) - NOTHING.keys():
                await asyncio.sleep(1)
        up = await asyncio.to_thread(prometheus.query, "sum(chargeline_ready)")
        assert float(up[0]["value"][1]) == 4  # gateway, two captures, workbench
        await assert_questions_are_listed(told.address("ledger"))
        await assert_bills_come_out(told, tmp_path)
        folder = Path(told.address("logs"))
        assert (folder / "capture-2.log").is_file()
        process.send_signal(signal.SIGINT)
        await told.until("stopped")
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) == 0
        assert not folder.exists()
        left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, check=False)
        assert left.stdout == b""
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def assert_bills_come_out(told: Told, folder: Path) -> None:
    """The example of docs/consuming.md, with the addresses that are printed, bills a line."""
    printed = {
        "python": sys.executable,
        "live.sqlite": str(folder / "live.sqlite"),
        "127.0.0.1:39093": told.address("Kafka"),
        "live-1a2b3c4d.drafts": told.address("drafts").removeprefix("topic "),
    }
    billing = await asyncio.create_subprocess_exec(
        *as_shown("follow", printed), cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    assert billing.stdout is not None
    try:
        line = await asyncio.wait_for(billing.stdout.readline(), 2 * PATIENCE_SECONDS)
        assert json.loads(line)["do"] == "bill"
    finally:
        billing.terminate()
        await billing.communicate()
    assert billing.returncode == 0


async def assert_questions_are_listed(line: str) -> None:
    """The line that a person copies lists open questions of the ledger."""
    shell = await asyncio.create_subprocess_shell(
        line, env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    listed, said = await asyncio.wait_for(shell.communicate(), PATIENCE_SECONDS)
    assert shell.returncode == 0 and b"stop.missing" in listed, said.decode()


def test_it_is_a_verb_of_the_makefile() -> None:
    """`make live` runs the stand, and says so in the list of verbs."""
    text = (REPOSITORY / "Makefile").read_text("utf-8")
    assert re.search(r"^live: setup ## .*\n\t@.*python -m tests\.live\.stand$", text, re.MULTILINE)
    listed = subprocess.run(["make"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "make live" in listed.stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({KAFKA_VARIABLE: "127.0.0.1:1"}, "live: "),
        ({"PER_SECOND": "many"}, "live: PER_SECOND: expected a whole number from 1, found 'many'"),
    ],
)
async def test_a_start_that_fails_says_why(wrong: dict[str, str], said: str) -> None:
    """No Kafka at the address that is named, no such pace: what was expected, exit code 1."""
    own = environment() | {POSTGRES_VARIABLE: "postgresql://127.0.0.1:1/x"} | wrong
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.live.stand", env=own, cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 1
    assert err.decode().startswith(said)
