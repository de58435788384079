"""The audit trail: a row for each act of a person, and for each start of a program.

This module owns the closed list of acts, the chain of the rows, and the turn in which writers add
theirs. It does not know who is asked for a name or a reason: the programs give both. A row names
the record, and never holds what a patient's message says.

The chain of a row is `link(chain of the row before, canonical(the row))`, where the row is its
number, at, who, why, did, kind, record and details, in this order, and `at` is a text such as
`2026-03-02T08:00:00.000000+00:00`. Row 1 has "" before it. For a row 1 of `who` ANNA the hash is
over `i1:1t32:2026-03-02T08:00:00.000000+00:00t4:ANNA…` (`engine/evidence.py`).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import select

from chargeline.engine import canonical, link
from chargeline.ledger import statements, tables
from chargeline.ledger.column_types import stamp
from chargeline.ledger.records import StoredAct
from chargeline.ledger.sealing import tally_of_all
from chargeline.ledger.transaction import Transaction

Verb = Literal[
    "parked.show",
    "parked.try",
    "parked.retry",
    "parked.drop",
    "answer",
    "line",
    "redraft",
    "authorization.send",
    "authorization.show",
    "ledger.migrate",
    "offsets.skip",
    "ledger.forget",
    "ledger.hold",
    "ledger.release",
    "ledger.holds",
    "ledger.rotate",
    "ledger.encrypt",
    "ledger.catch_up",
    "program.start",
    "retention",
    "session.begin",
    "session.end",
    "visit.show",
    "visit.reveal",
    "work.assign",
    "work.ask",
    "running.say",
    "token.add",
    "token.revoke",
]
VERBS: Mapping[Verb, str] = {
    "parked.show": "Somebody looked at the bytes of a parked message.",
    "parked.try": "Somebody had parked messages read again to see whether they can be used now.",
    "parked.retry": "Somebody sent a parked message through the inbound topic again.",
    "parked.drop": "Somebody gave a parked message up.",
    "answer": "Somebody answered a question, or took an answer back.",
    "line": "Somebody said something of a charge line, or of all lines of a visit.",
    "redraft": "Somebody had visits drafted again.",
    "authorization.send": "Somebody sent authorizations, of a list or one, to a listener.",
    "authorization.show": "Somebody looked at the patients of authorizations.",
    "ledger.migrate": "The tables were brought to the newest schema.",
    "offsets.skip": "Somebody had records of a partition passed over.",
    "ledger.forget": "Somebody had one visit or patient removed.",
    "ledger.hold": "Somebody keeps one visit or patient beyond its days.",
    "ledger.release": "Somebody ended such a hold.",
    "ledger.holds": "Somebody looked at the numbers of the patients on hold.",
    "ledger.rotate": "Somebody had all data keys wrapped by a new key.",
    "ledger.encrypt": "Somebody had rows encrypted that were stored in the clear.",
    "ledger.catch_up": "Somebody had revisions added that Kafka has and a restored ledger lacked.",
    "program.start": "A program of the live service started.",
    "retention": "A program removed what was kept for as many days as the settings say.",
    "session.begin": "Somebody logged in to the workbench.",
    "session.end": "Somebody logged out of the workbench.",
    "visit.show": "Somebody looked at a visit in the workbench.",
    "visit.reveal": "Somebody looked at the patient of a visit in the workbench.",
    "work.assign": "Somebody gave visits of the work list to a person.",
    "work.ask": "Somebody noted that the units of visits were asked.",
    "running.say": "Somebody said that a drug whose stop is missing still runs.",
    "token.add": "Somebody made a token for a program that uses the API of the workbench.",
    "token.revoke": "Somebody revoked such a token.",
}
assert tuple(VERBS) == get_args(Verb), "each act has its sentence"
RecordKind = Literal[
    "parked",
    "question",
    "line",
    "visit",
    "visits",
    "patient",
    "offsets",
    "ledger",
    "program",
    "authorizations",
    "session",
    "token",
]

# The number of an advisory lock of PostgreSQL: any will do that nobody else uses in this database.
_AUDIT_LOCK = 7_203_114_003


class Act(NamedTuple):
    """What somebody does: `who` does `did` to the record of a kind, and `why`, "" where nobody
    said. `details` are values of JSON, without any content of a patient's message.
    """

    did: Verb
    kind: RecordKind
    record: str
    who: str
    why: str = ""
    details: Mapping[str, Any] = {}


async def append(transaction: Transaction, acts: Sequence[Act]) -> None:
    """Add rows to the trail. Raises Unstorable.

    Let it be the last step of a transaction: from here on until the end of the transaction every
    other writer waits, because each row holds the chain of the row before.
    """
    if not acts:
        return
    if transaction.dialect == "postgresql":  # SQLite has only one writer
        await transaction.rows(statements.lock_numbers(), {"numbers": [_AUDIT_LOCK]})
    table = tables.audit
    last = select(table.c.number, table.c.chain).order_by(table.c.number.desc()).limit(1)
    rows = await transaction.rows(last)
    number, chain = (rows[0].number, rows[0].chain) if rows else (0, "")
    now = datetime.now(UTC)
    new = []
    for act in acts:
        number += 1
        row = StoredAct(
            number=number,
            at=now,
            who=act.who,
            why=act.why,
            did=act.did,
            kind=act.kind,
            record=act.record,
            details=canonical_json(act.details),
        )
        chain = chain_of(row, chain)
        new.append(row._replace(chain=chain))
    await transaction.insert(table, new)
    total = tally_of_all(table.name, [row.chain for row in new])
    await transaction.insert(tables.tally, [total], "add")


def chain_of(row: StoredAct, before: str) -> str:
    """The chain of a row, from its other columns and the chain of the row before."""
    values = (row.number, stamp(row.at), row.who, row.why, row.did, row.kind)
    return link(before, canonical((*values, row.record, row.details)))


def canonical_json(value: object) -> str:
    """A value as JSON that is always written alike: sorted keys, no blanks, no escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
