"""The running machine: from the rows of one order to the stretches in which its drug ran.

There is one machine for each order. The machine takes the rows that stand (corrections.py) in the
order of the clock, and holds a list of doses (running_dose.py), of which only the last dose can
still change. It knows no codes. The state of the machine is what the last dose is doing:

    nothing            there is no dose yet
    running            the clock runs, since the time of a start or restart
    paused             the clock stands, and the dose is expected to go on
    stopped            the dose is over; a restart continues it, or a row with its own start and end
                       that belongs to it (`_continues_closed`)
    stopped in pause   the dose is over, and the stop came while the dose was paused

Each row has an action. `MOVES` is the whole machine: the move for each state and action. A move may
begin a dose, open or close a stretch of the last dose, or do nothing.

One sequence, worked through. An order of 90 minutes:

    09:00  start    nothing -> running    a dose begins, its clock runs from 09:00
    09:30  pause    running -> paused     the stretch 09:00-09:30 is closed
    09:40  restart  paused  -> running    the clock runs again from 09:40
    10:00  start    running -> running    the next bag of the same infusion: the clock goes on
    10:50  stop     running -> stopped    the stretch 09:40-10:50 is closed
    10:51  pause    stopped -> stopped    nothing runs, so the machine asks for the missing start

The first dose ran 30 + 70 = 100 minutes. The machine never invents a stop: a dose that still runs
has an open stretch, and rules say what an open stretch is worth. A start that comes long after the
dose should be over begins another dose (`BagChange`). Without this a daily antibiotic whose stops
nobody charts would be one infusion of 24 hours and more.

Two things hold in every state. A row that stands for itself (`given`, `push`, or a start with its
end) is a dose of its own, unless it continues the dose before it (`_continues_closed`), whose open
stretch it then ends. In the night on which the clock is put back, a local time such as 01:30 may
mean two moments; the machine takes the moment that makes the infusion shorter, and asks.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Literal, NamedTuple

from chargeline.engine.events import Record
from chargeline.engine.rules import Concern, NoFacts
from chargeline.engine.timeline.corrections import address
from chargeline.engine.timeline.orders import Order
from chargeline.engine.timeline.records import problem_at
from chargeline.engine.timeline.running_dose import TOUCHING, RunningDose, State, names_of
from chargeline.engine.words import Action, ActionCharted


class BagChange(NamedTuple):
    """How long after its start or restart an infusion takes another bag as its own, in minutes.

    With an order this is the ordered time plus `grace_minutes`, else `without_order_minutes`.
    """

    grace_minutes: int
    without_order_minutes: int


BAG_CHANGE = Concern(
    "timeline.bag_change",
    NoFacts,
    BagChange,
    meaning="until when a new bag goes on with the running infusion, and is not another dose",
)


class Machine:
    """The doses of one order, in the order of the clock; the last one can still change."""

    def __init__(self, order: Order, bag_change: BagChange) -> None:
        self.order = order
        self.bag_change = bag_change
        self.doses: list[RunningDose] = []

    @property
    def state(self) -> State:
        """What the last dose is doing."""
        return self.doses[-1].state if self.doses else "nothing"

    def take(self, record: Record) -> None:
        """Make the move of one row."""
        MOVES[self.state][_action(record)](self, record)

    def begin(self, record: Record) -> RunningDose:
        """Begin a new dose, which is the last one from now on."""
        dose = RunningDose(record)
        self.doses.append(dose)
        return dose


def doses_of(records: Iterable[Record], order: Order, bag_change: BagChange) -> list[RunningDose]:
    """The doses of one order, from the rows that stand, in the order of the clock."""
    machine = Machine(order, bag_change)
    for record in records:
        machine.take(record)
    return machine.doses


def _action(record: Record) -> ActionCharted:
    """The action of a row; a start with its end (RXA-4) stands for itself, like `given`."""
    if record.action == "start" and record.until is not None:
        return "given"
    return record.action


# ------------------------------------------------------------------ the moves


def _start(machine: Machine, record: Record) -> None:
    machine.begin(record).run_from(record)


def _hang_next_bag(machine: Machine, record: Record) -> None:
    """Let the clock run on at a bag change; begin another dose if the bag comes much too late.

    An order of 60 minutes with a grace of 120: a bag at 11:00 continues the dose begun at 09:00,
    and a bag at 12:01 is another dose.
    """
    dose = machine.doses[-1]
    assert dose.running_since is not None, "the dose runs"
    if machine.order.minutes is None:
        longest = machine.bag_change.without_order_minutes
    else:
        longest = machine.order.minutes + machine.bag_change.grace_minutes
    if record.at - dose.running_since.at <= timedelta(minutes=longest):
        dose.note(record)
    else:
        _start(machine, record)


def _go_on(machine: Machine, record: Record) -> None:
    """Start the clock of the last dose again."""
    dose = machine.doses[-1]
    dose.note(record)
    dose.run_from(record)


def _restart(machine: Machine, record: Record) -> None:
    """Start the clock again, unless it runs.

    Nobody can restart a push, so a restart after a push is an infusion whose start is missing.
    """
    if machine.doses[-1].first.method == "push":
        _ask_for_start(machine, record)
    elif machine.state != "running":
        _go_on(machine, record)


def _go_on_by_rate(machine: Machine, record: Record) -> None:
    """Start the clock again: a rate above 0 says that the drug runs, without a charted restart."""
    machine.doses[-1].run_from(record)


def _pause(machine: Machine, record: Record) -> None:
    dose = machine.doses[-1]
    dose.close(record, "3")
    dose.state = "paused"


def _stop(machine: Machine, record: Record) -> None:
    dose = machine.doses[-1]
    was_paused = dose.state == "paused"
    if dose.running_since is not None:
        dose.close(record, "3")
    dose.note(record)
    dose.state = "stopped in pause" if was_paused else "stopped"


def _ask_for_start(machine: Machine, record: Record) -> None:
    """Ask for the start of a pause, stop or rate change before which nothing was started.

    Several such rows after each other are one question.
    """
    last = machine.doses[-1] if machine.doses else None
    if last is not None and last.problems and last.problems[-1].finding.code == "start.missing":
        last.note(record)
        return
    dose = machine.begin(record)
    dose.problems.append(
        problem_at(
            address(record, "3"),
            "start.missing",
            expected=f"a start of the same order before the {record.action}",
            found=f"a {record.action} without any start",
            do="chart the start, void the entry, or name the visit in which the pump was started",
        )
    )


def _give_bolus(machine: Machine, record: Record) -> None:
    """Begin a dose of its own: an extra amount while nothing runs."""
    machine.begin(record).run_once(record)


def _give_bolus_of_bag(machine: Machine, record: Record) -> None:
    """Put an extra amount from the running bag before the last dose, which goes on unchanged."""
    bolus = RunningDose(record)
    bolus.is_bolus = True
    bolus.run_once(record)
    machine.doses.insert(len(machine.doses) - 1, bolus)


def _give(machine: Machine, record: Record) -> None:
    """Take a row that stands for itself: a further stretch of a closed dose, or a dose."""
    last = machine.doses[-1] if machine.doses else None
    if last is not None and _continues_closed(last, record):
        state = last.state
        last.note(record)
        last.run_once(record)
        last.state = "stopped" if state == "running" else state
        return
    dose = machine.begin(record)
    if record.action != "not_given" and record.completion != "not_given":
        dose.run_once(record)


def _refuse(machine: Machine, record: Record) -> None:
    """Begin a dose that was not given: held, missed or refused."""
    machine.begin(record)


def _nothing(machine: Machine, record: Record) -> None:
    """Do nothing: what the row says is true already."""


Transition = Callable[[Machine, Record], None]
_Row = Mapping[Action | Literal[""], Transition]

_ONE_ROW: _Row = {"given": _give, "push": _give, "void": _give, "": _give}
MOVES: Mapping[State, _Row] = {
    "nothing": {
        **_ONE_ROW,
        "start": _start,
        "pause": _ask_for_start,
        "restart": _ask_for_start,
        "rate": _ask_for_start,
        "verify": _ask_for_start,
        "stop": _ask_for_start,
        "bolus": _give_bolus,
        "not_given": _refuse,
    },
    "running": {
        **_ONE_ROW,
        "start": _hang_next_bag,
        "pause": _pause,
        "restart": _restart,
        "rate": _nothing,
        "verify": _nothing,
        "stop": _stop,
        "bolus": _give_bolus_of_bag,
        "not_given": _pause,
    },
    "paused": {
        **_ONE_ROW,
        "start": _go_on,
        "pause": _nothing,
        "restart": _restart,
        "rate": _go_on_by_rate,
        "verify": _go_on_by_rate,
        "stop": _stop,
        "bolus": _give_bolus_of_bag,
        "not_given": _refuse,
    },
    "stopped": {
        **_ONE_ROW,
        "start": _start,
        "pause": _ask_for_start,
        "restart": _restart,
        "rate": _nothing,
        "verify": _nothing,
        "stop": _ask_for_start,
        "bolus": _give_bolus,
        "not_given": _refuse,
    },
    "stopped in pause": {
        **_ONE_ROW,
        "start": _start,
        "pause": _nothing,
        "restart": _restart,
        "rate": _nothing,
        "verify": _nothing,
        "stop": _ask_for_start,
        "bolus": _give_bolus_of_bag,
        "not_given": _refuse,
    },
}


def _continues_closed(dose: RunningDose, record: Record) -> bool:
    """Whether a row with start and stop is another stretch of the closed dose before it.

    It is if the two touch (at most one minute apart), if the dose so far was charted as partial, or
    if the row charts no amount. A row of another drug is none, even under the same order.
    """
    if not dose.intervals or record.until is None or record.until <= record.at:
        return False
    if _is_another_drug(dose, record):
        return False
    last = dose.intervals[-1]
    if last.stop is None or last.stop <= last.start or record.completion == "not_given":
        return False
    gap = record.at - last.stop
    is_touching = timedelta(0) <= gap <= TOUCHING
    has_no_dose = not any(drug.amount for drug in record.drugs)
    was_partial = dose.records[-1].completion == "partial"
    return is_touching or (gap >= timedelta(0) and (has_no_dose or was_partial))


def _is_another_drug(dose: RunningDose, record: Record) -> bool:
    """Whether a row names a drug, and none that the dose names."""
    own = names_of(record)
    return bool(dose.names and own) and dose.names.isdisjoint(own)
