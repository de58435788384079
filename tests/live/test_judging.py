"""Claims about the judgement at the end of `make chaos` beside the drafts: what was put aside, and
the chains and seals. Each mistake is reported, and a run without one has none.
"""

import json
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest

from tests.drafting.test_processor import Bench, bench, keyed
from tests.golden.messages import given

from .chaos.aside import Parked, put_aside_wrongly
from .chaos.evidence import Event, revisions
from .chaos.hostile import IGNORED, QUARANTINED, Sent
from .chaos.seals import broken_chains, verified_rows
from .commands import environment
from .records import Place

__all__ = ["bench"]

LARGE, HONEST = b"too large", b"a dose of an honest sender"
SENT = [
    Sent(Place(0, 7), b"garbage", frozenset({"message.no_msh", QUARANTINED})),
    Sent(Place(0, 9), b"", frozenset({"record.unreadable"})),
    Sent(Place(1, 4), LARGE, frozenset({"record.too_large"})),
    Sent(Place(1, 5), b"", IGNORED),
    Sent(Place(1, 6), b"a good message", frozenset({QUARANTINED}), may_be_used=True),
]
ROWS = [
    Parked(1, Place(0, 7), "message.no_msh", "", b"garbage"),
    Parked(2, Place(0, 9), "record.unreadable", "", b""),
    Parked(3, Place(1, 4), "record.too_large", f"SHA-256 {sha256(LARGE).hexdigest()}", b""),
]


def announced(rows: list[Parked]) -> list[Event]:
    return [Event(f"{r.number}", 0, 0, json.dumps({"number": r.number}).encode()) for r in rows]


def problems(rows: list[Parked]) -> list[str]:
    return put_aside_wrongly(rows, announced(rows), SENT, {HONEST})


def test_what_was_put_aside_rightly_is_no_problem() -> None:
    """Once and for its reason; the events come twice; a good message is used, or parked as well."""
    assert problems(ROWS) == []
    assert put_aside_wrongly(ROWS, announced(ROWS) * 2, SENT, {HONEST}) == []
    assert problems([*ROWS, Parked(4, Place(1, 6), QUARANTINED, "", b"a good message")]) == []


@pytest.mark.parametrize("missing", range(len(ROWS)))
def test_a_record_that_is_lost_is_told(missing: int) -> None:
    """Each of the parked ones is left out in its turn."""
    (problem,) = problems([row for number, row in enumerate(ROWS) if number != missing])
    assert "to be parked, found []" in problem


@pytest.mark.parametrize(
    "row",
    [
        Parked(4, Place(2, 1), "record.failed", "", HONEST),
        Parked(4, Place(0, 7), "message.no_msh", "", b"garbage"),
        Parked(4, Place(1, 5), "message.empty", "", b""),
        Parked(4, Place(1, 6), "message.type", "", b"a good message"),
        Parked(4, Place(2, 1), "message.type", "", b"nobody sent this"),
        Parked(4, Place(2, 1), "record.unreadable", "", b""),
        Parked(4, Place(2, 1), "record.too_large", "the SHA-256 of another", b""),
    ],
    ids=["honest", "twice", "not ignored", "another reason", "strange", "passed", "large"],
)
def test_a_row_too_many_is_told(row: Parked) -> None:
    """Of an honest message, of one record twice, of one to ignore, or of what nobody sent."""
    assert problems([*ROWS, row])


def test_what_was_sent_again_is_no_stranger() -> None:
    """The copies of a sender that heard of no success lie elsewhere; a bad record is met at the
    marker before it too.
    """
    again = [
        Parked(4, Place(2, 1), "message.no_msh", "", b"garbage"),
        ROWS[2]._replace(number=5, place=Place(2, 2)),
        Parked(6, Place(0, 8), "record.unreadable", "", b""),
    ]
    assert problems([*ROWS, *again]) == []


def test_a_parked_message_that_is_not_announced_is_told() -> None:
    """And an event of a number that the ledger does not have."""
    assert put_aside_wrongly(ROWS, announced(ROWS[1:]), SENT, {HONEST})
    assert put_aside_wrongly(ROWS, announced([*ROWS, ROWS[0]._replace(number=9)]), SENT, {HONEST})


@pytest.fixture
async def drafts(bench: Bench) -> list[Event]:
    """Two revisions of one visit, as they were announced."""
    for hour in ("09", "11"):
        await bench.feed(keyed([given("CARBOPLATIN", "450 mg", f"{hour}00", f"{hour}40")]))
    topic = [event for event in bench.published if event.topic == "charge.draft"]
    return [Event(event.event_id, 0, n, event.payload) for n, event in enumerate(topic)]


async def test_a_chain_that_does_not_follow_is_told(drafts: list[Event]) -> None:
    """A byte of the first revision is another; or the first revision is left out."""
    assert len(drafts) == 2
    assert list(broken_chains(revisions(drafts))) == []
    changed = drafts[0]._replace(raw=drafts[0].raw.replace(b'"units":', b'"units": ', 1))
    assert list(broken_chains(revisions([changed, drafts[1]])))
    assert list(broken_chains(revisions(drafts[1:])))


async def test_a_ledger_that_was_changed_is_told(drafts: list[Event], tmp_path: Path) -> None:
    """`ledger verify` counts the rows, and names the table that was changed by SQL."""
    file = tmp_path / "ledger.sqlite"
    file.chmod(0o600)
    asked = environment(LEDGER_URL=f"sqlite+aiosqlite:///{file}")
    rows, broken = verified_rows(asked)
    assert broken == []
    assert (rows["draft_revision"], rows["message"]) == (len(drafts), 2)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE message SET raw = raw || 'x'")
    rows, broken = verified_rows(asked)
    assert [problem.split(": ")[1] for problem in broken] == ["message"]
