"""What the pages of courses and authorizations share: a table where there is room, else a sentence
for each. It owns no words.
"""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chargeline.engine import printable


def print_sentences(console: Console, sentences: Iterable[str]) -> None:
    """Print each sentence, indented under its visit."""
    for sentence in sentences:
        console.print(Padding(Text(printable(sentence)), (0, 0, 0, 2)))


def print_table(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a table, the first cell of each in bold; nothing where there are none."""
    if not rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place == 0, overflow="fold")
    for row in rows:
        name, *cells = map(printable, row)
        table.add_row(Text(name, style="bold"), *cells)
    console.print(Padding(table, (1, 0, 0, 2)))
