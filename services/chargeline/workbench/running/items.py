"""The rows of the board, the same for the page, for JSON and for CSV, and their order.

It owns what a row says and which comes first: who is past the ordered end and still there, then who
has no ordered end, then who still runs in time, then what somebody said still runs. Who has left is
a list apart, the last to leave first: that is another job, and another call.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from chargeline.ledger.running import RunningVisit
from chargeline.workbench.addresses import visit_address
from chargeline.workbench.running.charted import OpenStop, open_stops

State = Literal["overdue", "due", "no_order", "running", "said_running", "left"]
IN_WORDS: dict[State, str] = {
    "overdue": "overdue",
    "due": "stop due",
    "no_order": "no ordered end",
    "running": "running",
    "said_running": "said to run",
    "left": "left without a stop",
}


class RunningItem(BaseModel):
    """An infusion without a stop."""

    facility: str
    visit: str
    address: str = Field(description="Where the visit is shown, with the question about the stop")
    place: str
    drug: str
    dose: str
    nurse: str = Field(description="The number of who charted it; empty where nobody says it")
    started: datetime = Field(description="By the clock of the sender, as all times of the drug")
    ordered_end: datetime | None
    minutes: int = Field(description="How long it has run, if it still runs")
    minutes_past: int | None = Field(description="Past the ordered end; negative before it")
    state: State
    question_id: str
    left_at: datetime | None
    asked_unit_at: datetime | None
    said_until: datetime | None = Field(description="How long it counts that somebody said it runs")
    said_why: str
    said_who: str

    @property
    def ordered_minutes(self) -> int | None:
        """How long the order says that it runs."""
        if self.ordered_end is None:
            return None
        return int((self.ordered_end - self.started).total_seconds()) // 60


class RunningItems(BaseModel):
    """The board."""

    read_at: datetime
    units: list[str] = Field(description="The units of all rows, also of those not wanted")
    running: list[RunningItem]
    left: list[RunningItem]
    not_shown: bool = Field(description="Whether there are more visits than the board reads")
    asked_earlier: int = Field(description="Open questions about a stop that are on the work list")

    def count(self, *states: State) -> int:
        """How many rows are in one of some states."""
        return sum(item.state in states for item in [*self.running, *self.left])


def items_of(
    visits: Iterable[RunningVisit], now: datetime, grace: timedelta
) -> tuple[list[RunningItem], list[RunningItem]]:
    """The rows of whose patients are there, and of who left, each in order.

    `grace` is how long past its ordered end an infusion may lack its stop.
    """
    rows = [_item(visit, stop, now, grace) for visit in visits for stop in open_stops(visit)]
    running = [row for row in rows if row.state != "left"]
    left = [row for row in rows if row.state == "left"]
    left.sort(key=lambda row: (row.left_at or now, row.address), reverse=True)
    return sorted(running, key=_urgency), left


def units_of(*lists: Sequence[RunningItem]) -> list[str]:
    """The units of rows, sorted."""
    return sorted({item.place for items in lists for item in items if item.place})


def _item(visit: RunningVisit, stop: OpenStop, now: datetime, grace: timedelta) -> RunningItem:
    said = visit.still_running.get(stop.question_id)
    past = now - stop.ordered_end if stop.ordered_end is not None else None
    if visit.discharged_at is not None:
        state: State = "left"
    elif said is not None:
        state = "said_running"
    else:
        state = _state(past, grace)
    zone = stop.started.tzinfo
    return RunningItem(
        facility=visit.facility,
        visit=visit.visit,
        address=f"{visit_address(visit.facility, visit.visit)}?question={stop.question_id}",
        place=visit.place,
        drug=stop.drug,
        dose=stop.dose,
        nurse=stop.nurse,
        started=stop.started,
        ordered_end=stop.ordered_end,
        minutes=_minutes(now - stop.started),
        minutes_past=_minutes(past) if past is not None else None,
        state=state,
        question_id=stop.question_id,
        left_at=_in_zone(visit.discharged_at, zone),
        asked_unit_at=_in_zone(visit.asked_unit_at, zone),
        said_until=_in_zone(said.until, zone) if said is not None else None,
        said_why=said.why if said is not None else "",
        said_who=said.who if said is not None else "",
    )


def _state(past: timedelta | None, grace: timedelta) -> State:
    if past is None:
        return "no_order"
    if past < timedelta(0):
        return "running"
    return "overdue" if past > grace else "due"


_ORDER: dict[State, int] = {"overdue": 0, "due": 0, "no_order": 1, "running": 2, "said_running": 3}


def _urgency(item: RunningItem) -> tuple[int, int, datetime, str]:
    past = item.minutes_past if item.minutes_past is not None else 0
    return (_ORDER[item.state], -past, item.started, item.address)


def _in_zone(moment: datetime | None, zone: object) -> datetime | None:
    return moment.astimezone(zone) if moment is not None else None  # type: ignore[arg-type]


def _minutes(of: timedelta) -> int:
    return int(of.total_seconds() // 60)
