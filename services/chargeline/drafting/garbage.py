"""When Python collects garbage in a program that holds thousands of visits in memory.

This module owns the moment of a collection, and knows nothing of visits. A collection walks over
every object in memory, which stops a large program for about a second, and it finds nothing: our
objects form no cycles, so Python frees them as soon as nobody holds them. Cycles come with errors
and their tracebacks. After an error all visits are dropped, and that is the moment to collect.
"""

import gc
from time import monotonic

# For cycles that we do not know of. A pause of a second every hour disturbs nobody.
EVERY_SECONDS = 3600.0


class Garbage:
    """Takes collecting over from Python, for a whole process."""

    def __init__(self) -> None:
        gc.disable()
        self._last = monotonic()

    def let_go(self) -> None:
        """Collect now: all visits were dropped, so there is little to walk over."""
        gc.collect()
        self._last = monotonic()

    def after_batch(self) -> None:
        """Collect if the last collection was an hour ago."""
        if monotonic() - self._last > EVERY_SECONDS:
            self.let_go()
