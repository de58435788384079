"""When Python looks for garbage in a program that holds thousands of visits in memory.

It owns the moment. A collection walks over every object that is held, which stops a large program
for a second, and finds nothing: what the work itself makes is freed when it is let go. Cycles come
with errors and their tracebacks, and after an error all visits are dropped.
"""

import gc
from time import monotonic

# For what we do not know of; a pause of a second that often disturbs nobody.
EVERY_SECONDS = 3600.0


class Garbage:
    """Takes collecting over from Python, for a whole process."""

    def __init__(self) -> None:
        gc.disable()
        self._last = monotonic()

    def let_go(self) -> None:
        """All visits were dropped: collect now, while there is little to walk over."""
        gc.collect()
        self._last = monotonic()

    def after_batch(self) -> None:
        """Collect if it was long ago."""
        if monotonic() - self._last > EVERY_SECONDS:
            self.let_go()
