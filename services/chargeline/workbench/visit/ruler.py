"""The ruler of hours: how long a line ran, and from which minute a further hour counts, as SVG.

It owns the drawing. The minutes are the line's, and the threshold is that of the rule on further
hours.
"""

from xml.etree import ElementTree as Xml

_WIDTH, _EDGE = 540, 10
_MOST_HOURS = 12


def ruler_of(minutes: int, remainder_minutes: int, code: str) -> str:
    """A ruler up to the hour behind the minutes; above twelve hours it is drawn to scale of days.

    `remainder_minutes` past the last full hour earn one more unit.
    """
    hours = minutes // 60 + 1
    step = 1 if hours <= _MOST_HOURS else -(-hours // _MOST_HOURS)
    scale = (_WIDTH - 2 * _EDGE) / (-(-hours // step) * step * 60)
    threshold = max(1, minutes // 60) * 60 + remainder_minutes
    says = (
        f"{minutes} minutes on a ruler of hours; the next further hour counts from {threshold} "
        "minutes."
    )
    root = Xml.Element("svg", {"class": "ruler", "viewBox": f"0 0 {_WIDTH} 62", "role": "img"})
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("aria-label", says)
    bar = {"class": "ran", "x": str(_EDGE), "y": "18", "height": "16"}
    Xml.SubElement(root, "rect", bar | {"width": f"{minutes * scale:.1f}"})
    for hour in range(0, hours + step, step):
        x = _EDGE + hour * 60 * scale
        if x > _WIDTH - _EDGE + 1:
            break
        _line(root, "hour", x, 12)
        anchor = "start" if hour == 0 else "end" if x > _WIDTH - 30 else "middle"
        _text(root, f"{hour * 60} min", x, anchor=anchor, y=54)
    x = _EDGE + threshold * scale
    if x <= _WIDTH - _EDGE:
        _line(root, "threshold", x, 8)
        anchor = "end" if x > _WIDTH / 2 else "start"
        _text(root, f"from {threshold}: one more hour", x, anchor=anchor, y=10)
    _text(root, f"{code}, {minutes} min", _EDGE + 4, anchor="start", y=31)
    return Xml.tostring(root, encoding="unicode")


def _line(root: Xml.Element, name: str, x: float, top: int) -> None:
    ends = {"x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": str(top), "y2": "40"}
    Xml.SubElement(root, "line", {"class": name} | ends)


def _text(root: Xml.Element, text: str, x: float, *, anchor: str, y: int) -> None:
    values = {"x": f"{x:.1f}", "y": str(y), "text-anchor": anchor}
    Xml.SubElement(root, "text", values).text = text
