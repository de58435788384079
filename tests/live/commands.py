"""Short runs of the command line as a person starts it, against the real servers."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

from tests.clock import PATIENCE_SECONDS


class Ended(NamedTuple):
    """A command that has ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def logged(self) -> list[dict[str, object]]:
        """The lines of its JSON log."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


def environment(**settings: str) -> dict[str, str]:
    """Our environment with these settings, given without their prefix, and no others."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("CHARGELINE_")}
    return bare | {f"CHARGELINE_{name}": value for name, value in settings.items()}


async def command(words: str, environment: Mapping[str, str]) -> Ended:
    """Run `chargeline` with these words to its end."""
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


def assert_one_clear_line(ended: Ended, *said: str) -> None:
    """Exit code 1, and on standard error one line of what was expected, found and to do, and no
    more.
    """
    assert ended.code == 1, ended
    (line,) = ended.err.splitlines()
    assert line.startswith("chargeline: expected "), line
    assert ", found " in line and "; " in line, line
    for each in said:
        assert each in line, line
    assert "Traceback" not in ended.out


def assert_logged_as_well(ended: Ended, error: str) -> None:
    """A service's last JSON line says the same, for whoever reads only that."""
    last = ended.logged[-1]
    assert (last["event"], last["level"], last["error"]) == ("ended", "critical", error), last
    said = str(last["says"])
    assert ended.err.removeprefix("chargeline: ").startswith(said[:300])
