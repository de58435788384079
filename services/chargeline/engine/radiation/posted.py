"""The session that a posted charge of a delivery stands for, where no report tells it.

It knows no codes: rules have said that the charge is a delivery.
"""

from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.sessions import (
    CourseCharge,
    Session,
    instant_of,
    name_of,
    new_session,
)


def session_of_charge(posted: CourseCharge, nth: int, visit: VisitKey) -> Session:
    """The session that one unit of a posted delivery stands for, where no report tells it."""
    charge = posted.charge
    return new_session(
        visit=visit,
        course=posted.course,
        name=name_of(charge.day, charge.at, f"{posted.name}.{nth}"),
        day=charge.day,
        at=instant_of(charge.day, charge.at),
        timed=charge.at is not None,
        beam=posted.beam,
        posted=charge.code,
        reported=False,
        source=charge.source,
    )
