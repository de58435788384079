"""Which visit numbers lead to which, over stored merges.

It owns nothing but the way from rows to the engine's walk along merges, so that ledger and
timelines agree.
"""

from collections.abc import Iterable

from chargeline.engine import Merges, VisitKey
from chargeline.ledger.records import StoredMerge


def leading_to(
    keys: Iterable[VisitKey], merges: Iterable[StoredMerge]
) -> dict[VisitKey, list[VisitKey]]:
    """For each key the numbers that end in it, itself first."""
    known: Merges[VisitKey] = Merges()
    for merge in merges:
        prior, surviving = (
            VisitKey(merge.facility, merge.prior),
            VisitKey(merge.facility, merge.surviving),
        )
        known.add(prior, surviving, merge.version)
    return {key: known.leading_to(key) for key in keys}
