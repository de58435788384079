"""Senders of whom too many messages were parked, and how long theirs are parked unread.

This module owns one decision. A sender that writes what nobody can use must not cost the others
anything, and must not be able to end a program. So its messages are put aside for a time, and those
of all others go on. After a bad deploy every sender comes here: nothing is lost, and a metric says
so. The module does not know why a message was parked. The clock is handed in.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address

from chargeline.drafting.inbound import (
    InboundRecord,
    ReadRecord,
    is_nudge,
    is_retried,
    named_here,
)
from chargeline.drafting.polls import Judged
from chargeline.drafting.sender import SenderId
from chargeline.engine import Finding, FindingCode
from chargeline.hl7.errors import Hl7Error
from chargeline.kafka.placing import KeyPlacement
from chargeline.published.inbound import NO_VISIT, PEER
from chargeline.telemetry.logs import logger

QUARANTINED: FindingCode = "sender.quarantined"
SENDERS_MOST = 200
QUIET = timedelta(hours=1)  # a sender that was silent so long gives its place to a new one
REST = SenderId(application="all further senders")


@dataclass
class _Counted:
    """What was counted of one sender. `until` is None while it is not quarantined."""

    heard: datetime
    in_a_row: int = 0
    times: deque[datetime] = field(default_factory=deque)
    until: datetime | None = None
    why: Finding | None = None


class Quarantine:
    """Counts the parked messages of each sender, in a row and in the last minute.

    At most SENDERS_MOST senders are told apart. The rest share one place, as if they were one
    sender; so one that invents a new name for each message is quarantined as well.
    """

    def __init__(
        self,
        in_a_row: int,
        per_minute: int,
        *,
        minutes: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._most_in_a_row = in_a_row
        self._most_per_minute = per_minute
        self._length = timedelta(minutes=minutes)
        self._clock = clock
        # The one that was silent longest stands first. The rest has a place of its own.
        self._senders: OrderedDict[SenderId, _Counted] = OrderedDict()
        self._rest = _Counted(clock())

    def count(self, course: Sequence[Judged]) -> None:
        """Count messages that were committed, in their order.

        A message that was parked because its sender is quarantined does not count, so each
        quarantine ends. What a person sent again does not count either.
        """
        now = self._clock()
        self._end(now)
        for judged in course:
            sender = self._counted(judged.sender, now)
            if sender.until is not None or judged.retried or judged.code == QUARANTINED:
                continue
            if not judged.code:
                sender.in_a_row = 0
                continue
            self._parked(judged, sender, now)

    def of(self, sender: SenderId, record: InboundRecord) -> Finding | None:
        """Why a record of a sender is parked unread now, None if it is read.

        What chargeline sends to itself without a message is read, and so is what a person sent
        again: who retries has mended the cause, and need not wait for the end.
        """
        if is_nudge(record) or is_retried(record):
            return None
        counted = self._senders.get(sender)
        if counted is None:
            counted = self._rest if len(self._senders) >= SENDERS_MOST else None
        if counted is None or counted.until is None or counted.until <= self._clock():
            return None
        return counted.why

    def senders(self) -> int:
        """How many senders are quarantined now; the rest counts as one. What is over is ended."""
        self._end(self._clock())
        return sum(counted.until is not None for counted in self._all())

    def _all(self) -> list[_Counted]:
        return [*self._senders.values(), self._rest]

    def _counted(self, sender: SenderId, now: datetime) -> _Counted:
        """What was counted of a sender, of the rest if all places are taken."""
        counted = self._senders.get(sender)
        if counted is None:
            if len(self._senders) >= SENDERS_MOST and not self._gave_way(now):
                return self._rest
            counted = self._senders[sender] = _Counted(now)
        counted.heard = now
        self._senders.move_to_end(sender)
        return counted

    def _gave_way(self, now: datetime) -> bool:
        for sender, counted in self._senders.items():
            if counted.heard > now - QUIET:
                return False
            if counted.until is None:
                del self._senders[sender]
                return True
        return False

    def _parked(self, judged: Judged, sender: _Counted, now: datetime) -> None:
        sender.in_a_row += 1
        sender.times.append(now)
        while sender.times[0] < now - timedelta(minutes=1):
            sender.times.popleft()
        if sender.in_a_row > self._most_in_a_row:
            why = _why("in a row", self._most_in_a_row, judged.code)
        elif len(sender.times) > self._most_per_minute:
            why = _why("in a minute", self._most_per_minute, judged.code)
        else:
            return
        sender.until, sender.why = now + self._length, why
        shared = sender is self._rest
        logger("drafting").error(
            "sender.quarantined",
            code=judged.code,
            host="" if shared else _host(judged.sender),
            reason="rest" if shared else "sender",
            seconds=self._length.total_seconds(),
            where=f"{why.expected}; `chargeline parked list` shows the sender",
        )

    def _end(self, now: datetime) -> None:
        """End each quarantine whose time is over; its sender begins from nothing."""
        for sender, counted in [*self._senders.items(), (REST, self._rest)]:
            if counted.until is not None and counted.until <= now:
                counted.until = counted.why = None
                counted.in_a_row = 0
                counted.times.clear()
                logger("drafting").warning("sender.released", host=_host(sender))


def parked_unread(
    record: InboundRecord, why: Finding, placement: KeyPlacement | None
) -> ReadRecord | None:
    """A record of a quarantined sender, to be parked for the visit that its key names.

    None if it must be read first: only a gateway's key is sure to name the visit, and only if the
    record lies where that visit is drafted. If it were parked for no visit, the draft of its visit
    would lack it in silence.
    """
    visit = named_here(record, placement)
    if PEER not in record.headers or (visit is None and NO_VISIT not in record.headers):
        return None
    return ReadRecord(record, "parked", visit=visit, problem=_problem(why))


def parked_after_reading(read: ReadRecord, why: Finding) -> ReadRecord:
    """A record of a quarantined sender that had to be read, to be parked for its visit.

    One that lies elsewhere goes on to its place, and is held there. What nobody uses or can read is
    as it would be without the quarantine.
    """
    if read.kind not in ("message", "prior"):
        return read
    return read._replace(kind="parked", problem=_problem(why))


def _problem(why: Finding) -> Hl7Error:
    return Hl7Error(QUARANTINED, expected=why.expected, found=why.found, where=why.where, do=why.do)


def _why(when: str, most: int, code: str) -> Finding:
    return Finding(
        QUARANTINED,
        expected=f"at most {most} messages of one sender to be parked {when}",
        found=f"more, the last one for {code}",
        where="",
        do="see `chargeline parked list`: the sender, its interface or a rule may be wrong. Mend "
        "it, and restart if it was ours; then `chargeline parked retry --code sender.quarantined`, "
        "which does not wait for the end of the quarantine",
    )


def _host(sender: SenderId) -> str:
    """The address of a sender's host, "" for anything else: a header may say whatever it likes."""
    host = sender.peer.partition(" ")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return ""
