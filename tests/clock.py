"""Time in tests: how long they wait for something, and time that they let pass.

No test says how fast something is. On a busy machine whatever it waits for may take long, so the
one bound of all waits is generous, and only decides how long a failure takes.
"""

import asyncio

PATIENCE_SECONDS = 120


def elapse(seconds: float) -> None:
    """Put the clock of the running event loop forward: its timers go off as if so many seconds were
    over.

    It is for claims about what happens when somebody's time is over. A short limit would do as well
    on an idle machine; on a busy one it is over before the test has come to what it is about.
    """
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]
