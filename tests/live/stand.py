"""`make live`: the live service on this machine, fed by the simulator, until ^C.

Real Kafka and PostgreSQL (as the tests start them), a gateway, two captures, the workbench, a
sender that sends invented visits at an even pace, and a Prometheus that scrapes all and evaluates
the alerts. It owns the order of the start and of the end, and what a person is told. compose.yaml
is the same for a machine with Docker.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

from chargeline.cli.arguments import count
from chargeline.telemetry import shipped
from tests.golden.messages import message
from tests.live.prometheus import Prometheus
from tests.live.servers import (
    ExternalPostgres,
    PostgresServer,
    ServerError,
    free_port,
    kafka_server,
    postgres_server,
    tail,
    wait_until,
)
from tests.live.service import topic_settings

REPOSITORY = Path(__file__).resolve().parents[2]
VISITS = "500"  # about half an hour at this pace
READY_SECONDS = 120
END_SECONDS = 40
PRICES = "code,cents\n96413,15000\n96365,8000\n96367,4000\n96375,3000\nJ9271,5900\n"


class Stand:
    """The programs of the stand, their ports and their logs, in one folder."""

    def __init__(self, folder: Path, stack: ExitStack, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.ports: dict[str, int] = {}
        self.programs: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(self.end)

    def do(self, *words: str) -> None:
        """Run a verb of chargeline to its end. Raises ServerError with what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "chargeline.cli", *words],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ServerError(f"chargeline {words[0]} ended with {done.returncode}\n{done.stderr}")

    def start(self, name: str, *words: str, **settings: str) -> None:
        """Start a program; it has a port of its own for its pages, and a log."""
        self.ports[name] = free_port()
        own = {**settings, "CHARGELINE_HTTP_PORT": str(self.ports[name])}
        with self.log(name).open("wb") as log:
            self.programs[name] = subprocess.Popen(
                [sys.executable, "-m", "chargeline.cli", *words],
                env={**self.environment, **own}, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def log(self, name: str) -> Path:
        """Where a program writes its log."""
        return self.folder / f"{name}.log"

    def ready(self, name: str) -> None:
        """Wait until a program says that it is ready. Raises ServerError if it has ended."""

        def says_so() -> bool:
            if self.programs[name].poll() is not None:
                raise ServerError(f"{name} has ended.\n{tail(self.log(name).read_text())}")
            try:
                with urlopen(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=5) as page:
                    return bool(page.status == 200)
            except OSError:
                return False

        wait_until(says_so, READY_SECONDS, f"{name} to be ready")

    def end(self) -> None:
        """End all programs, the last one first; one that does not end is killed."""
        for program in reversed(self.programs.values()):
            program.terminate()
        for program in self.programs.values():
            try:
                program.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def environment_for(name: str, kafka: str, database: str, folder: Path) -> dict[str, str]:
    """The settings that all programs share; topics and group begin with a name of this stand."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("CHARGELINE_")}
    (folder / "prices.csv").write_text(PRICES)
    return {
        **bare,
        **topic_settings(name),
        "CHARGELINE_KAFKA_BOOTSTRAP": kafka,
        "CHARGELINE_KAFKA_GROUP": name,
        "CHARGELINE_LEDGER_URL": database.replace("postgresql://", "postgresql+asyncpg://"),
        "CHARGELINE_PRICES": str(folder / "prices.csv"),
        "CHARGELINE_SETTLE_SECONDS": "5",
        "CHARGELINE_MLLP_PORT": str(free_port()),
    }


def run(folder: Path, stack: ExitStack, told: threading.Event) -> None:
    """Start everything, say where it is, and wait until told to stop. Raises ServerError."""
    per_second = pace(os.environ.get("PER_SECOND", "5"))
    kafka, postgres = kafka_server(quick=True), postgres_server(quick=True)
    for server in (kafka, postgres):
        stack.callback(server.close)
        say(f"starting {server.title}")
        server.start()
    assert isinstance(postgres, PostgresServer | ExternalPostgres)
    name = f"live-{uuid.uuid4().hex[:8]}"
    base = name.replace("-", "_")
    database = postgres.create_database(base)
    stack.callback(postgres.drop_database, base)
    stand = Stand(folder, stack, environment_for(name, kafka.bootstrap, database, folder))
    say("making topics and tables")
    stand.do("topics", "create", "--partitions", "12", "--replication", "1")
    stand.do("ledger", "migrate")
    stand.do("simulate", "--visits", VISITS, "--seed", "12", "--style", "standard", "--mess", "0.4",
             "--faults", "0.2", "--examinations", "0.3", "--out", "feed")  # fmt: skip
    add_unused(folder / "feed/standard.hl7")
    stand.start("gateway", "gateway")
    for number in (1, 2):
        instance = f"capture-{number}"
        stand.start(instance, "capture", CHARGELINE_KAFKA_INSTANCE_ID=instance)
    workbench = str(free_port())
    stand.start("workbench", "workbench", CHARGELINE_WORKBENCH_LOGIN="development",
                CHARGELINE_WORKBENCH_PORT=workbench)  # fmt: skip
    for program in stand.programs:
        say(f"starting {program}")
        stand.ready(program)
    prometheus = Prometheus(folder, dict(stand.ports), REPOSITORY / shipped.FOLDER / "alerts.yaml")
    stack.callback(prometheus.end)
    prometheus.ready()
    mllp = f"127.0.0.1:{stand.environment['CHARGELINE_MLLP_PORT']}"
    pages = dict(stand.ports)
    stand.start("feed", "send", "feed/standard.hl7", mllp, "--per-second", per_second)
    addresses = {
        "workbench": f"http://127.0.0.1:{workbench}/",
        "MLLP": mllp,
        **{
            f"{program} pages": f"http://127.0.0.1:{port}/metrics"
            for program, port in pages.items()
        },
        "Prometheus": f"http://127.0.0.1:{prometheus.port}",
        "Kafka": kafka.bootstrap,
        "PostgreSQL": database,
        "ledger": f"CHARGELINE_LEDGER_URL={stand.environment['CHARGELINE_LEDGER_URL']} "
        f"{Path(sys.executable).with_name('chargeline')} questions list",
        "drafts": f"topic {name}.drafts",
        "logs": str(folder),
    }
    for title, address in addresses.items():
        say(f"{title:<17}{address}")
    say(f"{per_second} messages a second are sent; stop with ^C")
    told.wait()


def pace(text: str) -> str:
    """The messages a second that a person asks for. Raises ServerError if it is no such number."""
    try:
        return str(count(text))
    except argparse.ArgumentTypeError as error:
        raise ServerError(f"PER_SECOND: {error}, messages a second") from None


def add_unused(feed: Path) -> None:
    """Put a message that no draft needs behind every fiftieth, as a hospital's feed has many."""
    messages = [b"MSH|" + part for part in feed.read_bytes().split(b"MSH|")[1:]]
    for place in range(len(messages), 0, -50):
        messages.insert(place, message("ADT^A60", visit=f"V{900_000 + place}"))
    feed.write_bytes(b"".join(messages))


def say(text: str) -> None:
    """Tell the person who waits; a line at once."""
    print(text, flush=True)


def main(_arguments: Sequence[str] = ()) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: told.set())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chargeline-live-")))
        try:
            run(folder, stack, told)
        except (ServerError, TimeoutError) as error:
            print(f"live: {error}", file=sys.stderr)
            return 1
        say("stopping")
    say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
