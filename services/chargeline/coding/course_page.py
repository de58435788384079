"""The courses of radiation of a visit, for a page and for the reasons in text.

It owns how the courses are laid out in a terminal and in a sentence. The words for how a course
stands are those of `drafting.record_words`. It decides nothing.
"""

from collections.abc import Iterator

from rich.console import Console

from chargeline.coding.beside_page import print_sentences, print_table
from chargeline.coding.run import CodedVisit
from chargeline.drafting.record_words import ShownCourse, shown_course
from chargeline.drafting.visit_record import courses_of
from chargeline.engine import History, Rulebook

_HEADINGS = ("course", "sessions", "management", "next unit", "stands", "this visit")


def _rows_of(coded: CodedVisit, record: History, rulebook: Rulebook) -> list[ShownCourse]:
    return [shown_course(standing) for standing in courses_of(coded, record, rulebook)]


def courses_in_words(coded: CodedVisit, record: History, rulebook: Rulebook) -> Iterator[str]:
    """How the courses of a visit stand, a sentence each, for the reasons in text."""
    for shown in _rows_of(coded, record, rulebook):
        here = f"; this visit has {shown.here}" if shown.here else ""
        yield (
            f"course {shown.course}: sessions {shown.sessions}; management {shown.management}, "
            f"the next {shown.next_unit or 'none'}; {shown.state}{here}"
        )


def print_courses(
    console: Console, coded: CodedVisit, record: History, rulebook: Rulebook, *, narrow: bool
) -> None:
    """Print the courses of a visit as a table, or a sentence for each where it has no room."""
    if narrow:
        print_sentences(console, courses_in_words(coded, record, rulebook))
    else:
        print_table(console, _HEADINGS, _rows_of(coded, record, rulebook))
