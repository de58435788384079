"""`python -m tests.by_hand.large_frames`: memory and health page while large messages come at once.

It owns two figures and claims nothing: the most memory that a program takes while 64 senders write
messages at the limit at once, and the longest that `/healthz` takes meanwhile. `serve` needs
nothing; for `gateway` a Kafka is started. A message of nothing but delimiters takes the most.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from chargeline.mllp.client import MllpClient
from tests.live.servers import free_port, kafka_server
from tests.live.service import TOPICS

SENDERS = 64
WAIT_SECONDS = 300
HEAD = (
    b"MSH|^~\\&|MAR|GENHOSP|CL|X|20240312141500||RAS^O17|M%05d|P|2.5.1\r"
    b"PID|1||99000001^^^GENHOSP^MR||TESTPATIENT^ZEBRA\r"
    b"PV1|1|O|||||||||||||||||V%05d^^^GENHOSP^VN\r"
    b"ORC|RE|ORD1\rRXA|0|1|202403121000|202403121030|J9267^PACLITAXEL|100|mg\r"
)
SEGMENTS = 4_900


def message(kind: str, number: int, size: int) -> bytes:
    """A message of that many bytes: one long text, short fields, delimiters, or many segments."""
    head = HEAD % (number, number)
    rest = size - len(head) - 100
    if kind == "text":
        return head + b"NTE|1||" + b"x" * rest + b"\r"
    if kind == "fields":
        return head + b"OBX|1|" + b"ab|" * (rest // 3) + b"\r"
    if kind == "delimiters":
        return head + b"OBX|1|" + b"|" * rest + b"\r"
    return (
        head + (b"OBX|1|ST|A^B||" + b"value|" * ((rest // SEGMENTS - 16) // 6) + b"\r") * SEGMENTS
    )


def most_megabytes(process: int) -> int:
    """The most memory that a process has taken so far."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


async def ask(port: int, seconds: list[float]) -> None:
    """Ask for /healthz again and again, and note how long each answer takes."""
    while True:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert b"200" in (await reader.read())[:20]
        writer.close()
        seconds.append(time.monotonic() - began)
        await asyncio.sleep(0.05)


async def send(port: int, data: bytes) -> bytes:
    """MSA-1 of the answer to a message."""
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=WAIT_SECONDS)
    async with client:
        return (await client.send(data)).split(b"MSA|")[1][:2]


async def measure(program: list[str], kind: str, size: int, environment: dict[str, str]) -> None:
    """Start a program, send it 64 messages at once, and print what it took."""
    mllp, http = free_port(), free_port()
    ports = {"CHARGELINE_MLLP_PORT": str(mllp), "CHARGELINE_HTTP_PORT": str(http)}
    command = [sys.executable, "-m", "chargeline.cli", *program]
    given = {**os.environ, **environment, **ports, "CHARGELINE_MLLP_FRAME_BYTES": str(size)}
    given["CHARGELINE_MLLP_CONNECTIONS_PER_ADDRESS"] = str(SENDERS)
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=given, stdout=quiet, stderr=quiet) as process:
        try:
            seconds: list[float] = []
            async with asyncio.timeout(WAIT_SECONDS):
                while not seconds:
                    try:
                        async with asyncio.timeout(0.3):
                            await ask(http, seconds)
                    except OSError:
                        await asyncio.sleep(0.1)
            before = most_megabytes(process.pid)
            messages = [message(kind, number, size) for number in range(SENDERS)]
            asking = asyncio.create_task(ask(http, seconds))
            answers = Counter(await asyncio.gather(*(send(mllp, data) for data in messages)))
            asking.cancel()
            most = most_megabytes(process.pid)
        finally:
            process.terminate()
    said = ", ".join(f"{code.decode()} {number}" for code, number in answers.items())
    row = f"| {program[0]} | {kind} | {size:,} | {before} | {most} | {max(seconds):.2f} | {said} |"
    print(row, flush=True)


def main() -> None:
    """Print a row for each program, kind of message and size."""
    sizes = [int(size) for size in sys.argv[1:]] or [1_048_576, 8_388_608]
    print("| program | message | bytes | MB before | MB at most | /healthz, s at most | answers |")
    print("|---|---|---|---|---|---|---|")
    with ExitStack() as stack:
        kafka = kafka_server()
        stack.callback(kafka.close)
        kafka.start()
        for size in sizes:
            for kind in ("text", "fields", "delimiters", "segments"):
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                serve = {
                    "CHARGELINE_LEDGER_URL": f"sqlite+aiosqlite:///{folder}/ledger.sqlite",
                    "CHARGELINE_SETTLE_SECONDS": "0",
                }
                asyncio.run(measure(["serve", "--out", f"{folder}/out"], kind, size, serve))
                topics = {
                    f"CHARGELINE_TOPIC_{name.upper()}": f"{kind}.{size}.{name}" for name in TOPICS
                }
                gateway = {"CHARGELINE_KAFKA_BOOTSTRAP": kafka.bootstrap, **topics}
                subprocess.run(
                    [sys.executable, "-m", "chargeline.cli", "topics", "create",
                     "--partitions", "6", "--replication", "1"],
                    env={**os.environ, **gateway, "CHARGELINE_MLLP_FRAME_BYTES": str(size)},
                    check=True,
                    stdout=subprocess.DEVNULL,
                )  # fmt: skip
                asyncio.run(measure(["gateway"], kind, size, gateway))


if __name__ == "__main__":
    main()
