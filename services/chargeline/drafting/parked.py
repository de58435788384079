"""What a person does with parked messages: try them, send them through again, or give them up.

It owns what is announced and noted when a person sees to messages, which of them cannot be sent
again, and what of their senders may be shown to everybody who may list them. It does not decide
which messages are parked, and prints nothing.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

from chargeline.drafting.acting import act_of
from chargeline.drafting.announcing import nudge
from chargeline.drafting.inbound import InboundRecord, ReadRecord, problems_of
from chargeline.drafting.masking import MESSAGE_TYPE
from chargeline.drafting.processor import utc_now
from chargeline.drafting.reading_back import has_headers, headers_read
from chargeline.engine import VisitKey
from chargeline.hl7.acknowledge import salvaged_header
from chargeline.ledger.auditing import Act, Verb
from chargeline.ledger.records import Announcement, StoredParkedMessage
from chargeline.ledger.store import Ledger
from chargeline.published.inbound import REKEYED, RETRIED

AT_ONCE = 200
"""So many messages are read at once, and retried or dropped in one transaction."""
WITHOUT_BYTES = frozenset({"event.unreadable", "record.too_large", "record.unreadable"})
"""Of what is parked for these reasons the ledger has no bytes that can be used, so it cannot be
sent again.
"""
_APPLICATION = re.compile(r"[A-Za-z0-9_. -]{1,40}")
_VERBS: dict[str, Verb] = {"retried": "parked.retry", "dropped": "parked.drop"}


class SeeingTo(NamedTuple):
    """How a person sees to parked messages: their new status, who, and why, "" where nobody said.

    What is `retried` is announced for the inbound topic once more.
    """

    status: Literal["retried", "dropped"]
    who: str
    why: str


class SortedOut(NamedTuple):
    """Messages by what can be done with them.

    Of the `closed` the row does not open. Of those `without_bytes` there is nothing to send.
    """

    usable: list[StoredParkedMessage]
    closed: list[StoredParkedMessage]
    without_bytes: list[StoredParkedMessage]


async def parked_pages(ledger: Ledger, code: str = "") -> AsyncIterator[list[StoredParkedMessage]]:
    """All parked messages, or those with one reason, in pages."""
    after = 0
    while page := await ledger.parked(limit=AT_ONCE, after=after, code=code):
        yield page
        after = page[-1].id


def application_of(raw: bytes) -> str:
    """The sending application (MSH-3) of a message; "" where it is not such a name, and might be
    anything.
    """
    application = salvaged_header(raw).raw(3).partition("^")[0]
    return application if _APPLICATION.fullmatch(application) else ""


def type_of(raw: bytes) -> str:
    """What MSH-9 of a message says; "" where it is no type of message, and might be anything."""
    kind = salvaged_header(raw).raw(9)
    return kind if MESSAGE_TYPE.fullmatch(kind) else ""


def sorted_out(messages: Sequence[StoredParkedMessage], *, to_send: bool) -> SortedOut:
    """Which of some messages can be seen to; `to_send` asks whether they can be sent again."""
    closed = [row for row in messages if row.data_key or (to_send and not has_headers(row))]
    opened = [row for row in messages if row not in closed]
    lacking = [row for row in opened if to_send and row.code in WITHOUT_BYTES]
    return SortedOut([row for row in opened if row not in lacking], closed, lacking)


async def see_to(
    ledger: Ledger, inbound_topic: str, seeing: SeeingTo, messages: Sequence[StoredParkedMessage]
) -> None:
    """See to messages, and have their visits drafted again, some in each transaction.

    Raises NotFound if somebody has seen to one of them; its transaction is undone, those before
    stand.
    """
    for first in range(0, len(messages), AT_ONCE):
        some = messages[first : first + AT_ONCE]
        resent = [retried(inbound_topic, row) for row in some if seeing.status == "retried"]
        async with ledger.batch() as batch:
            # Captures add to the tallies in this order too, so none waits for another for ever.
            for message in sorted(some, key=lambda row: (row.topic, row.partition, row.id)):
                await batch.set_status(message.id, seeing.status)
            await batch.announce([*resent, *_look_again(inbound_topic, some)])
            did = _VERBS[seeing.status]
            await batch.audit(
                [act_on(did, message, who=seeing.who, why=seeing.why) for message in some]
            )


def act_on(did: Verb, message: StoredParkedMessage, *, who: str, why: str) -> Act:
    """An act on a parked message, with what names the message and its reason."""
    told = {
        "facility": message.facility,
        "visit": message.visit,
        "code": message.code,
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
    }
    return act_of(did, "parked", str(message.id), who=who, why=why, details=told)


def retried(inbound_topic: str, message: StoredParkedMessage) -> Announcement:
    """A parked message as it goes through the inbound topic again, under its old key."""
    headers = {**headers_read(message), RETRIED: str(message.id)}
    headers.pop(
        REKEYED, None
    )  # it may be sent again into its place, as if it came for the first time
    return Announcement(
        topic=inbound_topic,
        key=message.key or "",
        event_id=f"retry|{message.id}",
        headers=json.dumps(headers),
        payload=message.raw,
        created_at=message.first_seen,
    )


def _look_again(topic: str, messages: Sequence[StoredParkedMessage]) -> list[Announcement]:
    """Nudges that make the visits be drafted again, because their drafts may be complete now."""
    visits = {
        VisitKey(message.facility, message.visit)
        for message in messages
        if message.facility is not None and message.visit is not None
    }
    return [nudge(topic, visit, utc_now()) for visit in sorted(visits)]


# ------------------------------------------------------------------ trying

Reads = Callable[[Sequence[InboundRecord]], Awaitable[list[ReadRecord]]]
"""`Processor.read`, or what reads as it does."""


class TriedMessage(NamedTuple):
    """Why a message would be parked again if it came now; "" if it would be read whole."""

    number: int
    code: str


async def tried(messages: Sequence[StoredParkedMessage], reads: Reads) -> list[TriedMessage]:
    """Read messages with the rules and profiles of now, and store nothing.

    It tells what reading finds, and not what becomes of the visit.
    """
    usable, closed, lacking = sorted_out(messages, to_send=True)
    results = [TriedMessage(row.id, row.code) for row in [*closed, *lacking]]
    for message in usable:
        record = InboundRecord(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            key=message.key or "",
            value=message.raw,
            headers={**headers_read(message), RETRIED: str(message.id)},
            received_at=message.first_seen,
        )
        (read,) = await reads([record])
        problem = next(iter(problems_of(read)), None)
        code = problem.finding.code if problem is not None else ""
        results.append(TriedMessage(message.id, code))
    return sorted(results)
