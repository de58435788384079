"""How many messages may be parked before the program stops.

This module owns one decision. After a bad deploy every message would be parked, thousands of them,
and a person would have to retry each; so the program stops after a number in a row or in a minute.
The module does not know why a message was parked. The clock is handed in.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chargeline.engine import Finding, FindingError


class TooManyParkedError(FindingError):
    """More messages were parked than the limit allows. The program stops and says why."""


class ParkedLimit:
    """Counts parked messages, in a row and in the last minute."""

    def __init__(self, in_a_row: int, per_minute: int, clock: Callable[[], datetime]) -> None:
        self._most_in_a_row = in_a_row
        self._most_per_minute = per_minute
        self._clock = clock
        self._in_a_row = 0
        self._times: deque[datetime] = deque()

    def count(self, parked: Sequence[str], used: int) -> None:
        """Count a batch: the codes of its parked messages, and how many of its messages were used.

        Raises TooManyParkedError when a limit is passed.
        """
        now = self._clock()
        self._in_a_row = self._in_a_row + len(parked) if not used else 0
        self._times.extend([now] * len(parked))
        while self._times and self._times[0] < now - timedelta(minutes=1):
            self._times.popleft()
        if self._in_a_row > self._most_in_a_row:
            raise self._too_many("in a row", self._most_in_a_row, self._in_a_row, parked)
        if len(self._times) > self._most_per_minute:
            raise self._too_many("in a minute", self._most_per_minute, len(self._times), parked)

    def _too_many(
        self, when: str, most: int, found: int, parked: Sequence[str]
    ) -> TooManyParkedError:
        last = parked[-1] if parked else "unknown"
        return TooManyParkedError(
            Finding(
                "parked.too_many",
                expected=f"at most {most} messages to be parked {when}",
                found=f"{found}, the last one for {last}",
                where="",
                do="see `chargeline parked list`; a new interface or rule may be wrong. Nothing is "
                "lost: correct that file, start the program again, then `chargeline parked retry`",
            )
        )
