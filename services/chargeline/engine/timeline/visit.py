"""One visit, kept up to date event by event.

It owns which parts of a timeline an event changes: only its order and its day. So one more message
costs as much in an account of 1,000 days as in one of a single day. Everything in a visit is a
register or a set, whose final state does not depend on the order of arrival. It knows no codes.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain

from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.care import CareEvent
from chargeline.engine.events import (
    BEGINNING,
    Answer,
    ClockAhead,
    Dispensed,
    LineAnswer,
    OrderFact,
    Record,
    Source,
    Unreadable,
    VisitFact,
    VisitKey,
)
from chargeline.engine.readings import Event
from chargeline.engine.rules import NO_FACTS, Policy
from chargeline.engine.shapes import by_keyword
from chargeline.engine.timeline.administrations import OrderHistory, history_of
from chargeline.engine.timeline.authorizations import AuthorizationBuilder
from chargeline.engine.timeline.care import CareBuilder
from chargeline.engine.timeline.context import ContextBuilder
from chargeline.engine.timeline.corrections import CHATTER
from chargeline.engine.timeline.numbers import OrderNumbers
from chargeline.engine.timeline.orders import dispensed_in, planned_order
from chargeline.engine.timeline.records import (
    Administration,
    Day,
    PlannedOrder,
    Problem,
    Timeline,
    clock_order,
)
from chargeline.engine.timeline.running import BAG_CHANGE, BagChange

_new_timeline = by_keyword(Timeline)

# These say how everything stands, and happen again and again.
_SNAPSHOTS = frozenset({"A08", "A31"})

# Before the first day of the rules nothing is billed. A bag then continues another one within the
# ordered time only.
_NO_BAG_CHANGE = BagChange(grace_minutes=0, without_order_minutes=0)


class _OrderState:
    """What is known of one order, and the history last made from it."""

    __slots__ = ("chatter", "facts", "history", "records", "sent_again")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.chatter: list[Record] = []
        self.facts: list[OrderFact] = []
        self.sent_again: dict[str, datetime] = {}  # digest of a message -> its last MSH-7
        self.history = OrderHistory()

    @property
    def administrations(self) -> tuple[Administration, ...]:
        """The administrations last made of the order."""
        return self.history.administrations

    def is_deaf_to_chatter(self) -> bool:
        """Whether a rate change alters nothing: every dose runs, or may run, without a pause."""
        return all(
            len(item.intervals) == 1 and (item.charted == "open" or item.may_have_run)
            for item in self.administrations
        )


class Visit:
    """Everything known of one visit; `timeline` is the same for the same events in any order.

    `rules` are those of the base layer, because the payer is known only after the fold. `rows`
    counts the charted rows, each version of a row by itself.
    """

    def __init__(self, key: VisitKey, zone: str, rules: Policy) -> None:
        self.key = key
        self.zone = zone
        self.rows = 0
        self._rules = rules
        self._orders: dict[str, _OrderState] = {}
        self._changed_orders: dict[str, None] = {}
        self._supplied: dict[str, None] = {}  # orders for which something was handed out
        self._numbers = OrderNumbers()
        self._dates: list[date] = []  # ascending; _days has the day of each date, in this order
        self._days: list[Day] = []
        self._context = ContextBuilder(zone)
        self._care = CareBuilder()
        self._authorizations = AuthorizationBuilder()
        self._waiting: dict[str, PlannedOrder | None] = {}  # nothing is charted of these orders
        self._unreadable: dict[tuple[str, str, str], Unreadable | ClockAhead] = {}
        self._answers: dict[str, Answer | LineAnswer] = {}  # by number
        self._timeline: Timeline | None = None

    def add(self, events: Iterable[Event]) -> Sequence[str]:
        """Take in events of messages that are new to the visit; `Feed` leaves out duplicates.

        Returns the patients that no event named before.
        """
        self._timeline = None
        patients = self._context.patients
        count = len(patients)
        for event in events:
            if type(event) is Record:
                self._add_record(event)
            elif type(event) is VisitFact:
                self._context.add(event)
            elif type(event) is OrderFact:
                self._add_fact(event)
            elif type(event) is Unreadable:
                finding = event.finding
                self._unreadable[finding.code, event.message.digest, finding.where] = event
            elif type(event) is ClockAhead:
                self._add_clock(event)
            elif type(event) is Answer or type(event) is LineAnswer:
                self._answers[event.message.digest] = event
            elif isinstance(event, CareEvent):
                self._care.add(event, event.message.sent)
            elif type(event) is Authorization:
                self._authorizations.add(event, event.message.sent)
        return list(patients)[count:] if len(patients) > count else ()

    def _add_clock(self, event: ClockAhead) -> None:
        """Note that a clock runs ahead, once for the visit; a date that is wrong, each time."""
        finding = event.finding
        about = event.message.digest if finding.code == "clock.far_ahead" else ""
        before = self._unreadable.get((finding.code, about, ""))
        if before is None or event.message.digest < before.message.digest:
            self._unreadable[finding.code, about, ""] = event

    def add_again(self, events: Iterable[Event], sent: datetime) -> bool:
        """Take in that a known message was sent again at `sent`; returns whether that may matter.

        It may for what carries no time of its own: a row without RXA-22, an order, and an A08
        without EVN. The other events are a resend, and nothing new.
        """
        matters = False
        for event in events:
            if isinstance(event, VisitFact):
                if event.trigger in _SNAPSHOTS and event.effective is None:
                    self._context.add(event._replace(message=event.message._replace(sent=sent)))
                    matters = True
            elif isinstance(event, CareEvent):
                matters |= self._care.add(event, sent)
            elif isinstance(event, Authorization):
                self._authorizations.add(event, sent)
                matters = True
            elif isinstance(event, OrderFact) or (isinstance(event, Record) and not event.recorded):
                state = self._orders[event.order]
                state.sent_again[event.message.digest] = sent
                lent = sum([len(lender.facts) for lender in self._lenders(event.order)])
                touched = {event.order, *self._borrowers(event)}
                if len(state.records) + len(state.facts) + lent > 1 or len(touched) > 1:
                    self._remake_later(touched)
                    matters = True
        if matters:
            self._timeline = None
        return matters

    def _order(self, number: str) -> _OrderState:
        """The state of an order, whose administrations are then made again for the timeline."""
        self._changed_orders[number] = None
        state = self._orders.get(number)
        if state is None:
            state = self._orders[number] = _OrderState()
        return state

    def _remake_later(self, numbers: Iterable[str]) -> None:
        """Let those of the orders that are known be made again for the timeline."""
        for number in numbers:
            if number in self._orders:
                self._changed_orders[number] = None

    def _add_fact(self, fact: OrderFact) -> None:
        self._order(fact.order).facts.append(fact)
        if fact.dispensed is not None:
            self._supplied[fact.order] = None
        if fact.other_numbers:
            self._remake_later(self._numbers.pair(fact.order, fact.other_numbers))
        self._remake_later(self._borrowers(fact))

    def _lenders(self, number: str) -> list[_OrderState]:
        """The orders whose facts count for an order besides its own."""
        numbers = self._numbers.lenders(number)
        return [self._orders[other] for other in numbers if other in self._orders]

    def _borrowers(self, event: OrderFact | Record) -> list[str]:
        """The orders for which a fact counts besides its own; a row counts for its own only."""
        if isinstance(event, Record):
            return []
        return [other for other in self._numbers.borrowers(event.order) if other in self._orders]

    def _add_record(self, record: Record) -> None:
        self.rows += 1
        if record.other_numbers:
            self._remake_later(self._numbers.pair(record.order, record.other_numbers))
        if record.action not in CHATTER or record.status != "add":
            self._order(record.order).records.append(record)
            return
        state = self._orders.get(record.order)
        if state is None or not state.administrations or record.order in self._changed_orders:
            self._order(record.order).chatter.append(record)
            return
        state.chatter.append(record)
        if not state.is_deaf_to_chatter():
            self._changed_orders[record.order] = None

    def timeline(self) -> Timeline:
        """The timeline after all events so far.

        Parts that no event touched are the very same objects as in the timeline before.
        """
        if self._timeline is None:
            self._remake_orders()
            self._timeline = _new_timeline(
                key=self.key,
                context=self._context.context(),
                days=self._care.beside(self._days),
                problems=self._problems(),
                unplaced=self._unplaced(),
                patients=self._context.owners(),
                answers=tuple(sorted(self._answers.values(), key=_when_answered)),
                dispensed=self._dispensed(),
                observed=self._care.of_patient(),
                planned=self._planned(),
                authorizations=self._authorizations.authorizations(),
                unclear=self._authorizations.unclear(),
            )
        return self._timeline

    def _remake_orders(self) -> None:
        """Make the administrations of changed orders again, and the days that had or have them."""
        changes: dict[
            date, list[tuple[tuple[Administration, ...], tuple[Administration, ...]]]
        ] = {}
        for number in self._changed_orders:
            state = self._orders[number]
            before = state.administrations
            if not before and not state.records and not state.chatter:
                self._waiting[number] = planned_order(
                    number, state.facts, state.sent_again, self.zone
                )
                continue
            self._waiting.pop(number, None)
            state.history = self._history_of(number, state)
            after = state.administrations
            if after == before:
                continue
            for day in {item.day for item in (*before, *after)}:
                changes.setdefault(day, []).append((before, after))
        self._changed_orders.clear()
        for day, pairs in changes.items():
            self._remake_day(day, pairs)

    def _history_of(self, number: str, state: _OrderState) -> OrderHistory:
        """The history of an order; the facts under its other numbers count, and not their rows."""
        lenders = self._lenders(number)
        sent_again = state.sent_again
        if lenders:
            sent_again = dict(sent_again)
            for lender in lenders:
                sent_again.update(lender.sent_again)
        return history_of(
            number,
            state.records,
            chatter=state.chatter,
            # of one message what it says of the order by its own number counts last
            facts=chain(*[lender.facts for lender in lenders], state.facts),
            sent_again=sent_again,
            bag_change=self._bag_change(state),
        )

    def _bag_change(self, state: _OrderState) -> BagChange:
        first_day = min([record.day for record in (*state.records, *state.chatter)])
        decision = self._rules.on(first_day).of(BAG_CHANGE).decide(NO_FACTS)
        return decision.answer if decision.rule is not None else _NO_BAG_CHANGE

    def _remake_day(
        self,
        day: date,
        pairs: Iterable[tuple[tuple[Administration, ...], tuple[Administration, ...]]],
    ) -> None:
        """Replace the administrations of changed orders on one day by the new ones."""
        place = bisect_left(self._dates, day)
        exists = place < len(self._dates) and self._dates[place] == day
        kept = {item.key: item for item in self._days[place].administrations} if exists else {}
        for before, after in pairs:
            for item in before:
                if item.day == day:
                    kept.pop(item.key, None)
            kept.update({item.key: item for item in after if item.day == day})
        days = [Day(day, tuple(sorted(kept.values(), key=clock_order)))] if kept else []
        self._days[place : place + exists] = days
        self._dates[place : place + exists] = [day for _day in days]

    def owners(self) -> tuple[str, ...]:
        """The patients of the visit, normally one; a patient whose visit was moved away is none."""
        return self._context.owners()

    def patients(self) -> Sequence[str]:
        """Every patient that a message named, in the order of arrival."""
        return list(self._context.patients)

    def _problems(self) -> tuple[Problem, ...]:
        """The parts that could not be read, in an order that does not depend on arrival."""
        unreadable = [
            Problem(event.finding, Source(event.message, event.finding.where))
            for _key, event in sorted(self._unreadable.items())
        ]
        return (*self._context.problems(), *unreadable)

    def _dispensed(self) -> tuple[Dispensed, ...]:
        """What was handed out for the orders, by the number of the order."""
        states = [self._orders[number] for number in sorted(self._supplied)]
        return tuple(
            [item for state in states for item in dispensed_in(state.facts, state.sent_again)]
        )

    def _planned(self) -> tuple[PlannedOrder, ...]:
        """The orders in force of which nothing is charted under any of their numbers, in order."""
        planned = []
        for number in sorted(self._waiting):
            order = self._waiting[number]
            others = (*self._numbers.lenders(number), *self._numbers.borrowers(number))
            is_charted = any(o in self._orders and o not in self._waiting for o in others)
            if order is not None and not is_charted:
                planned.append(order)
        return tuple(planned)

    def _unplaced(self) -> tuple[Problem, ...]:
        """The problems of orders without administrations, by the number of the order."""
        left = {number: state.history.unplaced for number, state in self._orders.items()}
        return tuple([problem for number in sorted(left) for problem in left[number]])


def _when_answered(answer: Answer | LineAnswer) -> tuple[datetime, str]:
    """Sorts answers by the time at which they were given, then by number."""
    return (answer.message.sent or BEGINNING, answer.message.digest)
