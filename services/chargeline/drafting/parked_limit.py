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

    def count(self, course: Sequence[str]) -> None:
        """Count a batch: for each message in order the code for which it was parked, "" if it was
        used.

        Raises TooManyParkedError at the message that passes a limit. So which limit speaks depends
        on the messages, and not on how many of them come in a batch.
        """
        now = self._clock()
        while self._times and self._times[0] < now - timedelta(minutes=1):
            self._times.popleft()
        for code in course:
            if not code:
                self._in_a_row = 0
                continue
            self._in_a_row += 1
            self._times.append(now)
            if self._in_a_row > self._most_in_a_row:
                raise self._too_many("in a row", self._most_in_a_row, self._in_a_row, code)
            if len(self._times) > self._most_per_minute:
                raise self._too_many("in a minute", self._most_per_minute, len(self._times), code)

    def _too_many(self, when: str, most: int, found: int, last: str) -> TooManyParkedError:
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
