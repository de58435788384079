"""What RDE, RAS, RDS and RGV say: orders and what was done about them.

It owns the grouping of the standard that general parsers get wrong: segments in order, a route
belongs to the RXA before it, what stands before the first RXA belongs to the order. It does not
decide what a stop or a class means; the profile names the words, the engine draws conclusions.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.events import (
    DrugAmount,
    Event,
    MessageRef,
    OrderFact,
    Record,
    VialCode,
    WastedAmount,
)
from chargeline.hl7.errors import Hl7Error, shape_of
from chargeline.hl7.profile import Place, Profile
from chargeline.hl7.reader import NULL, Delimiters, Message, component, unescape
from chargeline.hl7.unreadable import unreadable

Row = list[str]
_KINDS = {"RDE": "order", "RAS": "order", "RDS": "dispense", "RGV": "give"}
# Where code, amount and unit of the drug stand in the segment that names it.
_DRUG_FIELDS = {"RXE": (2, 3, 5), "RXD": (2, 4, 5), "RXG": (4, 5, 7), "RXO": (1, 2, 4)}
_RATE_FIELDS = {"RXE": (23, 24), "RXG": (15, 16)}
_RANK = {"RXO": 0, "RXD": 1, "RXG": 1, "RXE": 2}


class _ROUTE(NamedTuple):
    route: str
    text: str
    method: str


_NO_ROUTE = _ROUTE("", "", "")


class _Group:
    """One ORC with all that belongs to it, until the next ORC."""

    __slots__ = ("administrations", "components", "drug", "observations", "orc", "routes", "timings")

    def __init__(self, orc: Row | None) -> None:
        self.orc = orc
        self.drug: Row | None = None
        self.timings: list[Row] = []
        self.routes: list[Row] = []
        self.components: list[Row] = []
        self.observations: list[Row] = []
        self.administrations: list[_Administration] = []


class _Administration:
    """One RXA with the RXR, RXC, OBX and NTE that follow it."""

    __slots__ = ("components", "notes", "observations", "ordinal", "others", "route", "row")

    def __init__(self, row: Row, ordinal: int) -> None:
        self.row = row
        self.ordinal = ordinal
        self.route: Row | None = None
        self.components: list[Row] = []
        self.observations: list[Row] = []
        self.notes: list[Row] = []
        self.others: list[Row] = []  # segments of the site's own


def pharmacy_events(message: Message, reference: MessageRef, profile: Profile) -> list[Event]:
    """The records and order facts of a pharmacy message; what cannot be read as Unreadable."""
    events: list[Event] = []
    for group in _groups(message):
        number = _first_of(group.orc, profile.order_number, message.delimiters)
        if group.drug is not None or (message.type != "RAS" and group.orc is not None):
            try:
                events.append(_order_fact(message, reference, profile, group, number))
            except Hl7Error as error:
                events.append(unreadable(reference, error))
        for administration in group.administrations:
            try:
                events.append(_record(message, reference, profile, group, administration, number))
            except Hl7Error as error:
                events.append(unreadable(reference, error))
    return events


def _groups(message: Message) -> list[_Group]:
    groups: list[_Group] = []
    group = _Group(None)
    current: _Administration | None = None
    ordinal = 0
    for row in message.rows:
        name = row[0]
        if name == "RXA":
            ordinal += 1
            current = _Administration(row, ordinal)
            group.administrations.append(current)
        elif name == "RXR":
            if current is None:
                group.routes.append(row)
            else:
                _give_route(group.administrations, row)
        elif name == "ORC":
            group = _Group(row)
            groups.append(group)
            current = None
        elif name == "RXC":
            (group if current is None else current).components.append(row)
        elif name == "OBX":
            (group if current is None else current).observations.append(row)
        elif name == "TQ1":
            group.timings.append(row)
        elif name in _RANK:
            if group.drug is None or _RANK[name] >= _RANK[group.drug[0]]:
                group.drug = row
        elif name == "NTE" and current is not None:
            current.notes.append(row)
        elif name[0] == "Z" and current is not None:
            current.others.append(row)
        if name[:2] == "RX" and not groups:
            groups.append(group)  # a sender without ORC
    return groups


def _give_route(administrations: list[_Administration], route: Row) -> None:
    """A route belongs to the RXA before it, and to those before that have none of their own yet."""
    for each in reversed(administrations):
        if each.route is not None:
            return
        each.route = route


# ------------------------------------------------------------------ small readings


def _field(row: Row, n: int) -> str:
    """The raw field, "" if it is absent or says "delete"."""
    if n >= len(row):
        return ""
    text = row[n]
    return "" if text == NULL else text


def _first_of_all(rows: Iterable[Row | None], places: tuple[Place, ...], delimiters: Delimiters) -> str:
    """The first of some places that is valued in one of some segments."""
    for place in places:
        for row in rows:
            text = _first_of(row, (place,), delimiters)
            if text:
                return text
    return ""


def _first_of(row: Row | None, places: tuple[Place, ...], delimiters: Delimiters) -> str:
    if row is None:
        return ""
    for place in places:
        if place.segment == row[0] and place.field < len(row) and row[place.field]:
            text = component(row[place.field], place.component, delimiters).strip()
            if text and text != NULL:
                return unescape(text, delimiters)
    return ""


@lru_cache(maxsize=8192)
def _drug_name(field: str, delimiters: Delimiters) -> tuple[tuple[str, ...], str]:
    """Codes and text of a coded drug (CWE): first and alternate code, first non-empty text."""
    parts = [
        unescape(part.strip(), delimiters)
        for part in field.split(delimiters.repetition)[0].split(delimiters.component)
    ]
    parts += [""] * (6 - len(parts))
    codes = tuple(dict.fromkeys(code for code in (parts[0], parts[3]) if code and code != NULL))
    return codes, next((text for text in (parts[1], parts[4]) if text and text != NULL), "")


@lru_cache(maxsize=8192)
def _number(text: str, where: str) -> Decimal | None:
    """A plain decimal number; None if not valued. Raises Hl7Error `number.invalid`."""
    text = text.strip()
    if not text or text == NULL:
        return None
    digits = text[1:] if text[0] in "+-" else text
    if len(digits) > 18 or not digits.isascii() or not digits.replace(".", "", 1).isdigit():
        raise Hl7Error(
            "number.invalid",
            expected="a number such as 250 or 0.5",
            found=shape_of(text),
            where=where,
            do="have the sender put the number in this field and its unit in the next",
        )
    return Decimal(text)


def _drug(row: Row, fields: tuple[int, int, int], address: str, delimiters: Delimiters) -> DrugAmount | None:
    code, amount, unit = fields
    named = _field(row, code)
    if not named:
        return None
    return _drug_amount(named, _field(row, amount), _field(row, unit), address, code, amount, delimiters)


@lru_cache(maxsize=16384)
def _drug_amount(
    named: str, measure: str, unit: str, address: str, code: int, amount: int, delimiters: Delimiters
) -> DrugAmount | None:
    codes, text = _drug_name(named, delimiters)
    if not codes and not text:
        return None
    return DrugAmount(
        codes,
        text,
        _number(component(measure, 1, delimiters), f"{address}-{amount}"),
        unescape(component(unit, 1, delimiters).strip(), delimiters),
        "",
        f"{address}-{code}",
    )


def _components(rows: list[Row], address: str, delimiters: Delimiters) -> list[DrugAmount]:
    """The parts of a mixture: RXC-1 B is the base, anything else an additive."""
    found = []
    for index, row in enumerate(rows, start=1):
        drug = _drug(row, (2, 3, 4), f"{address}RXC[{index}]", delimiters)
        if drug is not None:
            base = component(_field(row, 1), 1, delimiters).strip().upper() == "B"
            found.append(drug._replace(component="base" if base else "additive"))
    return found


def _route(row: Row | None, profile: Profile, delimiters: Delimiters) -> _ROUTE:
    """Route and method: RXR-1 in words of the profile, the method from RXR-4 or RXR-1 itself."""
    if row is None:
        return _NO_ROUTE
    return _route_words(_field(row, 1), _field(row, 4), profile, delimiters)


@lru_cache(maxsize=2048)
def _route_words(route: str, method: str, profile: Profile, delimiters: Delimiters) -> _ROUTE:
    code = component(route, 1, delimiters).strip().upper()
    text = component(route, 2, delimiters).strip().upper()
    found = profile.routes.get(code) or profile.routes.get(text) or ""
    how = component(method, 1, delimiters).strip().upper()
    method_word = profile.methods.get(how) or profile.methods.get(code) or ""
    return _ROUTE(found, code or text, method_word)


def _observed(rows: list[Row], codes: frozenset[str], delimiters: Delimiters) -> str:
    """The value (OBX-5.1) of the first observation with one of these codes."""
    for row in rows:
        if component(_field(row, 3), 1, delimiters) in codes:
            return unescape(component(_field(row, 5), 1, delimiters).strip(), delimiters)
    return ""


class _Where(NamedTuple):
    line: str
    device: str
    primary: bool


def _where(
    sources: tuple[Row | None, ...], rows: list[Row], profile: Profile, delimiters: Delimiters
) -> _Where:
    """Line, device and mark of the primary service, from observations first, then from RXR."""
    line = device = ""
    primary = False
    if rows:
        line = _observed(rows, profile.line_observations, delimiters)
        device = _observed(rows, profile.device_observations, delimiters)
        primary = bool(_observed(rows, profile.primary_observations, delimiters))
    line = line or _first_of_all(sources, profile.line, delimiters)
    device = device or _first_of_all(sources, profile.device, delimiters)
    return _where_words(line, device, primary, profile)


@lru_cache(maxsize=4096)
def _where_words(line: str, device: str, primary: bool, profile: Profile) -> _Where:
    """In the profile's words, the line without those that only name a lumen."""
    name = line.upper().replace("-", " ").replace("_", " ")
    if profile.lumens is not None:
        name = profile.lumens.sub(" ", name)
    name = " ".join(name.split()) or line.upper()
    return _Where(name, profile.devices.get(device.upper(), ""), primary)


