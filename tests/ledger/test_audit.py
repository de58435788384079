"""The audit trail: rows that follow each other, that nobody changes, whoever writes at once."""

import asyncio
from hashlib import sha256

import pytest
from sqlalchemy import text

from chargeline.ledger import AccessRefused, Act, Ledger, StoredAct, Unexpected
from chargeline.ledger.auditing import chain_of
from chargeline.ledger.store import WRITING

from .rows import announcement

DROP = Act("parked.drop", "parked", "17", who="ANNA", why="sent twice", details={"b": 1, "a": "ü"})


async def acts(ledger: Ledger) -> list[StoredAct]:
    async with ledger.view() as view:
        return await view.acts(0, 1000)


async def test_an_act_is_a_row_in_the_transaction_of_what_was_done(ledger: Ledger) -> None:
    """The row is there with what was done, and it is gone where that was rolled back."""
    async with ledger.batch() as batch:
        await batch.announce([announcement("e1")])
        await batch.audit([DROP])
    with pytest.raises(ZeroDivisionError):
        async with ledger.batch() as batch:
            await batch.audit([DROP])
            raise ZeroDivisionError
    (row,) = await acts(ledger)
    assert row[2:8] == ("ANNA", "sent twice", "parked.drop", "parked", "17", '{"a":"ü","b":1}')


async def test_the_chain_is_sha_256_over_the_bytes_of_the_page(ledger: Ledger) -> None:
    """Number, time, who, why, what, kind, record and details, behind the chain before."""
    async with ledger.batch() as batch:
        await batch.audit([DROP, DROP._replace(who="BEA")])
    first, second = await acts(ledger)
    body = (
        "i1:{number}t32:{at}t{size}:{who}t10:sent twicet11:parked.dropt6:parkedt2:17"
        't16:{{"a":"ü","b":1}}'
    )
    at = first.at.isoformat(timespec="microseconds")
    one = body.format(number=1, at=at, who="ANNA", size=4).encode()
    two = body.format(number=2, at=at, who="BEA", size=3).encode()
    assert first.chain == sha256(one).hexdigest()
    assert second.chain == sha256(first.chain.encode() + two).hexdigest()


async def test_writers_at_once_make_one_chain(ledger: Ledger) -> None:
    """Twenty transactions side by side: the numbers have no gap, and each row follows the last."""

    async def write(number: int) -> None:
        async with ledger.batch() as batch:
            await batch.audit([DROP._replace(record=f"{number}-{part}") for part in range(3)])

    await asyncio.gather(*(write(number) for number in range(20)))
    rows = await acts(ledger)
    assert [row.number for row in rows] == list(range(1, 61))
    assert len({row.record for row in rows}) == 60
    chain = ""
    for row in rows:
        chain = chain_of(row, chain)
        assert row.chain == chain


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET who = 'NOBODY'", "DELETE FROM audit", "TRUNCATE audit"]
)
async def test_the_database_refuses_to_change_the_trail(ledger: Ledger, statement: str) -> None:
    """Nobody changes or removes a row by mistake; SQLite has no TRUNCATE."""
    async with ledger.batch() as batch:
        await batch.audit([DROP])
    before = await acts(ledger)
    with pytest.raises((AccessRefused, Unexpected)):
        async with ledger._transaction(
            ledger._engine.execution_options(**{WRITING: True})
        ) as transaction:
            await transaction.run(text(statement))
    assert await acts(ledger) == before


async def test_the_trail_is_read_by_time_person_and_act(ledger: Ledger) -> None:
    """Of three acts the later ones, those of one person, and those of one kind."""
    shown = DROP._replace(did="parked.show", who="BEA")
    for act in (DROP, shown, DROP._replace(who="BEA")):
        async with ledger.batch() as batch:
            await batch.audit([act])
    _first, second, third = await acts(ledger)
    async with ledger.view() as view:
        assert await view.acts(0, 9, since=second.at) == [second, third]
        assert await view.acts(0, 9, who="BEA", did="parked.drop") == [third]
        assert await view.acts(1, 1) == [second]
