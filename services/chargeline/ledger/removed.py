"""What stays of a visit that a person had removed: a hash of its number, and how far it was.

This module owns the hash. It does not know who removes a visit, or what a later message means.
"""

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple


class RemovedVisit(NamedTuple):
    """A visit that was removed at a moment, after so many revisions."""

    facility: str
    digest: str
    revision: int
    at: datetime


def number_digest(facility: str, number: str) -> str:
    """16 hexadecimal digits that stand for a visit or patient: the first of the SHA-256 of
    `FACILITY|NUMBER`. Who knows the number finds them.
    """
    return sha256(f"{facility}|{number}".encode()).hexdigest()[:16]
