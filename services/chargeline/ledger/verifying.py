"""Is the ledger as it was written? Walks every chain and seal, and names where one breaks.

This module owns the walk. It reads the stored bytes themselves, without the conversions of a
column, because a time that was written in another way is a change too. It reads one moment of the
ledger while programs go on. It cannot know of a change by somebody who may write every table and
makes all seals anew: against that the chains must be kept elsewhere too (docs/live-service.md).
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, text

from chargeline.engine import canonical, link, parted
from chargeline.ledger import tables
from chargeline.ledger.column_types import stamp
from chargeline.ledger.data_keys import lost, openable
from chargeline.ledger.encrypting import DataKey, decrypted
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.records import StoredAct, StoredMessage, StoredParkedMessage
from chargeline.ledger.sealing import COLUMNS, ENCRYPTED, NOTHING, Sum, added, plus, seal_of
from chargeline.ledger.transaction import Transaction


class BrokenLink(NamedTuple):
    """The first place at which a table is not as it was written; the key is "" for the whole."""

    key: str
    expected: str
    found: str


class Unopened(NamedTuple):
    """Encrypted rows of one data key that do not open: how many, the first of them, and why."""

    data_key: int
    rows: int
    first: str
    expected: str
    found: str


class Verified(NamedTuple):
    """What the walk over one table came to: how many rows it read, and the first broken link.

    `head` is the last chain of the audit trail, of other tables the sum of their seals. Of the
    `encrypted` rows, those that were `opened` with their key are what a program wrote that had it;
    `unopened` says which did not open, if a key was given. The first of them is a broken link too.
    """

    table: str
    rows: int
    head: str
    broken: BrokenLink | None
    encrypted: int = 0
    opened: int = 0
    unopened: tuple[Unopened, ...] = ()


async def verify(transaction: Transaction) -> list[Verified]:
    """Walk over the audit trail, messages, parked messages, answers and revisions."""
    kept = await sums_of_tallies(transaction)
    audit, removed = await _audit(transaction, kept.get("audit", NOTHING))
    sealed = [
        await _sealed(
            transaction, table, plus(kept.get(table.name, NOTHING), removed[table.name], -1)
        )
        for table in (tables.message, tables.parked, tables.answer)
    ]
    revisions = plus(kept.get("draft_revision", NOTHING), removed["draft_revision"], -1)
    return [audit, *sealed, await _revisions(transaction, revisions)]


async def sums_of_tallies(transaction: Transaction) -> dict[str, Sum]:
    """For each table how many rows were ever stored, and the sum of their seals."""
    sums: dict[str, Sum] = {}
    for row in await transaction.rows(tables.tally.select()):
        sums[row.about] = plus(sums.get(row.about, NOTHING), row[3:])
    return sums


# ------------------------------------------------------------------ the audit trail


async def _audit(transaction: Transaction, kept: Sum) -> tuple[Verified, dict[str, Sum]]:
    """The chain of the trail, and the sums of what retention removed by it."""
    removed = dict.fromkeys(COLUMNS, NOTHING)
    broken, chain, count, seen = None, "", 0, NOTHING
    columns = StoredAct._fields
    async for row in _stored(transaction, tables.audit, columns, ["number"]):
        count += 1
        *values, stored = row
        chain = link(chain, canonical(values))
        expected = BrokenLink(f"number {values[0]}", f"the chain {chain}", f"{stored}")
        if broken is None and values[0] != count:
            broken = BrokenLink(f"number {count}", "a row", "none")
        elif broken is None and stored != chain:
            broken = expected
        if broken is None:
            seen = plus(seen, added([stored]))
            removed = _with_removed(removed, values)
    return Verified("audit", count, chain, broken or _miscounted(kept, count, seen)), removed


def _with_removed(removed: dict[str, Sum], values: Sequence[Any]) -> dict[str, Sum]:
    """The sums with those of one row, if it tells what was removed. Its chain is known to hold."""
    if values[4] not in ("retention", "ledger.forget"):
        return removed
    sums = json.loads(values[7])["sums"]
    # An act of an older chargeline tells no answers or revisions, which had no tally then.
    return {
        about: plus(before, tuple(sums.get(about, NOTHING))) for about, before in removed.items()
    }


def _miscounted(expected: Sum, count: int, seen: Sum) -> BrokenLink | None:
    """Whether rows are missing or were added, by their number and by the sum of their seals."""
    if expected[0] != count:
        return BrokenLink("", f"{expected[0]} rows", f"{count}")
    if expected != seen:
        return BrokenLink(
            "", f"rows whose seals add up to {sum_in_words(expected)}", sum_in_words(seen)
        )
    return None


def sum_in_words(whole: Sum) -> str:
    """The lanes of a sum as a text."""
    return "-".join(f"{lane:x}" for lane in whole[1:])


# ------------------------------------------------------------------ rows with a seal


async def _sealed(transaction: Transaction, table: Table, kept: Sum) -> Verified:
    """Each row against its seal, and all of them against the tallies."""
    columns, keys = COLUMNS[table.name], [column.name for column in table.primary_key]
    broken, count, seen = None, 0, NOTHING
    box = _Box(table, *await openable(transaction)) if transaction.keys.newest else None
    encrypted = 0
    asked = [*columns, "data_key"] if table.name in ENCRYPTED else columns
    async for row in _stored(transaction, table, [*asked, "seal"], keys):
        count += 1
        values, stored = row[: len(columns)], row[-1]
        data_key = row[-2] if table.name in ENCRYPTED else 0
        seal = seal_of(table.name, [*values, data_key] if data_key else values)
        seen = plus(seen, added([seal]))
        if broken is None and seal != stored:
            key = _key(columns, keys, values)
            broken = BrokenLink(key, f"a row whose seal is {stored}", f"one whose seal is {seal}")
        if data_key:
            encrypted += 1
            if box is not None and seal == stored:
                box.open(
                    _key(columns, keys, values), dict(zip(columns, values, strict=True)), data_key
                )
    broken = broken or _miscounted(kept, count, seen)
    walked = Verified(table.name, count, sum_in_words(seen), broken, encrypted=encrypted)
    if box is None or not box.unopened:
        return walked._replace(opened=box.opened if box else 0)
    unopened = tuple(box.unopened.values())
    first = BrokenLink(unopened[0].first, unopened[0].expected, unopened[0].found)
    return walked._replace(broken=broken or first, opened=box.opened, unopened=unopened)


class _Box:
    """The encrypted rows of a table, each tried with its key; a key that is away ends no walk."""

    def __init__(
        self, table: Table, keys: Mapping[int, DataKey], closed: Mapping[int, LedgerError]
    ) -> None:
        self._table, self._keys, self._closed = table, keys, closed
        self.opened = 0
        self.unopened: dict[tuple[int, str], Unopened] = {}

    def open(self, key: str, values: Mapping[str, Any], data_key: int) -> None:
        """Try a row."""
        try:
            self._try(values, data_key)
            self.opened += 1
        except LedgerError as error:
            why = error.findings[0]
            first = Unopened(data_key, 0, first=key, expected=why.expected, found=why.found)
            so_far = self.unopened.get((data_key, why.expected), first)
            counted = so_far._replace(rows=so_far.rows + 1)
            self.unopened[data_key, why.expected] = counted

    def _try(self, values: Mapping[str, Any], data_key: int) -> None:
        if data_key not in self._keys:
            raise self._closed.get(data_key) or lost(data_key)
        cipher = self._keys[data_key]
        if self._table is tables.message:
            sent = datetime.fromisoformat(values["sent"]) if values["sent"] else None
            message = StoredMessage(**{**values, "sent": sent, "data_key": data_key})
            decrypted(cipher, self._table.name, message)
        else:
            parked = StoredParkedMessage(**{**values, "data_key": data_key})
            decrypted(cipher, self._table.name, parked)


def _key(columns: Sequence[str], keys: Iterable[str], values: Sequence[Any]) -> str:
    named = dict(zip(columns, values, strict=True))
    return ", ".join(f"{name} {named[name]}" for name in keys)


# ------------------------------------------------------------------ the revisions of each visit


async def _revisions(transaction: Transaction, kept: Sum) -> Verified:
    """The chain of each visit from its first revision to the one that its row tells, and all of
    them against the tallies: who removes revisions may change or remove the row of the visit too.
    """
    numbers = await _numbers(transaction)
    columns, table = [*COLUMNS["draft_revision"], "body", "seal"], tables.draft_revision
    broken, count, total = None, 0, NOTHING
    visit, number, chain = ("", ""), 0, ""
    async for row in _stored(transaction, table, columns, ["facility", "visit", "revision"]):
        count += 1
        *values, body, seal = row
        total = plus(total, added([seal_of(table.name, values)]))
        if broken is not None:
            continue
        key = (values[0], values[1])
        if key != visit:
            broken = _ended(visit, number, numbers)
            visit, number, chain = key, 0, ""
        number += 1
        broken = broken or _revision_broken(values, body, seal, number=number, before=chain)
        chain = values[-1]
    broken = broken or _ended(visit, number, numbers)
    for (facility, name), last in numbers.items() if broken is None else ():
        if last:
            broken = BrokenLink(f"{facility} {name}", f"revisions 1 to {last}", "none")
            break
    broken = broken or _miscounted(kept, count, total)
    return Verified("draft_revision", count, sum_in_words(total), broken)


async def _numbers(transaction: Transaction) -> dict[tuple[str, str], int]:
    """The number of the last revision of each visit; retention leaves none of a forgotten one."""
    columns = ["facility", "visit", "status", "revision"]
    rows = _stored(transaction, tables.visit, columns, ["facility", "visit"])
    return {(row[0], row[1]): 0 if row[2] == "forgotten" else row[3] async for row in rows}


def _ended(
    visit: tuple[str, str], number: int, numbers: dict[tuple[str, str], int]
) -> BrokenLink | None:
    """Whether a visit ends with the revision that its row tells; takes the visit from `numbers`."""
    last = numbers.pop(visit, 0)
    if number == last:
        return None
    return BrokenLink(" ".join(visit), f"revisions 1 to {last}, as its visit says", f"{number}")


def _revision_broken(
    values: Sequence[Any], body: str, seal: str, *, number: int, before: str
) -> BrokenLink | None:
    """Whether a revision is the next one, follows the one before, and is as its seal says."""
    key, chain = f"{values[0]} {values[1]} revision {values[2]}", values[-1]
    if values[2] != number:
        return BrokenLink(f"{values[0]} {values[1]}", f"revision {number}", f"{values[2]}")
    said, within = parted(_bytes(body))
    follows = link(before, said)
    if chain != follows:
        return BrokenLink(key, f"the chain {follows}", f"{chain}")
    if within and (within != chain or not said.endswith(b'"chain_before":"%b"' % before.encode())):
        return BrokenLink(key, f"a body with the chain {chain} after {before}", within)
    sealed = seal_of("draft_revision", values)
    return None if seal == sealed else BrokenLink(key, f"the seal {sealed}", f"{seal}")


# ------------------------------------------------------------------ the stored bytes


async def _stored(
    transaction: Transaction, table: Table, columns: Sequence[str], order: Sequence[str]
) -> AsyncIterator[Sequence[Any]]:
    """The rows of a table as they are stored: a time as text, a text that is no UTF-8 as well."""
    sqlite = transaction.dialect == "sqlite"
    texts = [table.c[name].type.python_type not in (int, bytes) for name in columns]
    asked = [
        f'CAST("{name}" AS BLOB)' if sqlite and is_text else f'"{name}"'
        for name, is_text in zip(columns, texts, strict=True)
    ]
    ordered = ", ".join(f'"{name}"' for name in order)
    statement = text(f'SELECT {", ".join(asked)} FROM "{table.name}" ORDER BY {ordered}')
    async for row in transaction.stream(statement):
        yield [
            _as_text(value) if is_text else value for value, is_text in zip(row, texts, strict=True)
        ]


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")
