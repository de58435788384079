"""Short runs of the command line, started as a person starts it, against the real servers.

This module owns the start, the wait for the end, and the shape of a good error. It does not know
what a command does.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.clock import PATIENCE_SECONDS


class Ended(NamedTuple):
    """A command that has ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def logged(self) -> list[dict[str, Any]]:
        """The lines of the command's JSON log."""
        return logged_in(self.out)


def logged_in(text: str) -> list[dict[str, Any]]:
    """The lines of a JSON log among others. A SIGKILL may have cut one off."""
    lines = text.splitlines()
    return [json.loads(line) for line in lines if line[:1] == "{" and line[-1:] == "}"]


def environment(**settings: str) -> dict[str, str]:
    """Our environment with these settings only; the names come without `CHARGELINE_`."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("CHARGELINE_")}
    return bare | {f"CHARGELINE_{name}": value for name, value in settings.items()}


async def command(words: str, environment: Mapping[str, str]) -> Ended:
    """Run `chargeline` with these words and wait until the command has ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chargeline.cli", *words.split()),
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def printed(environment: Mapping[str, str], *arguments: str) -> str:
    """What a command that must end well prints, run as a person would run it."""
    done = subprocess.run(
        [sys.executable, "-m", "chargeline.cli", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_one_clear_line(ended: Ended, *said: str) -> None:
    """The exit code is 1, and standard error holds one line: expected, found, what to do."""
    assert ended.code == 1, ended
    (line,) = ended.err.splitlines()
    assert line.startswith("chargeline: expected "), line
    assert ", found " in line and "; " in line, line
    for words in said:
        assert words in line, line
    assert "Traceback" not in ended.out


def assert_logged_as_well(ended: Ended, error: str) -> None:
    """The last line of the JSON log says the same, for a person who reads only the log."""
    last = ended.logged[-1]
    assert (last["event"], last["level"], last["error"]) == ("ended", "critical", error), last
    said = str(last["says"])
    assert ended.err.removeprefix("chargeline: ").startswith(said[:300])
