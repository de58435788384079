"""Claims about the logs: no patient gets in by a key, a value, an event, an exception or a library.

Each test tries to log "TESTPATIENT ZEBRA" on one of these ways and looks for it in the output.
"""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiokafka.consumer import group_coordinator

from chargeline.hl7.errors import Hl7Error
from chargeline.telemetry import logs

PATIENT = "TESTPATIENT ZEBRA"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """What is logged while a test runs. Afterwards logging is set up as before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    stream = io.StringIO()
    logs.configure("info", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], root.level = before[0], before[1]
    logging.getLogger("chargeline").setLevel(logging.NOTSET)
    sys.excepthook, threading.excepthook, sys.unraisablehook = before[2:]
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def only_line(out: io.StringIO) -> dict[str, Any]:
    (line,) = lines(out)
    return line


class _FailsError(Exception):
    pass


def test_a_line_is_json_with_event_level_and_time(out: io.StringIO) -> None:
    """Allowed keys and values come out unchanged."""
    logs.logger("capture").info(
        "batch.committed", count=500, seconds=0.25, topic="hl7.inbound", partition=3
    )
    line = only_line(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "batch.committed", "level": "info", "source": "capture",
        "count": 500, "seconds": 0.25, "topic": "hl7.inbound", "partition": 3,
    }  # fmt: skip


def test_a_key_that_is_not_on_the_list_is_dropped_and_named(out: io.StringIO) -> None:
    """The value is not logged, and the line names the dropped key."""
    logs.logger("capture").info("message.read", patient=PATIENT, visit="V1")
    assert only_line(out)["dropped_keys"] == ["patient"] and PATIENT not in out.getvalue()


def test_a_name_as_a_key_is_not_named(out: io.StringIO) -> None:
    """A dropped key is named only if it looks like a key."""
    logs.logger("capture").info("message.read", **{PATIENT: 1})
    assert only_line(out)["dropped_keys"] == ["unnamed"] and "ZEBRA" not in out.getvalue()


def test_a_sentence_as_an_event_is_replaced(out: io.StringIO) -> None:
    """An event is a dotted name. A sentence could hold a value, so it is not logged."""
    logs.logger("capture").info(f"read {PATIENT}")
    assert only_line(out)["event"] == "unnamed" and "ZEBRA" not in out.getvalue()


def test_an_event_with_values_put_into_it_is_replaced(out: io.StringIO) -> None:
    """Values for placeholders (`%s`) do not get into the event."""
    logs.logger("capture").info("read.%s", PATIENT)
    assert only_line(out)["event"] == "unnamed" and "ZEBRA" not in out.getvalue()


@pytest.mark.parametrize(
    "key", ["facility", "visit", "topic", "message_type", "code", "policy", "reason"]
)
def test_words_do_not_pass_where_a_name_is_expected(out: io.StringIO, key: str) -> None:
    """A value with blanks is dropped under a key for names."""
    logs.logger("capture").info("message.read", **{key: PATIENT})
    assert only_line(out)["dropped_keys"] == [key] and "ZEBRA" not in out.getvalue()


@pytest.mark.parametrize(
    "value", [{"name": PATIENT}, [PATIENT], ValueError(PATIENT), PATIENT.encode()]
)
def test_only_plain_values_pass(out: io.StringIO, value: object) -> None:
    """Mappings, lists, bytes and objects are dropped, because they could hold anything."""
    logs.logger("capture").info("message.read", where=value, count=value)
    assert only_line(out)["dropped_keys"] == ["count", "where"] and "ZEBRA" not in out.getvalue()


@pytest.mark.parametrize("key", ["says", "template", "caused_by", "dropped_keys"])
def test_keys_that_the_logs_fill_themselves_are_closed_to_callers(
    out: io.StringIO, key: str
) -> None:
    """A caller cannot set the keys that this module fills by itself."""
    logs.logger("capture").info("message.read", **{key: PATIENT})
    assert only_line(out)["dropped_keys"] == [key] and "ZEBRA" not in out.getvalue()


def test_a_value_cannot_begin_a_line_of_its_own(out: io.StringIO) -> None:
    """A value with a line break is dropped, so it cannot forge a second line."""
    logs.logger("capture").info("message.read", where='PID-5\n{"event": "forged"}')
    assert only_line(out)["dropped_keys"] == ["where"]


def test_an_exception_is_logged_as_type_and_place(out: io.StringIO) -> None:
    """The text of an exception may quote a message, so it is not logged."""
    try:
        raise _FailsError(PATIENT)
    except _FailsError:
        logs.logger("capture").exception("batch.failed")
    line = only_line(out)
    assert line["error"] == "_FailsError" and line["where"].startswith(f"{__name__}:")
    assert "ZEBRA" not in out.getvalue()


def test_the_place_of_an_exception_is_in_our_code(out: io.StringIO) -> None:
    """The innermost line of chargeline is logged, not the library's line below it."""
    try:
        logs.told(None)  # type: ignore[arg-type]
    except AttributeError as error:
        logs.logger("capture").error("batch.failed", exc_info=error)
    assert only_line(out)["where"].startswith("chargeline.telemetry.logs:")


