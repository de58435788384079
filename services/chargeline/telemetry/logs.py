"""Logs: one JSON object on each line, with keys from a closed list, so that no patient gets in.

It owns which keys and values may be logged:

- An event is a dotted name such as `batch.committed`, never a sentence.
- A key that is not on the list is dropped, and `dropped_keys` names the key.
- Of an exception, its type and its place in the code are logged. Its text is logged only if it is
  an exception of chargeline, because the texts of these show no patient.
- Of a library's log line, the template is logged without the values ("Heartbeat of %s failed").

The list names what is allowed, because nobody can list everything that is forbidden. A package that
must not import this one, such as mllp, logs with `logging` and gives its keys in `extra`. This
module does not know what the programs log, or when.
"""

import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from time import monotonic
from types import FrameType, MappingProxyType, TracebackType
from typing import TextIO, cast

import structlog
from authlib.deprecate import AuthlibDeprecationWarning
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

LEVELS = ("debug", "info", "warning", "error", "critical")
WORDS_MOST = 400
EVENT_MOST = 60
ALIKE_SECONDS = 60.0

_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_KEY = re.compile(r"[a-z_]{1,40}")
_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,200}")
_HEAD = re.compile(r'[{}a-z0-9_":,.+TZ -]{1,2000}')
_WORDS = re.compile(rf"[^\x00-\x1f\x7f]{{1,{WORDS_MOST}}}")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and (value == "" or _NAME.fullmatch(value) is not None)


def _is_words(value: object) -> bool:
    return isinstance(value, str) and (value == "" or _WORDS.fullmatch(value) is not None)


def _is_head(value: object) -> bool:
    """The head of the ledger, which is numbers and hashes (`drafting/signed_heads.py`)."""
    return isinstance(value, str) and _HEAD.fullmatch(value) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float)


class _Told(str):
    """A text that this module allows. A caller's text is a plain `str` and cannot pass for one."""


class _ToldNames(tuple[str, ...]):
    """Several names that this module allows, such as the types of exceptions."""


_NAMES = (
    "source", "program", "version", "rulebook", "interface", "facility", "visit", "encounter",
    "policy", "topic", "group", "instance", "message_type", "code", "reason", "status", "outcome",
    "error", "phase", "host", "signal", "variable", "signature", "key",
)  # fmt: skip
_NUMBERS = (
    "partition", "offset", "generation", "count", "messages", "visits", "lines", "questions",
    "parked", "attempt", "revision", "port", "bytes", "seconds", "lag",
)  # fmt: skip

# The allowed keys, and for each key the check that its value must pass.
KEYS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        **dict.fromkeys(_NAMES, _is_name),
        **dict.fromkeys(_NUMBERS, _is_number),
        "where": _is_words,
        "head": _is_head,
        "says": lambda value: isinstance(value, _Told),
        "template": lambda value: isinstance(value, _Told),
        "caused_by": lambda value: isinstance(value, _ToldNames),
    }
)
_ALWAYS = ("event", "level", "timestamp")


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs of this process, those of libraries too, to `stream` or standard output."""
    least = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            _tell_exception,
            _keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stdout),
        cache_logger_on_first_use=False,
    )
    _route_libraries(logging.INFO if least <= logging.DEBUG else max(least, logging.WARNING))
    logging.getLogger(_OURS.rstrip(".")).setLevel(least)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def logger(name: str) -> FilteringBoundLogger:
    """A logger whose lines carry `name`, such as `capture`, under the key `source`."""
    return cast(FilteringBoundLogger, structlog.get_logger(source=name))


# ------------------------------------------------------------------ what may be said


def _keep_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep the allowed keys whose values pass their check; `dropped_keys` names the others."""
    kept: EventDict = {key: event.pop(key) for key in _ALWAYS if key in event}
    dropped = set()
    name = kept["event"]
    if not (isinstance(name, str) and len(name) <= EVENT_MOST and _EVENT.fullmatch(name)):
        kept["event"] = "unnamed"
        dropped.add("event")
    for key, value in event.items():
        if key in KEYS and (value is None or KEYS[key](value)):
            kept[key] = value
        else:
            dropped.add(key if _KEY.fullmatch(key) else "unnamed")
    if dropped:
        kept["dropped_keys"] = sorted(dropped)
    return kept


