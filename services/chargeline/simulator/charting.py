"""What the nurse charts: the truth of a visit as records, in two styles of sender.

This module owns the habits of charting. The standard style writes one record with start and end;
the action style writes one record for each action, such as new bag, paused and stopped. It does not
know segments (messages.py does) or the dial for mess (mess.py does).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.simulator.visits import ZONE, Amount, InventedDose, InventedVisit

MINUTE = timedelta(minutes=1)
_VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8")


class Sender(NamedTuple):
    """How the sender of one visit writes its messages."""

    version: str
    with_offset: bool
    with_seconds: bool
    shows_rates: bool  # a standard sender that ends a record at each change of rate
    nurse: str
    chair: int

    def time(self, moment: datetime) -> str:
        """A clinical time (in UTC) as wall-clock time of the facility."""
        return self._written(moment, "%Y%m%d%H%M%S" if self.with_seconds else "%Y%m%d%H%M")

    def stamp(self, moment: datetime) -> str:
        """A time of sending (in UTC) as wall-clock time with seconds, for MSH-7."""
        return self._written(moment, "%Y%m%d%H%M%S")

    def _written(self, moment: datetime, pattern: str) -> str:
        local = moment.astimezone(ZoneInfo(ZONE))
        return local.strftime(pattern + ("%z" if self.with_offset else ""))

    def before(self, version: str) -> bool:
        """Whether the sender's version is older than `version`."""
        return self.version < version


def sender_of(visit: InventedVisit, chance: Random) -> Sender:
    """Choose how the messages of this visit are written.

    If the clock changes during the visit, its times always have offsets.
    """
    zone = ZoneInfo(ZONE)
    ends = [dose.stop() for dose in visit.administrations]
    offsets = {moment.astimezone(zone).utcoffset() for moment in (visit.arrived, visit.left, *ends)}
    return Sender(
        version=chance.choice(_VERSIONS),
        with_offset=chance.randrange(8) == 0 or len(offsets) > 1,
        with_seconds=chance.randrange(3) > 0,
        shows_rates=chance.randrange(3) == 0,
        nurse=f"N{chance.randint(101, 140)}^ZEBRANURSE^INVENTED",
        chair=chance.randint(1, 30),
    )


@dataclass(frozen=True)
class ChartedRecord:
    """One RXA. `drugs` is empty if an earlier record has the dose; RXA-6 is then 0."""

    administration: InventedDose
    count: int  # RXA-2
    start: datetime
    end: datetime | None
    charted: datetime
    drugs: tuple[Amount, ...]
    action: str = ""
    rate: int | None = None
    completion: str = "CP"
    status: str = "A"
    reason: str = ""


def records_of(visit: InventedVisit, sender: Sender, chance: Random) -> list[ChartedRecord]:
    """Chart every dose of the visit in the sender's style. RXA-2 counts the records of an order."""
    write = _closed_pieces if visit.style == "standard" else _actions
    records: list[ChartedRecord] = []
    for _, doses in groupby(visit.administrations, key=lambda dose: dose.order):
        charted = [record for dose in doses for record in write(dose, sender, chance)]
        records += [replace(record, count=number) for number, record in enumerate(charted, 1)]
    return records


def _not_given(dose: InventedDose, style: str, chance: Random) -> ChartedRecord:
    refused = chance.randrange(2) == 0
    word = ("Refused" if refused else "Held") if style == "action-stream" else ""
    return ChartedRecord(
        dose,
        count=1,
        start=dose.start(),
        end=None,
        charted=dose.start() + chance.randint(1, 9) * MINUTE,
        drugs=dose.drugs if chance.randrange(2) else (),
        action=word,
        completion="RE" if refused else "NA",
        reason="PATIENT REFUSED" if refused else "",
    )


def _closed_pieces(dose: InventedDose, sender: Sender, chance: Random) -> Iterator[ChartedRecord]:
    """Standard style: one RXA with start and end, and another after a pause, with amount 0."""
    if not dose.given:
        yield _not_given(dose, "standard", chance)
        return
    pieces = list(_cut_at_rates(dose)) if sender.shows_rates else list(dose.intervals)
    # All pieces are charted together at the end, or each piece when it ends.
    together = chance.randrange(2) == 0
    for number, (start, stop) in enumerate(pieces):
        last = number == len(pieces) - 1
        documented = dose.stop_documented or not last
        closed = dose.start() if dose.is_taken_home() else dose.stop() if together else stop
        yield ChartedRecord(
            dose,
            count=0,
            start=start,
            end=stop if documented else None,
            charted=closed + (2 if together else chance.randint(1, 9)) * MINUTE,
            drugs=() if number else dose.drugs,
            rate=_rate_at(dose, start),
        )


def _cut_at_rates(dose: InventedDose) -> Iterator[tuple[datetime, datetime]]:
    for start, stop in dose.intervals:
        inside = [moment for moment, _ in dose.rates if start < moment < stop]
        edges = [start, *inside, stop]
        yield from pairwise(edges)


def _rate_at(dose: InventedDose, moment: datetime) -> int | None:
    return next((rate for since, rate in reversed(dose.rates) if since <= moment), None)


def _actions(dose: InventedDose, sender: Sender, chance: Random) -> Iterator[ChartedRecord]:
    """Action style: one RXA for each action of the nurse. The first one has the amount."""
    if not dose.given:
        yield _not_given(dose, "action-stream", chance)
        return
    for number, (word, moment, rate) in enumerate(
        sorted(_actions_on(dose, chance), key=lambda action: action[1])
    ):
        yield ChartedRecord(
            dose,
            count=0,
            start=moment,
            end=None,
            charted=moment + chance.randint(0, 5) * MINUTE,
            drugs=() if number else dose.drugs,
            action=word,
            rate=rate,
        )


def _actions_on(dose: InventedDose, chance: Random) -> Iterator[tuple[str, datetime, int | None]]:
    """Each action of the nurse on one dose, as (word of RXA-9, moment, mL/hr)."""
    if dose.method != "infusion":
        bolus = (
            dose.method == "push"
            and dose.drugs[0].drug == "fluorouracil"
            and chance.randrange(3) == 0
        )
        yield ("Bolus" if bolus else "Given", dose.start(), None)
        return
    yield "New Bag", dose.start(), _rate_at(dose, dose.start())
    for _, stop in dose.intervals[:-1]:
        yield "Paused", stop, 0
    for start, _ in dose.intervals[1:]:
        yield "Restarted", start, _rate_at(dose, start)
    for moment, rate in dose.rates[1:]:
        yield "Rate Change", moment, rate
    yield from _checks(dose, chance)
    if dose.stop_documented:
        yield "Stopped", dose.stop(), None


def _checks(dose: InventedDose, chance: Random) -> Iterator[tuple[str, datetime, int | None]]:
    """Now and then, a look at the pump in the middle of a long infusion, which changes nothing."""
    start, stop = dose.intervals[0]
    minutes = (stop - start) // MINUTE
    if not dose.is_taken_home() and minutes > 50 and chance.randrange(3) == 0:
        moment = start + (minutes // 2 + 1) * MINUTE
        yield "Rate Verify", moment, _rate_at(dose, moment)