# ------------------------------------------------------------------ RXA


def _record(
    message: Message,
    reference: MessageRef,
    profile: Profile,
    group: _Group,
    administration: _Administration,
    number: str,
) -> Record:
    row, delimiters, ordinal = _padded(administration.row), message.delimiters, administration.ordinal
    address = f"RXA[{ordinal}]"
    start = component(row[3], 1, delimiters).strip()
    if not start:
        raise _no_time(address)
    moment = profile.clock.read(start, f"{address}-3")
    end = component(row[4], 1, delimiters).strip()
    until = profile.clock.read(end, f"{address}-4") if end else None
    route = _route(administration.route or _last(group.routes), profile, delimiters)
    others = administration.others
    where = _where((administration.route, row, *others), administration.observations, profile, delimiters)
    action, action_address = _action(row, group.orc, others, profile, delimiters)
    rate = component(row[12], 1, delimiters).strip()
    if action == "rate" and rate and _is_zero(rate):
        action = "pause"
    drugs = _drugs_of(row, administration, group, address, delimiters)
    recorded = component(row[22], 1, delimiters)
    return Record(
        reference,
        ordinal,
        number or "~" + (drugs[0].codes[0] if drugs and drugs[0].codes else f"RXA{ordinal}"),
        _first_of_all((row, *others), profile.local_number, delimiters) if profile.local_number else "",
        component(row[2], 1, delimiters).strip(),
        action,
        action_address.replace("RXA-", f"{address}-") or f"{address}-9",
        moment.at,
        moment.day,
        until.at if until is not None else None,
        moment.twice,
        until.twice if until is not None else False,
        profile.open_means_running,
        drugs,
        route.route,
        route.text,
        route.method,
        where.line,
        where.device,
        rate,
        _completion(row[18], row[20], profile, delimiters),
        _status(row[21], profile, delimiters, address) if row[21] else "add",
        profile.clock.read_if_valued(recorded, f"{address}-22") if recorded else None,
        _purpose(row[9], administration.notes, drugs, profile),
        where.primary,
        _wasted(row, administration, profile, delimiters, address),
        _vials(row, administration, profile, delimiters, address),
    )