def test_an_error_of_ours_is_logged_with_its_text(out: io.StringIO) -> None:
    """The text of our errors shows no patient, so the log says what to do."""
    error = Hl7Error(
        "time.missing", expected="a time", found="nothing", where="RXA-3", do="chart it"
    )
    logs.logger("capture").error("message.parked", exc_info=error)
    assert only_line(out)["says"] == "RXA-3: expected a time, found nothing; chart it"


def test_the_cause_of_our_error_is_logged_as_its_type(out: io.StringIO) -> None:
    """Of a library's error that caused one of ours, the type is logged and the text is not."""
    error = Hl7Error(
        "time.missing", expected="a time", found="nothing", where="RXA-3", do="chart it"
    )
    error.__cause__ = ValueError(PATIENT)
    logs.logger("capture").error("message.parked", exc_info=error)
    assert only_line(out)["caused_by"] == ["ValueError"] and "ZEBRA" not in out.getvalue()


def test_a_group_of_exceptions_is_logged_with_its_members_types(out: io.StringIO) -> None:
    """Of what failed together in a task group the types are logged, without their texts."""
    group = ExceptionGroup(PATIENT, [ValueError(PATIENT), KeyError(PATIENT)])
    logs.logger("capture").error("batch.failed", exc_info=group)
    assert (
        only_line(out)["caused_by"] == ["ValueError", "KeyError"] and "ZEBRA" not in out.getvalue()
    )


def test_causes_in_a_ring_end() -> None:
    """Of two exceptions that are each other's cause, each is logged once."""
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    assert logs.told(one)["caused_by"] == ("KeyError",)


def test_a_library_is_logged_by_its_template(out: io.StringIO) -> None:
    """The literal text of the call is logged, the values are not."""
    logging.getLogger("aiokafka.consumer").warning("Heartbeat of %s failed", PATIENT)
    line = only_line(out)
    assert (line["source"], line["template"]) == ("aiokafka.consumer", "Heartbeat of %s failed")
    assert "ZEBRA" not in out.getvalue()


def test_a_text_that_a_library_puts_together_itself_is_not_logged(out: io.StringIO) -> None:
    """A formatted text holds the values already, so only the place is logged."""
    logging.getLogger("sqlalchemy.engine").error(f"insert {PATIENT}")
    line = only_line(out)
    assert line["template"] is None and line["where"].startswith("test_logs:")
    assert "ZEBRA" not in out.getvalue()


def test_a_library_that_logs_an_exception_is_logged_with_its_type(out: io.StringIO) -> None:
    """The exception that a library logs is treated like one of ours."""
    try:
        raise ValueError(PATIENT)
    except ValueError:
        logging.getLogger("aiokafka").exception("Unexpected error")
    assert only_line(out)["error"] == "ValueError" and "ZEBRA" not in out.getvalue()


async def test_a_failed_task_that_nobody_awaits_is_logged_without_its_text(
    out: io.StringIO,
) -> None:
    """Asyncio's own report shows arguments and texts; only type and place are logged."""

    def callback(_name: str) -> None:
        raise ValueError(PATIENT)

    asyncio.get_running_loop().call_soon(callback, PATIENT)
    await asyncio.sleep(0)  # lets the callback run
    assert only_line(out)["source"] == "asyncio" and "ZEBRA" not in out.getvalue()


def test_a_package_of_ours_that_uses_plain_logging_is_logged(out: io.StringIO) -> None:
    """Event, level and keys that it logs with `logging` come out unchanged, at `info` too."""
    logging.getLogger("chargeline.mllp.server").info(
        "connection.idle", extra={"host": "ward", "port": 2575}
    )
    line = only_line(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "connection.idle", "level": "info", "source": "mllp.server",
        "host": "ward", "port": 2575,
    }  # fmt: skip


