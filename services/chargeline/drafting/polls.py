"""What a poll brings, and what it came to, for metrics and for the quarantine of senders.

It owns how messages are counted: each once, however often chargeline sends it to itself. It reads
what was decided and decides nothing.
"""

from collections import Counter
from collections.abc import Sequence
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


class PollResult(NamedTuple):
    """The result of a poll.

    `course` has an entry for each message in the order of the poll: whether it was used or parked;
    two if only a part could not be read. `outcomes` counts messages
    by type and outcome. `seconds` is the time of each phase. `warnings` are the codes of what the
    reader tolerated, once for each message. `misplaced` says of each record that was sent again
    what was wrong with its place.
    """

    read: int
    used: int
    course: tuple[Judged, ...]
    outcomes: dict[tuple[str, str], int]
    revisions: int
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()

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
) -> PollResult:
    """The result of a poll; `fresh` are the records whose message the ledger did not have."""
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
    )


def _outcomes(records: Sequence[ReadRecord], new: set[int]) -> dict[tuple[str, str], int]:
    """How many messages of each type had each outcome.

    Nudges, and messages that are sent again under their own key, are not counted.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for read in records:
        kind = read.reading.message.type if read.reading is not None else ""
        if read.kind in _OUTCOMES:
            counts[kind, _OUTCOMES[read.kind]] += 1
        elif read.kind == "message":
            counts[kind, "used" if id(read) in new else "duplicate"] += 1
    return dict(counts)
