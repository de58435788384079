"""Which visit numbers lead to which, over stored merges.

It owns the walk against the direction of the merges. Of several merges of one prior number the last sent
counts, as in `engine.visit`; where they form a ring, all numbers in it lead to one another.
"""

from collections.abc import Iterable

from chargeline.engine import VisitKey
from chargeline.ledger.records import StoredMerge


def leading_to(keys: Iterable[VisitKey], merges: Iterable[StoredMerge]) -> dict[VisitKey, list[VisitKey]]:
    """For each key the numbers that end in it, itself first."""
    latest: dict[tuple[str, str], StoredMerge] = {}
    for merge in merges:
        known = latest.get((merge.facility, merge.prior))
        if merge.prior != merge.surviving and (known is None or known.version < merge.version):
            latest[merge.facility, merge.prior] = merge
    before: dict[VisitKey, list[VisitKey]] = {}
    for merge in latest.values():
        surviving = VisitKey(merge.facility, merge.surviving)
        before.setdefault(surviving, []).append(VisitKey(merge.facility, merge.prior))
    return {key: _walk(key, before) for key in keys}


def _walk(key: VisitKey, before: dict[VisitKey, list[VisitKey]]) -> list[VisitKey]:
    found = {key: None}
    path = [key]
    while path:
        for prior in before.get(path.pop(), ()):
            if prior not in found:
                found[prior] = None
                path.append(prior)
    return list(found)
