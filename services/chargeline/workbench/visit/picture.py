"""The timeline as SVG, made on the server: no script, no style attribute.

It owns the drawing and no fact: lanes come from lanes.py. A picture is three SVGs side by side, of
one height: names at the left, the track in the middle with x in percent of the time drawn, codes at
the right. So text keeps its size however wide the page is. The words of a bar stand behind it in
the first half of the track, before it in the second, and on a plate in the middle where the bar
spans both: with a track of at least 26 rem they never leave the lane.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree as Xml
from zoneinfo import ZoneInfo

from chargeline.engine import printable
from chargeline.workbench.visit.lanes import Bar, Lane
from chargeline.workbench.visit.model import Letter, Picture
from chargeline.workbench.visit.words import clock, in_short, many, minutes_between

MOST_LANES = 60
"""So many lanes the pictures of a page have together; the table of times has all administrations.

Chosen by eye: more than a screenful of lanes is read in a table.
"""
_HEAD, _GROUP, _LANE, _BAR = 26, 22, 42, 16
_LEFT, _RIGHT = 2.0, 98.0
_CODES_SHOWN = 2
_LONGEST_NAME, _LONGEST_DOSE, _LONGEST_GROUP = 20, 25, 26
_MOST_TICKS = 8
_STEPS = tuple([timedelta(minutes=length) for length in (30, 60, 120, 180, 360, 720)])
_DAY = timedelta(days=1)
_CLASSES: dict[Letter, str] = {"C": "chemo", "T": "thera", "H": "hydra", "–": "none"}
_PATTERNS: dict[Letter, str] = {"C": "url(#p-chemo)", "H": "url(#p-hydra)"}


class Axis(NamedTuple):
    """The time that is drawn, and how a moment becomes percent of the track's width."""

    first: datetime
    last: datetime
    zone: ZoneInfo

    def at(self, moment: datetime) -> float:
        """Percent from the left edge, from 2 to 98."""
        share = (moment - self.first) / (self.last - self.first)
        return _LEFT + (_RIGHT - _LEFT) * min(1.0, max(0.0, share))

    def clock(self, moment: datetime) -> str:
        """A time by the sender's clock."""
        return clock(moment, self.zone)


class LaneRow(NamedTuple):
    """A lane and the y of its upper edge; the heading of its access line stands above the first."""

    lane: Lane
    top: int


def picture_of(lanes: Sequence[Lane], left_out: int, zone: ZoneInfo, chosen: str = "") -> Picture:
    """The picture of some lanes, at least one; lanes of the line `chosen` are lit."""
    axis = _axis(lanes, zone)
    rows, groups, height = _laid_out(lanes)
    labels, track, codes = [_svg(name, height) for name in ("labels", "track", "codes")]
    for name, top in groups:
        for part in (labels, track, codes):
            _add(part, "rect", cls="band", x="0", y=top, width="100%", height=_GROUP - 2)
        _add(labels, "text", _cut(name, _LONGEST_GROUP), cls="group", x=8, y=top + 14)
    _draw_ticks(track, axis, height)
    _draw_together(track, axis, rows)
    for row in rows:
        lit = _lit(row.lane, chosen)
        _draw_label(_add(labels, "g", cls=lit), row)
        _draw_bars(_add(track, "g", cls=lit), row, axis)
        _draw_codes(_add(codes, "g", cls=lit), row)
    first = axis.first.astimezone(zone)
    title = in_short(first.date())
    spoken = (
        f"Timeline of {title}, {axis.clock(axis.first)} to {axis.clock(axis.last)}: "
        f"{many(len(rows), 'administration')} in {many(len(groups), 'group')}. "
        "The table of times says the same in words."
    )
    track.set("role", "img")
    track.set("aria-label", spoken)
    return Picture(
        title=title,
        caption=spoken,
        labels=Xml.tostring(labels, encoding="unicode"),
        track=Xml.tostring(track, encoding="unicode"),
        codes=Xml.tostring(codes, encoding="unicode"),
        lanes=len(rows),
        left_out=left_out,
    )


def _axis(lanes: Sequence[Lane], zone: ZoneInfo) -> Axis:
    first = min([bar.start for lane in lanes for bar in lane.bars])
    last = max([bar.stop for lane in lanes for bar in lane.bars])
    return Axis(first, max(last, first + timedelta(minutes=30)), zone)


def _laid_out(lanes: Sequence[Lane]) -> tuple[list[LaneRow], list[tuple[str, int]], int]:
    """The lanes by access line, in the order in which the access lines were first used."""
    rows: list[LaneRow] = []
    groups: list[tuple[str, int]] = []
    top = _HEAD
    for name in dict.fromkeys([lane.group for lane in lanes]):
        groups.append((name, top))
        top += _GROUP
        for lane in [lane for lane in lanes if lane.group == name]:
            rows.append(LaneRow(lane, top))
            top += _LANE
    return rows, groups, top + 4


