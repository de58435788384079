"""Where announcements go in this mode: JSON lines into a file or a pipe, or words on a terminal.

This module owns three promises: an event that it reports as written is on the disk, a file holds
whole lines only, and no line holds the message of a sender. A container's standard output goes to a
store of logs, so the event of a parked message loses its bytes here, whoever made it. A line is a
CloudEvent in JSON format; its data are the payload that Kafka would get. After a crash the module
may be asked to write an event again; a reader knows the repeat by its id. It refuses to know the
outbox: `publisher.py` says what to write.
"""

import errno
import json
import os
import select
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chargeline.engine import Finding, FindingError, printable
from chargeline.ledger.records import Announcement
from chargeline.published import shapes
from chargeline.published.authorizations import AuthorizationNeeded

_LINE_BEGINS = b'{"specversion":'
_CLOUD_EVENT = "ce_"
_PARKED = shapes.TYPES[shapes.ParkedMessage]
_PIPE_BYTES = 4096  # a pipe that poll() calls ready takes so many bytes without blocking
_LOOK_UP_MS = 200


class OutputError(FindingError, OSError):
    """The events cannot be written; they stay in the ledger."""


class Output:
    """Writes events to a named file or to standard output.

    A write into a pipe waits for the reader. Setting `give_up` ends such a write.
    """

    def __init__(self, path: Path | None, standard_output: int = 1) -> None:
        self.path = path
        self.give_up = threading.Event()
        self._standard_output = standard_output
        self.for_people = path is None and os.isatty(standard_output)

    def tell(self, words: str) -> None:
        """Print a line for a person who watches, where events are not in the way of it."""
        if self.for_people:
            print(words, flush=True)

    def check(self) -> None:
        """Create the file if it is missing. Raises OutputError if it cannot be written."""
        if self.path is not None:
            self._into_file(self.path, b"")

    def write(self, announced: Sequence[Announcement]) -> bool:
        """Write events, one on a line; returns whether all of them are written.

        Blocks. Raises OutputError.
        """
        if self.for_people:
            data = "".join(f"{in_words(event)}\n" for event in announced).encode()
        else:
            data = b"".join(as_line(event) for event in announced)
        if self.path is not None:
            self._into_file(self.path, data)
            return True
        try:
            return self._into_standard_output(data)
        except OSError as error:
            raise _cannot("standard output", error) from error

    def _into_file(self, path: Path, data: bytes) -> None:
        """Append to the file. It is opened anew each time: after log rotation has moved it away,
        the next events go into a new file.
        """
        try:
            new = not path.exists()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            try:
                _refuse_what_others_read(descriptor, path)
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    _mend(descriptor, path)
                _append(descriptor, data)
            finally:
                os.close(descriptor)
            if new:
                _keep_name(path)
        except OutputError:
            raise
        except OSError as error:
            raise _cannot(str(path), error) from error

    def _into_standard_output(self, data: bytes) -> bool:
        descriptor = self._standard_output
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            _append(descriptor, data)
            return True
        ready = select.poll()
        ready.register(descriptor, select.POLLOUT)
        rest = memoryview(data)
        while rest and not self.give_up.is_set():
            if ready.poll(_LOOK_UP_MS):
                rest = rest[os.write(descriptor, rest[:_PIPE_BYTES]) :]
        return not rest


def _refuse_what_others_read(descriptor: int, path: Path) -> None:
    """Raise OutputError if every user of the machine may open the file: it holds patients.

    A device such as /dev/null keeps nothing.
    """
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IRWXO:
        raise OutputError(
            Finding(
                "output.refused",
                expected="a file that no other user of the machine can open",
                found=f"the mode {stat.S_IMODE(status.st_mode):04o}",
                where=str(path),
                do=f"chmod o= {path}",
            )
        )


def _append(descriptor: int, data: bytes) -> None:
    """Write all of the data, and onto the disk.

    If a regular file has no room for all, none stays.
    """
    status = os.fstat(descriptor)
    regular = stat.S_ISREG(status.st_mode)
    place = os.lseek(descriptor, 0, os.SEEK_CUR) if regular else 0
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if regular:
            os.fsync(descriptor)
    except OSError:
        if regular:
            os.ftruncate(descriptor, status.st_size)
            # Without O_APPEND (`serve > FILE`) the next line would else leave a hole.
            os.lseek(descriptor, place, os.SEEK_SET)
        raise


