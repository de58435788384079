"""What every program of the live service asks of the system for its process.

It owns two promises: the memory, which holds patients, is never written to a disk as a core dump,
and a terminal that goes away (SIGHUP) ends no service. It also says at the start which secrets the
system shows to others. It knows nothing of what the program does.
"""

import asyncio
import ctypes
import resource
import signal
import sys

from structlog.typing import FilteringBoundLogger

from chargeline.settings import Settings
from chargeline.settings.open_files import open_files

_PR_SET_DUMPABLE = 4  # prctl(2)


def become_a_service() -> None:
    """Switch core dumps off, for a crash and for a debugger of the same user, and ignore SIGHUP.

    A program that has something to read again at SIGHUP sets its own handler afterwards.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":  # a core that is piped into a program heeds no limit
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def tell_open_files(settings: Settings, log: FilteringBoundLogger) -> None:
    """Log each secret whose file others may read or change, once, with what to do."""
    for file in open_files(settings):
        log.warning(
            "secret.open",
            variable=file.variable,
            reason=file.mode,
            where="every user of the machine may open the file, or its group may change it: give "
            "it the mode 0400; in Kubernetes set defaultMode: 0440 and fsGroup",
        )


def told_to_stop() -> asyncio.Event:
    """An event that is set when SIGTERM or SIGINT comes."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told.set)
    return told
