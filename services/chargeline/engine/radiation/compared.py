"""Posted charges beside drafted lines: a posted code that is not drafted, and the reverse.

It owns the comparison of one encounter's deliveries and counted codes, and the questions about
charges that cannot be used. Equal is silence. It changes no line, because whoever posted the charge
may know more than the feed tells.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from chargeline.engine.course_words import OddCharge
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import VisitKey
from chargeline.engine.quantities import plain
from chargeline.engine.radiation.asking import charge_question
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.planning import asked_alone, ended_code, unknown_code
from chargeline.engine.radiation.sessions import CourseCharge
from chargeline.engine.trace import ChargeLine, Proposal, Question, ask, together
from chargeline.engine.words import IS_YES

_OF_SESSIONS = frozenset({"delivery", "guidance"})
"""What is posted of each session: a code that none has is one question, not one of each day."""
_DO = "compare the record of the session with the charge, and correct the one that is wrong"


def compared(
    posted: Sequence[CourseCharge],
    all_posted: Sequence[CourseCharge],
    drafted: Proposal,
    elsewhere: Mapping[date, VisitKey],
) -> tuple[Question, ...]:
    """Where the posted charges of a course in the encounter and its drafted lines differ.

    `all_posted` are those of the whole visit: a code is missed only where others of it are posted.
    `elsewhere` has the days whose sessions are told under another visit alone. Charges of such days
    are one question of the visit, about the first of them.
    """
    apart = [c for c in all_posted if c.kind != "service" and c.charge.day in elsewhere]
    first = min(apart, key=lambda charge: charge.name, default=None)
    ours = codes_of(drafted)
    deliveries = sorted({line.code for line in drafted.lines if _is_delivery(line)})
    codes = {charge.charge.code for charge in all_posted if charge.kind != "service"}
    return (
        *[ended_code(charge) for charge in posted if _has_ended(charge)],
        *([_elsewhere(first, elsewhere[first.charge.day])] if first in posted and first else []),
        *_not_drafted([charge for charge in posted if charge not in apart], ours, deliveries),
        *_not_posted(posted, codes, drafted),
    )


def sessions_elsewhere(course: Course, visit: VisitKey) -> dict[date, VisitKey]:
    """The days of a course whose sessions are told under another visit and not under this one."""
    own = {session.day for session in course.counted if session.visit == visit}
    return {s.day: s.visit for s in course.counted if s.day not in own}


def _elsewhere(posted: CourseCharge, visit: VisitKey) -> Question:
    charge = posted.charge
    return charge_question(
        "radiation.differs",
        posted,
        expected="the charges of a course under the visit of its sessions",
        found=f"{charge.code} x{posted.units} on {charge.day.isoformat()} here, and the session of "
        f"that day under visit {visit.visit}; so with the charges that follow",
        do=f"registration says which visit is right; the sessions are drafted under {visit.visit}, "
        "so correct the visit of the charges, or have the sessions sent under this one",
    )


def odd_charges(charges: Sequence[CourseCharge], assessment: Assessment) -> Proposal:
    """A question about each posted charge that cannot be used as it stands."""
    return together([_odd(charge, assessment) for charge in charges])


def _odd(charge: CourseCharge, assessment: Assessment) -> Proposal:
    if charge.odd == "unknown":
        return asked_alone(charge, unknown_code(charge), assessment)
    return Proposal(questions=(_ODD[charge.odd](charge),))


def _quantity(posted: CourseCharge) -> Question:
    return charge_question(
        "radiation.quantity",
        posted,
        expected="a whole number of units above zero in FT1-10",
        found=f"{posted.charge.code} x{plain(posted.charge.units)} on {posted.charge.day}",
        do="charge entry posts whole units, and takes back with a credit (CD in FT1-6)",
    )


def _alone(posted: CourseCharge) -> Question:
    return charge_question(
        "radiation.credit_alone",
        posted,
        expected="a charge that the credit takes back, by its number or by its code and day",
        found=f"a credit of {posted.charge.code} on {posted.charge.day}, and less was charged",
        do="charge entry says which charge is meant, and sends the credit with its number or day",
    )


_ODD: Mapping[OddCharge, Callable[[CourseCharge], Question]] = {
    "quantity": _quantity,
    "alone": _alone,
}


def _has_ended(posted: CourseCharge) -> bool:
    return posted.kind != "service" and IS_YES[posted.ended]


def codes_of(drafted: Proposal) -> dict[str, int]:
    """Units by code of the lines, and of what another part of the claim bills."""
    units: dict[str, int] = {}
    for line in drafted.lines:
        units[line.code] = units.get(line.code, 0) + line.units
    for entry in drafted.withheld:
        codes = [str(value) for step in entry.trace for name, value in step.facts if name == "code"]
        for code in codes:
            units.setdefault(code, 0)
    return units


def _is_delivery(line: ChargeLine) -> bool:
    return line.role.startswith("radiation.delivery")


def _not_drafted(
    posted: Sequence[CourseCharge], ours: dict[str, int], deliveries: Sequence[str]
) -> Iterator[Question]:
    left = dict(ours)
    for charge in posted:
        code = charge.charge.code
        if charge.kind == "service" or _has_ended(charge):
            continue
        elsewhere = code in ours and not ours[code]
        if not elsewhere and left.get(code, 0) < charge.units:
            drafted = ", ".join(sorted(ours)) or "nothing"
            is_other_code = charge.kind in _OF_SESSIONS and code not in ours
            cause = f"{code} posted, {', '.join(deliveries)} delivered" if is_other_code else ""
            yield charge_question(
                "radiation.differs",
                charge,
                expected=f"{code} x{charge.units}, as posted on {charge.charge.day.isoformat()}",
                found=f"{drafted} from the sessions",
                do=_DO,
                cause=cause,
            )
        left[code] = left.get(code, 0) - charge.units


def _not_posted(
    posted: Sequence[CourseCharge], codes: set[str], drafted: Proposal
) -> Iterator[Question]:
    here = {charge.charge.code for charge in posted}
    for line in drafted.lines:
        if line.code in codes and line.code not in here and not _is_delivery(line):
            yield ask(
                "radiation.differs",
                expected=f"a posted {line.code} on {line.service_date.isoformat()}",
                found="none, though others of the course are posted",
                do=_DO,
                drug=line.drug,
                sources=line.trace[0].sources,
            )
