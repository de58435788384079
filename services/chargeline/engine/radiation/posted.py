"""Posted charges of a visit: which of them no credit takes back, and the session of each.

It owns the arithmetic of charges and credits. It knows no codes: rules say which charge is a
delivery.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time

from chargeline.engine.care import Care, PostedCharge
from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.sessions import CourseCharge, Session, name_of, new_session


def standing(days: Iterable[Care]) -> list[tuple[PostedCharge, int]]:
    """The charges that no credit takes back, each with the units that are left of it.

    A credit takes back units of the charge of its number, else of its code and day.
    """
    charges = [charge for care in days for charge in care.posted if charge.kind == "charge"]
    credits_ = [charge for care in days for charge in care.posted if charge.kind == "credit"]
    left = [int(charge.units) for charge in charges]
    for credit in credits_:
        back = int(credit.units)
        named = [n for n, charge in enumerate(charges) if _has_number_of(charge, credit)]
        alike = [n for n, charge in enumerate(charges) if _is_like(charge, credit)]
        for place in named or alike:
            taken = min(back, left[place])
            left[place] -= taken
            back -= taken
    return [(charge, units) for charge, units in zip(charges, left, strict=True) if units > 0]


def _has_number_of(charge: PostedCharge, credit: PostedCharge) -> bool:
    return bool(credit.number) and charge.number == credit.number and charge.code == credit.code


def _is_like(charge: PostedCharge, credit: PostedCharge) -> bool:
    return (charge.code, charge.day) == (credit.code, credit.day)


def session_of_charge(posted: CourseCharge, nth: int, visit: VisitKey) -> Session:
    """The session that one unit of a posted delivery stands for, where no report tells it."""
    charge = posted.charge
    return new_session(
        visit=visit,
        course=posted.course,
        name=name_of(charge.day, charge.at, f"{posted.name}.{nth}"),
        day=charge.day,
        at=charge.at or datetime.combine(charge.day, time(), UTC),
        timed=charge.at is not None,
        beam=posted.beam,
        posted=charge.code,
        reported=False,
        source=charge.source,
    )
