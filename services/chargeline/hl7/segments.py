"""The segments of a pharmacy message, grouped as the standard groups them.

This module owns the grouping, which general parsers get wrong. In ORC RXO RXR RXA RXR the first RXR
stands before any RXA, so it belongs to the order; the second belongs to the RXA before it. The
module reads raw fields and knows no drug, no word of a profile and no time.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from chargeline.engine import shape_of
from chargeline.hl7.delimiters import NULL, Delimiters, text_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.profile import Place

Row = list[str]
"""A segment split into fields: row[0] is its name and row[n] is field n."""

# If several segments name the drug of an order, the one with the highest rank counts; of two with
# the same rank, the later one.
_DRUG_SEGMENTS = {"RXO": 0, "RXD": 1, "RXG": 1, "RXE": 2}


class OrderGroup:
    """One ORC with the segments up to the next ORC."""

    __slots__ = (
        "administrations",
        "components",
        "drug",
        "observations",
        "orc",
        "routes",
        "supply",
        "timings",
    )

    def __init__(self, orc: Row | None) -> None:
        self.orc = orc
        self.drug: Row | None = None
        self.supply: Row | None = None  # RXD or RXG, also where an RXE names the drug
        self.timings: list[Row] = []
        self.routes: list[Row] = []
        self.components: list[Row] = []
        self.observations: list[Row] = []
        self.administrations: list[AdministrationGroup] = []

    @property
    def last_route(self) -> Row | None:
        """The last RXR of the order, which counts if the order has several; None without one."""
        return self.routes[-1] if self.routes else None


class AdministrationGroup:
    """One RXA with the RXR, RXC, OBX and NTE that follow it."""

    __slots__ = ("components", "notes", "observations", "ordinal", "others", "route", "row")

    def __init__(self, row: Row, ordinal: int) -> None:
        self.row = row
        self.ordinal = ordinal
        self.route: Row | None = None
        self.components: list[Row] = []
        self.observations: list[Row] = []
        self.notes: list[Row] = []
        self.others: list[Row] = []  # Z segments


def groups_of(message: Message) -> list[OrderGroup]:
    """The orders of a message in their order; a message without any ORC is one group."""
    groups: list[OrderGroup] = []
    group = OrderGroup(None)
    current: AdministrationGroup | None = None
    ordinal = 0
    for row in message.rows:
        name = row[0]
        if name == "RXA":
            ordinal += 1
            current = AdministrationGroup(row, ordinal)
            group.administrations.append(current)
        elif name == "RXR":
            if current is None:
                group.routes.append(row)
            else:
                _give_route(group.administrations, row)
        elif name == "ORC":
            group = OrderGroup(row)
            groups.append(group)
            current = None
        elif name == "RXC":
            (group if current is None else current).components.append(row)
        elif name == "OBX":
            _observe((group if current is None else current).observations, row)
        elif name == "TQ1":
            group.timings.append(row)
        elif name in _DRUG_SEGMENTS:
            if group.drug is None or _DRUG_SEGMENTS[name] >= _DRUG_SEGMENTS[group.drug[0]]:
                group.drug = row
            if name in ("RXD", "RXG"):
                group.supply = row
        elif name == "NTE" and current is not None:
            current.notes.append(row)
        elif name[0] == "Z" and current is not None:
            current.others.append(row)
        if name[:2] == "RX" and not groups:
            groups.append(group)  # a sender without ORC
    return groups


_TAKEN_BACK = frozenset({"D", "W", "X", "I", "O", "N"})
_NO_OBSERVATION: Row = ["OBX"]  # keeps the place of one that does not count


def _observe(observations: list[Row], row: Row) -> None:
    """Add an observation, as its status (OBX-11, table 0085) says.

    One that is taken back, or has no result yet, does not count. A correction stands in place of
    the observation before it with its code and sub-id.
    """
    status = field(row, 11).strip().upper()
    if status in _TAKEN_BACK:
        _strike(observations, [n for n, other in enumerate(observations) if other[3:6] == row[3:6]])
        observations.append(_NO_OBSERVATION)
        return
    if status == "C":
        _strike(observations, [n for n, other in enumerate(observations) if other[3:5] == row[3:5]])
    observations.append(row)


def _strike(observations: list[Row], places: list[int]) -> None:
    """Let the last of some observations count no more."""
    if places:
        observations[places[-1]] = _NO_OBSERVATION


def _give_route(administrations: list[AdministrationGroup], route: Row) -> None:
    """Give a route to the RXA before it, and to the RXA before that one that have none yet.

    RXA RXA RXR are two drugs by one route; RXA RXR RXA RXR are two drugs with a route each.
    """
    for administration in reversed(administrations):
        if administration.route is not None:
            return
        administration.route = route


def field(row: Row, n: int) -> str:
    """The raw field; "" if it is absent or deletes (`""`)."""
    if n >= len(row):
        return ""
    text = row[n]
    return "" if text == NULL else text


def first_of_all(
    rows: Iterable[Row | None], places: tuple[Place, ...], delimiters: Delimiters
) -> str:
    """The text at the first place that is valued in one of the rows; "" if none is."""
    for segment, number, part in places:
        for row in rows:
            if row is not None and row[0] == segment and number < len(row) and row[number]:
                text = text_at(row[number], part, delimiters)
                if text:
                    return text
    return ""


@lru_cache(maxsize=8192)
def decimal_at(text: str, where: str) -> Decimal | None:
    """A plain decimal number; None if the text is empty. Raises Hl7Error `number.invalid`."""
    text = text.strip()
    if not text or text == NULL:
        return None
    if not is_number(text):
        raise Hl7Error(
            "number.invalid",
            expected="a number such as 250 or 0.5",
            found=shape_of(text),
            where=where,
            do="have the sender put the number in this field and its unit in the next",
        )
    return Decimal(text)


def is_number(text: str) -> bool:
    """Whether a text is a plain decimal number of at most 18 characters, with or without a sign."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    return len(digits) <= 18 and digits.isascii() and digits.replace(".", "", 1).isdigit()
