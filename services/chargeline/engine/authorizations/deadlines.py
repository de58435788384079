"""The clocks of prior authorization: when a payer decides, and until when a denial can be fought.

It owns the questions to the rules about clocks, and the days that follow from them. It reads no
clock: each day counts from a time that is handed in. How long a payer takes depends on what kind of
payer it is, and on whether a drug or a service is asked for.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.engine.authorization_words import AuthorizedItem, Pace, PayerKind
from chargeline.engine.rules import NO_FACTS, Concern, DayRules, NoFacts


class PayerFacts(NamedTuple):
    """Who pays, in capitals."""

    payer: str


class PayerAnswer(NamedTuple):
    """What kind of payer it is."""

    kind: "PayerKind"


PAYER = Concern(
    "authorization.payer",
    PayerFacts,
    PayerAnswer,
    meaning="what kind of payer it is, by which its clocks go",
    may_be_silent=True,
)


class ClockFacts(NamedTuple):
    """Whom one asks for what, and how urgent it is."""

    payer_kind: "PayerKind"
    item: "AuthorizedItem"
    pace: "Pace"


class ClockAnswer(NamedTuple):
    """How many hours the payer has to decide."""

    hours: int


CLOCK = Concern(
    "authorization.clock",
    ClockFacts,
    ClockAnswer,
    meaning="how long a payer has to decide on a request; silent where only its contract says it",
    may_be_silent=True,
)


class AppealFacts(NamedTuple):
    """Who denied what."""

    payer_kind: "PayerKind"
    item: "AuthorizedItem"


class AppealAnswer(NamedTuple):
    """How many days after the denial a physician may speak with the payer's, and one may appeal.

    0 where there is no such way.
    """

    peer_to_peer_days: int
    appeal_days: int


APPEAL = Concern(
    "authorization.appeal",
    AppealFacts,
    AppealAnswer,
    meaning="how long after a denial one may speak with the payer's physician, and appeal",
    may_be_silent=True,
)


class WarnAnswer(NamedTuple):
    """From which share of the units on a person is told, and how many days before the last day."""

    percent: int
    days: int


WARN = Concern(
    "authorization.warn",
    NoFacts,
    WarnAnswer,
    meaning="when a person is told that an authorization runs out",
    may_be_silent=True,
)
CONCERNS = (PAYER, CLOCK, APPEAL, WARN)


def item_of(code: str) -> AuthorizedItem:
    """What a code is: HCPCS codes of J, Q and C are drugs here, and all others services."""
    return "drug" if code[:1] in ("J", "Q", "C") else "service"


class Clocks(NamedTuple):
    """The clocks of a payer for a code on a day; None where no rule says one.

    `zone` is the time zone of the visit: a refusal at half past eight in the evening in New York is
    of that day, and not of the next one.
    """

    standard: timedelta | None
    expedited: timedelta | None
    appeal: AppealAnswer | None
    zone: str = "UTC"

    def decided_by(self, requested: datetime) -> Iterator[str]:
        """When the payer must have decided on a request of a time, in words."""
        if self.standard is not None:
            yield f"to be decided by {self.day(requested + self.standard)}"
        if self.expedited is not None:
            yield f"expedited by {self.day(requested + self.expedited)}"

    def ask_by(self, first_dose: datetime) -> date | None:
        """The last day on which to ask, so that the standard clock ends before the first dose."""
        return self.day(first_dose - self.standard) if self.standard is not None else None

    def ask_expedited_by(self, first_dose: datetime) -> date | None:
        """The same for the expedited clock."""
        return self.day(first_dose - self.expedited) if self.expedited is not None else None

    def after_denial(self, denied: datetime) -> Iterator[str]:
        """Until when a denial can be talked over and appealed, in words."""
        if self.appeal is None:
            return
        windows = (
            ("peer-to-peer", self.appeal.peer_to_peer_days),
            ("appeal", self.appeal.appeal_days),
        )
        for what, days in windows:
            if days:
                yield f"{what} until {self.day(denied) + timedelta(days=days)}"

    def day(self, moment: datetime) -> date:
        """The local day of a moment."""
        return local_day(moment, self.zone)


def local_day(moment: datetime, zone: str) -> date:
    """The day of a moment in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def clocks_of(rules: DayRules, payer: str, code: str, *, zone: str) -> Clocks:
    """The clocks of a payer (in capitals) for a code, by the rules of a day."""
    kind = rules.of(PAYER).decide(PayerFacts(payer))
    if kind.rule is None:
        return Clocks(None, None, None, zone)
    of_kind, item = kind.answer.kind, item_of(code)
    hours: dict[Pace, timedelta] = {}
    for pace in _PACES:
        clock = rules.of(CLOCK).decide(ClockFacts(of_kind, item, pace))
        if clock.rule is not None:
            hours[pace] = timedelta(hours=clock.answer.hours)
    appeal = rules.of(APPEAL).decide(AppealFacts(of_kind, item))
    return Clocks(
        standard=hours.get("standard"),
        expedited=hours.get("expedited"),
        appeal=appeal.answer if appeal.rule is not None else None,
        zone=zone,
    )


_PACES: tuple[Pace, ...] = ("standard", "expedited")


def warning_of(rules: DayRules) -> WarnAnswer | None:
    """When to warn; None where no one rule says it."""
    decision = rules.of(WARN).decide(NO_FACTS)
    return decision.answer if decision.rule is not None else None
