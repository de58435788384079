"""What else there is on the day of a visit: drugs, a procedure, radiation, a preventive service.

It owns which of them counts where there are several. What follows from it, rules say.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chargeline.engine.care import PostedCharge, observes
from chargeline.engine.encounters import Assessment
from chargeline.engine.office_visits.posted import has_preventive, posted_beside
from chargeline.engine.timeline.records import Day
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
    is_irradiated = "radiation" in services or observes(day.care, "radiation")
    if (
        "drugs" in services
        or day.day in assessment.elsewhere.drugs_on
        or any(item.given and item.route != "other" for item in day.administrations)
    ):
        return Surroundings("drugs", is_irradiated)
    if "procedure" in services:
        return Surroundings("procedure", is_irradiated)
    if is_irradiated:
        return Surroundings("radiation", is_irradiated)
    is_preventive = has_preventive(posted, assessment.rules)
    return Surroundings("preventive" if is_preventive else "nothing", is_irradiated)
