"""The balance of drugs: dispensed = given + discarded = billed, and a word for each difference.

It owns the rows and what explains them. The left side comes from feed and chart
(charted_drugs.py), the right side from the lines of the draft, converted back to the drug's unit. A
difference that a rule, a question or rounding explains is named so; any other is unexplained.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.coding.charted_drugs import (
    ChartedDrug,
    NdcShare,
    Stock,
    charted_drugs,
    unknown_supplies,
)
from chargeline.engine import (
    ChargeLine,
    Draft,
    Drug,
    Formulary,
    Question,
    Timeline,
    Withheld,
    with_answers,
)

_ABOUT_AMOUNTS = ("dose.", "drug.", "vial.", "waste.", "ndc.", "number.", "order.", "note.")
_NOTHING = Decimal(0)


class Reason(NamedTuple):
    """Why a part of a row differs: `amount` of it, in the drug's unit.

    An amount of 0 is a remark on what is billed, such as a line that is provisional. `visits` are
    the numbers of the visits that it comes from.
    """

    says: str
    amount: Decimal
    is_explained: bool
    visits: tuple[str, ...]


class BalanceRow(NamedTuple):
    """One drug and NDC of one stock in one nursing unit on one day, or over the period.

    Amounts are in `unit`. `ndc` is "" where nothing says which it was, `dispensed` None where no
    message tells of it, and `day` None over the period.
    """

    stock: Stock
    day: date | None
    place: str
    drug: str
    ndc: str
    unit: str
    dispensed: Decimal | None
    given: Decimal
    discarded: Decimal
    billed: Decimal
    reasons: tuple[Reason, ...]

    @property
    def difference(self) -> Decimal:
        """What was handed out and is not billed; of what was given where no message tells."""
        used = self.given + self.discarded
        return (used if self.dispensed is None else self.dispensed) - self.billed

    @property
    def is_explained(self) -> bool:
        """Whether each part of the difference has a reason."""
        return all(reason.is_explained for reason in self.reasons)


class Period(NamedTuple):
    """The days that a balance is about, both included; None is open."""

    first: date | None = None
    last: date | None = None

    def has(self, day: date) -> bool:
        """Whether a day is in the period."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class Balance:
    """The balance of visits that come one after the other, over a period.

    Of the visits it keeps the sums only, so a year of a hospital fits in memory.
    """

    def __init__(self, formulary: Formulary, period: Period, *, by_day: bool = True) -> None:
        self._formulary = formulary
        self._period = period
        self._by_day = by_day
        self._rows: dict[tuple[object, ...], BalanceRow] = {}

    def add(self, timeline: Timeline, drafted: Draft) -> None:
        """Take in a visit. `timeline` is the one before what people answered."""
        for row in _rows_of(timeline, drafted, self._formulary):
            if row.day is None or self._period.has(row.day):
                told = row if self._by_day else row._replace(day=None)
                slot = told[:6]
                before = self._rows.get(slot)
                self._rows[slot] = told if before is None else _sum(before, told)

    def rows(self) -> tuple[BalanceRow, ...]:
        """The rows so far; own stock first, then by day, nursing unit, drug and NDC."""
        return tuple(sorted(self._rows.values(), key=_order))


def _order(row: BalanceRow) -> tuple[object, ...]:
    stocks: tuple[Stock, ...] = ("own", "340B", "not bought")
    return (stocks.index(row.stock), row.day or date.min, row.place, row.drug, row.ndc, row.unit)


def _sum(one: BalanceRow, other: BalanceRow) -> BalanceRow:
    """Two rows of one drug as one, with the reasons that say the same put together."""
    reasons: dict[tuple[str, bool], Reason] = {}
    for reason in (*one.reasons, *other.reasons):
        slot = (reason.says, reason.is_explained)
        before = reasons.get(slot, reason._replace(amount=_NOTHING, visits=()))
        visits = tuple(dict.fromkeys([*before.visits, *reason.visits]))
        reasons[slot] = before._replace(amount=before.amount + reason.amount, visits=visits)
    told = [row.dispensed for row in (one, other) if row.dispensed is not None]
    # what a visit without a dispense message used counts as dispensed beside one that has them
    if len(told) == 1:
        told += [row.given + row.discarded for row in (one, other) if row.dispensed is None]
    return one._replace(
        dispensed=sum(told, _NOTHING) if told else None,
        given=one.given + other.given,
        discarded=one.discarded + other.discarded,
        billed=one.billed + other.billed,
        reasons=tuple(reasons.values()),
    )


# ------------------------------------------------------------------ one visit


class _Billing(NamedTuple):
    """What the draft of a visit says of one drug and day."""

    lines: tuple[ChargeLine, ...]
    withheld: tuple[Withheld, ...]
    asked: tuple[Question, ...]


