"""Claims about docs/examples/billing.py without Kafka: what it takes, sets aside and accepts.

tests/live/test_consuming.py runs it against a real Kafka.
"""

import importlib.util
import io
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chargeline.published.drafts import WrittenRevision
from chargeline.published.events import TOO_LARGE, TimedEvent, to_kafka, too_large

from .test_events import line, visits, written

PROGRAM = Path(__file__).parents[2] / "docs/examples/billing.py"
AT = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def loaded() -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("billing_example", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


billing = loaded()


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as own:
        own.executescript(billing.TABLES)
        yield own


def ready_draft() -> Any:
    """The draft of a visit of the feed that is ready once it is final."""
    return next(
        visit.draft
        for visit in visits()
        if json.loads(written(visit.draft, final=True).value)["ready"] and visit.draft.lines
    )


def chained(*changes: dict[str, Any]) -> list[WrittenRevision]:
    """Revisions of one visit, each behind the one before, with these arguments of its own."""
    revisions: list[WrittenRevision] = []
    for number, changed in enumerate(changes, start=1):
        before = revisions[-1].digest.chain if revisions else ""
        draft = changed.pop("draft", None) or ready_draft()
        revisions.append(written(draft, revision=number, chain_before=before, **changed))
    return revisions


def take(database: sqlite3.Connection, revision: WrittenRevision, value: bytes = b"") -> None:
    key, headers, whole = to_kafka(TimedEvent(revision, AT))
    names = {name: headers[name] for name in ("ce_id", "ce_type")}
    billing.take(database, value or whole, **names, subject=key)


def entries(database: sqlite3.Connection) -> list[tuple[str, str]]:
    return database.execute("SELECT do, line_id FROM entry ORDER BY number").fetchall()


def reasons(database: sqlite3.Connection) -> list[str]:
    return [row[0] for row in database.execute("SELECT why FROM aside")]


def ids(revision: WrittenRevision) -> list[str]:
    return [
        line["line_id"]
        for encounter in json.loads(revision.value)["encounters"]
        for line in encounter["lines"]
    ]


def test_nothing_is_billed_before_the_visit_is_ready(database: sqlite3.Connection) -> None:
    """The lines of an open revision are kept; the final one that is ready bills each once."""
    opened, final = chained({}, {"final": True})
    take(database, opened)
    assert len(database.execute("SELECT * FROM line").fetchall()) == len(ids(opened)) > 0
    assert entries(database) == []
    take(database, final)
    assert entries(database) == [("bill", line_id) for line_id in ids(final)]


def test_repeats_in_any_order_change_nothing(database: sqlite3.Connection) -> None:
    """Events that were seen may come again, the old ones after the new ones."""
    revisions = chained({}, {"final": True}, {"final": True, "incomplete": True})
    for revision in revisions:
        take(database, revision)
    before = entries(database), database.execute("SELECT * FROM visit").fetchall()
    for revision in reversed(revisions):
        take(database, revision)
    after = entries(database), database.execute("SELECT * FROM visit").fetchall()
    assert after == before
    assert reasons(database) == []


def test_a_bill_stands_while_a_later_revision_waits(database: sqlite3.Connection) -> None:
    """A late message makes the draft incomplete: what was billed is neither credited nor billed."""
    for revision in chained({"final": True}, {"final": True, "incomplete": True}):
        take(database, revision)
    assert {do for do, _line_id in entries(database)} == {"bill"}
    assert database.execute("SELECT ready, waits_for FROM visit").fetchall() == [(0, '["parked"]')]


def test_a_merged_visit_is_credited_although_it_is_never_ready(
    database: sqlite3.Connection,
) -> None:
    """Else both visits would bill the services."""
    final, merged = chained({"final": True}, {"merged_into": "V2"})
    assert json.loads(merged.value)["ready"] is False
    take(database, final)
    take(database, merged)
    credits = [line_id for do, line_id in entries(database) if do == "credit"]
    assert credits == ids(final) != []
    assert billing.billed(database, final.facility, final.visit) == {}


def test_a_question_that_opens_on_a_line_credits_nothing(database: sqlite3.Connection) -> None:
    """`changes` names a line whose `provisional` changed; no bill shows that."""
    assert "provisional" not in billing.ON_A_BILL
    one = {"x": billing.on_a_bill(as_published(provisional=""))}
    other = {"x": billing.on_a_bill(as_published(provisional="stop.missing"))}
    assert list(billing.differences(one, other)) == []
    more = {"x": billing.on_a_bill(as_published(units=2))}
    assert [entry[0] for entry in billing.differences(one, more)] == ["credit", "bill"]


def as_published(**changed: object) -> dict[str, object]:
    draft = ready_draft()
    (first, *_rest) = json.loads(written(draft).value)["encounters"][0]["lines"]
    return {**first, **changed}


def test_what_does_not_follow_is_set_aside_and_bills_nothing(
    database: sqlite3.Connection,
) -> None:
    """A gap, and the same number with other content, as after a ledger was put back."""
    first, _second, third = chained({}, {}, {"final": True})
    (other,) = chained({"final": True, "before": [line("zz")]})
    take(database, first)
    take(database, third)
    take(database, other)
    assert [why.split(", found ")[1] for why in reasons(database)] == [
        "revision 3 on another",
        "revision 1 on another",
    ]
    assert entries(database) == []
    assert database.execute("SELECT revision FROM visit").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda value: value.replace(b'"units":1', b'"units":9', 1), "it was changed"),
        (lambda value: value[: value.rindex(b',"chain":')] + b"}", "a draft with a chain"),
        (lambda value: b"no json", "a draft with a chain"),
        (lambda value: b'["a list"],"chain":', "a draft with a chain"),
    ],
)
def test_what_is_no_whole_draft_is_set_aside(
    database: sqlite3.Connection, spoil: Any, says: str
) -> None:
    """One byte changed, the chain removed, no JSON: the program goes on, and a person sees it."""
    (final,) = chained({"final": True})
    spoilt = spoil(final.value)
    assert spoilt != final.value
    take(database, final, spoilt)
    (why,) = reasons(database)
    assert says in why
    assert entries(database) == []


def test_a_person_accepts_what_the_ledger_has(
    database: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The event was too large for its topic; `visit show --json` prints the revision whole."""
    (final,) = chained({"final": True})
    _key, headers, value = to_kafka(TimedEvent(final, AT))
    stands_in = too_large(headers, value)
    assert stands_in is not None
    short, said = stands_in
    billing.take(
        database, said, ce_id=short["ce_id"], ce_type=short["ce_type"], subject=short["ce_subject"]
    )
    (why,) = reasons(database)
    assert TOO_LARGE in why
    typed = io.TextIOWrapper(io.BytesIO(value + b"\n"))
    monkeypatch.setattr("sys.stdin", typed)
    billing.accept(database)
    assert entries(database) == [("bill", line_id) for line_id in ids(final)]
    assert reasons(database) == []
    printed = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [row["line_id"] for row in printed] == ids(final)
    billing.print_new(database)
    assert capsys.readouterr().out == "", "each entry is printed once"
