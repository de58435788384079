"""What Compare shows of a comparison, the same for the page, for JSON and for CSV.

It owns the sums: by kind, by what changes and by which rule, by visit. Money is the second side
less the first, by the site's price list: what other rules would bring more than the drafts of now,
or what is drafted more than was posted. Without a price list there is no money.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from chargeline.drafting.comparing import ComparedVisit
from chargeline.engine import (
    MEANINGS,
    BilledCharge,
    ChargeDifference,
    DifferenceKind,
    charge_in_short,
)
from chargeline.ledger.periods import PeriodVisit
from chargeline.workbench.addresses import visit_address
from chargeline.workbench.compare.asked_for import Against
from chargeline.workbench.compare.making import ComparisonResult

# In the order of the page; what was posted and is not supported is paid back, and comes first.
OF_RULES: Mapping[DifferenceKind, str] = {
    "dropped": "billed now, not billed then",
    "added": "not billed now, billed then",
    "code": "another code for the same",
    "units": "same code, other units",
    "modifier": "other modifiers",
    "day": "another day of service",
    "asked": "a person would be asked first",
}
OF_POSTED: Mapping[DifferenceKind, str] = {
    "dropped": "posted, not supported",
    "added": "missed: drafted, not posted",
    "units": "same code, other units",
    "code": "same drug, another code",
    "modifier": "other modifiers",
    "day": "another day of service",
}


def kinds_of(against: Against) -> Mapping[DifferenceKind, str]:
    """The kinds of differences that there are, in their order, and what they are called."""
    return OF_POSTED if against == "posted" else OF_RULES


class ComparedKind(BaseModel):
    """The differences of one kind."""

    kind: DifferenceKind
    says: str
    differences: int
    visits: int
    cents: int | None


class ComparedChange(BaseModel):
    """Differences that change the same codes by the same rule."""

    change: str = Field(description="Codes of the first side → codes of the second; – for none")
    rule: str = Field(description="The rule that differs or decides; empty where none does")
    differences: int
    visits: int
    cents: int | None


class ComparedLine(BaseModel):
    """One difference; a row of the table."""

    facility: str
    visit: str
    day: str
    status: str = Field(description="open while charges may still come, or final")
    place: str
    payer: str
    policy: str = Field(description="The policy of the draft as it is now")
    kind: DifferenceKind
    drug: str
    before: str = Field(description="What only the first side has: drafted now, or posted")
    after: str = Field(description="What only the second side has: by the other rules, or drafted")
    cents: int | None
    rule: str
    provisional: bool = Field(description="An open question may change it")
    address: str = Field(description="The line with its reasons")


class ComparedVisitItem(BaseModel):
    """A visit that differs."""

    facility: str
    visit: str
    address: str
    status: str
    place: str
    day: str
    policy: str
    cents: int | None
    asks_before: int
    asks_after: int
    lines: list[ComparedLine]


class MissingVisitItem(BaseModel):
    """A visit that could not be compared, and why."""

    facility: str
    visit: str
    address: str
    code: str
    expected: str
    found: str
    do: str


class ToldItem(BaseModel):
    """What drafts say by themselves of posted visits and courses."""

    code: str
    says: str
    times: int
    visits: int
    cents: int | None = Field(description="What drafted lines at stake would bring; 0 of questions")


class ComparedSums(BaseModel):
    """The sums over all visits that were compared."""

    visits: int
    same: int
    differ: int
    lines_before: int
    lines_after: int
    before_cents: int | None
    after_cents: int | None
    net_cents: int | None
    not_posted_visits: int = Field(description="With drafted lines, of which nothing was posted")
    not_posted_cents: int | None
    apart: int = Field(description="Posted charges of codes that are not compared here")
    unusable: int = Field(description="Posted charges without whole units, and credits of nothing")
    without_price: list[str] = Field(description="Codes that differ and have no price")


class CompareItems(BaseModel):
    """A comparison as far as it is."""

    state: Literal["nothing", "working", "done"]
    begun: datetime | None = None
    read_at: datetime | None = None
    done: int = 0
    total: int | None = None
    left_out: int = Field(default=0, description="Visits of the period that are beyond the bound")
    undated: int = Field(default=0, description="Visits of the ledger that are of no period")
    changed_since: bool = Field(
        default=False, description="Whether a visit of the period changed since"
    )
    rulebook: str = ""
    other: str = ""
    sums: ComparedSums | None = None
    kinds: list[ComparedKind] = []
    changes: list[ComparedChange] = []
    told: list[ToldItem] = []
    missing: list[MissingVisitItem] = []
    visits: list[ComparedVisitItem] = Field(
        default=[], description="Those of this page, most money first"
    )
    pages: int = 1


_Pair = tuple[ComparedVisit, ChargeDifference]


class Sums:
    """A comparison with the prices of the site."""

    def __init__(
        self, result: ComparisonResult, against: Against, prices: Mapping[str, int]
    ) -> None:
        self._result = result
        self._against = against
        self._prices = prices
        # Where nothing was posted yet nothing differs, and the whole visit is counted apart.
        posted = against == "posted"
        self._compared = [v for v in result.visits if v.before or not posted]
        self._not_posted = [v for v in result.visits if posted and not v.before and v.after]

    def sums(self) -> ComparedSums:
        """The sums over all visits."""
        compared = self._compared
        before = [charge for visit in compared for charge in visit.before]
        after = [charge for visit in compared for charge in visit.after]
        differ = sum(bool(visit.differences) for visit in compared)
        moved = {c.code for v in compared for d in v.differences for c in (*d.before, *d.after)}
        first, second = self._money(before), self._money(after)
        return ComparedSums(
            visits=len(compared),
            same=len(compared) - differ,
            differ=differ,
            lines_before=len(before),
            lines_after=len(after),
            before_cents=first,
            after_cents=second,
            net_cents=_less(second, first),
            not_posted_visits=len(self._not_posted),
            not_posted_cents=self._money([c for v in self._not_posted for c in v.after]),
            apart=sum(visit.apart for visit in self._result.visits),
            unusable=sum(visit.unusable for visit in self._result.visits),
            without_price=sorted(moved - self._prices.keys()) if self._prices else [],
        )

    def kinds(self) -> list[ComparedKind]:
        """The differences by kind, in the order of the page, without kinds that nothing has."""
        rows = []
        for kind, says in kinds_of(self._against).items():
            of_kind = [pair for pair in self._pairs() if pair[1].kind == kind]
            if of_kind:
                rows.append(ComparedKind(kind=kind, says=says, **self._counted(of_kind)))
        return rows

    def changes(self) -> list[ComparedChange]:
        """The differences by what changes and by which rule, most money first."""
        groups: dict[tuple[str, str], list[_Pair]] = {}
        for pair in self._pairs():
            groups.setdefault((change_of(pair[1]), pair[1].rule), []).append(pair)
        rows = [
            ComparedChange(change=change, rule=rule, **self._counted(pairs))
            for (change, rule), pairs in groups.items()
        ]
        return sorted(rows, key=lambda r: (-abs(r.cents or 0), -r.differences, r.change, r.rule))

    def told(self) -> list[ToldItem]:
        """What drafts say by themselves of posted visits and courses, by code."""
        by_code: dict[str, list[tuple[ComparedVisit, tuple[BilledCharge, ...]]]] = {}
        for visit in self._result.visits:
            for told in visit.told:
                by_code.setdefault(told.code, []).append((visit, told.lines))
        return [
            ToldItem(
                code=code,
                says=dict(MEANINGS).get(code, code),  # type: ignore[call-overload]
                times=len(entries),
                visits=len({visit.key for visit, _lines in entries}),
                cents=self._money([charge for _visit, lines in entries for charge in lines]),
            )
            for code, entries in sorted(by_code.items())
        ]

    def visits(self, kind: str = "", rule: str = "") -> list[ComparedVisitItem]:
        """The visits that differ, most money first; with a kind or rule only such differences."""
        items = [self._visit(visit, kind, rule) for visit in self._compared]
        wanted = [item for item in items if item.lines]
        return sorted(wanted, key=lambda v: (-abs(v.cents or 0), v.day, v.facility, v.visit))

    def missing(self) -> list[MissingVisitItem]:
        """The visits that could not be compared."""
        return [
            MissingVisitItem(
                facility=entry.key.facility,
                visit=entry.key.visit,
                address=visit_address(*entry.key),
                code=entry.finding.code,
                expected=entry.finding.expected,
                found=entry.finding.found,
                do=entry.finding.do,
            )
            for entry in self._result.missing
        ]

    def _pairs(self) -> list[_Pair]:
        return [(visit, one) for visit in self._compared for one in visit.differences]

    def _counted(self, pairs: Sequence[_Pair]) -> dict[str, Any]:
        cents = [self._cents(one) for _visit, one in pairs]
        return {
            "differences": len(pairs),
            "visits": len({visit.key for visit, _one in pairs}),
            "cents": sum([number or 0 for number in cents]) if self._prices else None,
        }

    def _visit(self, visit: ComparedVisit, kind: str, rule: str) -> ComparedVisitItem:
        row = self._result.rows[visit.key]
        lines = [
            self._line(visit, row, one)
            for one in visit.differences
            if kind in ("", one.kind) and rule in ("", one.rule)
        ]
        return ComparedVisitItem(
            facility=visit.key.facility,
            visit=visit.key.visit,
            address=visit_address(*visit.key),
            status=row.status,
            place=row.place,
            day=row.day,
            policy=visit.policy,
            cents=sum([line.cents or 0 for line in lines]) if self._prices else None,
            asks_before=visit.asks_before,
            asks_after=visit.asks_after,
            lines=lines,
        )

    def _line(self, visit: ComparedVisit, row: PeriodVisit, one: ChargeDifference) -> ComparedLine:
        address = visit_address(*visit.key)
        return ComparedLine(
            facility=visit.key.facility,
            visit=visit.key.visit,
            day=one.day.isoformat(),
            status=row.status,
            place=row.place,
            payer=row.payer,
            policy=visit.policy,
            kind=one.kind,
            drug=one.drug,
            before=in_short(one.before),
            after=in_short(one.after),
            cents=self._cents(one),
            rule=one.rule,
            provisional=one.provisional,
            address=f"{address}?line={one.line_id}" if one.line_id else address,
        )

    def _cents(self, one: ChargeDifference) -> int | None:
        return _less(self._money(one.after), self._money(one.before))

    def _money(self, charges: Iterable[BilledCharge]) -> int | None:
        if not self._prices:
            return None
        return sum([charge.units * self._prices.get(charge.code, 0) for charge in charges])


def _less(second: int | None, first: int | None) -> int | None:
    return second - first if second is not None and first is not None else None


def in_short(charges: Iterable[BilledCharge]) -> str:
    """Charges such as `96413 x1, 96415 x2`."""
    return ", ".join([charge_in_short(c.code, c.modifiers, c.units) for c in charges])


def change_of(one: ChargeDifference) -> str:
    """What a difference changes, without units: `96367 → 96417`, `– → 96415`, `J9045, units`."""
    before, after = _codes(one.before), _codes(one.after)
    if before == after:
        return f"{before}, {'units' if one.kind == 'units' else 'day'}"
    return f"{before or '–'} → {after or '–'}"


def _codes(charges: Iterable[BilledCharge]) -> str:
    return " + ".join(dict.fromkeys(["-".join([c.code, *c.modifiers]) for c in charges]))
