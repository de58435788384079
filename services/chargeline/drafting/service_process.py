"""What every program of the live service asks of the system for its process.

It owns two promises: the memory, which holds patients, is never written to a disk as a core dump,
and a terminal that goes away (SIGHUP) ends no service. It knows nothing of what the program does.
"""

import ctypes
import resource
import signal
import sys

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
