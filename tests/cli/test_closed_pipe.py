"""A verb whose output nobody reads any more ends quietly, as `chargeline … | head -1` must."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.messages import given

VERBS = [
    "ledger status",
    "ledger verify",
    "ledger head",
    "ledger holds",
    "parked list",
    "audit list",
    "config",
    "questions list",
    "rules check",
    "rules diff guide-2026 cms-facility-2026",
    "code feed.hl7",
    "code feed.hl7 --json",
    "--help",
    "ledger verify --help",
    "--version",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a feed, and a ledger with tables."""
    folder = tmp_path_factory.mktemp("piped")
    (folder / "feed.hl7").write_bytes(given("VANCOMYCIN", "1000 mg", "0900", "1000"))
    assert run("ledger migrate", folder, subprocess.DEVNULL).returncode == 0
    return folder


def run(
    verb: str, folder: Path, output: int, unbuffered: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a verb in the folder, with `output` as its standard output."""
    ours = {
        "CHARGELINE_LEDGER_URL": f"sqlite+aiosqlite:///{folder}/ledger.sqlite",
        "PYTHONUNBUFFERED": unbuffered,
    }
    return subprocess.run(
        [sys.executable, "-m", "chargeline.cli", *verb.split()],
        cwd=folder,
        env={**os.environ, **ours},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_closed_pipe_ends_a_verb_quietly(place: Path, verb: str, unbuffered: str) -> None:
    """It ends with 0 and says nothing on standard error, with and without a buffer."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = run(verb, place, writing, unbuffered)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
