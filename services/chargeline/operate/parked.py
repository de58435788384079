"""`chargeline parked`: list, show, retry and drop messages that could not be used.

It owns what these commands print, and what is announced when a person has seen to a message. The
list shows nothing of a message; `show` shows all of it.
"""

import json
from collections.abc import Awaitable, Callable

from chargeline.drafting.announcing import nudge
from chargeline.drafting.processor import utc_now
from chargeline.engine import VisitKey
from chargeline.ledger.records import Announcement, StoredParkedMessage
from chargeline.ledger.store import Ledger
from chargeline.operate.running import OK
from chargeline.operate.strict import strict_report
from chargeline.published.inbound import RETRIED
from chargeline.settings import Settings


async def parked_list(settings: Settings) -> int:
    """`chargeline parked list`: one line each, no content of the message."""
    async with _Open(settings) as ledger:
        found = await ledger.parked()
    for each in found:
        when = each.first_seen.isoformat(timespec="seconds")
        place = f"{each.topic}[{each.partition}]@{each.offset}"
        print(
            f"{each.id:>6}  {when}  {place:<28} {each.code:<22} expected {each.expected}, found "
            f"{each.found}"
        )
    print(f"{len(found)} parked")
    return OK


def parked_show(number: int) -> Callable[[Settings], Awaitable[int]]:
    """`chargeline parked show`: everything, the raw message and a strict reader's report
    included.
    """

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            print(_whole(await ledger.show(number)))
        return OK

    return work


def _whole(each: StoredParkedMessage) -> str:
    lines = [
        f"{each.id}  {each.code}  {each.status}",
        f"  expected {each.expected}",
        f"  found    {each.found}",
        f"  where    {each.where_}",
        f"  do       {each.do}",
        f"  from     {each.topic}[{each.partition}] offset {each.offset}, key {each.key}",
        f"  headers  {each.headers}",
    ]
    strict = [f"  strict   {finding}" for finding in strict_report(each.raw)]
    text = each.raw.decode("utf-8", "replace").replace("\r", "\n")
    return "\n".join([*lines, *(strict or ["  strict   no objection from hl7apy"]), "", text])


def parked_retry(number: int) -> Callable[[Settings], Awaitable[int]]:
    """`chargeline parked retry`: send the message again through the inbound topic, under its
    key.
    """

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            message = await ledger.show(number)
            async with ledger.batch() as batch:
                await batch.set_status(number, "retried")
                await batch.announce([_again(settings, message), *_look_again(settings, message)])
        print(f"{number} goes through the inbound topic again, as soon as a relay runs")
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
    """Word to the visit's partition that the message waits no more: its draft may be complete
    now.
    """
    if message.facility is None or message.visit is None:
        return []
    return [nudge(settings.topic_inbound, VisitKey(message.facility, message.visit), utc_now())]


def parked_drop(number: int) -> Callable[[Settings], Awaitable[int]]:
    """`chargeline parked drop`: it stays in the ledger, but nobody waits for it any more."""

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            message = await ledger.show(number)
            async with ledger.batch() as batch:
                await batch.set_status(number, "dropped")
                await batch.announce(_look_again(settings, message))
        print(f"{number} dropped")
        return OK

    return work


class _Open:
    """A ledger for the length of one command."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.ledger_url.get_secret_value()
        self._ledger: Ledger | None = None

    async def __aenter__(self) -> Ledger:
        self._ledger = await Ledger.open(self._url)
        return self._ledger

    async def __aexit__(self, *_error: object) -> None:
        assert self._ledger is not None
        await self._ledger.close()
