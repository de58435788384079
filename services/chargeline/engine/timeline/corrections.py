"""Which of the rows that a nurse charted stand, after every correction and void.

It owns the identity of a row (when two rows mean the same thing), and which row a correction
replaces. It does not know what a row does to the timeline. The module takes rows in the order in
which nurses charted them, so the order of arrival does not matter.
"""

from collections.abc import Sequence
from datetime import datetime

from chargeline.engine.events import Record, Source
from chargeline.engine.timeline.orders import BEGINNING
from chargeline.engine.timeline.records import Problem, problem_at

CHATTER = frozenset({"rate", "verify"})
"""Actions that change nothing while an infusion runs. A sender may chart thousands of them."""
# Of rows at the same minute the end of the old bag comes before the start of the new one.
_ACTION_ORDER = {"stop": 0, "pause": 1, "restart": 2, "rate": 2, "start": 3}
_STATUS_ORDER = {"add": 0, "update": 1, "delete": 2}
_Identity = tuple[object, ...]


def address(record: Record, field: str) -> Source:
    """The source of a field of a record, such as RXA[2]-3 in the second RXA of its message."""
    return Source(record.message, f"RXA[{record.ordinal}]-{field}")


def clock(record: Record) -> tuple[datetime, int, str, str, int]:
    """Sorts the rows of one order by the time at which they happened."""
    rank = _ACTION_ORDER.get(record.action, 4)
    return (record.at, rank, record.sub_id, record.message.digest, record.ordinal)


def standing_records(records: Sequence[Record]) -> tuple[list[Record], list[Problem]]:
    """The rows that stand after corrections and voids, by the clock, and what is ambiguous."""
    if not any(map(_may_correct, records)):
        distinct = {(row.sub_id, row.action, row.at, _drug_code(row)) for row in records}
        if len(distinct) == len(records):
            return sorted(records, key=clock), []  # no row corrects or repeats another one
    standing = _StandingRecords()
    for record in sorted(records, key=_version):
        standing.apply(record)
    return sorted(standing.by_identity.values(), key=clock), standing.problems


def _may_correct(record: Record) -> bool:
    """Whether a record may change another one, or be another version of it."""
    return record.status != "add" or record.action == "void" or bool(record.local_number)


def _version(record: Record) -> tuple[datetime, int, str, int]:
    """Sorts versions of a record, oldest first: by time charted, else sent, then by status.

    Of versions with the same time an update counts after an add, and a delete after both.
    """
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
        """Take in one record: add it, let it replace a row, or let it take a row back."""
        identity = self._identity(record)
        if record.status == "delete" or record.action == "void":
            self._void(record, identity)
        elif record.status == "update" and identity not in self.by_identity:
            self._update(record, identity)
        else:
            self.by_identity[identity] = record

    def _identity(self, record: Record) -> _Identity:
        """The local number if the sender writes one; else sub-id, drug, action and start.

        Two equal records in one message are two syringes, so the second has another identity.
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
        """The standing records that a correction or void may mean.

        They have its sub-id, its drug and its action. An empty drug or action fits every other one,
        and a void fits every action.
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
        do="say which administration is meant; until then none of them is changed",
    )
