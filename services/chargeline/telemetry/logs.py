"""Logs: one JSON object a line, of keys from a closed list, with no way for a patient to get in.

It owns what may be said and how. An event is a dotted name, never a sentence; a key that is not on
the list is dropped and its name told; an exception is told as its type and its place in the code,
and in words only if it is one of ours, which carry no patient. What libraries log is held to the
same: their templates without the values. A package of ours that must not know us uses `logging`,
with its keys in `extra`. It is an allow-list because nobody can list all that must not be said.
"""

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from types import FrameType, MappingProxyType, TracebackType
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

LEVELS = ("debug", "info", "warning", "error", "critical")
WORDS_MOST = 400
EVENT_MOST = 60
ALIKE_SECONDS = 60.0

_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_KEY = re.compile(r"[a-z_]{1,40}")
_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,200}")
_WORDS = re.compile(rf"[^\x00-\x1f\x7f]{{1,{WORDS_MOST}}}")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and (value == "" or _NAME.fullmatch(value) is not None)


def _is_words(value: object) -> bool:
    return isinstance(value, str) and (value == "" or _WORDS.fullmatch(value) is not None)


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float)


class _Told(str):
    """Words that this module found fit to be said; a caller's words are of another type."""


class _ToldNames(tuple[str, ...]):
    """The same, for several names."""


_NAMES = (
    "source", "program", "version", "rulebook", "interface", "facility", "visit", "encounter", "policy",
    "topic", "group", "instance", "message_type", "code", "reason", "status", "outcome", "error", "phase",
    "host", "signal", "variable",
)  # fmt: skip
_NUMBERS = (
    "partition", "offset", "generation", "count", "messages", "visits", "lines", "questions", "parked",
    "attempt", "revision", "port", "bytes", "seconds", "lag",
)  # fmt: skip

# What may stand under a key.
KEYS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        **dict.fromkeys(_NAMES, _is_name),
        **dict.fromkeys(_NUMBERS, _is_number),
        "where": _is_words,
        "says": lambda value: isinstance(value, _Told),
        "template": lambda value: isinstance(value, _Told),
        "caused_by": lambda value: isinstance(value, _ToldNames),
    }
)
_ALWAYS = ("event", "level", "timestamp")


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (standard output if None), libraries' included."""
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
    """A logger whose lines have `name` as their source, such as `capture`."""
    return cast(FilteringBoundLogger, structlog.get_logger(source=name))


# ------------------------------------------------------------------ what may be said


def _keep_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep the keys of the list whose values have the right shape; tell the names of the others."""
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
    """Replace `exc_info` by what may be said of the exception."""
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
    """What may be said of an exception: its type, its place, its causes, and our own errors'
    words.
    """
    found: dict[str, object] = {"error": type(error).__name__}
    if place := _place(error.__traceback__):
        found["where"] = place
    if type(error).__module__.partition(".")[0] == "chargeline":
        found["says"] = _in_one_line(str(error))
    causes = _ToldNames(type(each).__name__ for each in _causes(error))
    if causes:
        found["caused_by"] = causes
    return found


def _in_one_line(text: str) -> _Told:
    return _Told(" ".join(text.split())[:WORDS_MOST])


def _causes(error: BaseException) -> list[BaseException]:
    """What an exception was raised from, and the members of a group, each once."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        members = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        context = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        for cause in (*members, *([context] if context is not None else [])):
            if cause is not error and all(cause is not known for known in found):
                found.append(cause)
                waiting.append(cause)
    return found


def _place(traceback: TracebackType | None) -> str:
    """The innermost line of our own code, else the innermost line: `chargeline.hl7.reader:41
    read`.
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


class _Library(logging.Handler):
    """Writes what a library logs, with its text only where that is a literal of the library's code.

    Without values many of its lines are alike: of those that are, one in a while is written, with
    their count. While Kafka is away aiokafka has eighty a second to say.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record through the same list of keys."""
        if record.name.startswith(_OURS):
            _write_ours(record)
            return
        where = f"{record.module}:{record.lineno} {record.funcName}"
        template = _in_one_line(record.msg) if _is_literal(record) else None
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        count = 1
        if template is not None and not record.exc_info:
            count = self._count((record.name, where, template))
        if count:
            logger(record.name).log(
                level, "library", where=where, template=template, exc_info=record.exc_info,
                **({"count": count} if count > 1 else {}),
            )  # fmt: skip

    def _count(self, line: tuple[str, str, str]) -> int:
        """How many alike a line stands for that is written now; 0 if it is not."""
        now = monotonic()
        last, unsaid = self._told.get(line, (-ALIKE_SECONDS, 0))
        if now - last < ALIKE_SECONDS:
            self._told[line] = (last, unsaid + 1)
            return 0
        self._told[line] = (now, 0)
        return unsaid + 1


_OURS = "chargeline."
_OF_A_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def _write_ours(record: logging.LogRecord) -> None:
    """A record of our own package: its text is the event, what came in `extra` are its keys."""
    said = {key: value for key, value in vars(record).items() if key not in _OF_A_RECORD}
    event = record.getMessage() if record.args else record.msg
    logger(record.name.removeprefix(_OURS)).log(
        record.levelno, event, exc_info=record.exc_info, **said
    )


def _is_literal(record: logging.LogRecord) -> bool:
    """Whether the text stands as it is in the function that logs it: then no value is in it.

    A library may put its text together before it logs it, values and all, as asyncio does; such a
    text is not among the constants of its function.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_name == record.funcName and code.co_filename == record.pathname:
            return isinstance(record.msg, str) and record.msg in code.co_consts
        frame = frame.f_back
    return False


def _route_libraries(least: int) -> None:
    """Make our handler the only one of all loggers, whatever a library has put up for itself."""
    root = logging.getLogger()
    root.handlers[:] = [_Library()]
    root.setLevel(least)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)


def _uncaught(
    kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    logger("python").critical("uncaught", exc_info=error)


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    logger("python").critical("uncaught", exc_info=arguments.exc_value)


def _unraisable(arguments: "sys.UnraisableHookArgs") -> None:
    logger("python").error("unraisable", exc_info=arguments.exc_value)
