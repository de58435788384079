"""The shapes of how the courses and authorizations of a visit stand, for whatever prints JSON.

It owns that JSON has the same rows as a page, of which `record_words.py` owns the words. What
counts, the engine says; which of it a visit shows, `visit_record.py` says.
"""

from chargeline.drafting.visit_record import (
    VisitWithRecord,
    authorizations_of,
    courses_of,
    last_day_of,
    record_of,
)
from chargeline.engine import Rulebook, Timeline
from chargeline.published.authorizations import details_of
from chargeline.published.standing import (
    AuthorizationLacking,
    AuthorizationOfVisit,
    CourseOfVisit,
    authorization_of_visit,
    course_of_visit,
)


def course_shapes(
    visit: VisitWithRecord, timeline: Timeline, rulebook: Rulebook
) -> list[CourseOfVisit]:
    """How the courses of a visit stand; `timeline` is that with answers."""
    standings = courses_of(visit, record_of(visit, timeline), rulebook)
    return [course_of_visit(standing) for standing in standings]


def authorization_shapes(visit: VisitWithRecord, timeline: Timeline) -> list[AuthorizationOfVisit]:
    """How the authorizations of a visit stand on its last day; `timeline` is that with answers."""
    key, zone, day = timeline.key, timeline.context.zone, last_day_of(visit)
    balances = authorizations_of(visit, record_of(visit, timeline))
    return [authorization_of_visit(balance, key, day, zone) for balance in balances]


def lacking_shapes(visit: VisitWithRecord) -> list[AuthorizationLacking]:
    """The authorizations that the orders of a visit lack."""
    return [AuthorizationLacking.model_validate(details_of(need)) for need in visit.draft.needed]
