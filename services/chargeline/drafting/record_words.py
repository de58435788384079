"""The words for how the courses and authorizations of a visit stand, for every page.

It owns a row in words for each: a course as all visits of the patient tell it until now, and which
of its sessions this visit tells; an authorization, and what this visit takes of it; and what an
order lacks, with the last day on which to ask. What counts, the engine says.
"""

from typing import NamedTuple

from chargeline.drafting.visit_record import VisitWithRecord, last_day_of
from chargeline.engine import (
    AuthorizationBalance,
    AuthorizationNeed,
    CourseStanding,
    ManagementStanding,
    codes_of,
    days_of,
    plain,
    state_of,
)


class ShownCourse(NamedTuple):
    """One course in words; `here` are the sessions that this visit tells, "" for none."""

    course: str
    sessions: str
    management: str
    next_unit: str
    state: str
    here: str


class ShownAuthorization(NamedTuple):
    """One authorization in words; `taken` is what this visit takes of it, "" if nothing."""

    number: str
    codes: str
    counted: str
    days: str
    state: str
    taken: str


def shown_course(standing: CourseStanding) -> ShownCourse:
    """How a course stands, in words."""
    planned = " or ".join(map(str, standing.planned))
    sessions = [f"{standing.sessions} of {planned}" if planned else str(standing.sessions)]
    if standing.in_question:
        sessions.append(f"{standing.in_question} in question")
    if standing.booked:
        sessions.append(f"{standing.booked} booked")
    if standing.missing:
        sessions.append(f"not here: {', '.join(standing.missing)}")
    management = [_managed_in_words(managed) for managed in standing.management]
    if standing.counted_with:
        management.append(f"counted with {', '.join(standing.counted_with)}")
    return ShownCourse(
        course=standing.course or "without a number",
        sessions=", ".join(sessions),
        management=", ".join(management),
        next_unit=", ".join(
            dict.fromkeys([_next_in_words(managed) for managed in standing.management])
        ),
        state="ended" if standing.ended else "open",
        here=_places_in_words(standing.here),
    )


def _managed_in_words(managed: ManagementStanding) -> str:
    return f"{managed.units} x {managed.code}" if managed.code else "none"


def _next_in_words(managed: ManagementStanding) -> str:
    if managed.with_the_end:
        return "with the end"
    if managed.to_next is None:
        return "none to come"
    return f"in {managed.to_next} session{'s' if managed.to_next > 1 else ''}"


def _places_in_words(places: tuple[int, ...]) -> str:
    """Places of sessions in a course, such as `1 to 3, 5`."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join([f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs])


def shown_authorization(
    balance: AuthorizationBalance, visit: VisitWithRecord
) -> ShownAuthorization:
    """How an authorization stands on the last day of a visit, in words."""
    authorization = balance.authorization
    key, zone = visit.timeline.key, visit.timeline.context.zone
    taken = [f"{plain(taken.amount)} on {taken.use.day}" for taken in balance.uses_of(key)]
    return ShownAuthorization(
        number=authorization.number,
        codes=codes_of(authorization),
        counted=balance.counted,
        days=days_of(authorization),
        state=state_of(authorization, last_day_of(visit), zone),
        taken=", ".join(taken),
    )


def needed_in_words(need: AuthorizationNeed) -> str:
    """An authorization that an order lacks: by when to ask, and what the chart has for it."""
    units = f"{need.units} units of " if need.units else ""
    asking = "no rule says how long the payer takes"
    if need.ask_by is not None:
        asking = f"ask by {need.ask_by}"
    if need.ask_expedited_by is not None:
        asking += f", expedited by {need.ask_expedited_by}"
    has = ", ".join([f"{shown.evidence} {shown.says}" for shown in need.evidence if shown.says])
    lacks = ", ".join([shown.evidence for shown in need.evidence if not shown.says])
    parts = [f"{units}{need.code} for {need.day}", asking]
    parts += [f"the chart has {has}"] if has else []
    parts += [f"lacks {lacks}"] if lacks else []
    return "; ".join(parts)
