"""The statements that every batch sends, each built once for each kind of database.

This module owns the statements and sends none of them. However many keys a statement is about, the
keys go in as one parameter or two, so that its text stays the same. The statements are kept because
an object of SQLAlchemy is full of reference cycles: built anew for every batch, the statements
would keep the garbage collector busy.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnClause,
    Delete,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    select,
    text,
    tuple_,
    type_coerce,
    union,
)
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import ReturningDelete

from chargeline.ledger import tables
from chargeline.ledger.records import Announcement, StoredParkedMessage

Parameters = dict[str, Any]

# ------------------------------------------------------------------ many keys in one parameter


def keyed(dialect: str, keys: Iterable[tuple[str, str]]) -> Parameters:
    """The parameters of a statement over `listed` keys."""
    ordered = sorted(set(map(tuple, keys)))
    if dialect == "sqlite":
        return {"keys": json.dumps(ordered)}
    return {"first": [key[0] for key in ordered], "second": [key[1] for key in ordered]}


@cache
def listed(dialect: str) -> Select[Any]:
    """The keys as a table of two columns."""
    if dialect == "sqlite":
        value: ColumnClause[str] = column("value")
        pair = (func.json_extract(value, "$[0]"), func.json_extract(value, "$[1]"))
        return select(*pair).select_from(func.json_each(bindparam("keys", type_=Text)))
    arrays = (bindparam(name, type_=ARRAY(Text)) for name in ("first", "second"))
    return select(func.unnest(*arrays).table_valued("first", "second").render_derived())


@cache
def among(dialect: str, first: Column[Any], second: Column[Any]) -> ColumnElement[bool]:
    """The condition that a pair of columns is one of the keys."""
    return tuple_(first, second).in_(listed(dialect))


def numbers(dialect: str, wanted: Iterable[int]) -> Parameters:
    """The parameters of a statement over `numbered` rows: the wanted numbers."""
    return {"numbers": json.dumps(list(wanted)) if dialect == "sqlite" else list(wanted)}


@cache
def numbered(dialect: str, identity: Column[int]) -> ColumnElement[bool]:
    """The condition that a column is one of the numbers."""
    if dialect == "sqlite":
        entries = func.json_each(bindparam("numbers", type_=Text))
        return identity.in_(select(column("value")).select_from(entries))
    return identity == any_(bindparam("numbers", type_=ARRAY(BigInteger)))


# ------------------------------------------------------------------ of visits and patients


@cache
def of_visits(dialect: str, table: Table) -> Select[Any]:
    """The rows of a table that belong to visits."""
    return _without_seal(table).where(among(dialect, table.c.facility, table.c.visit))


def _without_seal(table: Table) -> Select[Any]:
    """All columns but the seal, of which only a look for changes has need (`verifying.py`)."""
    return select(*(column for column in table.c if column.name != "seal"))


@cache
def delete_sealed(dialect: str, table: Table) -> ReturningDelete[Any]:
    """Remove the rows of a table that belong to visits; gives their seals."""
    return delete_of_visits(dialect, table).returning(table.c.seal)


@cache
def next_ids(dialect: str) -> Any:
    """The next :number ids of parked messages on PostgreSQL; on SQLite the last id, if any."""
    if dialect == "sqlite":
        return text("SELECT seq FROM sqlite_sequence WHERE name = 'parked'")
    return text(
        "SELECT nextval(pg_get_serial_sequence('parked', 'id'))"
        " FROM generate_series(1, CAST(:number AS integer))"
    )


@cache
def delete_of_visits(dialect: str, table: Table) -> Delete:
    """Remove the rows of a table that belong to visits."""
    return delete(table).where(among(dialect, table.c.facility, table.c.visit))


@cache
def visits(dialect: str, *, locked: bool) -> Select[Any]:
    """The rows that say where visits stand.

    Locks are taken in the order of the keys, so that two batches with the same visits take turns
    instead of waiting for each other for ever.
    """
    table = tables.visit
    statement = of_visits(dialect, table).order_by(table.c.facility, table.c.visit)
    return statement.with_for_update() if locked else statement


@cache
def touching(dialect: str, table: Table) -> Any:
    """The merges with one end among the keys, by two searches that each use an index."""
    ends = (table.c.prior, table.c.surviving)
    return union(*(select(table).where(among(dialect, table.c.facility, end)) for end in ends))


@cache
def visits_in(dialect: str, table: Table) -> Select[Any]:
    """The keys of those visits of which a table has a row."""
    here = among(dialect, table.c.facility, table.c.visit)
    return select(table.c.facility, table.c.visit).where(here).distinct()


@cache
def forgotten_by_retention(dialect: str) -> Select[Any]:
    """The keys of those visits whose rows say that they are forgotten."""
    table = tables.visit
    here = among(dialect, table.c.facility, table.c.visit)
    return select(table.c.facility, table.c.visit).where(here, table.c.status == "forgotten")


@cache
def forgotten_visits(dialect: str) -> Select[Any]:
    """What is known of visits that a person had removed, by facility and digest."""
    table = tables.forgotten_visit
    return select(table).where(among(dialect, table.c.facility, table.c.digest))


@cache
def last_revisions(dialect: str) -> Select[Any]:
    """The last revision of each visit."""
    table, other = tables.draft_revision, tables.draft_revision.alias()
    same = (other.c.facility == table.c.facility) & (other.c.visit == table.c.visit)
    last = select(func.max(other.c.revision)).where(same).scalar_subquery()
    return of_visits(dialect, table).where(table.c.revision == last)


@cache
def chains(dialect: str) -> Select[Any]:
    """The numbers and chains of all revisions of visits, without what they say."""
    table = tables.draft_revision
    kept = (table.c.facility, table.c.visit, table.c.revision, table.c.chain)
    return select(*kept).where(among(dialect, table.c.facility, table.c.visit))


@cache
def places(dialect: str) -> Select[Any]:
    """The places in Kafka of the messages of visits, in the order of their arrival."""
    table = tables.message
    place = (table.c.topic, table.c.partition, table.c.offset)
    here = among(dialect, table.c.facility, table.c.visit)
    ordered = select(table.c.facility, table.c.visit, table.c.digest, *place).where(here)
    return ordered.order_by(table.c.received_at, *place)


@cache
def open_questions(dialect: str) -> Select[Any]:
    """The open questions of visits, the oldest first."""
    table = tables.question
    statement = of_visits(dialect, table).where(table.c.closed_at.is_(None))
    return statement.order_by(table.c.opened_at, table.c.question_id)


@cache
def patients_with(kinds: frozenset[str]) -> Select[Any]:
    """The next :most patients, after one, to whose records visits contribute some kinds."""
    table = tables.contribution
    patient = (table.c.facility, table.c.patient)
    after = tuple_(*patient) > tuple_(bindparam("facility"), bindparam("patient"))
    statement = select(*patient).where(table.c.kind.in_(sorted(kinds)), after)
    return statement.distinct().order_by(*patient).limit(bindparam("most"))


@cache
def parked() -> Select[Any]:
    """Parked messages, without their seals."""
    fields = [name for name in StoredParkedMessage._fields if name != "seal"]
    return select(*(tables.parked.c[name] for name in fields))


@cache
def contributions(dialect: str) -> Select[Any]:
    """What visits contribute to the records of patients, in order of time."""
    table = tables.contribution
    statement = select(table).where(among(dialect, table.c.facility, table.c.patient))
    return statement.order_by(table.c.at, table.c.visit)


@cache
def contributions_of_kinds(dialect: str, kinds: frozenset[str]) -> Select[Any]:
    """The same, of some kinds only."""
    return contributions(dialect).where(tables.contribution.c.kind.in_(sorted(kinds)))


@cache
def visits_with_parked(dialect: str) -> Select[Any]:
    """The keys of visits that have parked messages, and the statuses of those messages."""
    table = tables.parked
    here = among(dialect, table.c.facility, table.c.visit)
    return select(table.c.facility, table.c.visit, table.c.status).where(here).distinct()


@cache
def waiting_for(dialect: str) -> Select[Any]:
    """The keys of visits with a parked message that waits and was parked for the reason :code."""
    table = tables.parked
    here = among(dialect, table.c.facility, table.c.visit)
    waits = (table.c.status == "parked") & (table.c.code == bindparam("code", type_=Text))
    return select(table.c.facility, table.c.visit).where(here, waits).distinct()


@cache
def dropped(dialect: str) -> Select[Any]:
    """The parked messages of visits that a person has dropped."""
    table = tables.parked
    return of_visits(dialect, table).where(table.c.status == "dropped")


@cache
def due(name: str) -> Select[Any]:
    """The keys of visits of which the time `name` has come by :now, and since when.

    `name` is settle_due, final_due or asked_due. The statement gives at most :most visits.
    """
    since = tables.visit.c[name]
    keys = (tables.visit.c.facility, tables.visit.c.visit)
    now = bindparam("now", type_=since.type)
    return (
        select(*keys, since.label("since"))
        .where(since <= now)
        .order_by(since)
        .limit(bindparam("most"))
    )


@cache
def open_under_other_rules() -> Select[Any]:
    """The keys, after (:facility, :visit), of open visits last drafted with other rules.

    The rules are those of the version :rulebook. A visit that settles is left out, because it is
    drafted soon. The statement gives at most :most visits, in the order of their keys.
    """
    table = tables.visit
    keys = (table.c.facility, table.c.visit)
    after = [bindparam(column.name, type_=column.type) for column in keys]
    return (
        select(*keys)
        .where(
            table.c.status == literal_column("'open'"),  # as in the index `visit_open`
            table.c.settle_due.is_(None),
            table.c.rulebook != bindparam("rulebook"),
            tuple_(*keys) > tuple_(*after),
        )
        .order_by(*keys)
        .limit(bindparam("most"))
    )


# ------------------------------------------------------------------ partitions, outbox, locks


@cache
def offsets(dialect: str) -> Select[Any]:
    """The rows of partitions of the topic :topic, locked."""
    table = tables.partition_offset
    here = numbered(dialect, table.c.partition)
    statement = (
        select(*table.c)
        .where(table.c.topic == bindparam("topic"), here)
        .order_by(table.c.partition)
    )
    return statement.with_for_update()


@cache
def claimed() -> Select[Any]:
    """The numbers of the partitions of the topic :topic that anybody has ever claimed."""
    table = tables.partition_offset
    return select(table.c.partition).where(table.c.topic == bindparam("topic"))


@cache
def announced() -> Select[Any]:
    """The first :most events of the outbox, in the order of their ids."""
    columns: list[Column[Any]] = [tables.outbox.c[name] for name in Announcement._fields]
    statement: Select[Any] = select(*columns)
    return statement.order_by(tables.outbox.c.id).limit(bindparam("most"))


@cache
def delete_announced(dialect: str) -> Delete:
    """Remove events from the outbox."""
    return delete(tables.outbox).where(numbered(dialect, tables.outbox.c.id))


@cache
def lock_numbers() -> Select[Any]:
    """Wait for advisory locks of PostgreSQL, and hold them until the transaction ends."""
    wanted = select(
        func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))).label("number")
    ).subquery()
    return select(func.pg_advisory_xact_lock(wanted.c.number))


@cache
def stored_keys(table: Table) -> Select[Any]:
    """Which of the keys :keys a SQLite table holds. The key columns must be texts."""
    columns = list(table.primary_key)
    values = [func.json_extract(column("value"), f"$[{n}]") for n in range(len(columns))]
    wanted = select(*values).select_from(func.json_each(bindparam("keys", type_=Text)))
    as_text: list[ColumnElement[Any]] = [type_coerce(part, Text) for part in columns]
    statement: Select[Any] = select(*as_text)
    return statement.where(tuple_(*columns).in_(wanted))
