"""What an address of the reports asks for: which report, which days, which facility.

It owns the query parameters, and the addresses to which a number leads: the work list with the same
days, or the visits behind one row. A number of which somebody may not see the list leads nowhere.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from chargeline.ledger.reporting import MomentSpan, ReportPeriod
from chargeline.workbench.addresses import OfDay, Text, days_asked, visit_address, with_query
from chargeline.workbench.bench import not_valid
from chargeline.workbench.rights import Right

ReportName = Literal[
    "stops",  # missing stops by unit
    "questions",  # open questions by kind and age
    "findings",  # questions, edits and parked messages by severity and code
    "waste",  # what was discarded of single-dose containers
    "policies",  # where other policies end otherwise
    "authorizations",  # what runs out
    "people",  # who answered, held and released, by day
]
REPORT_NAMES: tuple[ReportName, ...] = get_args(ReportName)
DAYS_SHOWN = 30
"""So many days are shown where an address names none, today included."""
_FIRST_BUT_ONE = date.min + timedelta(days=2)  # it begins in every zone
_LAST_BUT_ONE = date.max - timedelta(days=2)  # the day after it begins in every zone


class ReportQuery(BaseModel):
    """The query parameters of the reports. Empty ones leave all; without days, the last thirty."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    first_day: OfDay = Field(None, alias="from", description="Of the days of service")
    last_day: OfDay = Field(None, alias="to", description="Included")
    facility: Text = ""
    of: Text = Field("", description="A row of the report: its visits are listed")

    def period(self, today: date) -> ReportPeriod:
        """The days that are wanted. Raises NotValidError where they end before they begin."""
        first, last = days_asked(self.first_day, self.last_day, today, DAYS_SHOWN)
        if first > last or last > _LAST_BUT_ONE or first < _FIRST_BUT_ONE:
            expected = "days of which the first is not after the last"
            raise not_valid("from", expected, f"{first} to {last}", do="correct one of the two")
        return ReportPeriod(first, last, self.facility)


class Links(NamedTuple):
    """Where the numbers of a page lead, for somebody with some rights."""

    period: ReportPeriod
    rights: Collection[Right]

    def report(self, path: str, **more: str) -> str:
        """An address below /reports with the same days and facility."""
        return with_query(f"/reports{path}", {**self._wanted, **more})

    def work(self, **filters: str) -> str:
        """The work list of the same days and facility; "" for who may not see it."""
        if "work.see" not in self.rights:
            return ""
        return with_query("/work", {**filters, **self._wanted})

    def behind(self, name: ReportName, row: str) -> str:
        """The visits behind a row of a report; "" for who may see none."""
        if "visit.see" not in self.rights:
            return ""
        return self.report(f"/{name}", of=row) + "#visits"

    def visit(self, facility: str, visit: str) -> str:
        """Where a visit is shown; "" for who may not see it, and for none."""
        return visit_address(facility, visit) if visit and "visit.see" in self.rights else ""

    def parked(self, code: str) -> str:
        """Operations with the messages that were parked for a reason."""
        return with_query("/operations", {"code": code}) if self._may_operate else ""

    @property
    def _may_operate(self) -> bool:
        return "operations.see" in self.rights

    @property
    def _wanted(self) -> dict[str, str]:
        first, last, facility = self.period
        return {"from": first.isoformat(), "to": last.isoformat(), "facility": facility}


def moments_of(period: ReportPeriod, zone: ZoneInfo) -> MomentSpan:
    """The moments of the days of a period, by the clock of a zone."""
    since = datetime.combine(period.first, datetime.min.time(), zone)
    until = datetime.combine(period.last + timedelta(days=1), datetime.min.time(), zone)
    return MomentSpan(since, until, period.facility)
