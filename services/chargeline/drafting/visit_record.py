"""Which courses and authorizations stand beside a visit's draft, for a page as for JSON.

It owns the choice: the courses of which a visit tells, and the authorizations of its codes and
those that it told of or named. Both count from what all visits of the patient contribute until this
one, as drafts do. It owns no words and no shape, and decides nothing.
"""

from datetime import date
from typing import Protocol

from chargeline.engine import (
    AuthorizationBalance,
    CourseStanding,
    Draft,
    History,
    Rulebook,
    Timeline,
    balance_of,
    contributions_of,
    courses_standing,
    local_day,
)


class VisitWithRecord(Protocol):
    """A visit with its draft, and what the patient's other visits contribute."""

    @property
    def timeline(self) -> Timeline:
        """The timeline that was drafted."""

    @property
    def draft(self) -> Draft:
        """Its draft."""

    @property
    def history(self) -> History:
        """What the other visits contribute."""


def record_of(visit: VisitWithRecord, timeline: Timeline) -> History:
    """What all visits of the patient contribute, this one too; `timeline` is that with answers."""
    return visit.history | frozenset(contributions_of(timeline, visit.draft))


def courses_of(
    visit: VisitWithRecord, record: History, rulebook: Rulebook
) -> tuple[CourseStanding, ...]:
    """The courses that a visit shows, by number, under the policy of its draft.

    `record` is what all visits of the patient contribute.
    """
    encounters = visit.draft.encounters
    if not encounters:
        return ()
    last_day = date.fromisoformat(encounters[-1].encounter[:10])
    rules = rulebook.policies[visit.draft.policy].on(last_day)
    withheld = [entry for encounter in encounters for entry in encounter.withheld]
    payer = visit.timeline.context.payer
    return courses_standing(visit.timeline.key, record, rules, payer, withheld=withheld)


def authorizations_of(visit: VisitWithRecord, record: History) -> list[AuthorizationBalance]:
    """The authorizations that a visit shows, by number.

    `record` is what all visits of the patient contribute.
    """
    timeline, drafted = visit.timeline, visit.draft
    codes = {need.code for encounter in drafted.encounters for need in encounter.needs}
    codes |= {need.code for need in drafted.needed}
    told = {entry.number for entry in timeline.authorizations} | {*timeline.context.authorizations}
    return [
        balance
        for balance in balance_of((), record, ()).balances
        if balance.authorization.number in told
        or not balance.authorization.codes
        or codes & {*balance.authorization.codes}
    ]


def last_day_of(visit: VisitWithRecord) -> date:
    """The last day of the visit that is known: of what is given or planned, else of a message."""
    days = [day.day for day in visit.timeline.days]
    days += [order.day for order in visit.timeline.planned]
    if days:
        return max(days)
    zone, told = visit.timeline.context.zone, visit.timeline.authorizations
    sent = [entry.message.sent for entry in told if entry.message.sent is not None]
    return max([local_day(moment, zone) for moment in sent], default=date.max)
