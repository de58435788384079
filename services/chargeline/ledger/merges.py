"""Which visit numbers lead to which visit, over the stored merges.

This module owns the step from rows to `engine.Merges`, and nothing more. It does not decide which
of two merges counts: the engine decides it, so that the ledger finds the messages of just those
numbers that the timeline of a visit folds.
"""

from collections.abc import Iterable

from chargeline.engine import Merges, VisitKey
from chargeline.ledger.records import StoredMerge


def leading_to(
    keys: Iterable[VisitKey], merges: Iterable[StoredMerge]
) -> dict[VisitKey, list[VisitKey]]:
    """For each key, the numbers that lead to it, the key itself first.

    V1 was merged into V2, and V2 into V3: to V3 lead V3, V2 and V1.
    """
    walk: Merges[VisitKey] = Merges()
    for merge in merges:
        prior, surviving = (
            VisitKey(merge.facility, merge.prior),
            VisitKey(merge.facility, merge.surviving),
        )
        walk.add(prior, surviving, merge.version)
    return {key: walk.leading_to(key) for key in keys}
