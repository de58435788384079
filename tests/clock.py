"""Time in tests: how long a test waits for something, and how a test lets time pass.

No test claims that something is fast, because on a busy machine any step may take long. So all
waits share one generous limit. The limit only decides how long a failing test takes.
"""

import asyncio

PATIENCE_SECONDS = 120


def elapse(seconds: float) -> None:
    """Put the clock of the running event loop forward, so that its timers go off now.

    Tests use `elapse` for claims about what happens after a timeout. A real timeout of 0.1 s would
    do as well on an idle machine. On a busy machine the 0.1 s would be over before the test has
    come to the step that it is about.
    """
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]
