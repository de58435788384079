"""What each role may see and do: one table, which the pages, the API and the documents read.

It owns the roles and the rights, and nothing about how somebody gets a role. A person may have
several roles, and then has the rights of all.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Role = Literal[
    "viewer",  # looks at work, visits and reports
    "nurse",  # says when infusions started and stopped, and what was given
    "coder",  # works the list: answers, holds, releases
    "lead",  # gives work to others as well
    "operator",  # keeps the service running
    "auditor",  # looks at who did what
]
ROLES: tuple[Role, ...] = get_args(Role)

Right = Literal[
    "work.see",  # the work list
    "work.assign",  # take a visit, or give it to somebody
    "work.ask",  # note that the unit was asked
    "visit.see",  # a visit, without the patient
    "visit.reveal",  # the patient of a visit, which is logged
    "visit.answer",  # answer a question
    "visit.hold",  # hold, release, withhold or override lines
    "running.see",  # who is in the chair
    "reports.see",
    "operations.see",  # parked messages, senders, rules
    "operations.retry",  # send parked messages through again
    "audit.see",  # who did what
]

_VIEWER: frozenset[Right] = frozenset({"work.see", "visit.see", "running.see", "reports.see"})
_CODER: frozenset[Right] = _VIEWER | {
    "work.assign",
    "work.ask",
    "visit.reveal",
    "visit.answer",
    "visit.hold",
}
MAY: Mapping[Role, frozenset[Right]] = {
    "viewer": _VIEWER,
    "nurse": frozenset(
        {"work.see", "visit.see", "visit.reveal", "visit.answer", "running.see", "work.ask"}
    ),
    "coder": _CODER,
    "lead": _CODER | {"audit.see"},
    "operator": frozenset({"operations.see", "operations.retry", "running.see", "reports.see"}),
    "auditor": frozenset({"work.see", "visit.see", "reports.see", "audit.see"}),
}


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """What somebody with these roles may see and do."""
    return frozenset[Right]().union(*(MAY[role] for role in roles))


def who_may(right: Right) -> list[Role]:
    """The roles that have a right, for a page that says who can grant it."""
    return [role for role in ROLES if right in MAY[role]]