def test_a_package_of_ours_is_held_to_the_same_keys(out: io.StringIO) -> None:
    """A key that is not on the list, a value of the wrong shape and a sentence are dropped."""
    log = logging.getLogger("chargeline.mllp.server")
    log.warning("frame.cut_off", extra={"patient": PATIENT, "host": PATIENT})
    log.warning("read %s", PATIENT)
    assert [(line["event"], line["dropped_keys"]) for line in lines(out)] == [
        ("frame.cut_off", ["host", "patient"]),
        ("unnamed", ["event"]),
    ]
    assert "ZEBRA" not in out.getvalue()


def test_keys_of_a_library_are_not_logged(out: io.StringIO) -> None:
    """What a library puts into `extra` is not logged, whatever its key."""
    logging.getLogger("zebra.library").warning("frame.cut_off", extra={"reason": "ZEBRA"})
    assert only_line(out)["event"] == "library" and "ZEBRA" not in out.getvalue()


def test_lines_of_a_library_that_are_alike_are_counted(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 50 lines in a minute one is written; the next minute's first line stands for 50."""
    now = 1000.0
    monkeypatch.setattr(logs, "monotonic", lambda: now)
    for minute in range(2):
        now = 1000.0 + 61 * minute
        for _ in range(50):
            logging.getLogger("aiokafka").error("Unable connect to node with id %s", 1)
    assert [line.get("count") for line in lines(out)] == [None, 50]


def test_errors_of_a_library_are_all_logged(out: io.StringIO) -> None:
    """Lines with an exception, and lines whose text is not a literal, are all written."""
    for number in range(3):
        try:
            raise ValueError(number)
        except ValueError:
            logging.getLogger("aiokafka").exception("Unexpected error")
        logging.getLogger("aiokafka").error(f"number {number}")
    assert len(lines(out)) == 6


def test_handlers_that_a_library_set_up_are_removed(out: io.StringIO) -> None:
    """A handler that a library has set up is removed, and its lines go through ours."""
    own = io.StringIO()
    library = logging.getLogger("zebra.library")
    library.addHandler(logging.StreamHandler(own))
    logs.configure("info", out)
    library.warning(PATIENT)
    assert own.getvalue() == "" and "ZEBRA" not in out.getvalue()


def test_a_warning_of_python_is_logged_without_its_text(out: io.StringIO) -> None:
    """warnings.warn is logged like a library, without its text."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(PATIENT, stacklevel=1)
    assert only_line(out)["source"] == "py.warnings" and "ZEBRA" not in out.getvalue()


def test_an_exception_that_nobody_catches_is_logged_without_its_text(
    out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that ends the program is logged as a line, without its text."""
    error = _FailsError(PATIENT)
    sys.excepthook(type(error), error, None)
    line = only_line(out)
    assert (line["event"], line["error"]) == ("uncaught", "_FailsError")
    assert "ZEBRA" not in out.getvalue() + capsys.readouterr().err


def test_an_exception_of_a_thread_is_logged_without_its_text(
    out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an exception that ends a thread the type is logged."""

    def fail() -> None:
        raise _FailsError(PATIENT)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert only_line(out)["error"] == "_FailsError"
    assert "ZEBRA" not in out.getvalue() + capsys.readouterr().err


def test_what_is_below_the_level_is_not_logged(out: io.StringIO) -> None:
    """At `info`, our debug lines and a library's info lines are not written."""
    logs.logger("capture").debug("message.read")
    logging.getLogger("aiokafka").info("Joined group")
    assert out.getvalue() == ""


def test_a_coordinator_that_is_yet_to_be_chosen_is_no_error(out: io.StringIO) -> None:
    """A healthy start of the first capture is quiet; of what does not pass, we have our own lines.

    The line is that of the installed aiokafka, so that another wording is noticed.
    """
    code = Path(group_coordinator.__file__).read_text("utf-8")
    assert 'log.error("Group Coordinator Request failed: %s", err)' in code
    group_coordinator.log.error("Group Coordinator Request failed: %s", PATIENT)
    assert lines(out) == []


def test_what_authlib_says_of_its_http_client_is_no_news_and_any_other_warning_is() -> None:
    """The workbench imports it when logs are set up already, as in a program that has begun."""
    program = (
        "from chargeline.telemetry import logs; logs.configure('warning');"
        "import chargeline.workbench.oidc; from authlib.deprecate import deprecate;"
        "deprecate('zebra is deprecated', stacklevel=2)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    (line,) = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (line["event"], line["source"]) == ("library", "py.warnings")
    assert ended.stderr == ""
