"""Rows of several files brought together: one row under one key, else a mistake that shows both.

It owns the keys' uniqueness. The same row may stand in two files; two different rows under one key
are of two editions, and a person must say which one counts.
"""

from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

from chargeline.engine import (
    AddOnPair,
    CrosswalkRow,
    HcpcsDates,
    MueLimit,
    OppsStatus,
    PaymentLimit,
    PtpEdit,
    Quarter,
    claim_words,
)
from chargeline.refdata.errors import FileLine, Mistakes

KeyT = TypeVar("KeyT", str, tuple[str, str, str])
RowT = TypeVar("RowT")


class Rows(Generic[KeyT, RowT]):
    """Rows by key, each with the file and line that it comes from."""

    def __init__(self) -> None:
        self._rows: dict[KeyT, tuple[RowT, FileLine]] = {}

    def add(self, key: KeyT, row: RowT, place: FileLine, mistakes: Mistakes) -> None:
        """Add a row; a different row under the same key is a mistake."""
        before = self._rows.setdefault(key, (row, place))
        if before[0] != row:
            mistakes.add(
                "refdata.conflict",
                expected="one row under one key",
                found=f"another row of it in {before[1]}",
                where=str(place),
                do="give only the later of the two files; if it is one file, download it again",
            )

    def values(self) -> Mapping[KeyT, RowT]:
        """The rows, in the order of their keys."""
        return {key: self._rows[key][0] for key in sorted(self._rows)}

    def __len__(self) -> int:
        return len(self._rows)


class Issue(NamedTuple):
    """One table of one quarter; MUE and PTP have a setting, and so do no others ("")."""

    table: claim_words.PublishedTable
    setting: claim_words.ClaimSetting | str
    quarter: Quarter


class Collected:
    """All rows of a build, by issue."""

    def __init__(self) -> None:
        self.crosswalk: dict[Issue, Rows[tuple[str, str, str], CrosswalkRow]] = {}
        self.payment_limits: dict[Issue, Rows[str, PaymentLimit]] = {}
        self.status_indicators: dict[Issue, Rows[str, OppsStatus]] = {}
        self.hcpcs: dict[Issue, Rows[str, HcpcsDates]] = {}
        self.mue: dict[Issue, Rows[str, MueLimit]] = {}
        self.ptp: dict[Issue, Rows[tuple[str, str, str], PtpEdit]] = {}
        self.add_on: dict[Issue, Rows[tuple[str, str, str], AddOnPair]] = {}
        self.mistakes = Mistakes()

    def drug_codes(self) -> frozenset[str]:
        """The codes of crosswalks and payment limits: the drugs that somebody may bill."""
        rows = [row for table in self.crosswalk.values() for row in table.values().values()]
        limits = [limit for table in self.payment_limits.values() for limit in table.values()]
        return frozenset({row.hcpcs for row in rows if row.hcpcs} | set(limits))
