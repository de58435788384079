"""What the listening end of MLLP says in the log when somebody may repeat it without end.

It owns the name of the log and one bound: a line about a host is written at most once in a while,
and the sum of those that were left out at the end of that while. A host that is refused six hundred
times a second fills no disk.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

LINES = "chargeline.mllp.server"
"""The logger of the listening end, whichever file writes."""
ALIKE_SECONDS = 10.0
_MOST_HOSTS = 1_000

_log = logging.getLogger(LINES)


class _Alike(NamedTuple):
    """Lines that differ in their port alone."""

    event: str
    host: str
    reason: str
    code: str
    where: str


class _LeftOut:
    """How many lines are left out since the last one, the port of the latest, and the end."""

    def __init__(self, end: asyncio.TimerHandle) -> None:
        self.count = 0
        self.port = 0
        self.end = end


Say = Callable[[str, dict[str, str | int]], None]
"""Writes a line of an event with some keys."""


def _say(event: str, keys: dict[str, str | int]) -> None:
    _log.warning(event, extra=keys)


class Seldom:
    """Writes a warning about a host at once, and then at most once in ALIKE_SECONDS.

    `count` says for how many lines a line stands. It lives in a running event loop; `end` writes
    what was left out so far.
    """

    def __init__(self, say: Say = _say) -> None:
        self._say = say
        self._told: dict[_Alike, _LeftOut] = {}

    def warn(
        self, event: str, *, host: str, port: int, reason: str, code: str = "", where: str = ""
    ) -> None:
        """Write the event with its reason, or count it for the line at the end of the while."""
        line = _Alike(event, host, reason, code=code, where=where)
        left_out = self._told.get(line)
        if left_out is not None:
            left_out.count += 1
            left_out.port = port
            return
        if len(self._told) >= _MOST_HOSTS:
            self.end()
        self._told[line] = self._new(line)
        self._write(line, port, 1)

    @property
    def waits(self) -> bool:
        """Whether the while of a line runs."""
        return bool(self._told)

    def end(self) -> None:
        """Write the sums of all that was left out, and begin anew."""
        told, self._told = self._told, {}
        for line, left_out in told.items():
            left_out.end.cancel()
            if left_out.count:
                self._write(line, left_out.port, left_out.count)

    def _new(self, line: _Alike) -> _LeftOut:
        loop = asyncio.get_running_loop()
        return _LeftOut(loop.call_later(ALIKE_SECONDS, self._over, line))

    def _over(self, line: _Alike) -> None:
        """The while of a line is over: write its sum, and wait again if there was one."""
        left_out = self._told.pop(line)
        if left_out.count:
            self._told[line] = self._new(line)
            self._write(line, left_out.port, left_out.count)

    def _write(self, line: _Alike, port: int, count: int) -> None:
        keys: dict[str, str | int] = {"host": line.host, "port": port, "reason": line.reason}
        keys |= {
            name: value for name, value in (("code", line.code), ("where", line.where)) if value
        }
        self._say(line.event, {**keys, "count": count})
