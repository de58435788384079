"""The rows of the reports, the same for the page, for JSON and for CSV.

It owns what a row says. Money is in cents; it is None where the site has no price for one of the
codes, because a sum without it would say less than it seems to.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field, SerializeAsAny

from chargeline.engine import answer_words
from chargeline.workbench.reports.asked_for import ReportName


class UnitStops(BaseModel):
    """The infusions of a unit, and how their stops are documented. What still runs is left out."""

    unit: str = Field(description="Empty where nobody says it")
    infusions: int
    missing: int = Field(description="The sum of the next three: the chart did not hold the stop")
    waiting: int = Field(description="Nobody has answered yet")
    nobody_knows: int = Field(description="Somebody answered that nobody can say")
    by_answer: int = Field(description="Derived: a person said when it stopped")
    other_visit: int = Field(description="Charted in another visit, as that of a pump taken home")
    charted: int
    visits: int = Field(description="Visits in which one is missing")

    @property
    def percent(self) -> float:
        """How many of a hundred infusions lack their stop."""
        return 100 * self.missing / self.infusions if self.infusions else 0.0


class QuestionAges(BaseModel):
    """The open questions of a code, by days since they were first put."""

    code: str
    says: str
    severity: answer_words.Severity
    days_0_1: int
    days_2_3: int
    days_4_8: int
    days_9_more: int
    open: int
    oldest_days: int
    stake_cents: int | None

    @property
    def ages(self) -> tuple[int, ...]:
        """The numbers by age, the youngest first."""
        return (self.days_0_1, self.days_2_3, self.days_4_8, self.days_9_more)


class FindingsOfCode(BaseModel):
    """How often something was found that a person must, or should, see to."""

    kind: Literal["question", "edit", "parked"] = Field(
        description="A question that was put, an edit before the claim, or a parked message"
    )
    severity: answer_words.Severity
    code: str
    says: str
    times: int
    open: int = Field(description="How many still wait; of edits, all that the drafts have")
    cents: int | None = Field(description="What the lines in question would bring")


class WasteOfDrug(BaseModel):
    """What drafts bill as discarded of a drug in single-dose containers."""

    code: str
    drug: str
    given_units: int
    discarded_units: int = Field(description="Of lines with JW")
    discarded_lines: int
    none_discarded_lines: int = Field(description="Lines with JZ")
    discarded_cents: int | None
    visits: int = Field(description="Visits with a line of JW or JZ")

    @property
    def percent(self) -> float:
        """How many of a hundred units were discarded."""
        units = self.given_units + self.discarded_units
        return 100 * self.discarded_units / units if units else 0.0


class PolicyDifference(BaseModel):
    """How often another policy would end otherwise than the drafts, by the rule that differs."""

    policy: str = Field(description="The policy of the drafts")
    other: str
    rule: str = Field(description="The rule of the other policy; empty where none differs")
    differences: int
    visits: int
    here_cents: int | None = Field(description="What the drafts bill where both have a price")
    would_cents: int | None = Field(description="What the other policy would, of the same")
    without_price: int = Field(
        description="Differences of which money says nothing: no price, or a question"
    )

    @property
    def moves_cents(self) -> int | None:
        """What the other policy would bring more."""
        if self.here_cents is None or self.would_cents is None:
            return None
        return self.would_cents - self.here_cents


class AuthorizationLeft(BaseModel):
    """An authorization with too little left, or soon too late, as it stands today."""

    number: str = Field(description="The payer's number, masked")
    payer: str
    codes: str = Field(description="Empty for all codes")
    used: str
    granted: str = Field(description="Empty where it has no limit")
    used_percent: float | None
    until: date | None
    days_left: int | None = Field(description="Negative where its last day has passed")
    concerns: str = Field(description="Codes, with blanks between")
    says: str
    facility: str
    visit: str = Field(description="The last visit that uses it or tells of it")


class WorkDone(BaseModel):
    """What a person said on a day, and how long the questions had waited."""

    day: date = Field(description="By the clock of the site's sender")
    who: str
    answers: int
    taken_back: int
    holds: int
    releases: int
    other_words: int = Field(description="Lines withheld, overridden or restored")
    waited: int = Field(description="Questions that were answered here first, with a known age")
    within_a_day: int
    median_minutes: int | None
    longest_minutes: int | None

    @property
    def all(self) -> int:
        """How often the person said something."""
        return self.answers + self.taken_back + self.holds + self.releases + self.other_words


class DraftsRead(BaseModel):
    """Of which drafts a report is made that reads them."""

    read: int
    of: int = Field(description="How many visits with a draft the period has")
    oldest_day: date | None = Field(description="The oldest day of service that was read")
    unreadable: int = Field(description="Drafts whose text is not what was written")
    older_format: int = Field(description="Drafts of an older chargeline without times or edits")


class ReportRows(BaseModel):
    """A report."""

    report: ReportName
    read_at: datetime
    first_day: date
    last_day: date
    facility: str
    undated: int = Field(description="Visits that ask something and have no day of service")
    drafts: DraftsRead | None = Field(description="None for a report that reads no draft")
    cut_off: str = Field(description="What was left out because there is too much; else empty")
    rows: Sequence[SerializeAsAny[BaseModel]]
