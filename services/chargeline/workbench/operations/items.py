"""What the screen Operations shows, the same for the page and for JSON; parked groups also as CSV.

It owns how parked messages become groups of one cause and one sender, how a single one is told, and
how the last message of each kind becomes a sender that was heard. Of a message only its shape is
shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from pydantic import AwareDatetime, BaseModel, Field

from chargeline.drafting.masking import MESSAGE_TYPE, masked
from chargeline.drafting.parked import application_of, sorted_out, type_of
from chargeline.drafting.reading_back import has_headers, headers_read
from chargeline.engine import MEANINGS, FindingCode, PublishedTables, Rulebook, printable
from chargeline.ledger.counting import Counts
from chargeline.ledger.records import StoredMessage, StoredParkedMessage
from chargeline.ledger.watching import LastHeard
from chargeline.published.inbound import INTERFACE, PEER

NOBODY_KNOWS = "unknown sender"


class ParkedGroup(BaseModel):
    """Parked messages with one reason and one sender, the oldest first."""

    code: str
    says: str = Field(description="The code in words")
    sender: str = Field(description="Sending application and peer; or `unknown sender`")
    facility: str
    count: int
    visits: int = Field(description="How many visits wait for them")
    first_seen: datetime
    last_seen: datetime
    field: str = Field(description="Where the fault is")
    expected: str
    found: str = Field(description="What stands there in the oldest one")
    do: str
    can_be_sent: bool = Field(description="Whether the ledger has bytes to send again")
    numbers: str = Field(description="The numbers of the messages, with blanks between")
    shape: str = Field(description="The oldest one, with the shape of its values")


class ParkedItem(BaseModel):
    """A parked message. Of the message itself it has only the type and the sender."""

    number: int
    code: str
    says: str = Field(description="The code in words")
    type: str = Field(description="MSH-9, such as RAS^O17; empty where that is no type")
    sender: str = Field(description="Sending application and peer; or `unknown sender`")
    facility: str
    is_of_visit: bool = Field(description="Whether a visit waits for it")
    first_seen: AwareDatetime
    field: str = Field(description="Where the fault is")
    expected: str
    found: str
    do: str
    can_be_sent: bool = Field(description="Whether the ledger has bytes to send again")


class SenderHeard(BaseModel):
    """When a kind of message was last heard of a facility."""

    facility: str
    kind: str = Field(description="The first part of MSH-9, such as RAS")
    sender: str
    interface: str = Field(description="The interface profile, as the gateway says; or empty")
    last: datetime
    types: str = Field(description="The types of this kind that were ever heard")


class TablesLoaded(BaseModel):
    """A published table that is loaded, and the issues of it."""

    table: str
    issues: str


class OperationsItems(BaseModel):
    """The screen."""

    read_at: datetime
    parked: int
    parked_oldest: datetime | None
    not_announced: int
    not_announced_oldest: datetime | None
    visits: dict[str, int] = Field(description="How many visits have each status")
    questions: dict[str, int] = Field(description="How many questions of each code are open")
    groups: list[ParkedGroup]
    grouped: int = Field(description="How many parked messages were read for the groups")
    senders: list[SenderHeard]
    rulebook: str = Field(description="The rules of this program")
    rulebooks: dict[str, int] = Field(description="How many open visits each rulebook drafted")
    tables_version: str = Field(description="Empty where no published tables are loaded")
    tables: list[TablesLoaded]

    @property
    def drafted_by_others(self) -> dict[str, int]:
        """The open visits that other rules than ours drafted last, by those rules."""
        return {name: count for name, count in self.rulebooks.items() if name != self.rulebook}


class FeedSeen(NamedTuple):
    """What the ledger says at one moment."""

    counts: Counts
    parked: Sequence[StoredParkedMessage]
    heard: Sequence[LastHeard]
    rulebooks: Mapping[str, int]


def items_of(seen: FeedSeen, rulebook: Rulebook, now: datetime, sender: str) -> OperationsItems:
    """The screen; with a `sender` only the groups of that one."""
    counts = seen.counts
    groups = groups_of(seen.parked)
    return OperationsItems(
        read_at=now,
        parked=counts.parked,
        parked_oldest=counts.parked_oldest,
        not_announced=counts.outbox,
        not_announced_oldest=counts.outbox_oldest,
        visits=dict(counts.visits),
        questions={asked.code: asked.number for asked in counts.questions},
        groups=[group for group in groups if sender in ("", group.sender)],
        grouped=len(seen.parked),
        senders=senders_of(seen.heard),
        rulebook=rulebook.version,
        rulebooks=dict(seen.rulebooks),
        tables_version=rulebook.tables.version,
        tables=tables_of(rulebook.tables),
    )


def groups_of(messages: Sequence[StoredParkedMessage]) -> list[ParkedGroup]:
    """Messages with one reason, one sender and one facility together, the largest group first."""
    alike: dict[tuple[str, str, str], list[StoredParkedMessage]] = {}
    for message in messages:
        name = (message.code, _sender_of(message), message.facility or "")
        alike.setdefault(name, []).append(message)
    groups = [_group(sender, rows) for (_code, sender, _facility), rows in alike.items()]
    return sorted(groups, key=lambda group: (-group.count, group.first_seen, group.code))


def _group(sender: str, rows: Sequence[StoredParkedMessage]) -> ParkedGroup:
    first = rows[0]
    return ParkedGroup(
        code=first.code,
        says=_in_words(first.code),
        sender=sender,
        facility=first.facility or "",
        count=len(rows),
        visits=len({(row.facility, row.visit) for row in rows if row.visit}),
        first_seen=min(row.first_seen for row in rows),
        last_seen=max(row.first_seen for row in rows),
        field=", ".join(dict.fromkeys(filter(None, [row.where_ for row in rows][:20]))),
        expected=first.expected,
        found=first.found,
        do=first.do,
        can_be_sent=_can_be_sent(rows),
        numbers=" ".join(str(row.id) for row in rows),
        shape="" if first.data_key else "\n".join(map(printable, masked(first.raw))),
    )


def parked_item(message: StoredParkedMessage) -> ParkedItem:
    """One parked message."""
    return ParkedItem(
        number=message.id,
        code=message.code,
        says=_in_words(message.code),
        type="" if message.data_key else type_of(message.raw),
        sender=_sender_of(message),
        facility=message.facility or "",
        is_of_visit=bool(message.visit),
        first_seen=message.first_seen,
        field=message.where_,
        expected=message.expected,
        found=message.found,
        do=message.do,
        can_be_sent=_can_be_sent([message]),
    )


def _in_words(code: str) -> str:
    return MEANINGS.get(cast(FindingCode, code), code)


def _can_be_sent(rows: Sequence[StoredParkedMessage]) -> bool:
    return bool(sorted_out(rows, to_send=True).usable)


def _sender_of(message: StoredParkedMessage | StoredMessage) -> str:
    """Who sent a message, by what may be shown of it."""
    if message.data_key:
        return NOBODY_KNOWS
    peer = headers_read(message).get(PEER, "") if has_headers(message) else ""
    return printable(" · ".join(filter(None, (application_of(message.raw), peer)))) or NOBODY_KNOWS


def senders_of(heard: Iterable[LastHeard]) -> list[SenderHeard]:
    """One row for each facility and kind of message, who is silent longest first."""
    alike: dict[tuple[str, str], list[LastHeard]] = {}
    for last in heard:
        kind = last.type.partition("^")[0] if MESSAGE_TYPE.fullmatch(last.type) else "other"
        alike.setdefault((last.facility, kind), []).append(last)
    senders = []
    for (facility, kind), rows in alike.items():
        newest = max(rows, key=lambda row: row.message.received_at)
        readable = newest.opens and has_headers(newest.message)
        headers = headers_read(newest.message) if readable else {}
        types = [row.type for row in rows if MESSAGE_TYPE.fullmatch(row.type)]
        sender = SenderHeard(
            facility=facility,
            kind=kind,
            sender=_sender_of(newest.message) if newest.opens else NOBODY_KNOWS,
            interface=headers.get(INTERFACE, ""),
            last=newest.message.received_at,
            types=", ".join(types),
        )
        senders.append(sender)
    return sorted(senders, key=lambda sender: (sender.last, sender.facility, sender.kind))


def tables_of(tables: PublishedTables) -> list[TablesLoaded]:
    """The published tables that are loaded, each with its issues."""
    loaded = {
        "NDC crosswalk": list(tables.crosswalk),
        "payment limits": list(tables.payment_limits),
        "status indicators": list(tables.status_indicators),
        "HCPCS": list(tables.hcpcs),
    }
    for setting, issues in tables.mues.items():
        loaded[f"MUE, {setting}"] = list(issues)
    for setting, ptp in tables.ptps.items():
        loaded[f"PTP, {setting}"] = [ptp.quarter]
    if tables.add_ons is not None:
        loaded["add-on codes"] = [tables.add_ons.quarter]
    return [
        TablesLoaded(table=name, issues=", ".join(str(issue) for issue in sorted(issues)))
        for name, issues in loaded.items()
        if issues
    ]
