"""The table of times: each administration with the facts that its lane in the picture shows.

It owns the rows. A stop that is not charted is said so, and never filled in.
"""

from collections.abc import Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

from chargeline.drafting.given_words import route_words
from chargeline.engine import plain
from chargeline.workbench.visit.lanes import Lane
from chargeline.workbench.visit.model import TimeRow
from chargeline.workbench.visit.words import (
    clock,
    in_short,
    joined,
    many,
    minutes_between,
    sources_shown,
)

NOT_CHARTED = "not charted"
AT_ONCE = "at once"


def time_rows(lanes: Sequence[Lane], zone: ZoneInfo) -> tuple[TimeRow, ...]:
    """A row for each administration, numbered from 1."""
    return tuple([_row(number, lane, zone) for number, lane in enumerate(lanes, start=1)])


def _row(number: int, lane: Lane, zone: ZoneInfo) -> TimeRow:
    item = lane.item
    ends = [source for run in item.intervals for source in (run.start_source, run.stop_source)]
    return TimeRow(
        number=number,
        day=in_short(item.day),
        letter=lane.letter,
        drug=lane.drug,
        route=joined([lane.dose, route_words(item), item.device.replace("_", " ")]),
        access_line=item.line,
        start=clock(item.start, zone, item.day),
        stop=_stop(lane, zone),
        minutes="" if lane.is_open or not lane.minutes else str(lane.minutes),
        pauses=_pauses(lane),
        entered=clock(item.entered, zone, item.day) if item.entered is not None else "",
        charted_by=item.charted_by,
        codes=tuple([code for _line_id, code in lane.lines]),
        questions=lane.numbers,
        sources=sources_shown(ends),
        note=_note(lane),
    )


def _stop(lane: Lane, zone: ZoneInfo) -> str:
    last = lane.bars[-1]
    if last.is_open:
        return "running" if last.is_running else NOT_CHARTED
    if last.stop == lane.item.start:
        return AT_ONCE
    return clock(last.stop, zone, lane.item.day)


def _pauses(lane: Lane) -> str:
    minutes = [minutes_between(before.stop, after.start) for before, after in pairwise(lane.bars)]
    return f"{many(len(minutes), 'pause')}, {sum(minutes)} min" if minutes else ""


def _note(lane: Lane) -> str:
    item = lane.item
    wasted = [f"wasted {plain(entry.amount)} {entry.unit}".rstrip() for entry in item.wasted]
    given = [] if item.given else ["not given"]
    ordered = [f"ordered for {item.ordered_minutes} min"] if item.ordered_minutes else []
    return joined([*given, *wasted, *(ordered if lane.is_open else [])])
