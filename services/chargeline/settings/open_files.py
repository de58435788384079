"""Files of secrets that others than our user may read or change.

It owns which settings name such files, and which modes are too open. It only looks: Kubernetes
mounts a secret as 0644 unless it is told otherwise, so a refusal would stop a chart that is safe
within its pod. It reads no file.
"""

import stat
from collections.abc import Iterator
from typing import NamedTuple

from chargeline.settings.kinds import FILE, variable
from chargeline.settings.values import Settings, secrets

_KEYS = ("ledger_key_file", "signing_key_file", "kafka_tls_key_file", "mllp_tls_key_file")
_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP


class OpenFile(NamedTuple):
    """A secret's file: the variable that names it, and its mode as four octal digits."""

    variable: str
    mode: str


def open_files(settings: Settings) -> Iterator[OpenFile]:
    """The files of secrets that every user of the machine may open, or the group may change.

    Of a link, the file that it leads to. One that cannot be looked at is left to whoever reads it.
    """
    for name in (*(secret + FILE for secret in secrets()), *_KEYS):
        path = getattr(settings, name)
        if path is None:
            continue
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & _TOO_OPEN:
            yield OpenFile(variable(name), f"{mode:04o}")