def _wasted(
    row: Row, administration: _Administration, profile: Profile, delimiters: Delimiters, address: str
) -> tuple[WastedAmount, ...]:
    """Discarded amounts: observations (unit in OBX-6), fields (unit of RXA-7), and words of a note."""
    found = []
    for place, each in _observations(administration, profile.waste_observations, delimiters, address):
        unit = component(_field(each, 6), 1, delimiters).strip()
        found.append((place, component(_field(each, 5), 1, delimiters), unit))
    for place, text in _fields_at(profile.waste, row, administration, delimiters, address):
        found.append((place, text, component(row[7], 1, delimiters).strip()))
    if profile.waste_note is not None and (row[9] or administration.notes):
        notes = [(f"{address}-9", row[9])]
        notes += [
            (f"{address}/NTE[{n}]-3", _field(each, 3)) for n, each in enumerate(administration.notes, 1)
        ]
        matches = [(place, profile.waste_note.search(text)) for place, text in notes]
        found += [(place, match["amount"], match["unit"]) for place, match in matches if match]
    amounts = [(place, _number(text, place), unit) for place, text, unit in found]
    return tuple(WastedAmount(amount, unit, place) for place, amount, unit in amounts if amount is not None)


def _vials(
    row: Row, administration: _Administration, profile: Profile, delimiters: Delimiters, address: str
) -> tuple[VialCode, ...]:
    """NDCs of the vials: observations and fields of the profile, and RXA-5 where it says NDC itself."""
    found = []
    for place, each in _observations(administration, profile.vial_observations, delimiters, address):
        found.append(VialCode(component(_field(each, 5), 1, delimiters).strip(), place))
    for place, text in _fields_at(profile.vials, row, administration, delimiters, address):
        found.append(VialCode(text, place))
    if "NDC" in row[5]:
        parts = row[5].split(delimiters.repetition)[0].split(delimiters.component)
        for code, system in ((0, 2), (3, 5)):
            if len(parts) > system and parts[system].strip().upper() == "NDC":
                found.append(VialCode(parts[code].strip(), f"{address}-5.{code + 1}"))
    return tuple(vial for vial in found if vial.ndc)


