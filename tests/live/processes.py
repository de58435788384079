"""Our programs as processes, forked from a process that has already imported chargeline.

This module owns the fork. Importing chargeline and its libraries takes a second of a core, and the
tests start a hundred processes, so the imports are done once. Each program is still a process of
its own, with its own environment, files, signals and exit code. Tests of a start from nothing
belong to `commands.py` and `tests/cli`, which start a program as a person does.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "chargeline.cli",
        "chargeline.operate.parked",
        "chargeline.operate.running",
        "chargeline.operate.topics",
        "chargeline.capture.program",
        "chargeline.gateway.program",
        "chargeline.serve.program",
        "tests.live.processes",
    ]
)


class Forked:
    """One `chargeline` with these words, whose output is appended to a file.

    A Forked has the methods of a `subprocess.Popen`.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self.args = ["chargeline", *words]
        self._process = _context.Process(
            target=_run, args=(list(words), dict(environment), str(output)), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit code once the process has ended; -9 for a process that signal 9 has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; raises subprocess.TimeoutExpired after the timeout."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end (SIGTERM)."""
        self._process.terminate()

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        self._process.kill()


def end_with_the_parent() -> None:
    """Have the kernel kill this process when its parent ends, so that no test run leaves it behind.

    Only Linux can do so. The parent ends with the test run, even if the run is killed.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _run(words: list[str], environment: dict[str, str], output: str) -> None:
    """The rest of a start after the fork: environment, files, and `main` of the command line."""
    from chargeline.cli import main

    end_with_the_parent()
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for descriptor in (1, 2):
        os.dup2(written, descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the files live as long as the process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.exit(main(words))
