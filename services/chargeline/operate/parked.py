"""`chargeline parked`: list, show, retry and drop messages that could not be used.

It owns what these commands print; what a retry or a drop does is in `drafting/parked.py`.
`list` shows nothing of the content of a message but its type and its sender, so that its output may
be passed on; `show` shows its structure, and its values only to a person who says why. It does not
decide which messages are parked (drafting does).
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from chargeline.drafting.codes_named import check_code
from chargeline.drafting.masking import masked, shape
from chargeline.drafting.parked import (
    SeeingTo,
    act_on,
    application_of,
    parked_pages,
    see_to,
    sorted_out,
    type_of,
)
from chargeline.drafting.reading_back import headers_read
from chargeline.engine import printable
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import StoredParkedMessage
from chargeline.operate.left_out import say_left_out
from chargeline.operate.opened import opened
from chargeline.operate.running import OK, Command
from chargeline.operate.strict import strict_report
from chargeline.published.inbound import PEER, record_key
from chargeline.settings import Settings

OUR_HEADERS = "chargeline-"  # by these headers no patient is shown (published/inbound.py)


class ListedMessage(NamedTuple):
    """One parked message as `parked list --json` prints it. The field of the reason is `where`."""

    id: int
    first_seen: str
    code: str
    message_type: str
    sender: str
    peer: str
    facility: str | None
    visit: str | None
    where: str
    expected: str
    found: str
    do: str
    topic: str
    partition: int
    offset: int


def parked_list(code: str = "", *, as_json: bool = False) -> Command:
    """Do `chargeline parked list`: a line for each message, without its content."""

    async def work(settings: Settings) -> int:
        check_code(code)
        count = 0
        closed = []
        async with opened(settings) as ledger:
            async for page in parked_pages(ledger, code):
                for message in page:
                    try:
                        listed = _listed(message)
                    except UnreadableRow as error:
                        closed.append(error)
                        continue
                    print(json.dumps(listed._asdict()) if as_json else _line(listed))
                count += len(page)
        if not as_json:
            print(f"{count} parked")
        return say_left_out(closed)

    return work


def _listed(message: StoredParkedMessage) -> ListedMessage:
    return ListedMessage(
        id=message.id,
        first_seen=message.first_seen.isoformat(timespec="seconds"),
        code=message.code,
        message_type=type_of(message.raw),
        sender=application_of(message.raw),
        peer=headers_read(message).get(PEER, ""),
        facility=message.facility,
        visit=message.visit,
        where=message.where_,
        expected=message.expected,
        found=message.found,
        do=message.do,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
    )


def _line(message: ListedMessage) -> str:
    visit = f"{message.facility} {message.visit}" if message.visit else "no visit"
    sender = " ".join(filter(None, (message.sender, message.peer))) or "unknown sender"
    return printable(
        f"{message.id:>6}  {message.first_seen}  {message.code:<22} "
        f"{message.message_type or 'no type':<12} {visit}  from {sender}  "
        f"{message.where + ': ' if message.where else ''}"
        f"expected {message.expected}, found {message.found}"
    )


def parked_show(number: int, *, unmask: bool = False, who: str = "", why: str = "") -> Command:
    """Do `chargeline parked show`: the reason, and the message with the shape of its values.

    With `unmask` the values themselves, and the report of a strict reader, which quotes them. That
    is an act of the audit trail.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            if unmask:
                async with ledger.batch() as batch:
                    message = await batch.show(number)
                    await batch.audit([act_on("parked.show", message, who=who, why=why)])
                lines = _whole(message)
            else:
                lines = _masked(await ledger.show(number))
        print("\n".join(map(printable, lines)))
        return OK

    return work


def _masked(message: StoredParkedMessage) -> list[str]:
    """A parked message without any value of its sender but type, version, facility and visit."""
    of_visit = message.visit and message.key == record_key(message.facility, message.visit)
    key = message.key if of_visit or message.key is None else shape(message.key)
    headers = {
        name: value if name.startswith(OUR_HEADERS) else shape(value)
        for name, value in headers_read(message).items()
    }
    values = "  values   only their shape; --unmask --reason TEXT shows them, and is audited"
    return [*_head(message, key, json.dumps(headers)), values, "", *masked(message.raw)]


def _whole(message: StoredParkedMessage) -> list[str]:
    strict = [f"  strict   {finding}" for finding in strict_report(message.raw)]
    segments = re.split(r"[\r\n]+", message.raw.decode("utf-8", "replace"))
    head = _head(message, message.key, message.headers)
    return [*head, *(strict or ["  strict   hl7apy finds no mistake"]), "", *segments]


def _head(message: StoredParkedMessage, key: str | None, headers: str) -> list[str]:
    return [
        f"{message.id}  {message.code}  {message.status}",
        f"  expected {message.expected}",
        f"  found    {message.found}",
        f"  where    {message.where_}",
        f"  do       {message.do}",
        f"  from     {message.topic}[{message.partition}] offset {message.offset}, key {key}",
        f"  headers  {headers}",
    ]


# ------------------------------------------------------------------ retry and drop


def parked_retry(
    numbers: Sequence[int] = (),
    *,
    code: str = "",
    everything: bool = False,
    who: str = "",
    why: str = "",
) -> Command:
    """Do `chargeline parked retry`: send messages through the inbound topic again.

    The messages are those of some numbers, those that were parked for the reason `code`, or all.
    They go into the outbox under their old keys. A relay, which runs in `chargeline capture` and in
    `chargeline serve`, publishes them.
    """

    async def work(settings: Settings) -> int:
        seeing = SeeingTo("retried", who=who, why=why)
        count = await _see_to(settings, seeing, numbers, code=code, everything=everything)
        print(f"{_counted(count)} sent again as soon as `chargeline capture` or `serve` runs")
        return OK

    return work


def parked_drop(numbers: Sequence[int] = (), *, why: str, code: str = "", who: str = "") -> Command:
    """Do `chargeline parked drop`: the visits no longer wait for these messages, and what could
    not be read of them is asked about no more.
    """

    async def work(settings: Settings) -> int:
        seeing = SeeingTo("dropped", who=who, why=why)
        count = await _see_to(settings, seeing, numbers, code=code)
        print(f"{_counted(count)} dropped; no visit waits for what was dropped")
        return OK

    return work


def _counted(count: int) -> str:
    return "1 message is" if count == 1 else f"{count} messages are"


async def _see_to(
    settings: Settings,
    seeing: SeeingTo,
    numbers: Sequence[int],
    *,
    code: str = "",
    everything: bool = False,
) -> int:
    """See to messages, and have their visits drafted again; returns how many."""
    check_code(code)
    async with opened(settings) as ledger:
        if numbers:
            chosen = [await ledger.show(number) for number in dict.fromkeys(numbers)]
        else:
            assert code or everything, "all are meant only where all are asked for"
            chosen = [row async for page in parked_pages(ledger, code) for row in page]
        usable, closed, lacking = sorted_out(chosen, to_send=seeing.status == "retried")
        for message in closed:
            print(f"{message.id} left: its row does not open, see `parked show {message.id}`")
        if lacking:
            print(f"{len(lacking)} left: the ledger has no bytes to send")
        await see_to(ledger, settings.topic_inbound, seeing, usable)
    return len(usable)
