"""With a key, no byte of a message lies in the clear; without it nothing is read and nothing lost.

The same tests run on SQLite and on PostgreSQL. All keys are made for one test.
"""

import os
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given as examples
from hypothesis import strategies
from sqlalchemy import text

from chargeline.engine import VisitKey
from chargeline.ledger import (
    Act,
    KeyGone,
    KeyMissing,
    KeyUnusable,
    KeyWrong,
    Ledger,
    NotAsWritten,
    tables,
)
from chargeline.ledger.encrypting import DataKey, decrypted, encrypted, read_keys
from chargeline.ledger.erasing import Identification
from chargeline.ledger.records import StoredMessage, Whose
from chargeline.ledger.sealing import sealed_message
from tests.drafting.test_processor import Bench, keyed
from tests.golden.messages import given
from tests.ledger import with_tables

from .rows import MORNING, V1, announcement, message, parked

SECRET = b"MSH|^~\\&|ZEBRA|NORTH\rPID|1||MRN77^^^NORTH^MR||ZEBRA^TESTPATIENT\r"
HEADERS = '{"a": "ZEBRA^TESTPATIENT"}'
ROTATE = Act("ledger.rotate", "ledger", "data_key", who="ANNA", why="yearly")
ENCRYPT = Act("ledger.encrypt", "ledger", "rows", who="ANNA", why="a key at last")


def new_key() -> str:
    return b64encode(os.urandom(32)).decode()


@asynccontextmanager
async def opened(url: str, *keys: str, **options: Any) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(url, keys=read_keys("\n".join(keys)) if keys else (), **options)
    try:
        yield ledger
    finally:
        await ledger.close()


async def filled(ledger: Ledger, first: int = 1) -> None:
    """A message, a parked message, and an event that waits, all with the bytes of one patient."""
    plain = {"raw": SECRET, "headers": HEADERS}
    async with ledger.batch() as batch:
        await batch.add_messages([message(first, **plain), message(first + 1, sent=None, **plain)])
        await batch.park([parked(first, facility="NORTH", visit="V1", **plain)])
        event = announcement(f"event {first}")
        await batch.announce([event._replace(payload=SECRET, headers=HEADERS)])


async def read(ledger: Ledger) -> list[tuple[bytes, str]]:
    """The bytes and headers of everything that `filled` wrote, as programs read them."""
    async with ledger.view() as view:
        rows: Sequence[Any] = (await view.messages_of([V1]))[V1]
    parked_rows = await ledger.parked()
    events = await ledger.take_outbox(10)
    return [
        *((row.raw, row.headers) for row in [*rows, *parked_rows]),
        *((event.payload, event.headers) for event in events),
    ]


async def run(ledger: Ledger, statement: str, **values: Any) -> None:
    async with ledger.batch() as batch:
        await batch._transaction.run(text(statement), values)


async def stored(ledger: Ledger) -> str:
    """Everything that the tables with bytes hold, as the database has it."""
    async with ledger.view() as view:
        tables = ("message", "parked", "outbox", "data_key")
        rows = [
            tuple(row)
            for name in tables
            for row in await view._transaction.rows(text(f"SELECT * FROM {name}"))
        ]
    return repr(rows)


def broken(walked: Sequence[Any]) -> set[str]:
    return {table.table for table in walked if table.broken}


async def test_no_byte_lies_in_the_clear_and_all_comes_back(url: str) -> None:
    """Messages, parked messages and waiting events, each with its headers."""
    key = new_key()
    async with opened(await with_tables(url), key) as ledger:
        await filled(ledger)
        for _round in range(2):
            assert await read(ledger) == [(SECRET, HEADERS)] * 4
        everything = await stored(ledger)
        assert "ZEBRA" not in everything and "MRN77" not in everything
        assert "data_key" not in everything and key not in everything
        assert broken(await ledger.verify()) == set()
    async with opened(url, key) as ledger:
        assert await read(ledger) == [(SECRET, HEADERS)] * 4


async def test_rows_in_the_clear_are_read_beside_encrypted_ones(url: str) -> None:
    """A ledger gets a key later; what it has from before needs none."""
    async with opened(await with_tables(url)) as ledger:
        await filled(ledger)
    async with opened(url, new_key()) as ledger:
        assert await read(ledger) == [(SECRET, HEADERS)] * 4
        await filled(ledger, first=11)
        assert await read(ledger) == [(SECRET, HEADERS)] * 8
        assert broken(await ledger.verify()) == set()


async def test_without_the_key_nothing_starts_and_nothing_changes(url: str) -> None:
    """No key and another key are two errors; both are told before anything is read or written."""
    key = new_key()
    async with opened(await with_tables(url), key) as ledger:
        await filled(ledger)
        before = await stored(ledger)
    with pytest.raises(KeyMissing, match="CHARGELINE_LEDGER_KEY_FILE"):
        await Ledger.open(url)
    other = new_key()
    with pytest.raises(KeyWrong) as refused:
        await Ledger.open(url, keys=read_keys(other))
    assert key not in str(refused.value) and other not in str(refused.value)
    async with opened(url, locked=True) as ledger:
        with pytest.raises(KeyMissing):
            await ledger.parked()
        walked = await ledger.verify()
        assert broken(walked) == set()
        assert [(table.encrypted, table.opened) for table in walked][1:3] == [(2, 0), (1, 0)]
    async with opened(url, key) as ledger:
        assert await stored(ledger) == before
        walked = await ledger.verify()
        assert [(table.encrypted, table.opened) for table in walked][1:3] == [(2, 2), (1, 1)]


