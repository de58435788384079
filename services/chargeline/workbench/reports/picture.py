"""The picture of a report as SVG, made on the server: bars, each with its words above it.

It owns the drawing and no fact. x is in percent of the width and y in px, so text keeps its size
however wide the page is. A bar may have several parts; its words say what a colour says.
"""

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from chargeline.engine import printable

MOST_BARS = 12
"""So many bars have a picture; the table has all rows."""
_ROW, _BAR, _TEXT_BASE, _BAR_TOP = 38, 12, 14, 20
_LONGEST_NAME = 30
_NARROWEST = 0.5  # percent of the width, so that a part that is there is seen


class ReportBar(NamedTuple):
    """A bar: what it is of, its number in words, and its parts as a class and an amount."""

    name: str
    says: str
    parts: tuple[tuple[str, float], ...]


def picture_of(bars: Sequence[ReportBar], title: str, whole: float = 0) -> str:
    """Bars as an SVG, the longest as wide as the picture; "" for none.

    `whole` is an amount that the width stands for where all bars are shorter.
    """
    shown = bars[:MOST_BARS]
    if not shown:
        return ""
    longest = max([whole, *[sum([amount for _cls, amount in bar.parts]) for bar in shown]]) or 1.0
    left_out = len(bars) - len(shown)
    more = f", and {left_out} more in the table" if left_out else ""
    spoken = "; ".join([f"{bar.name} {bar.says}" for bar in shown])
    root = Xml.Element("svg", {"class": "bars", "height": str(_ROW * len(shown)), "role": "img"})
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("aria-label", printable(f"{title}: {spoken}{more}. The table says the same."))
    for place, bar in enumerate(shown):
        _draw(root, bar, _ROW * place, longest)
    return Xml.tostring(root, encoding="unicode")


def _draw(root: Xml.Element, bar: ReportBar, top: int, longest: float) -> None:
    group = Xml.SubElement(root, "g")
    Xml.SubElement(group, "title").text = printable(f"{bar.name}: {bar.says}")
    name = bar.name
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}…"
    _text(group, name, "name", x="0", y=str(top + _TEXT_BASE))
    _text(group, bar.says, "says", x="100%", y=str(top + _TEXT_BASE), anchor="end")
    _rect(group, "track", begin=0, width=100, top=top)
    begin = 0.0
    for cls, amount in bar.parts:
        if amount > 0:
            width = max(_NARROWEST, 100 * amount / longest)
            begin = min(begin, 100 - width)
            _rect(group, cls, begin=begin, width=width, top=top)
            begin += width


def _text(
    group: Xml.Element, says: str, cls: str, *, x: str, y: str, anchor: str = "start"
) -> None:
    values = {"class": cls, "x": x, "y": y, "text-anchor": anchor}
    Xml.SubElement(group, "text", values).text = printable(says)


def _rect(group: Xml.Element, cls: str, *, begin: float, width: float, top: int) -> None:
    place = {"x": f"{begin:.2f}%", "y": str(top + _BAR_TOP), "width": f"{width:.2f}%"}
    Xml.SubElement(group, "rect", {"class": cls, **place, "height": str(_BAR)})
