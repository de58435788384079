"""Edits about codes beside each other: pairs of which one is not paid, and add-ons without a base.

It owns what makes a pair pass: indicator 1 and a modifier which says that the two are separate. It
puts no modifier on a line, because that is a word that the chart must bear.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from chargeline.engine.edits.tables_asked import TablesAsked
from chargeline.engine.tables import PtpEdit
from chargeline.engine.trace import ChargeLine, Noted, note

# NCCI policy manual, chapter I: modifiers that pass an edit with indicator 1, of those that drug
# administration, visits and radiation can carry. They may stand on either line.
PASSING = frozenset({"25", "59", "XE", "XS", "XP", "XU", "LT", "RT", "58", "78", "79", "91"})


def bundled(lines: Sequence[ChargeLine], asked: TablesAsked) -> Iterator[Noted]:
    """Each line whose code is not paid beside another code of its day."""
    for first, second in combinations(lines, 2):
        if first.code == second.code or first.service_date != second.service_date:
            continue
        edit = asked.known(
            asked.tables.ptp(first.code, second.code, first.service_date, asked.setting)
        )
        if edit is None:
            continue
        has_modifier = bool(PASSING.intersection((*first.modifiers, *second.modifiers)))
        if edit.indicator == "1" and has_modifier:
            continue
        yield _bundled(first if first.code == edit.column2 else second, edit)


def _bundled(denied: ChargeLine, edit: PtpEdit) -> Noted:
    do = "drop the line: no modifier passes this edit"
    if edit.indicator == "1":
        do = (
            "if they were separate and the chart says so, add the modifier that says how "
            "(XE, XS, XP, XU or 59); else drop the line"
        )
    return note(
        "pair.bundled",
        (denied,),
        expected=f"{edit.column2} not beside {edit.column1} (PTP, indicator {edit.indicator})",
        found="both on one day",
        do=do,
    )


def add_on_alone(lines: Sequence[ChargeLine], asked: TablesAsked) -> Iterator[Noted]:
    """Each line of an add-on code without one of its primary codes on its day."""
    for line in lines:
        add_on = asked.known(asked.tables.addon_primaries(line.code, line.service_date))
        if add_on is None or add_on.type == 2:  # the contractor names the primaries
            continue
        beside = {other.code for other in lines if other.service_date == line.service_date}
        if beside.isdisjoint(add_on.primaries):
            yield note(
                "add_on.alone",
                (line,),
                expected=f"one of {', '.join(add_on.primaries)} beside {line.code}",
                found="none of them",
                do="find why the first service is missing: withheld, unanswered, or another day",
            )