def _observations(
    administration: _Administration, codes: frozenset[str], delimiters: Delimiters, address: str
) -> list[tuple[str, Row]]:
    """Observations of some codes, with the place of their value."""
    return [
        (f"{address}/OBX[{index}]-5", row)
        for index, row in enumerate(administration.observations, start=1)
        if component(_field(row, 3), 1, delimiters) in codes
    ]


def _fields_at(
    places: tuple[Place, ...], row: Row, administration: _Administration, delimiters: Delimiters, address: str
) -> list[tuple[str, str]]:
    """The valued ones among some places of the administration, with their addresses."""
    found = []
    for place in places:
        text = _first_of_all((row, *administration.others), (place,), delimiters)
        if text:
            found.append((f"{address}/{place.segment}-{place.field}", text))
    return found


_NO_FIELDS = [""] * 30  # RXA ends at field 29 in v2.8


def _padded(row: Row) -> Row:
    """The row with every field that RXA may have, "" where the sender has none or deletes."""
    fields = row + _NO_FIELDS[len(row) :]
    return ["" if field == NULL else field for field in fields] if NULL in fields else fields


def _no_time(address: str) -> Hl7Error:
    return Hl7Error(
        "time.missing",
        expected="the time of the administration",
        found="an empty field",
        where=f"{address}-3",
        do="have the sender fill RXA-3; without it nothing can be placed on the timeline",
    )


def _last(rows: list[Row]) -> Row | None:
    return rows[-1] if rows else None


@lru_cache(maxsize=1024)
def _is_zero(rate: str) -> bool:
    digits = rate.split(" ")[0].rstrip("mMlLgG/hHrR")
    return digits.replace(".", "", 1).isdigit() and not digits.strip("0.")


def _action(
    row: Row, orc: Row | None, others: list[Row], profile: Profile, delimiters: Delimiters
) -> tuple[str, str]:
    """The first word, at the places that the profile names, that it knows as an action."""
    for place in profile.action:
        segment, field, number = place
        source = row if segment == "RXA" else orc
        if segment not in ("RXA", "ORC"):
            source = next((each for each in others if each[0] == segment), None)
        if source is None or field >= len(source) or not source[field]:
            continue
        word = component(source[field], number, delimiters).strip().lower()
        found = profile.actions.get(word)
        if found is not None:
            return found, f"{segment}-{field}"
    return "", ""


def _drugs_of(
    row: Row, administration: _Administration, group: _Group, address: str, delimiters: Delimiters
) -> tuple[DrugAmount, ...]:
    drug = _drug(row, (5, 6, 7), address, delimiters)
    parts = administration.components
    if parts:
        mixture = _components(parts, f"{address}/", delimiters)
    else:
        mixture = _components(group.components, "", delimiters) if group.drug is None else []
    if drug is None:
        return tuple(mixture)
    return (drug, *mixture)


@lru_cache(maxsize=256)
def _completion(refused: str, status: str, profile: Profile, delimiters: Delimiters) -> str:
    """RXA-20 in the profile's words; any refusal reason in RXA-18 means that it was not taken."""
    if component(refused, 1, delimiters).strip():
        return "not_given"
    return profile.completion.get(component(status, 1, delimiters).strip().upper(), "")


@lru_cache(maxsize=256)
def _status(field: str, profile: Profile, delimiters: Delimiters, address: str) -> str:
    text = component(field, 1, delimiters).strip().upper()
    found = profile.record.get(text)
    if found is None and text:
        raise Hl7Error(
            "status.unknown",
            expected=f"one of {', '.join(sorted(profile.record))}",
            found=shape_of(text),
            where=f"{address}-21",
            do="add the value to [record] of the interface profile, or correct it at the sender",
        )
    return found or "add"


