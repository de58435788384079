"""`chargeline parked`: list, show, retry and drop messages that could not be used.

It owns what these commands print, and what is announced when a person retries or drops a message.
`list` shows nothing of the content of a message, so that its output may be passed on; `show` shows
the whole message. It does not decide which messages are parked (drafting does).
"""

import json
import re
from collections.abc import Awaitable, Callable

from chargeline.drafting.announcing import nudge
from chargeline.drafting.processor import utc_now
from chargeline.engine import VisitKey, printable
from chargeline.ledger.records import Announcement, StoredParkedMessage
from chargeline.ledger.store import Ledger
from chargeline.operate.running import OK
from chargeline.operate.strict import strict_report
from chargeline.published.inbound import RETRIED
from chargeline.settings import Settings


async def parked_list(settings: Settings) -> int:
    """Do `chargeline parked list`: a line for each message, without its content."""
    async with _Open(settings) as ledger:
        messages = await ledger.parked()
    for message in messages:
        when = message.first_seen.isoformat(timespec="seconds")
        place = f"{message.topic}[{message.partition}]@{message.offset}"
        print(
            f"{message.id:>6}  {when}  {place:<28} {message.code:<22} "
            f"expected {message.expected}, found {message.found}"
        )
    print(f"{len(messages)} parked")
    return OK


def parked_show(number: int) -> Callable[[Settings], Awaitable[int]]:
    """Do `chargeline parked show`: the reason, the report of a strict reader, the raw message."""

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            print(_whole(await ledger.show(number)))
        return OK

    return work


def _whole(message: StoredParkedMessage) -> str:
    lines = [
        f"{message.id}  {message.code}  {message.status}",
        f"  expected {message.expected}",
        f"  found    {message.found}",
        f"  where    {message.where_}",
        f"  do       {message.do}",
        f"  from     {message.topic}[{message.partition}] offset {message.offset}, "
        f"key {message.key}",
        f"  headers  {message.headers}",
    ]
    strict = [f"  strict   {finding}" for finding in strict_report(message.raw)]
    segments = re.split(r"[\r\n]+", message.raw.decode("utf-8", "replace"))
    lines += [*(strict or ["  strict   hl7apy finds no mistake"]), "", *segments]
    return "\n".join(map(printable, lines))


def parked_retry(number: int) -> Callable[[Settings], Awaitable[int]]:
    """Do `chargeline parked retry`: send the message through the inbound topic again.

    The message goes into the outbox under its old key. A relay, which runs in `chargeline capture`,
    publishes it.
    """

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            message = await ledger.show(number)
            async with ledger.batch() as batch:
                await batch.set_status(number, "retried")
                await batch.announce([_again(settings, message), *_look_again(settings, message)])
        print(f"message {number} is sent again as soon as `chargeline capture` runs")
        return OK

    return work


def _again(settings: Settings, message: StoredParkedMessage) -> Announcement:
    headers = {**json.loads(message.headers), RETRIED: str(message.id)}
    return Announcement(
        topic=settings.topic_inbound,
        key=message.key or "",
        event_id=f"retry|{message.id}",
        headers=json.dumps(headers),
        payload=message.raw,
        created_at=message.first_seen,
    )


def _look_again(settings: Settings, message: StoredParkedMessage) -> list[Announcement]:
    """A nudge that makes the visit be drafted again, because its draft may be complete now."""
    if message.facility is None or message.visit is None:
        return []
    return [nudge(settings.topic_inbound, VisitKey(message.facility, message.visit), utc_now())]


def parked_drop(number: int) -> Callable[[Settings], Awaitable[int]]:
    """Do `chargeline parked drop`: the visit no longer waits for the message."""

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            message = await ledger.show(number)
            async with ledger.batch() as batch:
                await batch.set_status(number, "dropped")
                await batch.announce(_look_again(settings, message))
        print(f"message {number} is dropped; its visit no longer waits for it")
        return OK

    return work


class _Open:
    """A ledger that is open for the length of one command."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.ledger_url.get_secret_value()
        self._ledger: Ledger | None = None

    async def __aenter__(self) -> Ledger:
        self._ledger = await Ledger.open(self._url)
        return self._ledger

    async def __aexit__(self, *_error: object) -> None:
        assert self._ledger is not None
        await self._ledger.close()
