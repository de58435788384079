"""The console that pages are printed on: how wide it is, and what it does when its reader is gone.

It owns the width. What stands on a page is decided in the package `coding`.
"""

import os
import re
import sys
from io import TextIOBase
from typing import TextIO, cast

from rich.console import Console

# A page that goes to a file or a pipe is this wide, unless COLUMNS says otherwise.
COLUMNS_WITHOUT_TERMINAL = 140
_BLANKS = re.compile(r"[ ]+$", re.MULTILINE)


class _Page(Console):
    """A console that raises BrokenPipeError, where rich itself would end the program with 1."""

    def on_broken_pipe(self) -> None:
        """Leave a reader that has gone away to `main`, which treats all verbs alike."""
        raise BrokenPipeError


class _Trimmed(TextIOBase):
    """A file or pipe whose lines end with their last letter.

    rich fills each line of a table with blanks, which would clutter a difference of two pages.
    """

    encoding = ""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.encoding = file.encoding

    def write(self, text: str) -> int:
        """Write whole lines without the blanks at their ends."""
        return self._file.write(_BLANKS.sub("", text))

    def flush(self) -> None:
        """Bring what was written to the file."""
        self._file.flush()


def page() -> Console:
    """The console of standard output: as wide as the terminal, as COLUMNS says, or 140."""
    if sys.stdout.isatty():
        return _Page(highlight=False, emoji=False)
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else COLUMNS_WITHOUT_TERMINAL
    file = cast(TextIO, _Trimmed(sys.stdout))
    return _Page(file=file, width=width, highlight=False, emoji=False)