async def test_a_new_key_takes_over_by_rotation(url: str) -> None:
    """With both keys at hand; afterwards the new one alone opens all, and the old one nothing."""
    old, new = new_key(), new_key()
    async with opened(await with_tables(url), old) as ledger:
        await filled(ledger)
    with pytest.raises(KeyWrong):
        await Ledger.open(url, keys=read_keys(new))
    async with opened(url, new, old) as ledger:
        assert await read(ledger) == [(SECRET, HEADERS)] * 4
        rotated = await ledger.rotate(ROTATE)
        assert (rotated.wrapped, (await ledger.rotate(ROTATE)).wrapped) == (1, 0)
        async with ledger.view() as view:
            acts = await view.acts(0, 10, did="ledger.rotate")
        assert rotated.key in acts[0].details and rotated.before[0] in acts[0].details
    async with opened(url, new) as ledger:
        await filled(ledger, first=11)
        assert await read(ledger) == [(SECRET, HEADERS)] * 8
        assert broken(await ledger.verify()) == set()
    with pytest.raises(KeyWrong):
        await Ledger.open(url, keys=read_keys(old))


async def test_old_rows_are_encrypted_a_page_at_a_time(url: str) -> None:
    """All but those whose seal is broken: encrypting must not make a change good."""
    async with opened(await with_tables(url)) as ledger:
        for first in (1, 11, 21):
            await filled(ledger, first)
        await run(ledger, "UPDATE parked SET found = 'x' WHERE id = 2")
    async with opened(url, new_key()) as ledger:
        assert await ledger.encrypt_old(ENCRYPT, at_once=2) == (8, 1)
        assert await ledger.encrypt_old(ENCRYPT, at_once=2) == (0, 1)
        walked = {table.table: table for table in await ledger.verify()}
        assert walked["message"].opened == 6 and broken(list(walked.values())) == {"parked"}
        assert walked["parked"].broken.key == "id 2"
        assert await read(ledger) == [(SECRET, HEADERS)] * 12
        assert (await stored(ledger)).count("MRN77") == 4  # three events wait, one row is left
    async with opened(url, locked=True) as ledger:
        with pytest.raises(KeyMissing):
            await ledger.encrypt_old(ENCRYPT)


async def test_an_encrypted_row_does_not_open_in_the_place_of_another(url: str) -> None:
    """Somebody who may write every table swaps the bytes of two rows and makes the seals anew."""
    async with opened(await with_tables(url), new_key()) as ledger:
        await filled(ledger)
        async with ledger.batch() as batch:
            rows = await batch._transaction.rows(text("SELECT digest, raw FROM message"))
            for row, other in zip(rows, reversed(rows), strict=True):
                values = {"raw": other.raw, "digest": row.digest}
                swap = text("UPDATE message SET raw = :raw WHERE digest = :digest")
                await batch._transaction.run(swap, values)
        with pytest.raises(NotAsWritten):
            await read(ledger)
        assert broken(await ledger.verify()) == {"message"}


async def test_a_forger_without_the_key_is_found_although_the_seals_are_new(url: str) -> None:
    """One bit of an encrypted message, its seal and the tally: only the key tells."""
    key = new_key()
    async with opened(await with_tables(url), key) as ledger:
        async with ledger.batch() as batch:
            await batch.add_messages([message(1, raw=SECRET)])
        async with ledger.batch() as batch:
            (stored_row,) = await batch._of(tables.message, [V1])
            row = StoredMessage(*stored_row)
            forged = sealed_message(row._replace(raw=row.raw[:-1] + bytes([row.raw[-1] ^ 1])))
            values = {"raw": forged.raw, "seal": forged.seal}
            change = text("UPDATE message SET raw = :raw, seal = :seal")
            await batch._transaction.run(change, values)
            lanes = [int(forged.seal[8 * n : 8 * n + 8], 16) for n in range(8)]
            tally = ", ".join(f"lane_{n} = {lane}" for n, lane in enumerate(lanes))
            await batch._transaction.run(text(f"UPDATE tally SET {tally} WHERE about = 'message'"))
        assert broken(await ledger.verify()) == {"message"}
    async with opened(url, locked=True) as ledger:
        assert broken(await ledger.verify()) == set()


@examples(strategies.binary(max_size=200), strategies.text(max_size=20), strategies.data())
def test_each_changed_bit_is_found(raw: bytes, headers: str, data: strategies.DataObject) -> None:
    """Any one bit of what is stored: nonce, length, headers, bytes or tag."""
    cipher = AESGCM(bytes(32))
    key = DataKey(1, cipher, "")
    row = encrypted(key, "message", message(1, raw=raw, headers=headers))
    assert decrypted(key, "message", row) == message(1, raw=raw, headers=headers)
    bit = data.draw(strategies.integers(0, 8 * len(row.raw) - 1))
    changed = bytearray(row.raw)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotAsWritten):
        decrypted(key, "message", row._replace(raw=bytes(changed)))


