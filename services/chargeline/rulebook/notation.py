"""The short notation in which a coder writes what was given, and what a nurse charted.

This module owns two notations and knows no rules. What was given is a drug, an amount and a route,
then words, times and marks in any order: "pembrolizumab 200 mg iv 09:00-09:30". What a nurse
charted has a time and an action in front: "09:00 start vancomycin 1000 mg iv order=R1". A text that
cannot be read raises a ValueError that quotes the text and says what was expected.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple, cast, get_args

from chargeline.engine import (
    Administration,
    Dispensed,
    DrugAmount,
    Event,
    Interval,
    MessageRef,
    OrderFact,
    Reading,
    Record,
    Source,
    VialCode,
    VisitKey,
    WastedAmount,
    words,
)

FIRST_DAY = date(2026, 3, 2)
_MESSAGE = MessageRef("case", "case", "case", None)
ROUTES: Mapping[str, words.RouteCharted] = {
    "iv": "intravenous", "im": "intramuscular", "sc": "subcutaneous", "ia": "intra_arterial",
    "it": "intrathecal", "ip": "intraperitoneal", "ipl": "intrapleural",
    "icv": "intraventricular_reservoir", "cath": "catheter", "po": "other", "noroute": "",
}  # fmt: skip
METHODS: Mapping[str, words.Method] = {
    "push": "push",
    "infusion": "infusion",
    "onbody": "on_body",
    "refill": "refill",
    "irrigation": "irrigation",
}
PURPOSES: Mapping[str, words.Purpose] = {"kvo": "keep_open", "flush": "flush"}
_TIMES = re.compile(r"\d\d:\d\d(-(\d\d:\d\d|\?))?(,\d\d:\d\d-(\d\d:\d\d|\?))*")
_DAY = re.compile(r"d[1-9]\d?")
_DRUG = re.compile(r"(\S+)(?:\s+(\d+(?:\.\d+)?)\s+(\S+))?")
_VIAL = r"[\d-]+(?:/\w+)?(?:x\d+)?"
_NUMBERS = {
    "ordered": re.compile(r"\d{1,5}"),
    "days": re.compile(r"\d{1,2}"),
    "dose": re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]\S*)?"),
    "sent": re.compile(r"\d\d:\d\d"),
    "cancelled": re.compile(r"\d\d:\d\d"),
    "waste": re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]\S*)"),
    "vials": re.compile(rf"{_VIAL}(?:,{_VIAL})*"),
}
_WRITTEN = {
    "sent": "time",
    "cancelled": "time",
    "waste": "number and unit, such as 50mg",
    "vials": "NDCs, such as 50242-0132-01x3,00000-0001-01/LOT1",
}
_FLAGS = frozenset({"line", "device", "order", "rate", "ordered", *_NUMBERS})
_MARKS = frozenset(
    {
        *METHODS,
        *PURPOSES,
        "partial",
        "primary",
        "notgiven",
        "bolus",
        "notbought",
        "noted",
        "discounted",
        "unsigned",
        "unexplained",
    }
)
_AT_ONE_MOMENT = frozenset({"push", "on_body", "refill", "irrigation"})


def administration_of(text: str, index: int, first: date = FIRST_DAY) -> Administration:
    """The administration that a text describes. Raises ValueError.

    `first` is the day that `d1` means. `index` numbers the administration, and its order unless the
    text names one (`order=R1`).
    """
    drugs, route, plain, flags = _parts(text, text.split())
    times = next((word for word in plain if _TIMES.fullmatch(word)), None)
    if times is None:
        raise ValueError(f"{text!r}: expected times such as 10:00, 10:00-11:30 or 10:00-?")
    day = first + timedelta(
        days=next((int(word[1:]) - 1 for word in plain if _DAY.fullmatch(word)), 0)
    )
    intervals = _intervals(day, times, flags)
    charted = _charted(intervals)
    method = _method(plain)
    order = flags.get("order", f"O{index}")
    return Administration(
        key=f"{order}#{index}",
        order=order,
        day=day,
        drugs=drugs,
        drug_source=Source(_MESSAGE, "RXA[1]-5"),
        charted=charted,
        intervals=intervals,
        route=ROUTES[route],
        route_text=route,
        method=method,
        line=flags.get("line", ""),
        device=_device(text, flags.get("device", "")),
        rate=flags.get("rate", ""),
        ordered_minutes=int(flags["ordered"]) if "ordered" in flags else None,
        purpose=next((PURPOSES[word] for word in plain if word in PURPOSES), ""),
        given="notgiven" not in plain,
        may_have_run=charted == "instant" and method not in _AT_ONE_MOMENT,
        bolus_of_running_bag="bolus" in plain,
        partial="partial" in plain,
        primary="primary" in plain,
        ordered=_ordered(drugs, flags),
        not_bought="notbought" in plain,
        discounted="discounted" in plain,
        wasted=_wasted(plain, flags),
        vials=_vials(flags),
        contradicted="stopped at" if "noted" in plain else "",
        cancelled=_at(day, flags["cancelled"]) if "cancelled" in flags else None,
    )


def dispensed_of(text: str, index: int, day: date) -> Dispensed:
    """What was handed out, as `trastuzumab 450 mg`, for an order of its own. Raises ValueError."""
    (drug, *more) = _drugs(text)
    if more or drug.amount is None:
        raise ValueError(f"{text!r}: expected a drug and an amount, such as `rituximab 750 mg`")
    return Dispensed(
        order=f"D{index}",
        kind="dispense",
        number="1",
        day=day,
        drug=drug,
        ndcs=(),
        lot="",
        source=Source(_MESSAGE, "RXD-2"),
    )


def _at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), UTC)


def _ordered(drugs: Sequence[DrugAmount], flags: Mapping[str, str]) -> tuple[DrugAmount, ...]:
    """The drugs of the order, where `dose=450` says how much of the first one was ordered.

    `dose=75mg/m2` is an order in another unit than the drug was given in.
    """
    if "dose" not in flags or not drugs:
        return ()
    match = _NUMBERS["dose"].fullmatch(flags["dose"])
    assert match is not None, "the flags were looked at"
    unit = match[2] or drugs[0].unit
    return (drugs[0]._replace(amount=Decimal(match[1]), unit=unit), *drugs[1:])


def _wasted(plain: Sequence[str], flags: Mapping[str, str]) -> tuple[WastedAmount, ...]:
    """What was discarded, where `waste=50mg` says it: by whom and why, unless marks say not."""
    match = _NUMBERS["waste"].fullmatch(flags.get("waste", ""))
    if match is None:
        return ()
    entry = WastedAmount(
        Decimal(match[1]),
        match[2],
        "RXA[1]-9",
        _MESSAGE,
        is_signed="unsigned" not in plain,
        has_reason="unexplained" not in plain,
    )
    return (entry,)


def _vials(flags: Mapping[str, str]) -> tuple[VialCode, ...]:
    """The vials of `vials=50242-0132-01x3,50242-0053-06/LOT1`: NDCs with their lots and numbers."""
    vials: list[VialCode] = []
    for text in filter(None, flags.get("vials", "").split(",")):
        coded, _x, times = text.partition("x")
        ndc, _slash, lot = coded.partition("/")
        vials += [
            VialCode(ndc, f"RXA[1]/OBX[{len(vials) + n}]-5", lot, message=_MESSAGE)
            for n in range(1, int(times or 1) + 1)
        ]
    return tuple(vials)


class _Parts(NamedTuple):
    """A text in its parts: drugs, route as written, plain words, and flags such as order=R1."""

    drugs: tuple[DrugAmount, ...]
    route: str
    plain: list[str]
    flags: dict[str, str]


def _parts(text: str, parts: Sequence[str]) -> _Parts:
    where = next((n for n, word in enumerate(parts) if word in ROUTES), None)
    if where is None:
        raise ValueError(f"{text!r}: expected a route ({', '.join(ROUTES)}) after the drug")
    flags = dict(word.split("=", 1) for word in parts[where + 1 :] if "=" in word)
    plain = [word for word in parts[where + 1 :] if "=" not in word]
    _refuse_unknown(text, plain, flags)
    return _Parts(_drugs(" ".join(parts[:where])), parts[where], plain, flags)


def _method(plain: Sequence[str]) -> words.MethodCharted:
    return next((METHODS[word] for word in plain if word in METHODS), "")


def reading_of(texts: Sequence[str], key: VisitKey) -> Reading:
    """The rows that a nurse charted, as one message about a visit. Raises ValueError."""
    events: list[Event] = []
    for ordinal, text in enumerate(texts, start=1):
        events += _events(text, ordinal)
    return Reading(
        message=_MESSAGE,
        facility=key.facility,
        visit=key.visit,
        zone="UTC",
        events=tuple(events),
        merges=(),
        set_aside=None,
    )


def _events(text: str, ordinal: int) -> list[Event]:
    """The record of one row, and its order if the row gives one with `ordered=`."""
    when, action, *rest = [*text.split(), "", ""]
    chosen = next((word for word in get_args(words.Action) if word == action), None)
    if chosen is None or not re.fullmatch(r"\d\d:\d\d", when):
        raise ValueError(
            f"{text!r}: expected a time and an action, such as `09:00 start` before a drug"
        )
    drugs, route, plain, flags = _parts(text, [word for word in rest if word])
    day = FIRST_DAY + timedelta(
        days=next((int(word[1:]) - 1 for word in plain if _DAY.fullmatch(word)), 0)
    )
    order = flags.get("order", "R1")
    record = Record(
        message=_MESSAGE,
        ordinal=ordinal,
        order=order,
        local_number="",
        sub_id=str(ordinal),
        action=cast(words.Action, chosen),
        action_address=f"RXA[{ordinal}]-9",
        at=datetime.combine(day, time.fromisoformat(when), UTC),
        day=day,
        until=None,
        at_twice=False,
        until_twice=False,
        open_means_running=False,
        drugs=drugs,
        route=ROUTES[route],
        route_text=route,
        method=_method(plain),
        line=flags.get("line", ""),
        device=_device(text, flags.get("device", "")),
        rate=flags.get("rate", ""),
        completion="",
        status="add",
        recorded=None,
        purpose="",
        primary=False,
        wasted=(),
        vials=(),
    )
    if "ordered" not in flags:
        return [record]
    fact = OrderFact(
        message=_MESSAGE,
        order=order,
        kind="order",
        control="in_force",
        drugs=drugs,
        route=ROUTES[route],
        route_text=route,
        method="",
        line="",
        device="",
        minutes=int(flags["ordered"]),
        minutes_address="TQ1[1]-6",
        primary=False,
    )
    return [fact, record]


def _refuse_unknown(text: str, plain: Sequence[str], flags: Mapping[str, str]) -> None:
    unknown = [
        word
        for word in plain
        if not (word in _MARKS or _TIMES.fullmatch(word) or _DAY.fullmatch(word))
    ]
    unknown += sorted(set(flags) - _FLAGS)
    for flag, number in _NUMBERS.items():
        if flag in flags and not number.fullmatch(flags[flag]):
            kind = _WRITTEN.get(flag, "number")
            raise ValueError(f"{text!r}: expected {flag}={kind}, found {flags[flag]}")
    if unknown:
        allowed = ", ".join(sorted({*_MARKS, *(f"{flag}=" for flag in _FLAGS)}))
        raise ValueError(f"{text!r}: expected {allowed}, found {', '.join(unknown)}")


def _device(text: str, word: str) -> words.DeviceCharted:
    for device in get_args(words.Device):
        if word == device:
            return cast(words.Device, device)
    if word:
        allowed = " or ".join(words.words_of(words.Device))
        raise ValueError(f"{text!r}: expected device={allowed}, found {word}")
    return ""


def _charted(intervals: Sequence[Interval]) -> words.Charting:
    if any(interval.stop is None for interval in intervals):
        return "open"
    is_moment = all(interval.stop == interval.start for interval in intervals)
    return "instant" if is_moment else "interval"


def _intervals(day: date, times: str, flags: Mapping[str, str]) -> tuple[Interval, ...]:
    intervals = []
    message = _MESSAGE
    if "sent" in flags:
        message = _MESSAGE._replace(sent=_at(day, flags["sent"]))
    source = Source(message, "RXA[1]-3")
    for piece in times.split(","):
        start_text, _dash, stop_text = piece.partition("-")
        start = datetime.combine(day, time.fromisoformat(start_text), UTC)
        stop: datetime | None = start
        if stop_text == "?":
            stop = None
        elif stop_text:
            stop = datetime.combine(day, time.fromisoformat(stop_text), UTC)
            stop += timedelta(days=(1 if stop < start else 0) + int(flags.get("days", "0")))
        intervals.append(Interval(start, stop, source, source if stop is not None else None))
    return tuple(intervals)


def _drugs(text: str) -> tuple[DrugAmount, ...]:
    parts = [part.strip() for part in text.split(" + ")]
    drugs = []
    for part in parts:
        match = _DRUG.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r}: expected a drug such as `ondansetron 8 mg`")
        name, amount, unit = match.groups()
        drugs.append(
            DrugAmount(
                codes=(name,),
                text=name,
                amount=Decimal(amount) if amount else None,
                unit=unit or "",
                component="additive" if len(parts) > 1 else "",
                address="RXA[1]-5",
            )
        )
    return tuple(drugs)
