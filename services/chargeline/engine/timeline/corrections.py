"""Which of the rows that a nurse charted stand, after every correction and void.

It owns the identity of a row (when two rows mean the same thing), which row a correction replaces,
and that a sender corrects the rows of another one only with the right to. It does not know what a
row does to the timeline. The module takes rows in the order in which nurses charted them, so the
order of arrival does not matter.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType

from chargeline.engine.events import ANY_SENDER, BEGINNING, Record, Source
from chargeline.engine.timeline.records import Problem, problem_at

CHATTER = frozenset({"rate", "verify"})
"""Actions that change nothing while an infusion runs. A sender may chart thousands of them."""
# Of rows at the same minute the end of the old bag comes before the start of the new one.
_ACTION_ORDER = {"stop": 0, "pause": 1, "restart": 2, "rate": 2, "start": 3}
NEVER: Mapping[str, datetime] = MappingProxyType({})
"""No message was sent again."""
_STATUS_ORDER = {"add": 0, "update": 1, "delete": 2}
_Identity = tuple[object, ...]


def address(record: Record, field: str) -> Source:
    """The source of a field of a record, such as RXA[2]-3 in the second RXA of its message."""
    elsewhere = {"3": record.at_address, "4": record.until_address}.get(field)
    return Source(record.message, elsewhere or f"RXA[{record.ordinal}]-{field}")


def clock(record: Record) -> tuple[datetime, int, str, str, int]:
    """Sorts the rows of one order by the time at which they happened."""
    rank = _ACTION_ORDER.get(record.action, 4)
    return (record.at, rank, record.sub_id, record.message.digest, record.ordinal)


def standing_records(
    records: Sequence[Record], sent_again: Mapping[str, datetime] = NEVER
) -> tuple[list[Record], list[Problem]]:
    """The rows that stand after corrections and voids, by the clock, and what is ambiguous.

    `sent_again` holds the last MSH-7 of messages that were sent again with the same body.
    """
    if not any(map(_may_correct, records)):
        distinct = {(row.sub_id, row.action, row.at, _drug_code(row)) for row in records}
        if len(distinct) == len(records):
            return sorted(records, key=clock), []  # no row corrects or repeats another one
    standing = _StandingRecords()
    versions = [(_version(record), record, False) for record in records]
    versions += [
        (_version(record, sent_again[record.message.digest]), record, True)
        for record in (records if sent_again else ())
        if record.message.digest in sent_again and record.recorded is None
    ]
    for _when, record, is_again in sorted(versions, key=itemgetter(0)):
        (standing.apply_again if is_again else standing.apply)(record)
    return sorted(standing.by_identity.values(), key=clock), standing.problems


def _may_correct(record: Record) -> bool:
    """Whether a record may change another one, or be another version of it."""
    return record.status != "add" or record.action == "void" or bool(record.local_number)


def _version(record: Record, sent_again: datetime | None = None) -> tuple[datetime, int, str, int]:
    """Sorts versions of a record, oldest first: by time charted, else sent, then by status.

    Of versions with the same time an update counts after an add, and a delete after both.
    """
    when = sent_again or record.recorded or record.message.sent or BEGINNING
    return (when, _STATUS_ORDER[record.status], record.message.digest, record.ordinal)


def _drug_code(record: Record) -> str:
    return record.drugs[0].codes[0] if record.drugs and record.drugs[0].codes else ""


class _StandingRecords:
    """The records that stand so far, by identity."""

    def __init__(self) -> None:
        self.by_identity: dict[_Identity, Record] = {}
        self.problems: list[Problem] = []
        self._repetitions: dict[_Identity, int] = {}
        self._identities: dict[tuple[str, int], _Identity] = {}  # by message and ordinal

    def apply(self, record: Record) -> None:
        """Take in one record: add it, let it replace a row, or let it take a row back."""
        identity = self._identity(record)
        standing = self.by_identity.get(identity)
        if standing is not None and not _may_touch(record, standing):
            corrects = record.status != "add" or record.action == "void"
            if record.local_number and not corrects:
                self.problems.append(_of_another_sender(record, "row with the same number"))
            if record.local_number or corrects:  # what stands there is another sender's row
                identity = (*identity, record.sender)
        self._identities[record.message.digest, record.ordinal] = identity
        if record.status == "delete" or record.action == "void":
            self._void(record, identity)
        elif record.status == "update" and identity not in self.by_identity:
            self._update(record, identity)
        else:
            self.by_identity[identity] = record

    def apply_again(self, record: Record) -> None:
        """Take in that a record was sent again: as a resend, or to restore what it says.

        Nothing happens where the record stands. Where another version replaced it, the last one
        counts and a person is asked, because an interface engine may have replayed its queue. A row
        that was taken back or moved is not added again without an answer.
        """
        identity = self._identities[record.message.digest, record.ordinal]
        standing = self.by_identity.get(identity)
        if standing is record:
            return
        if standing is not None and not _may_touch(record, standing):
            self.problems.append(_of_another_sender(record, "row sent again"))
            return
        if record.status == "delete" or record.action == "void":
            self.by_identity.pop(identity, None)
            return
        if standing is not None:
            self.by_identity[identity] = record
        elif record.status == "update":
            self._update(record, identity)
        self.problems.append(_sent_again(record))

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
        relatives, others = self._relatives(record)
        if others and not relatives:
            self.problems.append(_of_another_sender(record, "void"))
            return
        same_start = [other for other in relatives if self.by_identity[other].at == record.at]
        meant = same_start or relatives
        if len(meant) == 1:
            del self.by_identity[meant[0]]
        elif meant or self.by_identity:
            self.problems.append(_ambiguous(record, len(meant), "void"))

    def _update(self, record: Record, identity: _Identity) -> None:
        relatives, others = self._relatives(record)
        if others and not relatives:
            self.problems.append(_of_another_sender(record, "correction"))
            return
        if len(relatives) > 1:
            self.problems.append(_ambiguous(record, len(relatives), "correction"))
            return
        if relatives:
            del self.by_identity[relatives[0]]
        elif record.action not in CHATTER and any(
            _may_be_meant(record, other) for other in self.by_identity.values()
        ):
            self.problems.append(_ambiguous(record, 0, "correction"))
        self.by_identity[identity] = record

    def _relatives(self, record: Record) -> tuple[list[_Identity], list[_Identity]]:
        """The standing records that a correction or void may mean, and those that it would mean if
        its sender had the right to.

        They have its local number, or its sub-id, its drug and its action. An empty drug or action
        fits every other one, and a void fits every action.
        """
        code = _drug_code(record)
        may: list[_Identity] = []
        may_not: list[_Identity] = []
        for identity, other in self.by_identity.items():
            fits = (
                other.sub_id == record.sub_id
                and (not code or not _drug_code(other) or _drug_code(other) == code)
                and (record.action in ("", "void") or other.action in ("", record.action))
            )
            if _may_touch(record, other):
                may += [identity] if fits else []
            elif fits or (record.local_number and record.local_number == other.local_number):
                may_not.append(identity)
        return may, may_not


def _may_touch(record: Record, other: Record) -> bool:
    """Whether the sender of a row may correct or void another one."""
    return (
        record.sender == other.sender
        or other.sender in record.may_correct
        or ANY_SENDER in record.may_correct
    )


def _may_be_meant(record: Record, other: Record) -> bool:
    """Whether a correction that fits no row may still mean this one.

    It has the action and either the sub-id or the drug: a nurse corrected the drug, or RXA-2 counts
    the versions of a row. Nobody but a person can say, so both rows stand until then.
    """
    same_action = record.action == other.action
    same_drug = _drug_code(record) == _drug_code(other)
    return same_action and (record.sub_id == other.sub_id or same_drug)


def _sent_again(record: Record) -> Problem:
    return problem_at(
        address(record, "22"),
        "correction.again",
        expected="the time of charting (RXA-22), or each version of a row sent once",
        found="the same row sent again after another version of it",
        do="say which version stands; until then a corrected row counts as it was sent last",
    )


def _of_another_sender(record: Record, what: str) -> Problem:
    return problem_at(
        address(record, "21"),
        "correction.other_sender",
        expected="each sender (MSH-3) to correct its own rows, or may_correct of its profile to "
        "name the other one",
        found=f"a {what} for a row of another sender",
        do="say whether it counts; until then the row of the first sender stands as it was",
    )


def _ambiguous(record: Record, count: int, what: str) -> Problem:
    return problem_at(
        address(record, "21"),
        "correction.ambiguous",
        expected=f"a {what} that fits exactly one administration of the order",
        found=f"{count or 'no'} administrations with the same RXA-2 and drug"
        + (", none at the time given" if count else ""),
        do="say which administration is meant; until then none of them is changed",
    )