def _mend(descriptor: int, path: Path) -> None:
    """Cut off half a line that a loss of power left at the end: its event is written again.

    Raises OutputError if the half line does not begin as ours do.
    """
    size = os.fstat(descriptor).st_size
    start, tail = size, b""
    while start and b"\n" not in tail:
        step = min(start, 1 << 16)
        start -= step
        tail = os.pread(descriptor, step, start) + tail
        if tail.endswith(b"\n"):
            return
    begun = tail[tail.rfind(b"\n") + 1 :]
    if not begun:
        return
    if not (begun.startswith(_LINE_BEGINS) or _LINE_BEGINS.startswith(begun)):
        raise OutputError(
            Finding(
                "output.refused",
                expected="a whole line at the end",
                found="another program's line without an end",
                where=str(path),
                do="name a new file with --out",
            )
        )
    os.ftruncate(descriptor, size - len(begun))


def _keep_name(path: Path) -> None:
    """Sync the folder: only then does the name of a new file outlast a loss of power."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _cannot(where: str, error: OSError) -> OutputError:
    is_link = error.errno == errno.ELOOP
    return OutputError(
        Finding(
            "output.refused",
            expected="to write events",
            found="a symbolic link" if is_link else error.strerror or type(error).__name__,
            where=where,
            do="correct that and start again: the ledger has kept the events that were not written",
        )
    )


# ------------------------------------------------------------------ one event


def as_line(announced: Announcement) -> bytes:
    """An event as a CloudEvent in JSON format, on one line; its `subject` is the key of
    a record in Kafka.
    """
    headers = json.loads(announced.headers)
    told = {
        name.removeprefix(_CLOUD_EVENT): value
        for name, value in headers.items()
        if name.startswith(_CLOUD_EVENT)
    }
    event: dict[str, Any] = {
        "specversion": told.pop("specversion"),
        **told,
        "subject": announced.key,
        "datacontenttype": headers["content-type"],
    }
    # The payload is JSON on one line already. Parsing and dumping it would take most of the time.
    head = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    payload = announced.payload
    if event["type"] == _PARKED:
        message = shapes.ParkedMessage.model_validate_json(payload)
        payload = message.without_bytes().model_dump_json().encode()
    return head[:-1].encode() + b',"data":' + payload + b"}\n"


def in_words(announced: Announcement) -> str:
    """An event in words: the visit, and what changed or is asked. No patient is named."""
    kind = json.loads(announced.headers)["ce_type"]
    model = next(model for model, name in shapes.TYPES.items() if name == kind)
    data = model.model_validate_json(announced.payload)
    if isinstance(data, shapes.DraftRevision):
        text = _draft(data)
    elif isinstance(data, shapes.DocumentationQuestion):
        text = _question(data)
    elif isinstance(data, AuthorizationNeeded):
        text = (
            f"authorization {data.state} for {data.code or data.drug}: expected {data.expected}, "
            f"found {data.found}; {data.do}"
        )
    else:
        text = (
            f"parked {data.code}: expected {data.expected}, found {data.found}, at {data.where}; "
            f"{data.do}"
        )
    return printable(f"{announced.key}  {text}")


def _draft(data: shapes.DraftRevision) -> str:
    status = f"merged into {data.merged_into}" if data.merged_into is not None else data.status
    lines = [line for encounter in data.encounters for line in encounter.lines]
    parts = [f"draft {data.revision} {status}: {_listed(lines) or 'no lines'}"]
    if data.incomplete:
        parts.append("incomplete, a message is parked")
    if data.revision > 1:
        changes = data.changes
        parts += [f"added {_listed([c.after for c in changes.added])}"] if changes.added else []
        parts += [f"changed {_listed([c.before])} to {_listed([c.after])}" for c in changes.changed]
        parts += (
            [f"removed {_listed([c.before for c in changes.removed])}"] if changes.removed else []
        )
    return "; ".join(parts)


def _listed(lines: Sequence[shapes.Line | shapes.Billed | None]) -> str:
    return " ".join(_billed(line) for line in lines if line is not None)


def _billed(line: shapes.Line | shapes.Billed) -> str:
    modifiers = "".join(f"-{modifier}" for modifier in line.modifiers)
    return f"{line.code}{modifiers}×{line.units}{'?' if line.provisional else ''}"


def _question(data: shapes.DocumentationQuestion) -> str:
    about = data.drug or "the visit"
    if data.state == "closed":
        return f"question closed: {about}: {data.code}"
    return f"question: {about}: expected {data.expected}, found {data.found}; {data.do}"