def _rows_of(visit: Timeline, drafted: Draft, formulary: Formulary) -> Iterator[BalanceRow]:
    timeline = with_answers(visit, formulary)
    number, place = timeline.key.visit, timeline.context.place
    for charted in charted_drugs(timeline, formulary):
        billing = _billing_of(drafted, charted)
        shares = charted.shares(formulary)
        for line in billing.lines:
            shares.setdefault(_ndc_of(line, shares), NdcShare())
        for ndc, share in shares.items():
            lines = [line for line in billing.lines if _ndc_of(line, shares) == ndc]
            rows = [_row_of(line, charted, formulary) for line in lines]
            billed = _Billed(
                sum(
                    [line.units * row.unit_amount for line, row in zip(lines, rows, strict=True)],
                    _NOTHING,
                ),
                max([row.unit_amount for row in rows], default=_NOTHING),
            )
            reasons = [
                *_of_stock(charted, share, billing),
                *_of_bill(charted, share, billing, billed),
            ]
            reasons += _remarks(charted, lines, is_asked=bool(billing.asked))
            yield BalanceRow(
                stock=charted.stock,
                day=charted.day,
                place=place,
                drug=charted.drug.id,
                ndc=ndc,
                unit=charted.drug.unit,
                dispensed=share.dispensed,
                given=share.given,
                discarded=share.discarded,
                billed=billed.amount,
                reasons=tuple([reason._replace(visits=(number,)) for reason in reasons]),
            )
    for item in unknown_supplies(timeline, formulary):
        amount = item.drug.amount or _NOTHING
        says = "dispensed, and the formulary does not know the drug"
        yield BalanceRow(
            stock="own",
            day=item.day,
            place=place,
            drug=item.drug.text or "/".join(item.drug.codes),
            ndc="",
            unit=item.drug.unit,
            dispensed=amount,
            given=_NOTHING,
            discarded=_NOTHING,
            billed=_NOTHING,
            reasons=(Reason(says, amount, False, (number,)),),
        )


def _ndc_of(line: ChargeLine, shares: dict[str, NdcShare]) -> str:
    """The NDC of a line; that of the only share where the line has none."""
    if line.ndc is not None:
        return line.ndc.digits
    return next(iter(shares)) if len(shares) == 1 else ""


class _Billed(NamedTuple):
    """The amount that the lines bill, and the amount of one of their units; 0 without lines."""

    amount: Decimal
    of_unit: Decimal


def _row_of(line: ChargeLine, charted: ChartedDrug, formulary: Formulary) -> Drug:
    """The row of the formulary that a line bills.

    A drug may have a second code, in other units, for patients on dialysis.
    """
    same = [row for row in formulary.of_code(line.code) if row.id == charted.drug.id]
    return next((row for row in same if row.in_force(charted.day)), charted.drug)


def _billing_of(drafted: Draft, charted: ChartedDrug) -> _Billing:
    lines: list[ChargeLine] = []
    withheld: list[Withheld] = []
    asked: list[Question] = []
    for encounter in drafted.encounters:
        lines += [
            line
            for line in encounter.lines
            if line.family == "drugs"
            and (line.drug, line.service_date) == (charted.drug.id, charted.day)
            and charted.keys.intersection(line.administrations)
        ]
        withheld += [
            entry
            for entry in encounter.withheld
            if charted.keys.intersection(entry.administrations) and entry.reason != "vehicle"
        ]
        asked += [
            question
            for question in encounter.questions
            if charted.keys.intersection(question.administrations)
            and question.finding.code.startswith(_ABOUT_AMOUNTS)
        ]
    withheld.sort(key=lambda entry: entry.family != "drugs")  # what is said of the drug comes first
    return _Billing(tuple(lines), tuple(withheld), tuple(asked))


# ------------------------------------------------------------------ why


def _reason(says: str, amount: Decimal, *, is_explained: bool = True) -> Reason:
    return Reason(says, amount, is_explained, ())


def _asked(billing: _Billing) -> str:
    codes = dict.fromkeys([question.finding.code for question in billing.asked])
    return f"asked: {', '.join(codes)}"


def _of_stock(charted: ChartedDrug, share: NdcShare, billing: _Billing) -> Iterator[Reason]:
    """Why more or less was handed out than was given and discarded."""
    if share.dispensed is None:
        return
    rest = share.dispensed - share.given - share.discarded
    if not rest:
        return
    if billing.asked:
        yield _reason(_asked(billing), rest)
    elif not charted.doses and charted.not_given:
        yield _reason("dispensed, and the record says that it was not given", rest)
    elif not charted.doses:
        yield _reason("dispensed, and nothing is charted", rest)
    elif rest > 0:
        says = "dispensed, and charted neither as given nor as discarded"
        yield _reason(says, rest, is_explained=False)
    else:
        yield _reason("charted, and not dispensed", rest, is_explained=False)


def _of_bill(
    charted: ChartedDrug, share: NdcShare, billing: _Billing, billed: _Billed
) -> Iterator[Reason]:
    """Why more or less is billed than was given and discarded."""
    rest = share.given + share.discarded - billed.amount
    wastes = [entry for entry in billing.withheld if _is_of_waste(entry)]
    if wastes and share.discarded:
        yield _reason(f"discarded, and withheld by {wastes[0].reason}", share.discarded)
        rest -= share.discarded
    others = [entry for entry in billing.withheld if not _is_of_waste(entry)]
    if not rest:
        return
    if billed.amount and abs(rest) < billed.of_unit:
        yield _reason("rounded to whole units", rest)
    elif others and not billed.amount:
        yield _reason(_withheld_in_words(others[0]), rest)
    elif billing.asked:
        yield _reason(_asked(billing), rest)
    else:
        says = "not billed, and nothing says why" if rest > 0 else "billed beyond what is charted"
        yield _reason(says, rest, is_explained=False)


def _is_of_waste(entry: Withheld) -> bool:
    return entry.family == "drugs" and any(step.topic == "waste" for step in entry.trace)


def _withheld_in_words(entry: Withheld) -> str:
    return "no billing code" if entry.reason == "drug.no_code" else f"withheld by {entry.reason}"


def _remarks(
    charted: ChartedDrug, lines: Iterable[ChargeLine], *, is_asked: bool
) -> Iterator[Reason]:
    """What is not settled: provisional lines, lines on hold, amounts that nobody can read."""
    says = [
        f"provisional until {line.provisional} is answered" for line in lines if line.provisional
    ]
    says += ["held by a person" for line in lines if line.held]
    for words in dict.fromkeys(says):
        yield _reason(words, _NOTHING)
    for unclear in dict.fromkeys(charted.unclear):
        yield _reason(unclear, _NOTHING, is_explained=is_asked)
