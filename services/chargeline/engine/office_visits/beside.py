"""What else there is on the day of a visit: drugs, a procedure, radiation, a preventive service.

It owns which of them counts where there are several. What follows from it, rules say.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from chargeline.engine.care import PostedCharge, observes
from chargeline.engine.encounters import Assessment
from chargeline.engine.office_visits.posted import has_preventive, posted_beside
from chargeline.engine.services.records import Service, keys_of, line_purpose_of
from chargeline.engine.timeline.records import Administration, Day
from chargeline.engine.visit_words import BesideFact


class Surroundings(NamedTuple):
    """What a visit stands beside, and whether there is radiation on its day."""

    beside: BesideFact
    is_irradiated: bool


def surroundings_of(
    day: Day, posted: Sequence[PostedCharge], assessment: Assessment
) -> Surroundings:
    """What a visit of a day stands beside; drugs count before all else."""
    services = posted_beside(posted, assessment.rules)
    alone = frozenset(keys_of([s for s in assessment.services if _serves_a_line(s)]))
    is_irradiated = "radiation" in services or observes(day.care, "radiation")
    if (
        "drugs" in services
        or day.day in assessment.elsewhere.drugs_on
        or any(_is_treatment(item, alone) for item in day.administrations)
    ):
        return Surroundings("drugs", is_irradiated)
    if "procedure" in services:
        return Surroundings("procedure", is_irradiated)
    if is_irradiated:
        return Surroundings("radiation", is_irradiated)
    is_preventive = has_preventive(posted, assessment.rules)
    return Surroundings("preventive" if is_preventive else "nothing", is_irradiated)


def _is_treatment(item: Administration, alone: Container[str]) -> bool:
    return item.given and item.route != "other" and item.key not in alone


def _serves_a_line(service: Service) -> bool:
    """Whether a fluid or a flush only keeps a line open or rinses it, and is no service itself."""
    return service.outcome == "withheld" and line_purpose_of(service) != "none"
