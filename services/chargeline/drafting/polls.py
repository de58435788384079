"""What a poll brings, and what it came to, for metrics and for the quarantine of senders.

It owns how messages are counted: each once, however often chargeline sends it to itself. It reads
what was decided and decides nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from chargeline.drafting.inbound import ReadRecord, is_retried, problems_of
from chargeline.drafting.sender import SenderId
from chargeline.ledger.records import Move

_OUTCOMES = {"unused": "set_aside", "parked": "parked"}
_OF_SENDERS = frozenset({"message", "unused", "parked"})  # not what chargeline sends to itself


class PartitionBatch(NamedTuple):
    """Records of one partition in order, already read, and the move of the offset past them."""

    records: Sequence[ReadRecord]
    move: Move
    read_seconds: float = 0.0


class Judged(NamedTuple):
    """One message of a sender: the code for which it was parked, "" if it was used.

    `retried` says that a person sent it again, so it says nothing of what the sender writes now.
    """

    sender: SenderId
    code: str
    retried: bool = False


class OfInterface(NamedTuple):
    """What a poll brought by one interface: messages by outcome, the codes of those that were
    parked, and when the last one came.
    """

    outcomes: Mapping[str, int]
    parked: tuple[str, ...]
    last: datetime


class PollResult(NamedTuple):
    """The result of a poll.

    `course` has an entry for each message in the order of the poll: whether it was used or parked;
    two if only a part could not be read. `outcomes` counts messages
    by type and outcome. `seconds` is the time of each phase. `warnings` are the codes of what the
    reader tolerated, once for each message. `misplaced` says of each record that was sent again
    what was wrong with its place. `set_aside` has MSH-9 of each message of a kind that nobody uses,
    and `interfaces` what came by each interface profile.
    """

    read: int
    used: int
    course: tuple[Judged, ...]
    outcomes: dict[tuple[str, str], int]
    revisions: int
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    interfaces: Mapping[str, OfInterface] = {}

    @property
    def parked(self) -> tuple[str, ...]:
        """The codes for which messages were parked, in the order of the poll."""
        return tuple([judged.code for judged in self.course if judged.code])


def poll_result(
    records: Sequence[ReadRecord],
    fresh: Sequence[ReadRecord],
    *,
    revisions: int,
    seconds: dict[str, float],
    interface: Callable[[str], str],
) -> PollResult:
    """The result of a poll; `fresh` are the records whose message the ledger did not have.

    `interface` gives the name of the profile by which a record is read, from what its header says.
    """
    new = {id(read) for read in fresh}
    course: list[Judged] = []
    for read in records:
        retried = is_retried(read.record)
        codes: list[str] = [problem.finding.code for problem in problems_of(read)]
        codes += [""] if id(read) in new else []
        course += [Judged(read.sender, code, retried) for code in codes]
    return PollResult(
        read=len(records),
        used=len(fresh),
        course=tuple(course),
        outcomes=_outcomes(records, new),
        revisions=revisions,
        seconds=seconds,
        warnings=tuple([w for read in records if read.kind in _OF_SENDERS for w in read.warnings]),
        misplaced=tuple([read.misplaced for read in records if read.misplaced]),
        set_aside=tuple(
            [
                read.reading.message.type
                for read in records
                if read.kind == "unused" and read.reading is not None
            ]
        ),
        interfaces=_by_interface(records, new, interface),
    )


def _outcomes(records: Sequence[ReadRecord], new: set[int]) -> dict[tuple[str, str], int]:
    """How many messages of each type had each outcome.

    Nudges, and messages that are sent again under their own key, are not counted.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for read in records:
        kind = read.reading.message.type if read.reading is not None else ""
        if outcome := _outcome(read, new):
            counts[kind, outcome] += 1
    return dict(counts)


def _outcome(read: ReadRecord, new: set[int]) -> str:
    """What became of a record, "" for one that chargeline sent to itself."""
    if read.kind == "message":
        return "used" if id(read) in new else "duplicate"
    return _OUTCOMES.get(read.kind, "")


def _by_interface(
    records: Sequence[ReadRecord], new: set[int], interface: Callable[[str], str]
) -> dict[str, OfInterface]:
    """What senders sent by each interface; what a person sent again says nothing of today."""
    outcomes: dict[str, Counter[str]] = {}
    parked: dict[str, list[str]] = {}
    last: dict[str, datetime] = {}
    for read in records:
        outcome = _outcome(read, new)
        if not outcome or is_retried(read.record):
            continue
        name = interface(read.sender.interface)
        outcomes.setdefault(name, Counter())[outcome] += 1
        codes = [problem.finding.code for problem in problems_of(read)]
        parked.setdefault(name, []).extend(codes)
        last[name] = max(last.get(name, read.record.received_at), read.record.received_at)
    return {name: OfInterface(outcomes[name], tuple(parked[name]), last[name]) for name in outcomes}
