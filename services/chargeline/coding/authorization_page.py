"""The authorizations of a visit, for a page and for the reasons in text.

It owns how they are laid out in a terminal and in a sentence. Which ones a visit shows, and the
words for how they stand, are those of `drafting.visit_record` and `drafting.record_words`.
"""

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from chargeline.coding.beside_page import print_sentences, print_table
from chargeline.coding.run import CodedVisit
from chargeline.drafting.record_words import (
    ShownAuthorization,
    needed_in_words,
    shown_authorization,
)
from chargeline.drafting.visit_record import authorizations_of
from chargeline.engine import History, printable

_HEADINGS = ("authorization", "codes", "billed", "days", "stands", "this visit")


def _rows_of(coded: CodedVisit, record: History) -> list[ShownAuthorization]:
    return [shown_authorization(balance, coded) for balance in authorizations_of(coded, record)]


def authorizations_in_words(coded: CodedVisit, record: History) -> Iterator[str]:
    """What a visit has and lacks of authorizations, a sentence each, for the reasons in text."""
    for shown in _rows_of(coded, record):
        parts = (f"for {shown.codes}", shown.counted, shown.days, shown.state)
        taken = f"; this visit takes {shown.taken}" if shown.taken else ""
        yield f"authorization {shown.number}: {', '.join(filter(None, parts))}{taken}"
    for need in coded.draft.needed:
        yield f"needed: {needed_in_words(need)}"


def print_authorizations(
    console: Console, coded: CodedVisit, record: History, *, narrow: bool
) -> None:
    """Print what a visit has of authorizations as a table, and below it what its orders lack."""
    if narrow:
        print_sentences(console, authorizations_in_words(coded, record))
        return
    print_table(console, _HEADINGS, _rows_of(coded, record))
    for need in coded.draft.needed:
        says = printable(needed_in_words(need))
        console.print(Padding(Text.assemble(("needed  ", "yellow bold"), says), (0, 0, 0, 2)))
