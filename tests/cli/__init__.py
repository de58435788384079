"""Tests of the command line as a user runs it, and what these tests share.

`command` starts a process, as a shell does. `inside` calls `main` in the process of the test, which
is faster. Both return the exit code, the text on standard output and the text on standard error.
All patients are invented.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from chargeline.cli import main
from tests.golden.messages import given

RULES = Path(__file__).resolve().parents[2] / "rules"
PYTHON = (sys.executable, "-m", "chargeline.cli")

NINETY_MINUTES = given("CARBOPLATIN", "450 mg", "0900", "1030", visit="V1")
"""90 minutes of carboplatin: 96413 and, under the guide, 96415; 450 mg / 50 mg = 9 of J9045."""
HALF_AN_HOUR = given("PEMBROLIZUMAB", "200 mg", "0900", "0930", visit="V2", patient="ZZ2")
"""30 minutes of pembrolizumab: 96365 in the guide, 96413 for Medicare, and 200 of J9271."""
NOT_OURS = NINETY_MINUTES.replace(b"RAS^O17", b"VXU^V04")


class Outcome(NamedTuple):
    """How a command ended: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def command(*arguments: str | Path, stdin: bytes = b"", **variables: str) -> Outcome:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
    }
    done = subprocess.run(
        [*PYTHON, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment | variables,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def inside(capsys: pytest.CaptureFixture[str], *arguments: str | Path, **variables: str) -> Outcome:
    with patch.dict(os.environ):
        os.environ.pop("COLUMNS", None)  # pytest may have set it for its own output
        os.environ.update(variables)
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(str(ended.code))
    said = capsys.readouterr()
    return Outcome(code, said.out, said.err)


def feed(folder: Path, *messages: bytes, name: str = "feed.hl7") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(messages))
    return path


def codes(outcome: Outcome) -> list[tuple[str, int]]:
    """Code and units of all charge lines, in the order of the output."""
    return [(line["code"], line["units"]) for record in outcome.records for line in record["lines"]]


def copy_of_rules(folder: Path, *, with_cases: bool = False) -> Path:
    """A copy of the shipped rules that a test may spoil."""
    ignored = None if with_cases else shutil.ignore_patterns("*.cases.toml")
    return Path(shutil.copytree(RULES, folder / "rules", ignore=ignored))


def replaced(path: Path, old: str, new: str) -> None:
    """Change a file in one place; the old text must stand there once, or nothing is tested."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")
