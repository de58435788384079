"""From what was charted about one order to what was given.

It owns corrections and voids (which version of a record stands), and the small machine that turns
new bag, paused, restarted and stopped into running intervals. It knows nothing of codes. It never
invents an end: an infusion without a stop stays open.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chargeline.engine.events import DrugAmount, OrderFact, Record, Source
from chargeline.engine.timeline import Administration, Interval, Problem, problem_at
from chargeline.engine.words import Charting, DeviceCharted, MethodCharted, RouteCharted

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
ONE_HOUR = timedelta(hours=1)
TOUCHING = timedelta(minutes=1)
# A new bag continues the running one only while that could still be running: the ordered time and
# an hour, or half a day when no order says how long. Later it is a new dose whose predecessor has
# no stop; otherwise a daily antibiotic without stops would become a 24-hour infusion.
BAG_CHANGE_GRACE = ONE_HOUR
BAG_CHANGE_WITHOUT_ORDER = timedelta(hours=12)

CHATTER = frozenset({"rate", "verify"})
_GOES_ON = frozenset({"pause", "restart", "stop", "rate", "verify"})
# At one and the same minute the old bag ends before the new one begins.
_ACTION_ORDER = {"stop": 0, "pause": 1, "restart": 2, "rate": 2, "start": 3}
_STATUS_ORDER = {"add": 0, "update": 1, "delete": 2}


class Order(NamedTuple):
    """What the order side says: None and "" where it says nothing."""

    drugs: tuple[DrugAmount, ...]
    source: Source | None
    route: RouteCharted
    route_text: str
    method: MethodCharted
    line: str
    device: DeviceCharted
    minutes: int | None
    primary: bool


NO_ORDER = Order((), None, "", "", "", "", "", None, False)


def address(record: Record, field: str) -> Source:
    """The source of a field of this record: RXA[2]-3 for the second RXA of the message."""
    return Source(record.message, f"RXA[{record.ordinal}]-{field}")


def merge_order_facts(facts: Iterable[OrderFact]) -> Order:
    """One view of the order: later facts win field by field; an order outranks a dispense or give."""
    ranked = sorted(facts, key=_fact_rank)
    if not ranked:
        return NO_ORDER
    drugs: tuple[DrugAmount, ...] = ()
    source: Source | None = None
    route: RouteCharted = ""
    method: MethodCharted = ""
    device: DeviceCharted = ""
    route_text = line = ""
    minutes: int | None = None
    for fact in ranked:
        if fact.drugs:
            drugs, source = fact.drugs, Source(fact.message, fact.drugs[0].address)
        if fact.route:
            route, route_text = fact.route, fact.route_text
        method = fact.method or method
        line = fact.line or line
        device = fact.device or device
        minutes = fact.minutes if fact.minutes is not None else minutes
    primary = any(fact.primary for fact in ranked)
    return Order(drugs, source, route, route_text, method, line, device, minutes, primary)


def _fact_rank(fact: OrderFact) -> tuple[int, datetime, str]:
    return (1 if fact.kind == "order" else 0, fact.message.sent or BEGINNING, fact.message.digest)


def _version(record: Record) -> tuple[datetime, int, str, int]:
    """Which version of a record is newer: charted time, else sent; then add, update, delete."""
    when = record.recorded or record.message.sent or BEGINNING
    return (when, _STATUS_ORDER[record.status], record.message.digest, record.ordinal)


class _Live:
    """The records that stand after all corrections, by identity."""

    def __init__(self) -> None:
        self.by_identity: dict[tuple[object, ...], Record] = {}
        self.problems: list[Problem] = []
        self._twins: dict[tuple[object, ...], int] = {}

    def identity(self, record: Record) -> tuple[object, ...]:
        """Local number if the sender has one; else sub-id, drug, action and start.

        Two equal records in one message are two syringes, so the repetition counts.
        """
        if record.local_number:
            return (record.local_number, record.action)
        key = (record.sub_id, _drug_code(record), record.action, record.at)
        repeated = (record.message.digest, *key)
        nth = self._twins.get(repeated, 0)
        self._twins[repeated] = nth + 1
        return (*key, nth)

    def apply(self, record: Record) -> None:
        key = self.identity(record)
        if record.status == "delete" or record.action == "void":
            self._void(record, key)
        elif record.status == "update" and key not in self.by_identity:
            self._update(record, key)
        else:
            self.by_identity[key] = record

    def _relatives(self, record: Record) -> list[tuple[object, ...]]:
        """Standing records that this one may mean: same sub-id and drug, same action if marked."""
        code = _drug_code(record)
        return [
            key
            for key, other in self.by_identity.items()
            if other.sub_id == record.sub_id
            and (not code or not _drug_code(other) or _drug_code(other) == code)
            and (record.action in ("", "void") or other.action in ("", record.action))
        ]

    def _void(self, record: Record, key: tuple[object, ...]) -> None:
        if self.by_identity.pop(key, None) is not None or record.action in CHATTER:
            return
        relatives = self._relatives(record)
        same_start = [other for other in relatives if self.by_identity[other].at == record.at]
        chosen = same_start or relatives
        if len(chosen) == 1:
            del self.by_identity[chosen[0]]
        elif chosen:
            self.problems.append(_ambiguous(record, len(chosen), "void"))

    def _update(self, record: Record, key: tuple[object, ...]) -> None:
        relatives = self._relatives(record)
        if len(relatives) > 1:
            self.problems.append(_ambiguous(record, len(relatives), "correction"))
            return
        if relatives:
            del self.by_identity[relatives[0]]
        self.by_identity[key] = record


def _ambiguous(record: Record, count: int, what: str) -> Problem:
    return problem_at(
        address(record, "21"),
        "correction.ambiguous",
        expected=f"a {what} that fits exactly one administration of the order",
        found=f"{count} administrations with the same RXA-2 and drug, none at the time given",
        do="say which administration is meant; until then nothing was changed",
    )


def _drug_code(record: Record) -> str:
    return record.drugs[0].codes[0] if record.drugs and record.drugs[0].codes else ""


def _corrects(record: Record) -> bool:
    """Whether a record may change another one, or be the same as another one."""
    return record.status != "add" or record.action == "void" or bool(record.local_number)


def standing_records(records: Sequence[Record]) -> tuple[list[Record], list[Problem]]:
    """Apply corrections and voids: what stands, in the order of the clock, and what is ambiguous."""
    if not any(map(_corrects, records)):
        distinct = {(each.sub_id, each.action, each.at, _drug_code(each)) for each in records}
        if len(distinct) == len(records):
            return sorted(records, key=_clock), []  # nothing corrects or repeats anything
    live = _Live()
    for record in sorted(records, key=_version):
        live.apply(record)
    return sorted(live.by_identity.values(), key=_clock), live.problems


def _clock(record: Record) -> tuple[datetime, int, str, str, int]:
    rank = _ACTION_ORDER.get(record.action, 4)
    return (record.at, rank, record.sub_id, record.message.digest, record.ordinal)


class _Piece:
    """An administration under construction."""

    __slots__ = ("bolus", "first", "intervals", "open", "paused", "problems", "records", "stopped")

    def __init__(self, record: Record) -> None:
        self.first = record
        self.records = [record]
        self.intervals: list[Interval] = []
        self.open: Record | None = None  # the record since which it runs
        self.paused = False
        self.stopped = False
        self.bolus = False
        self.problems: list[Problem] = []

    def close(self, record: Record, at: datetime, field: str, twice: bool) -> None:
        """End the running interval at `at`; a stop before its start is a problem, not an interval."""
        opened = self.open
        assert opened is not None, "only a running piece is closed"
        self.open = None
        start = opened.at
        if opened.at_twice and not twice:
            start = min(start + ONE_HOUR, at)
        if opened.at_twice or twice:
            self.problems.append(_twice(opened if opened.at_twice else record))
        if at < start:
            self.problems.append(_stop_before_start(record, field, opened.at, at))
            return
        self.intervals.append(Interval(start, at, address(opened, "3"), address(record, field)))


def _twice(record: Record) -> Problem:
    return problem_at(
        address(record, "3"),
        "time.twice",
        expected="a time that occurs once",
        found="a local time in the hour that the clock was put back, without offset",
        do="confirm start and stop; the shorter reading is used until then",
    )


def _stop_before_start(record: Record, field: str, start: datetime, stop: datetime) -> Problem:
    early = (start - stop) // timedelta(minutes=1)
    return problem_at(
        address(record, field),
        "stop.before_start",
        expected="a stop at or after the start",
        found=f"a stop {early} minutes before its start",
        do="correct the start or the stop in the record; nothing is billed from it",
    )


def administrations_of(
    order: str, records: Sequence[Record], chatter: Sequence[Record], facts: Iterable[OrderFact]
) -> tuple[Administration, ...]:
    """All administrations of one order, from its records, rate changes and order messages."""
    standing, problems = standing_records(records)
    known = merge_order_facts(facts)
    if chatter and (not standing or any(record.action == "pause" for record in standing)):
        rates = [record for record in chatter if record.action == "rate"] if standing else chatter
        standing = sorted([*standing, *rates], key=_clock)
    pieces = _pieces(standing, known)
    made = [_finish(order, piece, known) for piece in pieces]
    keyed = _with_unique_keys(made)
    if problems and keyed:
        keyed[-1] = keyed[-1]._replace(problems=keyed[-1].problems + tuple(problems))
    return tuple(keyed)


def _with_unique_keys(made: list[Administration]) -> list[Administration]:
    """Add the start to a key that two administrations share (RXA-2 is 1 for every dose of some)."""
    seen: dict[str, int] = {}
    unique = []
    for item in made:
        nth = seen.get(item.key, 0) + 1
        seen[item.key] = nth
        unique.append(item if nth == 1 else item._replace(key=f"{item.key}.{nth}"))
    return unique


def _pieces(standing: Sequence[Record], known: Order) -> list[_Piece]:
    pieces: list[_Piece] = []
    for record in standing:
        current = pieces[-1] if pieces else None
        handler = _HANDLERS.get(record.action, _single)
        handler(record, current, pieces, known)
    return pieces


def _begin(record: Record, pieces: list[_Piece]) -> _Piece:
    piece = _Piece(record)
    pieces.append(piece)
    return piece


def _start(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    if record.until is not None:
        _single(record, current, pieces, known)
    elif current is not None and current.open is not None and _continues(current.open, record, known):
        current.records.append(record)  # a routine bag change does not stop the clock
    elif current is not None and current.paused and not current.stopped:
        current.records.append(record)
        current.open, current.paused = record, False
    else:
        _begin(record, pieces).open = record


def _continues(running: Record, record: Record, known: Order) -> bool:
    if known.minutes is None:
        return record.at - running.at <= BAG_CHANGE_WITHOUT_ORDER
    return record.at - running.at <= timedelta(minutes=known.minutes) + BAG_CHANGE_GRACE


def _pause(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    if current is not None and current.open is not None:
        current.close(record, record.at, "3", record.at_twice)
        current.paused = True
    elif current is None or not current.paused:
        _without_start(record, pieces)


def _restart(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    if current is None or current.first.method == "push":
        _without_start(record, pieces)
    elif current.open is None:
        current.records.append(record)
        current.open, current.paused, current.stopped = record, False, False


def _rate(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    if current is None:
        _without_start(record, pieces)
    elif current.paused and not current.stopped:
        current.open, current.paused = record, False


def _stop(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    if current is None or (current.stopped and current.open is None):
        _without_start(record, pieces)
        return
    if current.open is not None:
        current.close(record, record.at, "3", record.at_twice)
    current.records.append(record)
    current.stopped = True


def _without_start(record: Record, pieces: list[_Piece]) -> None:
    """A pause, stop or rate change of something whose beginning is not known."""
    if pieces and pieces[-1].problems and pieces[-1].problems[-1].finding.code == "start.missing":
        pieces[-1].records.append(record)
        return
    piece = _begin(record, pieces)
    piece.stopped = True
    piece.problems.append(
        problem_at(
            address(record, "3"),
            "start.missing",
            expected="a start before it",
            found=f"a {record.action} without any start of the same order",
            do="find the start in the record, or void the entry",
        )
    )


def _bolus(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    running = current is not None and (current.open is not None or current.paused)
    piece = _Piece(record)
    piece.bolus = running
    piece.stopped = True
    _record_interval(piece, record)
    pieces.insert(len(pieces) - 1 if running else len(pieces), piece)


def _single(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    """A record that stands for itself: closed, at one time, or running with no stop."""
    if current is not None and _continues_closed(current, record):
        current.records.append(record)
        _record_interval(current, record)
        return
    piece = _begin(record, pieces)
    if record.action == "not_given" or record.completion == "not_given":
        piece.stopped = True
        return
    _record_interval(piece, record)
    piece.stopped = piece.open is None


def _continues_closed(current: _Piece, record: Record) -> bool:
    """Closed pieces of one infusion: they touch, or the earlier was partial or the later has no dose."""
    if not current.intervals or record.until is None or record.until <= record.at:
        return False
    last = current.intervals[-1]
    if last.stop is None or last.stop <= last.start or record.completion == "not_given":
        return False
    gap = record.at - last.stop
    touching = timedelta(0) <= gap <= TOUCHING
    no_dose = not any(drug.amount for drug in record.drugs)
    partial = current.records[-1].completion == "partial"
    return touching or (gap >= timedelta(0) and (no_dose or partial))


def _record_interval(piece: _Piece, record: Record) -> None:
    if record.until is not None:
        piece.open = record
        piece.close(record, record.until, "4", record.until_twice)
    elif record.action == "" and record.open_means_running:
        piece.open = record
    else:
        source = address(record, "3")
        piece.intervals.append(Interval(record.at, record.at, source, source))


def _not_given(record: Record, current: _Piece | None, pieces: list[_Piece], known: Order) -> None:
    if current is not None and current.open is not None:
        _pause(record, current, pieces, known)  # Held while running is a pause
        return
    _begin(record, pieces).stopped = True


_HANDLERS = {
    "start": _start,
    "pause": _pause,
    "restart": _restart,
    "rate": _rate,
    "verify": _rate,
    "stop": _stop,
    "bolus": _bolus,
    "not_given": _not_given,
}


def _finish(order: str, piece: _Piece, known: Order) -> Administration:
    first = piece.first
    intervals = _touching_joined(piece.intervals)
    if piece.open is not None:
        intervals.append(Interval(piece.open.at, None, address(piece.open, "3"), None))
    if not intervals:
        source = address(first, "3")
        intervals.append(Interval(first.at, first.at, source, source))
    drugs, drug_source = _drugs(piece, known)  # may add a problem to the piece
    given = not (first.action == "not_given" or first.completion == "not_given")
    method = first.method or known.method
    return Administration(
        key=f"{order}#{first.local_number or first.sub_id or '1'}",
        order=order,
        day=first.day,
        given=given,
        bolus_of_running_bag=piece.bolus,
        drugs=drugs,
        drug_source=drug_source,
        route=first.route or known.route,
        route_text=first.route_text or known.route_text,
        method="push" if first.action == "push" else method,
        charted=_charted(piece, intervals, known, method) if given else "instant",
        line=first.line or known.line,
        device=first.device or known.device,
        intervals=tuple(intervals),
        ordered_minutes=known.minutes,
        partial=any(record.completion == "partial" for record in piece.records),
        purpose=next((record.purpose for record in piece.records if record.purpose), ""),
        primary=known.primary or any(record.primary for record in piece.records),
        problems=tuple(piece.problems),
        wasted=tuple([each for record in piece.records for each in record.wasted]),
        vials=tuple(dict.fromkeys([each for record in piece.records for each in record.vials])),
    )


def _touching_joined(intervals: Sequence[Interval]) -> list[Interval]:
    """Pieces that touch are one stretch (a sender that cuts at each rate change); a gap is a pause."""
    joined: list[Interval] = []
    for each in intervals:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.stop == each.start
            and last.start < each.start < (each.stop or each.start)
        ):
            joined[-1] = last._replace(stop=each.stop, stop_source=each.stop_source)
        else:
            joined.append(each)
    return joined


def _charted(piece: _Piece, intervals: Sequence[Interval], known: Order, method: MethodCharted) -> Charting:
    if any(interval.stop is None for interval in intervals):
        return "open"
    if any(interval.stop != interval.start for interval in intervals):
        return "interval"
    if piece.first.action in ("push", "bolus") or method in ("push", "on_body", "refill", "irrigation"):
        return "instant"
    if piece.intervals and piece.records[-1].action == "stop":
        return "interval"
    return "open" if _looks_like_infusion(piece.first, known, method) else "instant"


def _looks_like_infusion(first: Record, known: Order, method: MethodCharted) -> bool:
    """One charted time, but method, rate or order say that it ran: its stop is missing."""
    if (first.route or known.route) in ("intramuscular", "other", "catheter"):
        return False
    return method == "infusion" or bool(first.rate) or (known.minutes or 0) > 15


def _drugs(piece: _Piece, known: Order) -> tuple[tuple[DrugAmount, ...], Source]:
    """The drugs of the administration: amounts of its bags added up; the order's where RXA has none.

    A pause, restart or stop says how things went on, not what was hung: its amount counts only
    where no start has one. Closed pieces that each repeat the ordered dose are one dose.
    """
    named = [record for record in piece.records if record.drugs]
    if not named:
        source = known.source or address(piece.first, "5")
        return known.drugs, source
    source = Source(named[0].message, named[0].drugs[0].address)
    hung = [record for record in named if record.action not in _GOES_ON]
    if not any(drug.amount for record in hung for drug in record.drugs):
        hung = named
    once = len(hung) == 1 or _each_is_the_whole_dose(hung, known)
    drugs = hung[0].drugs if once else _added(hung)
    last = named[-1]
    if last.action == "stop" and last not in hung:
        drugs = _as_stopped(piece, drugs, last)
    return drugs, source


def _each_is_the_whole_dose(hung: Sequence[Record], known: Order) -> bool:
    """Whether several pieces each carry what the order says in all."""
    ordered = {(drug.amount, drug.unit) for drug in known.drugs if drug.amount}
    found = {(drug.amount, drug.unit) for record in hung for drug in record.drugs if drug.amount}
    return len(found) == 1 and found <= ordered and all(record.until is not None for record in hung)


def _as_stopped(piece: _Piece, drugs: tuple[DrugAmount, ...], stop: Record) -> tuple[DrugAmount, ...]:
    """Where the stop charts less than was hung, less was given; a person is asked."""
    charted = {drug.codes: drug for drug in stop.drugs if drug.amount}
    found = []
    for drug in drugs:
        at_stop = charted.get(drug.codes)
        if at_stop is None or not drug.amount or at_stop.unit != drug.unit or at_stop.amount == drug.amount:
            found.append(drug)
            continue
        assert at_stop.amount is not None, "only drugs with an amount were charted"
        piece.problems.append(_doses_disagree(stop))
        found.append(drug._replace(amount=min(drug.amount, at_stop.amount)))
    return tuple(found)


def _doses_disagree(stop: Record) -> Problem:
    return problem_at(
        address(stop, "6"),
        "dose.disagrees",
        expected="the amount of the start again, or none, in the stop's RXA-6",
        found="another amount than the one at the start",
        do="say which was given; until then the smaller is billed",
    )


def _added(hung: Sequence[Record]) -> tuple[DrugAmount, ...]:
    totals: dict[tuple[object, ...], DrugAmount] = {}
    for record in hung:
        for drug in record.drugs:
            key = (drug.codes, drug.component, drug.unit if drug.amount else "")
            before = totals.get(key)
            if before is None:
                totals[key] = drug
            elif drug.amount:
                totals[key] = before._replace(amount=(before.amount or 0) + drug.amount)
    return _without_empty_doubles(totals)


def _without_empty_doubles(totals: dict[tuple[object, ...], DrugAmount]) -> tuple[DrugAmount, ...]:
    """Drop an entry with no amount when the same drug has one (a stop row repeats the drug with 0)."""
    dosed = {(drug.codes, drug.component) for drug in totals.values() if drug.amount}
    return tuple(drug for drug in totals.values() if drug.amount or (drug.codes, drug.component) not in dosed)
