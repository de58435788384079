"""What the pages of courses and authorizations share: the record they count from, and their tables.

It owns no words. Both count from what all visits of the patient contribute, as drafts do, and show
a table where there is room, else a sentence for each.
"""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chargeline.coding.run import CodedVisit
from chargeline.engine import History, Timeline, contributions_of, printable


def record_of(coded: CodedVisit, timeline: Timeline) -> History:
    """What all visits of the patient contribute, this one too; `timeline` is that with answers."""
    return coded.history | frozenset(contributions_of(timeline, coded.draft))


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
