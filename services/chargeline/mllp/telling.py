"""What the listening end of MLLP says in the log when somebody may repeat it without end.

It owns the name of the log and one bound: a line about a host is written at most once in a while.
A host that is refused six hundred times a second fills no disk.
"""

import logging
from time import monotonic

LINES = "chargeline.mllp.server"
"""The logger of the listening end, whichever file writes."""
ALIKE_SECONDS = 10.0
_MOST_HOSTS = 1_000

_log = logging.getLogger(LINES)


class Seldom:
    """Writes a warning about a host at most once in ALIKE_SECONDS; `count` says for how many lines
    it stands.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}

    def warn(self, event: str, *, host: str, port: int, reason: str) -> None:
        """Write the event with its reason, or count it for the next such line."""
        now, line = monotonic(), (event, host, reason)
        last, left_out = self._told.get(line, (-ALIKE_SECONDS, 0))
        if now - last < ALIKE_SECONDS:
            self._told[line] = (last, left_out + 1)
            return
        if line not in self._told and len(self._told) >= _MOST_HOSTS:
            self._told.clear()
        self._told[line] = (now, 0)
        extra = {"host": host, "port": port, "reason": reason, "count": left_out + 1}
        _log.warning(event, extra=extra)
