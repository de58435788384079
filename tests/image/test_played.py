"""Claims about the image as it runs: the Dockerfile is played, and its last stage is a root.

The programs run as user 10001 without any privilege, on a root that nobody can write, as a
hardened pod runs them. Health is asked with the command of HEALTHCHECK.
"""

import asyncio
import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from chargeline.version import VERSION
from tests.clock import PATIENCE_SECONDS
from tests.live.servers import free_port, wait_until
from tests.live.service import Service, service

from . import FILE, REPOSITORY
from .dockerfile import read
from .room import Room

__all__ = ["service"]

pytestmark = pytest.mark.together("image")
LAST = read(FILE)[-1]
ENTRYPOINT = LAST.last("ENTRYPOINT").words
HEALTH = LAST.last("HEALTHCHECK").text.split("CMD ", 1)[1]
LOCAL = {"CHARGELINE_ALLOW_PLAINTEXT": "yes"}  # what the tests listen on is this machine alone


def ended(
    image: Room, words: Sequence[str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in the image to its end."""
    return subprocess.run(
        image.command(words, read_only=True, environment=environment),
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip


class Running:
    """One program of the image, with the ports of its environment."""

    def __init__(self, image: Room, words: Sequence[str], environment: dict[str, str], log: Path):
        self.image = image
        self.environment = environment
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                image.command([*ENTRYPOINT, *words], read_only=True, environment=environment),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def healthy(self) -> bool:
        """Whether the command of HEALTHCHECK ends well."""
        return ended(self.image, json.loads(HEALTH), **self.environment).returncode == 0

    def page(self, path: str) -> str:
        """What a page of the program says, or why it says nothing."""
        address = f"http://127.0.0.1:{self.environment['CHARGELINE_HTTP_PORT']}{path}"
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:
                return str(answer.read().decode())
        except OSError as error:
            return str(error)

    def until_ready(self) -> None:
        """Wait until /readyz says so."""
        wait_until(self._ready, PATIENCE_SECONDS, "the program to be ready")

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return self.page("/readyz") == "ready\n"

    def feed(self) -> None:
        """Invent two visits in the volume, and send them to the program over MLLP."""
        to = f"127.0.0.1:{self.environment['CHARGELINE_MLLP_PORT']}"
        invented = ["simulate", "--visits", "2", "--seed", "1", "--out", "feed"]
        for words in (invented, ["send", "feed/standard.hl7", to]):
            done = ended(self.image, [*ENTRYPOINT, *words])
            assert done.returncode == 0, done.stderr

    def stop(self) -> int:
        """End it with SIGTERM, as an engine does; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def running(image: Room, volume: Path, tmp_path: Path) -> Iterator["Starting"]:
    starting = Starting(image, tmp_path)
    yield starting
    for program in starting.programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()


class Starting:
    """Starts programs of the image, each on ports of its own."""

    def __init__(self, image: Room, folder: Path) -> None:
        self.image = image
        self.folder = folder
        self.programs: list[Running] = []

    def __call__(self, *words: str, **environment: str) -> Running:
        ports = {
            name: str(free_port()) for name in ("CHARGELINE_HTTP_PORT", "CHARGELINE_MLLP_PORT")
        }
        log = self.folder / f"{words[0]}.log"
        self.programs.append(Running(self.image, words, {**ports, **environment}, log))
        return self.programs[-1]


def test_without_words_it_prints_its_help(image: Room, volume: Path) -> None:
    """CMD is --help, and each program has help of its own."""
    helped = ended(image, [*ENTRYPOINT, *LAST.last("CMD").words])
    assert helped.returncode == 0 and helped.stdout.startswith("usage: chargeline")
    for program in ("serve", "gateway", "capture"):
        helped = ended(image, [*ENTRYPOINT, program, "--help"])
        assert helped.returncode == 0 and f"chargeline {program}" in helped.stdout


def test_only_the_volume_can_be_written(image: Room, volume: Path) -> None:
    """User 10001 can make a file in the volume, and nowhere else; its mode keeps others out."""
    places = ["/", "/app", "/app/bin", "/tmp", "/usr/local/lib", "/etc", "/var/lib"]
    script = "; ".join(f"touch {place}/mine && echo {place}" for place in [*places, "."])
    tried = ended(image, ["/bin/sh", "-c", f"id -u; {script}"])
    assert tried.stdout.split() == ["10001", "."]
    assert tried.stderr.count("Read-only file system") == len(places)
    assert volume.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("python", ["python", "/usr/local/bin/python"])
def test_no_build_tool_is_in_it(image: Room, volume: Path, python: str) -> None:
    """Neither Python of the image can import what builds or installs packages."""
    tools = ("pip", "setuptools", "hatchling", "ensurepip", "cyclonedx", "pytest", "mypy")
    asked = f"from importlib.util import find_spec; print([n for n in {tools} if find_spec(n)])"
    assert ended(image, [python, "-c", asked]).stdout == "[]\n"
    assert ended(image, ["/bin/sh", "-c", "ls /app/bin /usr/local/bin"]).stdout.count("pip") == 0


def test_its_bill_of_materials_lists_what_is_installed(image: Room, volume: Path) -> None:
    """/app/sbom.cdx.json lists each package of the runtime lock in its version, and us as root."""
    told = json.loads(ended(image, ["cat", "/app/sbom.cdx.json"]).stdout)
    root = told["metadata"]["component"]
    assert (root["name"], root["version"]) == ("chargeline", VERSION)
    lock = (REPOSITORY / "requirements-runtime.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE))
    listed = {
        (re.sub(r"[-_.]+", "-", component["name"]).lower(), component["version"])
        for component in told["components"]
    }
    assert listed == locked
    assert all(component["purl"].startswith("pkg:pypi/") for component in told["components"])


def test_its_bill_of_materials_is_cyclonedx(played: dict[str, Room]) -> None:
    """The schema that the tool brings accepts it; the same with a component of no name, not."""
    (schemas,) = (played["build"].own / "root/tools").glob(
        "lib/*/site-packages/cyclonedx/schema/_res"
    )
    told = json.loads((played[""].own / "root/app/sbom.cdx.json").read_text())
    schema = json.loads((schemas / f"bom-{told['specVersion']}.SNAPSHOT.schema.json").read_text())

    def beside(address: str) -> Resource[Any]:
        (there,) = schemas.glob(f"{address.rsplit('/', 1)[-1].removesuffix('.schema.json')}*.json")
        return Resource.from_contents(json.loads(there.read_text()))

    validator = Draft7Validator(schema, registry=Registry(retrieve=beside))
    assert list(validator.iter_errors(told)) == []
    del told["components"][0]["name"]
    assert [error.validator for error in validator.iter_errors(told)] == ["required"]


def test_it_refuses_to_listen_in_the_clear(image: Room, volume: Path) -> None:
    """On all addresses, without TLS and without leave, no program starts: exit code 2, and why."""
    refused = ended(image, [*ENTRYPOINT, "serve"])
    assert refused.returncode == 2
    assert "expected TLS on the MLLP listener" in refused.stderr


def test_serve_drafts_into_its_volume(running: Starting, volume: Path) -> None:
    """`serve` with no setting but the leave: it is healthy and ready, takes a feed over MLLP, and
    leaves ledger and drafts in the volume, for its user only; SIGTERM ends it with 0.
    """
    program = running("serve", "--out", "events.jsonl", CHARGELINE_SETTLE_SECONDS="0", **LOCAL)
    program.until_ready()
    assert program.healthy()
    assert json.loads(program.page("/version"))["program"] == "serve"
    assert "chargeline_up" in program.page("/metrics")
    program.feed()
    events = volume / "events.jsonl"
    wait_until(lambda: events.exists() and "charge.draft" in events.read_text(),
               PATIENCE_SECONDS, "a draft in the volume")  # fmt: skip
    for name in ("events.jsonl", "chargeline.sqlite"):
        status = (volume / name).stat()
        assert (status.st_uid, status.st_mode & 0o777) == (10001, 0o600)
    assert program.stop() == 0, program.log.read_text()[-3000:]
    assert not program.healthy()


async def test_gateway_and_capture_reach_kafka_and_postgresql(
    running: Starting, service: Service
) -> None:
    """Both become ready in front of real servers, and what the gateway takes becomes a draft."""
    await service.prepare()
    own = {k: v for k, v in service.environment.items() if k.startswith("CHARGELINE_")}
    gateway = running("gateway", **own, **LOCAL)
    capture = running("capture", **own, CHARGELINE_KAFKA_INSTANCE_ID="capture-0", **LOCAL)
    for program in (gateway, capture):
        await asyncio.to_thread(program.until_ready)
        assert await asyncio.to_thread(program.healthy)
    await asyncio.to_thread(gateway.feed)

    async def drafted() -> bool:
        return await service.count("draft_revision") > 0

    await service.until(drafted, "a draft in the ledger")
    for program in (gateway, capture):
        assert await asyncio.to_thread(program.stop) == 0, program.log.read_text()[-3000:]
    assert [path.name for path in (running.folder / "volume").iterdir()] == ["feed"]
