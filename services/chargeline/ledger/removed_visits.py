"""Where a visit stands that a person had removed: it is forgotten, as one that retention removed.

This module owns the look for the hash of a visit number. Nobody but the ledger asks it.
"""

from collections.abc import Sequence

from chargeline.engine import VisitKey
from chargeline.ledger import statements
from chargeline.ledger.records import StoredVisit
from chargeline.ledger.removed import RemovedVisit, number_digest
from chargeline.ledger.transaction import Transaction


async def removed_visits(
    transaction: Transaction, keys: Sequence[VisitKey]
) -> dict[VisitKey, StoredVisit]:
    """The rows that stand for the removed ones among some visits that have no row."""
    by_digest = {(key.facility, number_digest(*key)): key for key in keys}
    asked = statements.keyed(transaction.dialect, by_digest)
    rows = await transaction.rows(statements.forgotten_visits(transaction.dialect), asked)
    removed = {by_digest[row.facility, row.digest]: row for row in map(RemovedVisit._make, rows)}
    return {
        key: StoredVisit(
            *key,
            status="forgotten",
            revision=row.revision,
            settle_due=None,
            final_due=None,
            asked_due=None,
            discharged_at=None,
            incomplete=False,
            updated_at=row.at,
        )
        for key, row in removed.items()
    }


async def forgotten_among(transaction: Transaction, keys: Sequence[VisitKey]) -> set[VisitKey]:
    """Those of some visits whose messages were removed. No row is locked."""
    dialect = transaction.dialect
    asked = statements.keyed(dialect, keys)
    rows = await transaction.rows(statements.forgotten_by_retention(dialect), asked)
    by_retention = {VisitKey(row.facility, row.visit) for row in rows}
    return by_retention | set(await removed_visits(transaction, keys))
