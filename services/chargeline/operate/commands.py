"""The verbs of the live service: capture, topics, parked, ledger, config.

It owns turning settings and errors into exit codes and text. 0: done; 1: ended by a failure that needs
a person; 2: wrong use or settings.
"""

import asyncio
import gc
import json
import logging
import sys
from collections.abc import Awaitable, Callable

import structlog
from aiokafka.errors import KafkaError

from chargeline import settings as configuration
from chargeline.capture import program
from chargeline.drafting.parked_limit import TooManyParkedError
from chargeline.drafting.prices import PricesError, read_prices
from chargeline.drafting.processor import nudge, utc_now
from chargeline.engine import Finding, VisitKey
from chargeline.hl7.errors import Hl7Error
from chargeline.kafka import topics
from chargeline.kafka.connecting import KafkaUnavailableError, Starting
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.records import Announcement, ParkedMessage
from chargeline.ledger.store import Ledger
from chargeline.operate.strict import strict_report
from chargeline.rulebook.errors import RulebookError
from chargeline.settings import Settings, SettingsError
from chargeline.telemetry import logs

OK, FAILED, WRONG_USE = 0, 1, 2
_EXPECTED = (KafkaError, KafkaUnavailableError, TooManyParkedError, LedgerError, OSError)


def with_settings(work: Callable[[Settings], Awaitable[int]]) -> int:
    """Read the settings, do the work, and say in one place what went wrong."""
    try:
        settings = configuration.load()
    except SettingsError as error:
        return _say(str(error), WRONG_USE)
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what it prints by itself we say better
    gc.enable()  # a service runs for weeks, and its libraries do make cycles
    code = OK
    try:
        code = asyncio.run(_awaited(work, settings))
    except* (RulebookError, Hl7Error, PricesError) as errors:
        code = _say_all(errors, WRONG_USE)
    except* _EXPECTED as errors:
        code = _say_all(errors, FAILED)
    return code


async def _awaited(work: Callable[[Settings], Awaitable[int]], settings: Settings) -> int:
    return await work(settings)


def _say(text: str, code: int) -> int:
    print(f"chargeline: {text}", file=sys.stderr)
    return code


def _say_all(errors: BaseExceptionGroup[BaseException], code: int) -> int:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _say_all(error, code)
        else:
            if structlog.is_configured():  # a service: who reads its logs must find the end there too
                logs.logger("chargeline").critical("ended", exc_info=error)
            _say(_words(error), code)
    return code


def _words(error: BaseException) -> str:
    """One line for a person. What Kafka says of itself is a name, so the rest is said here."""
    if isinstance(error, KafkaError):
        finding = Finding(
            "kafka.stopped_serving",
            expected="Kafka to go on serving us",
            found=type(error).__name__,
            where="",
            do="see its log, the limits of the topics (max.message.bytes), and whether our user may read and"
            " write them and use the group",
        )
        return str(finding)
    return str(error) or type(error).__name__


async def capture(settings: Settings) -> int:
    """`chargeline capture`."""
    if settings.prices is not None:
        read_prices(settings.prices)  # its mistakes are said before anything is connected
    return await program.run(settings)


def create_topics(partitions: int, replication: int) -> Callable[[Settings], Awaitable[int]]:
    """`chargeline topics create`."""

    def tell(found: Starting) -> None:
        _say(str(found), OK)

    async def work(settings: Settings) -> int:
        created = await program.create_topics(settings, partitions, replication, tell)
        print("\n".join(f"created {name}, {partitions} partitions" for name in created) or "all topics exist")
        most = settings.kafka_record_bytes()
        options, names = program.kafka_options(settings), list(program.topics_of(settings))
        for name, found in (await topics.too_small(options, names, most, tell)).items():
            _say(
                f"expected {name} to take records of {most} bytes, found {topics.RECORD_BYTES} at {found}; "
                "raise it, or the largest messages go no further",
                OK,
            )
        return OK

    return work


async def migrate(settings: Settings) -> int:
    """`chargeline ledger migrate`."""
    ledger = await Ledger.open(settings.ledger_url.get_secret_value(), accept_old=True)
    try:
        await ledger.migrate()
    finally:
        await ledger.close()
    print("the ledger is at the newest schema")
    return OK


async def show_configuration(settings: Settings) -> int:
    """`chargeline config`."""
    for each in configuration.describe(settings):
        print(f"{each.variable:<44} {each.value:<40} {each.meaning}")
    return OK


# ------------------------------------------------------------------ parked messages


async def parked_list(settings: Settings) -> int:
    """`chargeline parked list`: one line each, no content of the message."""
    async with _Open(settings) as ledger:
        found = await ledger.parked()
    for each in found:
        when = each.first_seen.isoformat(timespec="seconds")
        place = f"{each.topic}[{each.partition}]@{each.offset}"
        print(
            f"{each.id:>6}  {when}  {place:<28} {each.code:<22} expected {each.expected}, found {each.found}"
        )
    print(f"{len(found)} parked")
    return OK


def parked_show(number: int) -> Callable[[Settings], Awaitable[int]]:
    """`chargeline parked show`: everything, the raw message and a strict reader's report included."""

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            print(_whole(await ledger.show(number)))
        return OK

    return work


def _whole(each: ParkedMessage) -> str:
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
    """`chargeline parked retry`: send the message again through the inbound topic, under its key."""

    async def work(settings: Settings) -> int:
        async with _Open(settings) as ledger:
            message = await ledger.show(number)
            async with ledger.batch() as batch:
                await batch.set_status(number, "retried")
                await batch.announce([_again(settings, message), *_look_again(settings, message)])
        print(f"{number} goes through the inbound topic again, as soon as a relay runs")
        return OK

    return work


def _again(settings: Settings, message: ParkedMessage) -> Announcement:
    headers = {**json.loads(message.headers), "chargeline-retried": str(message.id)}
    return Announcement(
        settings.topic_inbound, message.key or "", f"retry|{message.id}", json.dumps(headers), message.raw,
        message.first_seen,
    )  # fmt: skip


def _look_again(settings: Settings, message: ParkedMessage) -> list[Announcement]:
    """Word to the visit's partition that the message waits no more: its draft may be complete now."""
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
