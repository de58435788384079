"""Which of the rows that a nurse charted stand, after every correction and void.

It owns the identity of a row (when two rows are about the same thing) and what a correction
replaces. It does not know what a row does to the timeline. The outcome is the same in whatever
order the rows
arrived: they are taken in the order in which they were charted, not in which they came.
"""

from collections.abc import Sequence
from datetime import datetime

from chargeline.engine.events import Record, Source
from chargeline.engine.timeline.orders import BEGINNING
from chargeline.engine.timeline.records import Problem, problem_at

CHATTER = frozenset({"rate", "verify"})
"""Actions that change nothing while an infusion runs, and of which a sender may chart thousands."""
# At one and the same minute the old bag ends before the new one begins.
_ACTION_ORDER = {"stop": 0, "pause": 1, "restart": 2, "rate": 2, "start": 3}
_STATUS_ORDER = {"add": 0, "update": 1, "delete": 2}
_Identity = tuple[object, ...]


def address(record: Record, field: str) -> Source:
    """The source of a field of this record: RXA[2]-3 for the second RXA of the message."""
    return Source(record.message, f"RXA[{record.ordinal}]-{field}")


def clock(record: Record) -> tuple[datetime, int, str, str, int]:
    """The order in which rows of an order happened."""
    rank = _ACTION_ORDER.get(record.action, 4)
    return (record.at, rank, record.sub_id, record.message.digest, record.ordinal)


def standing_records(records: Sequence[Record]) -> tuple[list[Record], list[Problem]]:
    """What stands after corrections and voids, in the order of the clock; and what is ambiguous."""
    if not any(map(_may_correct, records)):
        distinct = {(row.sub_id, row.action, row.at, _drug_code(row)) for row in records}
        if len(distinct) == len(records):
            return sorted(records, key=clock), []  # nothing corrects or repeats anything
    standing = _StandingRecords()
    for record in sorted(records, key=_version):
        standing.apply(record)
    return sorted(standing.by_identity.values(), key=clock), standing.problems


def _may_correct(record: Record) -> bool:
    """Whether a record may change another one, or be the same as another one."""
    return record.status != "add" or record.action == "void" or bool(record.local_number)


def _version(record: Record) -> tuple[datetime, int, str, int]:
    """Which version of a record is newer: charted time, else sent; then add, update, delete."""
    when = record.recorded or record.message.sent or BEGINNING
    return (when, _STATUS_ORDER[record.status], record.message.digest, record.ordinal)


def _drug_code(record: Record) -> str:
    return record.drugs[0].codes[0] if record.drugs and record.drugs[0].codes else ""


class _StandingRecords:
    """The records that stand so far, by identity."""

    def __init__(self) -> None:
        self.by_identity: dict[_Identity, Record] = {}
        self.problems: list[Problem] = []
        self._repetitions: dict[_Identity, int] = {}

    def apply(self, record: Record) -> None:
        """Take in one record: it is added, replaces what it corrects, or takes back what it
        voids.
        """
        identity = self._identity(record)
        if record.status == "delete" or record.action == "void":
            self._void(record, identity)
        elif record.status == "update" and identity not in self.by_identity:
            self._update(record, identity)
        else:
            self.by_identity[identity] = record

    def _identity(self, record: Record) -> _Identity:
        """The local number if the sender has one; else sub-id, drug, action and start.

        Two equal records in one message are two syringes, so the repetition counts.
        """
        if record.local_number:
            return (record.local_number, record.action)
        identity = (record.sub_id, _drug_code(record), record.action, record.at)
        in_message = (record.message.digest, *identity)
        repetition = self._repetitions.get(in_message, 0)
        self._repetitions[in_message] = repetition + 1
        return (*identity, repetition)

    def _void(self, record: Record, identity: _Identity) -> None:
        if self.by_identity.pop(identity, None) is not None or record.action in CHATTER:
            return
        relatives = self._relatives(record)
        same_start = [other for other in relatives if self.by_identity[other].at == record.at]
        meant = same_start or relatives
        if len(meant) == 1:
            del self.by_identity[meant[0]]
        elif meant:
            self.problems.append(_ambiguous(record, len(meant), "void"))

    def _update(self, record: Record, identity: _Identity) -> None:
        relatives = self._relatives(record)
        if len(relatives) > 1:
            self.problems.append(_ambiguous(record, len(relatives), "correction"))
            return
        if relatives:
            del self.by_identity[relatives[0]]
        self.by_identity[identity] = record

    def _relatives(self, record: Record) -> list[_Identity]:
        """VisitState records that this one may mean: same sub-id and drug, same action if
        marked.
        """
        code = _drug_code(record)
        return [
            identity
            for identity, other in self.by_identity.items()
            if other.sub_id == record.sub_id
            and (not code or not _drug_code(other) or _drug_code(other) == code)
            and (record.action in ("", "void") or other.action in ("", record.action))
        ]


def _ambiguous(record: Record, count: int, what: str) -> Problem:
    return problem_at(
        address(record, "21"),
        "correction.ambiguous",
        expected=f"a {what} that fits exactly one administration of the order",
        found=f"{count} administrations with the same RXA-2 and drug, none at the time given",
        do="say which administration is meant; until then nothing was changed",
    )
