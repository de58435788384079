"""Edits about medically unlikely units: more of a code than a line or a day may have.

It owns what a limit counts: one line (indicator 1), or all lines of a code on a day (2 and 3). All
of these units are denied and not only those above the limit, so all of them are at stake.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from chargeline.engine.edits.tables_asked import TablesAsked
from chargeline.engine.tables import MueLimit
from chargeline.engine.trace import ChargeLine, Noted, note

_DO: Mapping[int, str] = {
    1: "split the units over lines with a modifier that is true of them, or correct them",
    2: "correct the units: this limit is absolute and cannot be appealed",
    3: "correct the units, or appeal with the record that shows why they were necessary",
}


def above_limit(lines: Sequence[ChargeLine], asked: TablesAsked) -> Iterator[Noted]:
    """Each line, or all lines of a code on a day, with more units than the limit."""
    by_code: dict[tuple[str, date], list[ChargeLine]] = {}
    for line in lines:
        by_code.setdefault((line.code, line.service_date), []).append(line)
    for (code, day), of_day in by_code.items():
        limit = asked.known(asked.tables.mue(code, day, asked.setting))
        if limit is None:
            continue
        counted = [[line] for line in of_day] if limit.indicator == 1 else [of_day]
        for together in counted:
            units = sum([line.units for line in together])
            if units > limit.units:
                yield _above(together, units, limit)


def _above(lines: Sequence[ChargeLine], units: int, limit: MueLimit) -> Noted:
    what = "a line" if limit.indicator == 1 else "a day"
    return note(
        "units.above_limit",
        lines,
        expected=f"at most {limit.units} units of {limit.hcpcs} on {what} "
        f"(MUE, indicator {limit.indicator})",
        found=f"{units}, all of which are denied",
        do=_DO[limit.indicator],
    )
