"""The authorizations of a visit, for a page and for the reasons in text.

It owns the words for how the authorizations of a visit stand, and for what its orders lack, with
the last day on which to ask. Which ones a visit shows, `beside` says. It decides nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from chargeline.coding.beside import authorizations_of, last_day_of
from chargeline.coding.beside_page import print_sentences, print_table
from chargeline.coding.run import CodedVisit
from chargeline.engine import (
    AuthorizationBalance,
    AuthorizationNeed,
    History,
    codes_of,
    days_of,
    plain,
    printable,
    state_of,
)

_HEADINGS = ("authorization", "codes", "billed", "days", "stands", "this visit")


class ShownAuthorization(NamedTuple):
    """One authorization in words; `taken` is what this visit takes of it, "" if nothing."""

    number: str
    codes: str
    counted: str
    days: str
    state: str
    taken: str


def _rows_of(coded: CodedVisit, record: History) -> list[ShownAuthorization]:
    return [_shown(balance, coded) for balance in authorizations_of(coded, record)]


def _shown(balance: AuthorizationBalance, coded: CodedVisit) -> ShownAuthorization:
    authorization = balance.authorization
    key, zone = coded.timeline.key, coded.timeline.context.zone
    taken = [f"{plain(taken.amount)} on {taken.use.day}" for taken in balance.uses_of(key)]
    return ShownAuthorization(
        number=authorization.number,
        codes=codes_of(authorization),
        counted=balance.counted,
        days=days_of(authorization),
        state=state_of(authorization, last_day_of(coded), zone),
        taken=", ".join(taken),
    )


def authorizations_in_words(coded: CodedVisit, record: History) -> Iterator[str]:
    """What a visit has and lacks of authorizations, a sentence each, for the reasons in text."""
    for shown in _rows_of(coded, record):
        parts = (f"for {shown.codes}", shown.counted, shown.days, shown.state)
        taken = f"; this visit takes {shown.taken}" if shown.taken else ""
        yield f"authorization {shown.number}: {', '.join(filter(None, parts))}{taken}"
    for need in coded.draft.needed:
        yield f"needed: {needed_in_words(need)}"


def needed_in_words(need: AuthorizationNeed) -> str:
    """An authorization that an order lacks: by when to ask, and what the chart has for it."""
    units = f"{need.units} units of " if need.units else ""
    asking = "no rule says how long the payer takes"
    if need.ask_by is not None:
        asking = f"ask by {need.ask_by}"
    if need.ask_expedited_by is not None:
        asking += f", expedited by {need.ask_expedited_by}"
    has = ", ".join([f"{shown.evidence} {shown.says}" for shown in need.evidence if shown.says])
    lacks = ", ".join([shown.evidence for shown in need.evidence if not shown.says])
    parts = [f"{units}{need.code} for {need.day}", asking]
    parts += [f"the chart has {has}"] if has else []
    parts += [f"lacks {lacks}"] if lacks else []
    return "; ".join(parts)


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
