"""The bytes of a feed, from files, folders and standard input.

It owns which files of a folder belong to a feed, and in which order they are read: sorted by path.
It does not split the bytes into messages (hl7/framing.py), and it never changes a file. What is
said of a file that cannot be read is here, too.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from errno import ENOENT
from pathlib import Path
from typing import NamedTuple

from chargeline.engine import Finding

# Files that a folder may hold beside a feed: truth.json of the simulator, notes, tables.
_NOT_A_FEED = frozenset(
    {".json", ".md", ".csv", ".toml", ".yaml", ".yml", ".log", ".py", ".gz", ".zip"}
)


BESIDE_A_FEED = frozenset({"truth.json"})
"""What `chargeline simulate` writes beside its feeds."""


def unreadable(error: OSError) -> Finding:
    """What is said of a file that a person named and that cannot be read or written."""
    return Finding(
        "command.unreadable",
        expected="a file or folder that can be read or written",
        found=str(error.strerror or type(error).__name__),
        where=str(error.filename or ""),
        do="correct the path, or the permissions of the file",
    )


class FeedFile(NamedTuple):
    """The bytes of one file, and the name that findings about it show."""

    name: str
    data: bytes


def read_feed(paths: Iterable[str]) -> Iterator[FeedFile]:
    """Read the files in the order of `paths`, a folder sorted by path, `-` from standard input.

    Raises FileNotFoundError or another OSError if a path cannot be read.
    """
    for path in paths:
        if not path:
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT), "an empty path")
        if path == "-":
            yield FeedFile("standard input", sys.stdin.buffer.read())
            continue
        place = Path(path)
        if place.is_dir():
            for file in feed_files(place):
                yield FeedFile(str(file), file.read_bytes())
        else:
            yield FeedFile(str(place), place.read_bytes())


def feed_files(folder: Path) -> list[Path]:
    """The feed files in a folder and the folders below it, sorted by path.

    Hidden files and files of other kinds, such as notes.md, are left out.
    """
    return [path for path in _visible_files(folder) if path.suffix.lower() not in _NOT_A_FEED]


def left_out(folder: Path) -> list[Path]:
    """The files of a folder that are of other kinds than a feed, hidden ones not counted."""
    return [path for path in _visible_files(folder) if path.suffix.lower() in _NOT_A_FEED]


def _visible_files(folder: Path) -> list[Path]:
    """All files below a folder that are not hidden, sorted by path. Raises OSError."""

    def refuse(error: OSError) -> None:
        raise error  # half a feed must not be taken for the whole

    paths = [
        Path(place) / name
        for place, _folders, names in os.walk(folder, onerror=refuse)
        for name in names
    ]
    return sorted(
        path
        for path in paths
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
