"""Messages from files, folders and standard input.

It owns which files of a folder are a feed and in which order they are read. It does not split
messages and never changes a file.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# What a folder may hold beside a feed: the simulator's truth, notes, tables.
_NOT_A_FEED = frozenset(
    {".json", ".md", ".csv", ".toml", ".yaml", ".yml", ".log", ".py", ".gz", ".zip"}
)


class FeedFile(NamedTuple):
    """The bytes of one source and the name by which messages about it call it."""

    name: str
    data: bytes


def read_feed(paths: Iterable[str]) -> Iterator[FeedFile]:
    """Files as named, folders by name of file, `-` for standard input.

    Raises FileNotFoundError or another OSError for a path that cannot be read.
    """
    for path in paths:
        if path == "-":
            yield FeedFile("standard input", sys.stdin.buffer.read())
            continue
        place = Path(path)
        if place.is_dir():
            for each in feed_files(place):
                yield FeedFile(str(each), each.read_bytes())
        else:
            yield FeedFile(str(place), place.read_bytes())


def feed_files(folder: Path) -> list[Path]:
    """The feed files below a folder, sorted; hidden files and known other kinds are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix.lower() not in _NOT_A_FEED
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
