"""Which key wraps a new data key, and which number it has: on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from chargeline.ledger import KeyMissing, KeyWrong, Ledger
from chargeline.ledger.encrypting import read_keys
from tests.ledger import with_tables

from .test_encryption import HEADERS, ROTATE, SECRET, filled, new_key, opened, read, run, stored


async def test_a_retired_key_wraps_no_data_key_of_a_new_month(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that was not started again after a rotation: it stores nothing."""
    old, new = new_key(), new_key()
    async with opened(await with_tables(url), old) as running:
        await filled(running)
        async with opened(url, new, old) as ledger:
            await ledger.rotate(ROTATE)
        before = await stored(running)
        monkeypatch.setattr("chargeline.ledger.data_keys._month", lambda: "2099-01")
        with pytest.raises(KeyWrong):
            await filled(running, first=11)
        assert await stored(running) == before


async def test_a_program_reads_its_keys_again_when_a_month_begins_after_a_rotation(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on with the new key, which alone opens everything; without any it stores nothing."""
    old, new = new_key(), new_key()
    now_given: list[str] = []

    async def keys_anew() -> Sequence[Any]:
        return read_keys("\n".join(now_given)) if now_given else ()

    async with opened(await with_tables(url), old, keys_anew=keys_anew) as running:
        await filled(running)
        async with opened(url, new, old) as ledger:
            await ledger.rotate(ROTATE)
        monkeypatch.setattr("chargeline.ledger.data_keys._month", lambda: "2099-01")
        now_given.append(new)
        await filled(running, first=11)
    async with opened(url, new) as ledger:
        assert await read(ledger) == [(SECRET, HEADERS)] * 8
        before = await stored(ledger)
    now_given.clear()
    async with opened(url, new, keys_anew=keys_anew) as running:
        async with opened(url, old, new) as ledger:
            await ledger.rotate(ROTATE)
            before = await stored(ledger)
        monkeypatch.setattr("chargeline.ledger.data_keys._month", lambda: "2099-02")
        with pytest.raises(KeyMissing):
            await filled(running, first=21)
        async with opened(url, old) as ledger:
            assert await stored(ledger) == before


@pytest.mark.parametrize("lost", ["data_key", "data_key and tally"])
async def test_the_number_of_a_lost_data_key_goes_to_no_other(url: str, lost: str) -> None:
    """Rows say that number; once its row is put back, they must open."""
    key = new_key()
    async with opened(await with_tables(url), key) as ledger:
        await filled(ledger)
        for table in lost.split(" and "):
            await run(ledger, f"DELETE FROM {table}")
    async with opened(url, key) as ledger:
        await filled(ledger, first=11)
        async with ledger.view() as view:
            rows = await view._transaction.rows(text("SELECT number FROM data_key"))
        assert [row.number for row in rows] == [2]


@pytest.mark.parametrize("why", ["lost", "changed", "of another key"])
async def test_the_walk_goes_on_without_a_data_key_and_says_which_rows_stay_closed(
    url: str, why: str
) -> None:
    """The row of the data key is gone, was changed, or another key wraps it: seals need none."""
    key = new_key()
    async with opened(await with_tables(url), key) as ledger:
        await filled(ledger)
        if why == "lost":
            await run(ledger, "DELETE FROM data_key")
        elif why == "changed":
            await run(ledger, "UPDATE data_key SET wrapped = :new", new=bytes(60))
    given = new_key() if why == "of another key" else key
    async with opened(url, given, locked=True) as ledger:
        walked = {table.table: table for table in await ledger.verify()}
    assert set(walked) == {"audit", "message", "parked", "answer", "draft_revision"}
    assert {name for name, table in walked.items() if table.broken} == {"message", "parked"}
    (closed,) = walked["message"].unopened
    assert (closed.data_key, closed.rows, walked["message"].opened) == (1, 2, 0)
    assert "data_key 1" in closed.expected or "data key 1" in closed.expected
    async with opened(url, locked=True) as ledger:
        assert not [table for table in await ledger.verify() if table.broken]


async def test_a_command_does_not_make_the_first_data_key(url: str) -> None:
    """It stores in the clear what it stores, and programs without the key read that. It encrypts as
    soon as a program has made a data key, even if the row of that one is lost.
    """
    key = new_key()
    async with opened(await with_tables(url), key, first_key=False) as command:
        await filled(command)
        async with opened(url) as program:
            assert await read(program) == [(SECRET, HEADERS)] * 4
            assert await numbers_used(program) == [0, 0]
        async with opened(url, key) as program, program.batch():
            pass
        await filled(command, first=11)
        assert await numbers_used(command) == [0, 0, 1, 1]
        await run(command, "DELETE FROM data_key")
    async with opened(url, key, first_key=False) as command:
        await filled(command, first=21)
        assert await numbers_used(command) == [0, 0, 1, 1, 2, 2]


async def numbers_used(ledger: Ledger) -> list[int]:
    """The number of the data key of each message, in order; 0 is for one in the clear."""
    async with ledger.view() as view:
        rows = await view._transaction.rows(text("SELECT data_key FROM message"))
    return sorted(row.data_key for row in rows)