def _lit(lane: Lane, chosen: str) -> str:
    if not chosen:
        return "lane"
    is_lit = any(line_id == chosen for line_id, _code in lane.lines)
    return "lane lit" if is_lit else "lane faint"


# ------------------------------------------------------------------ behind the bars


def _draw_ticks(track: Xml.Element, axis: Axis, height: int) -> None:
    step = _step(axis.last - axis.first)
    local = axis.first.astimezone(axis.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (axis.first - midnight) // step
    for count in range(_MOST_TICKS + 2):
        moment = midnight.astimezone(axis.first.tzinfo) + step * (passed + count)
        if not axis.first <= moment <= axis.last:
            continue
        x = axis.at(moment)
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"
        here = moment.astimezone(axis.zone)
        says = in_short(here.date()) if step >= _DAY else f"{here:%H:%M}"
        _add(track, "line", cls="hour", x1=_pc(x), x2=_pc(x), y1=_HEAD - 4, y2=height)
        _add(track, "text", says, cls="dim", x=_pc(x), y=16, text_anchor=anchor)


def _step(length: timedelta) -> timedelta:
    """The distance of ticks: at most eight fit, and they are whole days for long times."""
    for step in _STEPS:
        if length / step <= _MOST_TICKS:
            return step
    return _DAY * max(1, -(-length // (_DAY * _MOST_TICKS)))


def _draw_together(track: Xml.Element, axis: Axis, rows: Sequence[LaneRow]) -> None:
    """A field behind what runs at the same time into one access line."""
    for name in dict.fromkeys([row.lane.group for row in rows]):
        members = [row for row in rows if row.lane.group == name]
        for start, stop, upper, lower in _together(members):
            left, right = axis.at(start), axis.at(stop)
            field = _add(
                track,
                "rect",
                cls="together",
                x=_pc(left),
                y=upper,
                width=_pc(right - left),
                height=lower + _LANE - 2 - upper,
            )
            minutes = minutes_between(start, stop)
            _add(
                field, "title", f"together {axis.clock(start)} to {axis.clock(stop)}, {minutes} min"
            )


def _together(rows: Sequence[LaneRow]) -> list[tuple[datetime, datetime, int, int]]:
    """The stretches in which two or more lanes run: from, to, and the y of the outer lanes."""
    ends = sorted(
        [
            (moment, is_start, row.top)
            for row in rows
            for bar in row.lane.bars
            if bar.stop > bar.start
            for moment, is_start in ((bar.start, True), (bar.stop, False))
        ]
    )
    running: list[int] = []
    fields: list[tuple[datetime, datetime, int, int]] = []
    begun: tuple[datetime, set[int]] | None = None
    for moment, is_start, top in ends:
        if is_start:
            running.append(top)
        else:
            running.remove(top)
        if begun is None and len(running) > 1:
            begun = (moment, set(running))
        elif begun is not None and len(running) > 1:
            begun[1].update(running)
        elif begun is not None:
            fields.append((begun[0], moment, min(begun[1]), max(begun[1])))
            begun = None
    return [field for field in fields if field[0] < field[1] and field[2] < field[3]]


# ------------------------------------------------------------------ one lane


def _draw_label(group: Xml.Element, row: LaneRow) -> None:
    lane, top = row
    _add(group, "title", f"{lane.drug} {lane.dose}".strip())
    _add(group, "rect", cls="lane-bg", x="0", y=top, width="100%", height=_LANE - 2)
    _add(group, "text", lane.letter, cls="dim", x=8, y=top + 16)
    _add(group, "text", _cut(lane.drug, _LONGEST_NAME), cls="drug", x=24, y=top + 16)
    _add(group, "text", _cut(lane.dose, _LONGEST_DOSE), cls="dim", x=24, y=top + 32)


def _draw_codes(group: Xml.Element, row: LaneRow) -> None:
    lane, top = row
    _add(group, "rect", cls="lane-bg", x="0", y=top, width="100%", height=_LANE - 2)
    shown = lane.lines[:_CODES_SHOWN]
    for place, (line_id, code) in enumerate(shown):
        link = _add(group, "a", href=f"?line={line_id}#why")
        star = "★ " if lane.is_initial and place == 0 else ""
        more = len(lane.lines) - _CODES_SHOWN
        rest = f" +{more}" if more > 0 and place == _CODES_SHOWN - 1 else ""
        _add(link, "text", f"{star}{code}{rest}", cls="code", x=4, y=top + 16 + 16 * place)
    if not shown:
        _add(group, "text", "no line", cls="dim", x=4, y=top + 16)


def _draw_bars(group: Xml.Element, row: LaneRow, axis: Axis) -> None:
    lane, top = row
    _add(group, "rect", cls="lane-bg", x="0", y=top, width="100%", height=_LANE - 2)
    for before, after in pairwise(lane.bars):
        pause = _add(
            group,
            "line",
            cls="pause",
            x1=_pc(axis.at(before.stop)),
            x2=_pc(axis.at(max(before.stop, after.start))),
            y1=top + 15,
            y2=top + 15,
        )
        _add(pause, "title", f"pause {minutes_between(before.stop, after.start)} min")
    for bar in lane.bars:
        _draw_bar(group, row, bar, axis)
    _draw_words(group, row, axis)


def _draw_bar(group: Xml.Element, row: LaneRow, bar: Bar, axis: Axis) -> None:
    lane, top = row
    classes = ["bar", _CLASSES[lane.letter]]
    classes += ["open"] * (bar.is_open and not bar.is_running)
    classes += ["first"] * lane.is_initial
    x, cls = axis.at(bar.start), " ".join(classes)
    fill = _PATTERNS.get(lane.letter, "")
    pattern = {"fill": fill} if fill else {}
    if lane.is_push:
        place = _add(group, "svg", x=_pc(x), y=top + 15, overflow="visible")
        shape = _add(place, "path", cls=cls, d="M0 -9L8 0L0 9L-8 0Z", **pattern)
    else:
        width = max(0.3, axis.at(bar.stop) - x)
        shape = _add(
            group,
            "rect",
            cls=cls,
            x=_pc(min(x, 100 - width)),
            y=top + 7,
            width=_pc(width),
            height=_BAR,
            rx=2,
            **pattern,
        )
    _add(shape, "title", _spoken(lane, bar, axis))


def _spoken(lane: Lane, bar: Bar, axis: Axis) -> str:
    """A bar in words, as a screen reader or a pointer over it says it."""
    name = f"{lane.drug} {lane.dose}".strip()
    if lane.is_push and bar.start == bar.stop:
        return f"{name}, at {axis.clock(bar.start)}"
    stop = f"to {clock(bar.stop, axis.zone, bar.start.astimezone(axis.zone).date())}"
    if bar.is_running:
        stop = f"running at {axis.clock(bar.stop)}"
    elif bar.is_open:
        stop = "no stop charted"
    return f"{name}, {axis.clock(bar.start)} {stop}"


def words_of(lane: Lane, zone: ZoneInfo) -> str:
    """The words of a lane: from when to when, how long, and what is asked."""
    first, last = lane.bars[0].start, lane.bars[-1].stop
    days = (last.astimezone(zone).date() - first.astimezone(zone).date()).days
    start, stop = clock(first, zone), clock(last, zone) + (f" +{days} d" if days else "")
    asked = f" · asks {lane.numbers[0]}" + "…" * (len(lane.numbers) > 1) if lane.numbers else ""
    if lane.bars[-1].is_running:
        return f"{start} · running{asked}"
    if lane.is_open:
        return f"{start} · no stop{asked}"
    if lane.is_push:
        return f"{start}{asked}"
    # Half the narrowest track has room for the minutes or for a question; the title says both.
    return f"{start}–{stop}{asked or f' · {lane.minutes} min'}"


def _draw_words(group: Xml.Element, row: LaneRow, axis: Axis) -> None:
    lane, top = row
    says = words_of(lane, axis.zone)
    left, right = axis.at(lane.bars[0].start), axis.at(max([bar.stop for bar in lane.bars]))
    cls = "said asked" if lane.numbers else "said"
    offset = 14 if lane.is_push else 6
    if right <= 50:
        _add(group, "text", says, cls=cls, x=_pc(right), y=top + 19, dx=offset)
    elif left >= 50:
        _add(group, "text", says, cls=cls, x=_pc(left), y=top + 19, dx=-offset, text_anchor="end")
    else:
        place = _add(group, "svg", x=_pc((left + right) / 2), y=top + 7, overflow="visible")
        half = round(len(says) * 3.4) + 4
        _add(place, "rect", cls="plate", x=-half, y=1.5, width=2 * half, height=13, rx=2)
        _add(place, "text", says, cls=cls, x=0, y=12, text_anchor="middle")


# ------------------------------------------------------------------ elements


def _svg(name: str, height: int) -> Xml.Element:
    root = Xml.Element("svg", {"class": name, "height": str(height)})
    root.set("xmlns", "http://www.w3.org/2000/svg")
    if name == "labels":
        root.set("aria-hidden", "true")
    return root


def _add(
    parent: Xml.Element, tag: str, text: str = "", *, cls: str = "", **values: str | float
) -> Xml.Element:
    """A child with attributes; `text_anchor` is written text-anchor."""
    named = {name.replace("_", "-"): str(value) for name, value in values.items()}
    child = Xml.SubElement(parent, tag, ({"class": cls} if cls else {}) | named)
    child.text = printable(text) or None
    return child


def _pc(percent: float) -> str:
    return f"{percent:.2f}%"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
