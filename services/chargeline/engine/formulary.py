"""Which drug the sender means, and how that drug is billed.

It owns the look-up of a drug by code or name, and knows no drug: the table is data from
rules/formulary. An unknown drug is None, never a guess. A drug is looked up for the day on which it
was given, because billing codes change.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.words import DrugKind


class Drug(NamedTuple):
    """One row of the formulary: `unit_amount` of `unit` is one HCPCS billing unit."""

    id: str
    names: tuple[str, ...]
    hcpcs: str
    unit_amount: Decimal
    unit: str
    kind: DrugKind
    container: str
    starts: date
    ends: date | None
    cite: str
    note: str

    def in_force(self, day: date) -> bool:
        """Whether the row holds for a drug given on that day."""
        return self.starts <= day and (self.ends is None or day < self.ends)


def normal(text: str) -> str:
    """A name as it is compared: lower case, one blank between words, no hyphens or underscores."""
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())


class Formulary:
    """Drugs by id, HCPCS, code and name."""

    def __init__(self, drugs: Iterable[Drug]) -> None:
        self.drugs = tuple(sorted(drugs, key=lambda drug: (drug.id, drug.starts)))
        self._by_name: dict[str, list[Drug]] = {}
        for drug in self.drugs:
            for name in dict.fromkeys(normal(each) for each in (drug.id, *drug.names)):
                self._by_name.setdefault(name, []).append(drug)
        self._by_hcpcs: dict[str, list[Drug]] = {}
        for drug in self.drugs:
            if drug.hcpcs:
                self._by_hcpcs.setdefault(drug.hcpcs, []).append(drug)
        self._longest = max((len(name.split()) for name in self._by_name), default=0)
        self._memo: dict[tuple[tuple[str, ...], str, date], Drug | None] = {}

    def find(self, codes: Sequence[str], text: str, day: date) -> Drug | None:
        """The drug that one of the codes names, else the longest name that the text begins with."""
        key = (tuple(codes), text, day)
        if key in self._memo:
            return self._memo[key]
        if len(self._memo) > 20_000:
            self._memo.clear()
        drug = self._find(key[0], text, day)
        self._memo[key] = drug
        return drug

    def _find(self, codes: Sequence[str], text: str, day: date) -> Drug | None:
        for code in codes:
            drug = self._on(self._by_name.get(normal(code)), day)
            drug = drug or self._only(self._by_hcpcs.get(code.upper()), day)
            if drug is not None:
                return drug
        words = normal(text).split()
        for length in range(min(len(words), self._longest), 0, -1):
            drug = self._on(self._by_name.get(" ".join(words[:length])), day)
            if drug is not None:
                return drug
        return None

    @staticmethod
    def _on(rows: Sequence[Drug] | None, day: date) -> Drug | None:
        return next((row for row in rows or () if row.in_force(day)), None)

    @staticmethod
    def _only(rows: Sequence[Drug] | None, day: date) -> Drug | None:
        """The drug of a HCPCS code; None where several drugs share the code on that day."""
        in_force = [row for row in rows or () if row.in_force(day)]
        return in_force[0] if len(in_force) == 1 else None