def _purpose(notes: str, rows: list[Row], drugs: tuple[DrugAmount, ...], profile: Profile) -> str:
    """Whether words in RXA-9, the drug's name or a note say: keeps the vein open, or rinses."""
    texts = (notes, *[drug.text for drug in drugs], *[_field(row, 3) for row in rows])
    return _purpose_of(texts, profile)


@lru_cache(maxsize=4096)
def _purpose_of(texts: tuple[str, ...], profile: Profile) -> str:
    for pattern, purpose in ((profile.keep_open, "keep_open"), (profile.flush, "flush")):
        if pattern is not None and any(pattern.search(text) for text in texts):
            return purpose
    return ""


# ------------------------------------------------------------------ RXE, RXD, RXG


def _order_fact(
    message: Message, reference: MessageRef, profile: Profile, group: _Group, number: str
) -> OrderFact:
    delimiters = message.delimiters
    drugs: list[DrugAmount] = []
    if group.drug is not None:
        name = group.drug[0]
        drug = _drug(group.drug, _DRUG_FIELDS[name], name, delimiters)
        drugs = [drug] if drug is not None else []
    drugs += _components(group.components, "", delimiters)
    if not number:
        number = "~" + (drugs[0].codes[0] if drugs and drugs[0].codes else message.type)
    routes = [_route(row, profile, delimiters) for row in group.routes]
    route = next((each for each in reversed(routes) if each.route), _NO_ROUTE)
    where = _where((_last(group.routes),), group.observations, profile, delimiters)
    minutes, address = _ordered_minutes(group, drugs, delimiters)
    return OrderFact(
        reference,
        number,
        _KINDS[message.type],
        component(_field(group.orc, 1), 1, delimiters) if group.orc else "",
        tuple(drugs),
        route.route,
        route.text,
        next((each.method for each in reversed(routes) if each.method), ""),
        where.line,
        where.device,
        minutes,
        address,
        where.primary,
    )


_TIME_UNITS = {"min": 1, "m": 1, "minute": 1, "minutes": 1, "mn": 1}
_TIME_UNITS.update(
    {"h": 60, "hr": 60, "hrs": 60, "hour": 60, "hours": 60, "d": 1440, "day": 1440, "days": 1440}
)


def _ordered_minutes(
    group: _Group, drugs: list[DrugAmount], delimiters: Delimiters
) -> tuple[int | None, str]:
    """The ordered duration: TQ1-6, else the duration of RXE-1 (M120, H2), else volume over rate."""
    for index, row in enumerate(group.timings, start=1):
        quantity = _field(row, 6)
        amount = component(quantity, 1, delimiters).strip()
        unit = component(quantity, 2, delimiters).split(delimiters.subcomponent)[0].strip().lower()
        if amount and unit in _TIME_UNITS:
            number = _number(amount, f"TQ1[{index}]-6")
            if number is not None and number > 0:
                return _sensible(int(number * _TIME_UNITS[unit]), f"TQ1[{index}]-6")
    if group.drug is None:
        return None, ""
    if group.drug[0] == "RXE":
        duration = component(_field(group.drug, 1), 3, delimiters).strip().upper()
        if duration[:1] in ("M", "H", "D") and duration[1:].isdecimal():
            return _sensible(int(duration[1:8]) * _TIME_UNITS[duration[0].lower()], "RXE-1")
    return _volume_over_rate(group.drug, drugs, delimiters)


def _volume_over_rate(row: Row, drugs: list[DrugAmount], delimiters: Delimiters) -> tuple[int | None, str]:
    fields = _RATE_FIELDS.get(row[0])
    if fields is None:
        return None, ""
    rate_field, unit_field = fields
    unit = component(_field(row, unit_field), 1, delimiters).strip().lower().replace(" ", "")
    volumes = [drug.amount for drug in drugs if drug.amount and drug.unit.lower() in ("ml", "mls", "cc")]
    if unit not in ("ml/hr", "ml/h", "cc/hr", "ml/hour") or not volumes:
        return None, ""
    rate = _number(component(_field(row, rate_field), 1, delimiters), f"{row[0]}-{rate_field}")
    if not rate or rate < 0:
        return None, ""
    return _sensible(int(max(volumes) * 60 / rate), f"{row[0]}-{rate_field}")


_LONGEST_ORDER_MINUTES = 366 * 24 * 60


def _sensible(minutes: int, address: str) -> tuple[int | None, str]:
    """An order of more than a year is a slip of the keyboard: its duration is not known."""
    return (minutes, address) if minutes <= _LONGEST_ORDER_MINUTES else (None, "")