def _tell_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by what may be logged of the exception."""
    error = _exception(event.pop("exc_info", None))
    if error is not None:
        event.update(told(error))
    return event


def _exception(asked: object) -> BaseException | None:
    if isinstance(asked, BaseException):
        return asked
    if isinstance(asked, tuple):
        return cast(BaseException | None, asked[1])
    return sys.exc_info()[1] if asked else None


def told(error: BaseException) -> dict[str, object]:
    """What may be logged of an exception: its type, its place in the code, and its causes.

    The text of an exception is logged too (`says`) if its class belongs to chargeline.
    """
    keys: dict[str, object] = {"error": type(error).__name__}
    if place := _place(error.__traceback__):
        keys["where"] = place
    if type(error).__module__.partition(".")[0] == "chargeline":
        keys["says"] = _in_one_line(str(error))
    causes = _ToldNames(type(cause).__name__ for cause in _causes(error))
    if causes:
        keys["caused_by"] = causes
    return keys


def _in_one_line(text: str) -> _Told:
    return _Told(" ".join(text.split())[:WORDS_MOST])


def _causes(error: BaseException) -> list[BaseException]:
    """The exceptions that an exception was raised from, and the members of a group, each once."""
    causes: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        members = current.exceptions if isinstance(current, BaseExceptionGroup) else ()
        context = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
        for cause in (*members, *([context] if context is not None else [])):
            if cause is not error and all(cause is not earlier for earlier in causes):
                causes.append(cause)
                waiting.append(cause)
    return causes


def _place(traceback: TracebackType | None) -> str:
    """The innermost line of chargeline's own code, such as `chargeline.hl7.reader:41 read`.

    If the traceback has no line of chargeline, its innermost line.
    """
    place, ours = "", False
    while traceback is not None:
        frame = traceback.tb_frame
        module = str(frame.f_globals.get("__name__", "?"))
        is_ours = module.partition(".")[0] == "chargeline"
        if is_ours or not ours:
            place, ours = f"{module}:{traceback.tb_lineno} {frame.f_code.co_name}", is_ours
        traceback = traceback.tb_next
    return place


# ------------------------------------------------------------------ what others log


_OF_A_HEALTHY_START = frozenset(
    {("aiokafka.consumer.group_coordinator", "Group Coordinator Request failed: %s")}
)
"""What a library calls an error and tries again: Kafka has yet to choose a coordinator for a new
group. What does not pass is raised, and our own lines say so."""


_OF_AUTHLIB = "The httpx module is deprecated"
"""What Authlib says of the HTTP client that we lock, whenever it is imported: no news to whoever
runs chargeline, and nothing that they can change."""


class _Library(logging.Handler):
    """Writes what a library logs; its text only if the text is a literal of the library's code.

    Without the values many lines are alike. Of lines that are alike one a minute is written, with
    the number of lines that it stands for. While Kafka is away, aiokafka logs eighty lines a
    second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, with the allowed keys only."""
        if record.name.startswith(_OURS):
            _write_ours(record)
            return
        where = f"{record.module}:{record.lineno} {record.funcName}"
        template = _in_one_line(record.msg) if _is_literal(record) else None
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        if (record.name, template) in _OF_A_HEALTHY_START:
            level = logging.DEBUG
        count = 1
        if template is not None and not record.exc_info:
            count = self._count((record.name, where, template))
        if count:
            logger(record.name).log(
                level, "library", where=where, template=template, exc_info=record.exc_info,
                **({"count": count} if count > 1 else {}),
            )  # fmt: skip

    def _count(self, line: tuple[str, str, str]) -> int:
        """The number of lines that this one stands for; 0 if it is not to be written."""
        now = monotonic()
        last, left_out = self._told.get(line, (-ALIKE_SECONDS, 0))
        if now - last < ALIKE_SECONDS:
            self._told[line] = (last, left_out + 1)
            return 0
        self._told[line] = (now, 0)
        return left_out + 1


_OURS = "chargeline."
_OF_A_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def _write_ours(record: logging.LogRecord) -> None:
    """Write a record of a package of ours: its text is the event, and `extra` holds the keys."""
    said = {key: value for key, value in vars(record).items() if key not in _OF_A_RECORD}
    event = record.getMessage() if record.args else record.msg
    logger(record.name.removeprefix(_OURS)).log(
        record.levelno, event, exc_info=record.exc_info, **said
    )


def _is_literal(record: logging.LogRecord) -> bool:
    """Whether the text is a constant of the function that logs it; then it holds no value.

    A library may put values into the text before it logs the text, as asyncio does. Such a text is
    not among the constants of the function.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_name == record.funcName and code.co_filename == record.pathname:
            return isinstance(record.msg, str) and record.msg in code.co_consts
        frame = frame.f_back
    return False


def _route_libraries(least: int) -> None:
    """Make `_Library` the only handler, and remove the handlers that libraries have set up."""
    root = logging.getLogger()
    root.handlers[:] = [_Library()]
    root.setLevel(least)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    warnings.filterwarnings("ignore", _OF_AUTHLIB, AuthlibDeprecationWarning)
    logging.captureWarnings(True)


def _uncaught(
    kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    logger("python").critical("uncaught", exc_info=error)


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    logger("python").critical("uncaught", exc_info=arguments.exc_value)


def _unraisable(arguments: "sys.UnraisableHookArgs") -> None:
    logger("python").error("unraisable", exc_info=arguments.exc_value)
