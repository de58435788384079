"""What an address of Compare asks for: a period, what to compare with, and what to show of it.

It owns the query parameters and what is wrong with them. The whole state of the screen is in the
address, so that it can be sent to a colleague; who opens it sees the same comparison.
"""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from chargeline.engine import DifferenceKind, Finding
from chargeline.ledger.periods import PeriodFilter
from chargeline.workbench.addresses import OfDay, Text, days_asked, with_query

Against = Literal[
    "rules",  # what if: another policy, other rules, or both
    "posted",  # what another system posted
]
USUAL_DAYS = 7


class AskedComparison(NamedTuple):
    """Everything that a result depends on besides the ledger."""

    against: Against
    rules: str
    policy: str
    period: PeriodFilter


class CompareQuery(BaseModel):
    """The query parameters. With neither `policy` nor `rules` nothing is compared with rules."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    against: Against = Field("rules", description="What the drafts are compared with")
    first: OfDay = Field(None, alias="from", description="The first day of service")
    last: OfDay = Field(None, alias="to", description="The last day of service, which counts too")
    policy: str = Field("", max_length=200, description="A policy that every visit would follow")
    rules: str = Field("", max_length=80, description="The name of a rules folder of the setting")
    place: Text = Field("", description="The nursing unit")
    payer: Text = Field("")
    kind: DifferenceKind | Literal[""] = Field("", description="Differences of one kind only")
    rule: Text = Field("", description="Differences that one rule makes")
    page: int = Field(1, ge=1, le=10_000)

    @property
    def is_asked(self) -> bool:
        """Whether something is to be compared; else the page shows what can be chosen."""
        if self.against == "posted":
            return self.first is not None
        return bool(self.policy or self.rules)

    def period(self, today: date) -> PeriodFilter:
        """The period; the last seven days where the address does not say."""
        first, last = days_asked(self.first, self.last, today, USUAL_DAYS)
        return PeriodFilter(first, last, self.place, self.payer)

    def comparison(self, today: date) -> AskedComparison:
        """What is compared."""
        is_rules = self.against == "rules"
        return AskedComparison(
            against=self.against,
            rules=self.rules if is_rules else "",
            policy=self.policy if is_rules else "",
            period=self.period(today),
        )

    def address(self, path: str = "/compare", **other: Any) -> str:
        """The address of the screen with some parameters changed; "" takes one away."""
        said = self.model_dump(mode="json", by_alias=True)
        said["page"] = ""
        return with_query(path, {**said, **other})

    def mistakes(
        self, today: date, policies: Collection[str], folders: Collection[str]
    ) -> Iterator[Finding]:
        """What of it cannot be compared. Of other rules, only they say which policies they have."""
        period = self.period(today)
        if period.first > period.last:
            expected = f"a day on or after {period.first}"
            yield _mistake("to", expected, str(period.last), "name the first day first")
        if self.rules and self.rules not in folders:
            expected = f"one of {', '.join(folders)}" if folders else "no folder: none is named"
            do = "choose one; whoever runs chargeline names them in the settings"
            yield _mistake("rules", expected, self.rules, do)
        elif self.policy and not self.rules and self.policy not in policies:
            yield _mistake(
                "policy", f"one of {', '.join(sorted(policies))}", self.policy, "choose one"
            )


def _mistake(where: str, expected: str, found: str, do: str) -> Finding:
    return Finding("workbench.not_valid", expected=expected, found=found, where=where, do=do)
