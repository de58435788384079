"""Claims about the process of a service: no core dump is written, and SIGHUP does not end it."""

import subprocess
import sys
from pathlib import Path

_CRASH = """
import os, resource, signal
resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2)
from chargeline.drafting.service_process import become_a_service
become_a_service()
os.kill(os.getpid(), signal.SIGHUP)
print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
os.abort()
"""


def test_a_crash_writes_no_core_and_sighup_ends_nothing(tmp_path: Path) -> None:
    """The process lives on after SIGHUP, has a limit of 0 and is not dumpable, and its abort leaves
    no file.
    """
    done = subprocess.run(
        [sys.executable, "-c", _CRASH], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0\n", done.stderr
    assert done.returncode < 0
    assert list(tmp_path.iterdir()) == []
