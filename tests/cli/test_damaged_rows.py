"""One row that cannot be read ends no list: the others are printed, and the row is named.

The row is named by its table and key on standard error, without anything of its content, and the
exit code says that something is missing.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.store import Ledger
from chargeline.published.answers import GivenWord, number_of
from tests.cli import Outcome, inside
from tests.drafting.test_processor import Bench, keyed
from tests.golden.messages import given, ordered
from tests.ledger import with_tables
from tests.ledger.rows import MORNING

Capsys = pytest.CaptureFixture[str]
Change = Callable[[str], None]
HELD = GivenWord(
    facility="ZEBRA", visit="V1", line_id="", fingerprint="", choice="hold", by="ZN1", at=MORNING,
    reason="ZZsecret",
)  # fmt: skip
FEED = [
    message
    for visit in ("V1", "V2")
    for message in (
        ordered("VANCOMYCIN", "1000 mg", minutes=60, visit=visit),
        given("VANCOMYCIN", "1000 mg", "0900", visit=visit),  # its stop is missing
    )
]
DAMAGES = [
    ("draft_revision", "body = '~' || substr(body, 2)", "draft_revision revision 1 of ZEBRA|V1"),
    ("answer", "body = substr(body, 1, 100)", "answer answer_id {answer} of ZEBRA|V1"),
    ("question", "body = replace(body, '\"code\"', '\"kode\"')", "question question_id "),
    ("message", "headers = '[\"ZZsecret\"]'", "message digest "),
]
IDS = [table for table, *_rest in DAMAGES]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """A function that changes the ledger of the settings, in which V1 and V2 ask for a stop."""
    path = tmp_path / "ledger.sqlite"
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", f"sqlite+aiosqlite:///{path}")

    async def fill() -> None:
        ledger = await Ledger.open(await with_tables(f"sqlite:///{path}"))
        bench = Bench(ledger)
        await bench.claim()
        async with ledger.batch() as batch:
            row = StoredAnswer("ZEBRA", "V1", number_of(HELD), MORNING, HELD.model_dump_json())
            await batch.add_answers([row])
        await bench.feed(keyed(FEED))
        await ledger.close()

    def run(statement: str) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            assert database.execute(statement).rowcount > 0

    asyncio.run(fill())
    return run


def names_the_row(ended: Outcome, place: str) -> None:
    """Standard error has its place and what to do, and nothing of any row."""
    assert place.format(answer=number_of(HELD)) in ended.err
    assert "backup" in ended.err
    for quoted in ("input_value", "Traceback", "ZZsecret", "VANCOMYCIN", "kode"):
        assert quoted not in ended.err


def test_questions_are_listed_without_the_one_that_is_damaged(
    change: Change, capsys: Capsys
) -> None:
    """The exit code is 3, in words and in JSON."""
    whole = inside(capsys, "questions", "list", "--json")
    first, *others = [record["question_id"] for record in whole.records]
    assert whole.code == 0 and others
    change(f"UPDATE question SET body = substr(body, 1, 90) WHERE question_id = '{first}'")
    listed = inside(capsys, "questions", "list", "--json")
    assert (listed.code, [row["question_id"] for row in listed.records]) == (3, others)
    names_the_row(listed, f"question question_id {first} of ZEBRA|")
    in_words = inside(capsys, "questions", "list")
    assert in_words.code == 3
    assert [line.partition(" ")[0] for line in in_words.out.splitlines()[:-1]] == others


@pytest.mark.parametrize(("table", "damage", "place"), DAMAGES, ids=IDS)
def test_the_balance_has_the_other_visits(
    change: Change, capsys: Capsys, table: str, damage: str, place: str
) -> None:
    """Of two equal doses one is counted."""
    before = inside(capsys, "balance", "--ledger", "--json")
    assert (before.code, before.err) == (0, "")
    change(f"UPDATE {table} SET {damage} WHERE visit = 'V1'")
    after = inside(capsys, "balance", "--ledger", "--json")
    assert after.code == 3
    names_the_row(after, place)
    given_then, given_now = ({row["given"] for row in ended.records} for ended in (before, after))
    assert (given_then, given_now) == ({"2000"}, {"1000"})


@pytest.mark.parametrize(("table", "damage", "place"), DAMAGES, ids=IDS)
def test_a_visit_is_shown_as_far_as_it_can_be_read(
    change: Change, capsys: Capsys, table: str, damage: str, place: str
) -> None:
    """Where it stands is printed, and the exit code is 1. `--json` prints a revision or nothing."""
    change(f"UPDATE {table} SET {damage} WHERE visit = 'V1'")
    shown = inside(capsys, "visit", "show", "V1")
    assert shown.code == 1
    assert shown.out.startswith("ZEBRA V1: open, revision 1 of ")
    assert "  a row of it cannot be read, so it cannot be drafted\n" in shown.out
    names_the_row(shown, place)
    printed = inside(capsys, "visit", "show", "V1", "--json")
    assert printed.code == 1
    revisions = [json.loads(line)["visit"] for line in printed.out.splitlines()]
    assert revisions == ([] if table == "draft_revision" else ["V1"])
    assert inside(capsys, "visit", "show", "V2").code == 0


def test_an_answer_is_not_taken_where_a_row_cannot_be_read(change: Change, capsys: Capsys) -> None:
    """To answer and to take an answer back both end with the row."""
    number = inside(capsys, "questions", "list", "--json", "--visit", "V1").records[0]
    change("UPDATE answer SET body = substr(body, 1, 100) WHERE visit = 'V1'")
    for choice in (["stop", "--value", "10:05"], ["withdraw"]):
        who = ("--by", "ZN1", "--reason", "there")
        ended = inside(capsys, "answer", number["question_id"], *choice, *who)
        assert ended.code == 1
        names_the_row(ended, "answer answer_id {answer} of ZEBRA|V1")


def test_a_parked_row_without_readable_headers_ends_no_list_and_no_retry(
    change: Change, tmp_path: Path, capsys: Capsys
) -> None:
    """It is named, and left; the other is listed and sent again."""

    async def park_two() -> None:
        ledger = await Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
        bench = Bench(ledger)
        await bench.claim()
        await bench.feed([("ZEBRA|V3", b"no header", {}), ("ZEBRA|V4", b"no header", {})])
        await ledger.close()

    asyncio.run(park_two())
    for damaged in ("'[\"ZZsecret\"]'", "'{\"half'"):
        change(f"UPDATE parked SET headers = {damaged}, status = 'parked' WHERE id = 1")
        change("UPDATE parked SET status = 'parked' WHERE id = 2")
        listed = inside(capsys, "parked", "list", "--json")
        assert (listed.code, [row["id"] for row in listed.records]) == (3, [2])
        names_the_row(listed, "parked id 1, from hl7.inbound[")
        shown = inside(capsys, "parked", "show", "1")
        assert shown.code == 1
        names_the_row(shown, "parked id 1, from hl7.inbound[")
        again = inside(capsys, "parked", "retry", "--all")
        assert again.code == 0
        assert again.out.startswith("1 left: its row does not open")
        assert "1 message is sent again" in again.out