def test_every_bit_of_one_row_is_found() -> None:
    """Each bit of a short row, one after the other, and each shorter row."""
    key = DataKey(1, AESGCM(bytes(32)), "")
    row = encrypted(key, "parked", parked(1, id=7))
    flipped = [
        row.raw[:place] + bytes([row.raw[place] ^ 1 << bit]) + row.raw[place + 1 :]
        for place in range(len(row.raw))
        for bit in range(8)
    ]
    for changed in [*flipped, *(row.raw[:size] for size in range(len(row.raw)))]:
        with pytest.raises(NotAsWritten):
            decrypted(key, "parked", row._replace(raw=changed))


async def test_rows_are_not_encrypted_with_a_key_that_the_ledger_lost(url: str) -> None:
    """A database that came back without its last second: the batch fails, and the next one makes
    a new key, so that nothing is stored that nobody can read.
    """
    key = new_key()
    async with opened(await with_tables(url), key) as ledger:
        await filled(ledger)
        await run(ledger, "DELETE FROM outbox")
        await run(ledger, "DELETE FROM message")
        await run(ledger, "DELETE FROM parked")
        await run(ledger, "DELETE FROM data_key")
        with pytest.raises(KeyGone) as lost:
            await filled(ledger, first=11)
        assert lost.value.passing
        await filled(ledger, first=11)
    async with opened(url, key) as ledger:
        assert await read(ledger) == [(SECRET, HEADERS)] * 4


async def test_programs_side_by_side_share_the_data_key_of_a_month(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs write and read; in the next month one of them makes a key, the other reads."""
    key = new_key()
    async with opened(await with_tables(url), key) as one, opened(url, key) as other:
        await filled(one)
        await filled(other, first=11)
        monkeypatch.setattr("chargeline.ledger.data_keys._month", lambda: "2099-01")
        await filled(one, first=21)
        assert await read(other) == [(SECRET, HEADERS)] * 12  # it is the relay from now on
        assert set(await read(one)) == {(SECRET, HEADERS)}
        async with one.view() as view:
            count = await view._transaction.rows(text("SELECT count(*) FROM data_key"))
        assert count[0][0] == 2


async def test_all_of_a_patient_is_found_in_encrypted_rows(url: str) -> None:
    """`forget` reads the bytes as the programs do."""
    reading = Identification(lambda raw: ["MRN77"] if b"MRN77" in raw else [], "{}|{}".format)
    async with opened(await with_tables(url), new_key()) as ledger:
        await filled(ledger)
        async with ledger.batch() as batch:
            await batch.add_messages([message(9, visit="V9", raw=b"MSH|another")])
            erased = await batch.erase(Whose("patient", "NORTH", "MRN77"), reading, MORNING)
        assert (erased.rows["message"], erased.rows["parked"]) == (2, 1)
        async with ledger.view() as view:
            left = (await view.messages_of([VisitKey("NORTH", "V9")]))[VisitKey("NORTH", "V9")]
        assert [row.raw for row in left] == [b"MSH|another"]


async def test_visits_are_drafted_from_encrypted_messages(url: str) -> None:
    """A program that starts again reads its visits, and drafts the same as one without a key."""
    dose = given("VANCOMYCIN", "1000 mg", "0900", "1010", visit="V1", patient="V1")
    later = given("VANCOMYCIN", "1000 mg", "1500", "1610", visit="V1", patient="V1")
    bodies = []
    for keys in ((), (new_key(),)):
        async with opened(await with_tables(url), *keys) as ledger:
            for name in ("message", "draft_revision", "visit", "partition_offset", "tally"):
                await run(ledger, f"DELETE FROM {name}")
            bench = Bench(ledger)
            await bench.claim()
            await bench.feed(keyed([dose]))
            again = Bench(ledger)
            again.offsets = bench.offsets
            await again.claim()
            await again.feed(keyed([later]))
            async with ledger.view() as view:
                (visit,) = await view.visit_keys()
                bodies.append([row.body for row in await view.revisions(*visit)])
    assert bodies[0] == bodies[1] and len(bodies[0]) == 2


@pytest.mark.parametrize(
    "wrong", ["", "# a comment", "not base64!", b64encode(bytes(16)).decode(), "é"]
)
def test_what_is_no_key_is_refused_without_being_shown(wrong: str) -> None:
    """Empty, a comment alone, no base64, too short, and not ASCII."""
    with pytest.raises(KeyUnusable) as refused:
        read_keys(wrong)
    assert not wrong or wrong not in str(refused.value)


def test_keys_are_read_with_the_newest_first() -> None:
    """Comments and blank lines are passed over; the id of a key is always the same."""
    new, old = new_key(), new_key()
    keys = read_keys(f"# since March\n{new}\n\n  {old}  \n")
    assert [key.id for key in keys] == [read_keys(new)[0].id, read_keys(old)[0].id]
