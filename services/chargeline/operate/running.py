"""Runs a program or a command of the live service, and turns its errors into text and an exit code.

It owns the exit codes of the live service: 0 means done, 1 a failure that needs a person, such as a
Kafka that refuses our login, 2 a mistake in the settings, the rules or the price list, and 3 done
as far as it could be, with something left that a person must see to. It does not know what the
programs do.
"""

import asyncio
import gc
import logging
import select
import sys
from collections.abc import Awaitable, Callable
from typing import TextIO

import structlog
from aiokafka.errors import KafkaError

from chargeline import settings as configuration
from chargeline.drafting.prices import PricesError
from chargeline.engine import Finding, FindingError
from chargeline.files import unreadable
from chargeline.hl7.errors import Hl7Error
from chargeline.kafka.starting import KafkaUnavailableError
from chargeline.ledger.errors import LedgerError
from chargeline.refdata.errors import RefdataError
from chargeline.rulebook.errors import RulebookError
from chargeline.settings import Settings, SettingsError
from chargeline.settings.senders import SendersError
from chargeline.telemetry import logs

OK, FAILED, WRONG_USE, NOT_COMPLETE = 0, 1, 2, 3
Command = Callable[[Settings], Awaitable[int]]
"""Work that takes the settings and gives an exit code."""
_EXPECTED = (KafkaError, KafkaUnavailableError, LedgerError, OSError)


def with_settings(work: Command) -> int:
    """Read the settings and do the work; print what went wrong, and return the exit code.

    Raises BrokenPipeError if the program that reads our output has ended.
    """
    try:
        settings = configuration.load()
    except SettingsError as error:
        return say(str(error), WRONG_USE)
    # Without a handler Python prints the errors that aiokafka logs; ours say more.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    # The command line has switched the garbage collector off. A service runs for weeks, and the
    # libraries that it uses make cycles.
    gc.enable()
    code, unread = OK, False
    try:
        code = asyncio.run(_awaited(work, settings))
    except* (RulebookError, RefdataError, Hl7Error, PricesError, SendersError) as errors:
        code = _say_all(errors, WRONG_USE)
    except* _EXPECTED as errors:
        # The same error may come of a connection to Kafka or the database.
        unread = errors.subgroup(BrokenPipeError) is not None and is_unread(sys.stdout)
        code = FAILED if unread else _say_all(errors, FAILED)
    if unread:
        raise BrokenPipeError
    return code


def is_unread(output: TextIO) -> bool:
    """Whether an output is a pipe or a socket that nobody reads any more."""
    try:
        descriptor = output.fileno()
    except OSError:  # a test has put a buffer in its place
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


async def _awaited(work: Command, settings: Settings) -> int:
    return await work(settings)


def say(text: str, code: int) -> int:
    """Print the text on standard error; returns the code."""
    print(f"chargeline: {text}", file=sys.stderr)
    return code


def _say_all(errors: BaseExceptionGroup[BaseException], code: int) -> int:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _say_all(error, code)
        else:
            # Only a service configures its logs. Whoever reads only these must find the end there.
            if structlog.is_configured():
                logs.logger("chargeline").critical("ended", exc_info=error)
            say(_words(error), code)
    return code


def _words(error: BaseException) -> str:
    """The error as a line for a person. A KafkaError is only a name, so the rest is added here."""
    if isinstance(error, KafkaError):
        finding = Finding(
            "kafka.stopped_serving",
            expected="Kafka to do what we asked",
            found=type(error).__name__,
            where="",
            do="see the log of Kafka, the limits of the topics (max.message.bytes), and whether "
            "our Kafka user may read and write the topics and use the consumer group",
        )
        return str(finding)
    if isinstance(error, OSError) and error.filename and not isinstance(error, FindingError):
        return str(unreadable(error))
    return str(error) or type(error).__name__
