"""A small second reader of simulated feeds, as a check on the simulator.

It drops duplicates by their body, takes the version of a record from RXA-22 and then MSH-7, and
puts events in the order of RXA-3. It shares no code with chargeline's own reader, so neither can
hide the other's errors.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

ROUTES = {"IV": "intravenous", "SC": "subcutaneous", "IM": "intramuscular", "PO": "other"}
NEW_YORK = ZoneInfo("America/New_York")
Segment = list[str]


def split(message: bytes) -> list[Segment]:
    """Segments of fields. Field n of a segment is at index n; of MSH it is at index n - 1."""
    return [line.split("|") for line in message.decode("ascii").split("\r") if line]


def at(segment: Segment, number: int, component: int = 1) -> str:
    number -= segment[0] == "MSH"
    parts = segment[number].split("^") if number < len(segment) else []
    return parts[component - 1] if component <= len(parts) else ""


def kind(segments: list[Segment]) -> str:
    return "^".join(segments[0][8].split("^")[:2])


def body(message: bytes) -> bytes:
    """All but MSH-7 and MSH-10, the two fields that a resend changes."""
    fields = message.split(b"|")
    return b"|".join([*fields[:6], *fields[7:9], *fields[10:]])


def instant(text: str) -> datetime:
    clock, sign, offset = text[:14], "", ""
    for mark in "+-":
        if mark in text:
            clock, offset = text.split(mark)
            sign = mark
    moment = datetime.strptime(clock, "%Y%m%d%H%M%S" if len(clock) == 14 else "%Y%m%d%H%M")
    if sign:
        return datetime.strptime(f"{moment:%Y%m%d%H%M%S}{sign}{offset}", "%Y%m%d%H%M%S%z")
    return moment.replace(tzinfo=NEW_YORK)


@dataclass
class Row:
    """One RXA with what belongs to it: order, mixture, route, device, and MSH-7 of its message."""

    order: str
    rxa: Segment
    sent: str
    visit: str
    mixture: list[Segment] = field(default_factory=list)
    route: Segment = field(default_factory=list)
    device: str = ""
    vials: list[str] = field(default_factory=list)
    discarded: str | None = None

    def version(self) -> tuple[datetime, str]:
        return (instant(at(self.rxa, 22)), self.sent)

    def drugs(self) -> list[dict[str, str]]:
        parts = [part for part in self.mixture if at(part, 1) == "A"]
        drugs = [(at(part, 2), at(part, 3), at(part, 4)) for part in parts]
        drugs = drugs or [(at(self.rxa, 5), at(self.rxa, 6), at(self.rxa, 7))]
        return [
            {"id": code.lower(), "amount": amount, "unit": unit} for code, amount, unit in drugs
        ]


def rows(segments: list[Segment]) -> Iterator[Row]:
    order, visit, row = "", "", None
    for segment in segments:
        if segment[0] == "PV1":
            visit = at(segment, 19)
        elif segment[0] == "ORC":
            order = at(segment, 3)
        elif segment[0] == "RXA":
            if row:
                yield row
            row = Row(order, segment, at(segments[0], 7), visit)
        elif row and segment[0] == "RXC":
            row.mixture.append(segment)
        elif row and segment[0] == "RXR":
            row.route, row.device = segment, at(segment, 3)
        elif row and at(segment, 3) == "INFUSION-DEVICE":
            row.device = at(segment, 5)
        elif row and at(segment, 3) == "VIAL-NDC":
            row.vials.append(at(segment, 5))
        elif row and at(segment, 3) == "WASTED-AMOUNT":
            row.discarded = at(segment, 5)
    if row:
        yield row


def recovered(messages: Iterable[tuple[str, bytes]]) -> dict[str, list[dict[str, object]]]:
    """The administrations of each visit in the shape of truth.json, by surviving visit number.

    They are sorted by order, and by time within an order.
    """
    once = {body(message): message for _, message in messages}
    merged: dict[str, str] = {}
    vehicles: dict[str, str] = {}
    standing: dict[tuple[str, str], Row] = {}
    for message in once.values():
        segments = split(message)
        _note_merge(segments, merged)
        if kind(segments).startswith("RDE"):
            _note_vehicle(segments, vehicles)
        if kind(segments).startswith("RAS"):
            for row in rows(segments):
                key = (row.order, at(row.rxa, 2))
                standing[key] = max(standing.get(key, row), row, key=Row.version)
    visits: dict[str, list[dict[str, object]]] = {}
    live = [row for row in standing.values() if at(row.rxa, 21) != "D"]
    for row in sorted(live, key=lambda row: (row.order, instant(at(row.rxa, 3)))):
        visit = merged.get(row.visit, row.visit)
        _fold(visits.setdefault(visit, []), row, vehicles.get(row.order))
    return visits


def _note_merge(segments: list[Segment], merged: dict[str, str]) -> None:
    by_name = {segment[0]: segment for segment in segments}
    if "MRG" in by_name and at(by_name["MRG"], 5):
        merged[at(by_name["MRG"], 5)] = at(by_name["PV1"], 19)


def _note_vehicle(segments: list[Segment], vehicles: dict[str, str]) -> None:
    order = next(at(segment, 3) for segment in segments if segment[0] == "ORC")
    for segment in segments:
        if segment[0] == "RXC" and at(segment, 1) == "B":
            vehicles[order] = at(segment, 2, 2)


def _fold(told: list[dict[str, object]], row: Row, vehicle: str | None) -> None:
    start, word = instant(at(row.rxa, 3)), at(row.rxa, 9)
    given = at(row.rxa, 20) == "CP"
    if word in ("Rate Change", "Rate Verify"):
        return
    if not given or at(row.rxa, 6) != "0":
        told.append(_dose(row, vehicle, given))
    intervals = told[-1]["intervals"]
    assert isinstance(intervals, list)
    if word in ("Paused", "Stopped"):
        intervals[-1][1] = start
    elif given:
        _extend(intervals, row, start, word)


def _extend(intervals: list[list[datetime | None]], row: Row, start: datetime, word: str) -> None:
    end = instant(at(row.rxa, 4)) if at(row.rxa, 4) else None
    if word in ("Given", "Bolus"):
        end = start
    if intervals and intervals[-1][1] == start:
        intervals[-1][1] = end  # this piece begins when the last one ends: a change of rate
    else:
        intervals.append([start, end])


def _dose(row: Row, vehicle: str | None, given: bool) -> dict[str, object]:
    marked = {"IVP": "push", "IVPB": "infusion", "ON-BODY": "on_body"}.get(at(row.route, 4))
    return {
        "order": row.order,
        "drugs": row.drugs(),
        "vials": row.vials,
        "discarded": row.discarded,
        "vehicle": vehicle,
        "route": ROUTES[at(row.route, 1)],
        "method": marked or ("oral" if at(row.route, 1) == "PO" else "injection"),
        "line": at(row.route, 2),
        "device": row.device,
        "intervals": [],
        "given": given,
    }
