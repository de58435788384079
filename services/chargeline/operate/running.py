"""Runs a program or a command of the live service, and turns its errors into text and an exit code.

It owns the exit codes. 0: done; 1: ended by a failure that needs a person; 2: wrong use or
settings.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable

import structlog
from aiokafka.errors import KafkaError

from chargeline import settings as configuration
from chargeline.drafting.parked_limit import TooManyParkedError
from chargeline.drafting.prices import PricesError
from chargeline.engine import Finding
from chargeline.hl7.errors import Hl7Error
from chargeline.kafka.starting import KafkaUnavailableError
from chargeline.ledger.errors import LedgerError
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
        return say(str(error), WRONG_USE)
    logging.getLogger("aiokafka").addHandler(
        logging.NullHandler()
    )  # what it prints by itself we say better
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


def say(text: str, code: int) -> int:
    """Tell a person on standard error; returns the code."""
    print(f"chargeline: {text}", file=sys.stderr)
    return code


def _say_all(errors: BaseExceptionGroup[BaseException], code: int) -> int:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _say_all(error, code)
        else:
            if (
                structlog.is_configured()
            ):  # a service: who reads its logs must find the end there too
                logs.logger("chargeline").critical("ended", exc_info=error)
            say(_words(error), code)
    return code


def _words(error: BaseException) -> str:
    """One line for a person. What Kafka says of itself is a name, so the rest is said here."""
    if isinstance(error, KafkaError):
        finding = Finding(
            "kafka.stopped_serving",
            expected="Kafka to go on serving us",
            found=type(error).__name__,
            where="",
            do="see its log, the limits of the topics (max.message.bytes), and whether our user "
            "may read and write them and use the group",
        )
        return str(finding)
    return str(error) or type(error).__name__
