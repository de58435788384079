"""Files that may be replaced while a listener runs: whether one has changed since the last look.

It owns what tells a file from its successor, and what the log says of one that cannot be looked at,
such as a folder whose rights are wrong or a network disk that is away. It reads no file.
"""

from collections.abc import Mapping
from errno import errorcode
from pathlib import Path

from chargeline.telemetry import logs

log = logs.logger("gateway")

Stamp = tuple[int, int, int, int]


class WatchedFiles:
    """Files by the settings that name them. A file that cannot be looked at counts as unchanged;
    the log says when that begins, and when it is over.
    """

    def __init__(self, files: Mapping[str, Path | None]) -> None:
        self._files = {variable: path for variable, path in files.items() if path is not None}
        self._stamps: dict[str, Stamp | None] = {}
        self._unreadable: set[str] = set()
        self.changed()

    def changed(self) -> bool:
        """Whether a file is another than at the last look."""
        changed = [variable for variable, path in self._files.items() if self._look(variable, path)]
        return bool(changed)

    def _look(self, variable: str, path: Path) -> bool:
        try:
            now = stamp(path)
        except OSError as error:
            if variable not in self._unreadable:
                self._unreadable.add(variable)
                reason = errorcode.get(error.errno or 0, type(error).__name__)
                log.error("file.unreadable", variable=variable, reason=reason)
            return False
        if variable in self._unreadable:
            self._unreadable.discard(variable)
            log.info("file.readable", variable=variable)
        before = self._stamps.get(variable)
        self._stamps[variable] = now
        return now != before


def stamp(path: Path) -> Stamp | None:
    """What tells a file from its successor, None if it is not there. Raises OSError if the place
    of the file cannot be looked at.

    The last number changes with the rights of a file too: one that nobody could read is read again.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None  # between two versions of it; the next look sees the new one
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_ctime_ns
