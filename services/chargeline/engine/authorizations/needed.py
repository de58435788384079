"""Whether a payer wants an authorization for a code, and what a request must show.

It owns the site's dated table of payers and codes, and the questions to the rules. A rule counts
before the table, so that a policy may say otherwise for a payer. Where neither says anything, none
is needed. It does not know which authorizations there are.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from chargeline.engine.authorization_words import Evidence, EvidenceClass
from chargeline.engine.rules import Concern, DayRules, Decision
from chargeline.engine.words import IS_YES, YesNo

EVERY_PAYER = "*"
"""The payer of a row that holds for all payers but those that have a row of the code."""


class NeedRow(NamedTuple):
    """One row of the table: since `starts`, and before `ends`, a payer wants one for a code."""

    payer: str
    code: str
    starts: date
    ends: date | None
    evidence: EvidenceClass
    cite: str

    def in_force(self, day: date) -> bool:
        """Whether the row holds on a day."""
        return self.starts <= day and (self.ends is None or day < self.ends)


class Needs:
    """The rows of the table by code."""

    def __init__(self, rows: Iterable[NeedRow] = ()) -> None:
        self._by_code: dict[str, list[NeedRow]] = {}
        for row in rows:
            self._by_code.setdefault(row.code, []).append(row)

    def row(self, payer: str, code: str, day: date) -> NeedRow | None:
        """The row of a payer (in capitals) and a code; None where there is none on that day."""
        of_code = self._by_code.get(code)
        if of_code is None:
            return None  # as most codes are; this is asked of each line
        rows = [row for row in of_code if row.in_force(day)]
        for name in (payer, EVERY_PAYER):
            for row in rows:
                if row.payer == name:
                    return row
        return None

    def names(self, code: str, day: date) -> bool:
        """Whether there is a row of a code on a day, of whatever payer."""
        return any(row.in_force(day) for row in self._by_code.get(code, ()))

    @property
    def rows(self) -> tuple[NeedRow, ...]:
        """All rows, by code."""
        return tuple([row for code in sorted(self._by_code) for row in self._by_code[code]])


NO_NEEDS = Needs()


class NeedFacts(NamedTuple):
    """Who pays, in capitals, and for which code."""

    payer: str
    code: str


class NeedAnswer(NamedTuple):
    """Whether an authorization is needed, and what kind of evidence a request shows."""

    need: "YesNo"
    evidence: "EvidenceClass" = "other"


NEED = Concern(
    "authorization.need",
    NeedFacts,
    NeedAnswer,
    meaning="whether a payer wants an authorization for a code, before the table "
    "base/authorizations.csv is asked",
    may_be_silent=True,
)


class EvidenceFacts(NamedTuple):
    """A class of evidence, and one thing that a request may show."""

    class_: "EvidenceClass"
    evidence: "Evidence"


class EvidenceAnswer(NamedTuple):
    """Whether a request shows it."""

    show: "YesNo"


EVIDENCE = Concern(
    "authorization.evidence",
    EvidenceFacts,
    EvidenceAnswer,
    meaning="what a request for an authorization shows",
    may_be_silent=True,
)


CONCERNS = (NEED, EVIDENCE)


class Need(NamedTuple):
    """That an authorization is needed: by a rule's decision, or by a row of the table."""

    evidence: EvidenceClass
    decision: Decision[NeedAnswer] | None
    facts: tuple[tuple[str, str], ...]


class CodeNeed(NamedTuple):
    """A code and a day, and why it needs an authorization.

    `need` is None where it needs none, and the visit has one of just this code all the same.
    """

    code: str
    day: date
    need: Need | None


def need_of(rules: DayRules, needs: Needs, payer: str, code: str, *, day: date) -> Need | None:
    """Why a code needs an authorization of a payer, in capitals; None if it needs none."""
    table = rules.of(NEED)
    if table.rules:
        decision = table.decide(NeedFacts(payer, code))
        if decision.rule is not None:
            if not IS_YES[decision.answer.need]:
                return None
            return Need(decision.answer.evidence, decision, ())
    row = needs.row(payer, code, day)
    if row is None:
        return None
    table_row = (("table", "base/authorizations.csv"), ("payer", row.payer), ("source", row.cite))
    return Need(row.evidence, None, table_row)


def may_need(rules: DayRules, needs: Needs, code: str, *, day: date) -> bool:
    """Whether there may be a payer that wants one for a code: a row names it, or rules decide."""
    return needs.names(code, day) or bool(rules.of(NEED).rules)
