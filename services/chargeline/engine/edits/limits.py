"""Edits about medically unlikely units: more of a code than a line or a day may have.

It owns what a limit counts: one line (indicator 1), or all lines of a code on a day (2 and 3). All
of these units are denied and not only those above the limit, so all of them are at stake.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from chargeline.engine.edits.tables_asked import TablesAsked
from chargeline.engine.record import APART, Elsewhere, Fact, Slot
from chargeline.engine.tables import MueLimit
from chargeline.engine.trace import ChargeLine, Noted, note

_DO: Mapping[int, str] = {
    1: "split the units over lines with a modifier that is true of them, or correct them",
    2: "correct the units: this limit is absolute and cannot be appealed",
    3: "correct the units, or appeal with the record that shows why they were necessary",
}


def above_limit(lines: Sequence[ChargeLine], asked: TablesAsked) -> Iterator[Noted]:
    """Each line, or all lines of a code on a day, with more units than the limit.

    A limit of a day counts what the patient's other visits bill on it.
    """
    by_code: dict[tuple[str, date], list[ChargeLine]] = {}
    for line in lines:
        by_code.setdefault((line.code, line.service_date), []).append(line)
    for (code, day), of_day in by_code.items():
        limit = asked.known(asked.tables.mue(code, day, asked.setting))
        if limit is None:
            continue
        counted = [[line] for line in of_day] if limit.indicator == 1 else [of_day]
        other = _of_other_visits(code, day, asked.elsewhere) if limit.indicator != 1 else 0
        for together in counted:
            units = sum([line.units for line in together])
            if units + other > limit.units:
                yield _above(together, (units, other), limit)


def units_of_days(
    encounter: str, lines: Sequence[ChargeLine], asked: TablesAsked, starts: Mapping[date, datetime]
) -> Iterator[Fact]:
    """What a visit adds to the record of its patient: the units of codes with a limit of a day."""
    units: dict[tuple[str, date], int] = {}
    for line in lines:
        of_day = (line.code, line.service_date)
        units[of_day] = units.get(of_day, 0) + line.units
    for (code, day), count in units.items():
        limit = asked.tables.mue(code, day, asked.setting)
        if isinstance(limit, MueLimit) and limit.indicator != 1 and day in starts:
            slot = Slot("billed_units", f"{_about(code, day)}{APART}{encounter}")
            yield Fact(slot, starts[day], str(count))


def _about(code: str, day: date) -> str:
    return f"{code}@{day.isoformat()}"


def _of_other_visits(code: str, day: date, elsewhere: Elsewhere) -> int:
    topic = ("units", _about(code, day))
    return sum([int(other.value) for other in elsewhere.across if other.slot.topic == topic])


def _above(lines: Sequence[ChargeLine], counted: tuple[int, int], limit: MueLimit) -> Noted:
    """The edit; `counted` are the units of the visit, and those of the patient's other visits."""
    units, other = counted
    beside = f" here and {other} in other visits of the patient" if other else ""
    what = "a line" if limit.indicator == 1 else "a day"
    return note(
        "units.above_limit",
        lines,
        expected=f"at most {limit.units} units of {limit.hcpcs} on {what} "
        f"(MUE, indicator {limit.indicator})",
        found=f"{units}{beside}, all of which are denied",
        do=_DO[limit.indicator],
    )
