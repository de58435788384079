"""Posted charges beside drafted lines: a posted code that is not drafted, and the reverse.

It owns the comparison of one encounter's deliveries and counted codes, and the questions about
charges that cannot be used. Equal is silence. It changes no line, because whoever posted the charge
may know more than the feed tells.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.course_words import OddCharge
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import VisitKey
from chargeline.engine.posted_charges import CHANGED_DO, CHANGED_EXPECTED, changed_in_words
from chargeline.engine.quantities import plain
from chargeline.engine.radiation.asking import charge_question
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.planning import asked_alone, ended_code, unknown_code
from chargeline.engine.radiation.sessions import CourseCharge, Session
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
    *,
    sessions: Sequence[Session],
    whole: "WholeCourse | None",
) -> tuple[Question, ...]:
    """Where the posted charges of a course in the encounter and its drafted lines differ.

    `sessions` are those of the course that lie in the encounter. What is counted over the course
    is compared over the `whole` of it, whatever days it is posted on.
    `all_posted` are those of the whole visit: a code is missed only where others of it are posted.
    `elsewhere` has the days whose sessions are told under another visit alone. Charges of such days
    are one question of the visit, about the first of them.
    """
    apart = [c for c in all_posted if c.kind != "service" and c.charge.day in elsewhere]
    first = min(apart, key=lambda charge: charge.name, default=None)
    ours = codes_of(drafted)
    deliveries = sorted({line.code for line in drafted.lines if _is_delivery(line)})
    codes = {charge.charge.code for charge in all_posted if charge.kind in _OF_SESSIONS}
    return (
        *[ended_code(charge) for charge in posted if _has_ended(charge)],
        *([_elsewhere(first, elsewhere[first.charge.day])] if first in posted and first else []),
        *_not_drafted(
            [charge for charge in posted if charge not in apart],
            ours,
            deliveries,
            in_all=_in_all(all_posted),
        ),
        *_of_other_days(sessions, all_posted, ours, deliveries),
        *_not_posted(posted, codes, drafted),
        *_counted(all_posted, drafted, posted, whole),
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


def _changed(posted: CourseCharge) -> Question:
    return charge_question(
        "radiation.charge_changed",
        posted,
        expected=CHANGED_EXPECTED,
        found=changed_in_words(posted.charge),
        do=CHANGED_DO,
    )


_ODD: Mapping[OddCharge, Callable[[CourseCharge], Question]] = {
    "quantity": _quantity,
    "alone": _alone,
    "changed": _changed,
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


def _in_all(all_posted: Sequence[CourseCharge]) -> dict[str, int]:
    """The units by code that are posted for the sessions of a visit."""
    units: dict[str, int] = {}
    for charge in all_posted:
        if charge.kind in _OF_SESSIONS:
            units[charge.charge.code] = units.get(charge.charge.code, 0) + charge.units
    return units


def _not_drafted(
    posted: Sequence[CourseCharge],
    ours: dict[str, int],
    deliveries: Sequence[str],
    *,
    in_all: Mapping[str, int],
) -> Iterator[Question]:
    """Where what is posted for sessions is more than they have, or has another code: one question
    for each code. `in_all` are the units by code of the whole visit.
    """
    left = dict(ours)
    for charge in posted:
        code = charge.charge.code
        if charge.kind in ("service", "counted") or _has_ended(charge):
            continue
        elsewhere = code in ours and not ours[code]
        units = charge.units - charge.for_other_days
        if not elsewhere and left.get(code, 0) < units:
            drafted = ", ".join(sorted(ours)) or "nothing"
            is_other_code = charge.kind in _OF_SESSIONS and code not in ours
            cause = f"{code} posted, {', '.join(deliveries)} delivered"
            if not is_other_code:
                cause = f"{code}, more posted than delivered; x{in_all[code]} in all"
            yield charge_question(
                "radiation.differs",
                charge,
                expected=f"{code} x{charge.units}, as posted on {charge.charge.day.isoformat()}",
                found=f"{drafted} from the sessions; {code} x{in_all[code]} posted in all",
                do=_DO,
                cause=cause,
            )
        left[code] = left.get(code, 0) - units


def _of_other_days(
    sessions: Sequence[Session],
    all_posted: Sequence[CourseCharge],
    ours: Mapping[str, int],
    deliveries: Sequence[str],
) -> Iterator[Question]:
    """Where a delivery that was posted on another day has another code than the session. What
    another visit posted is asked about there.
    """
    if not any(charge.for_other_days for charge in all_posted):
        return
    for session in sessions:
        if session.posted and session.posted not in ours and deliveries:
            of_code = [charge for charge in all_posted if charge.charge.code == session.posted]
            if not of_code:
                continue
            charge = of_code[0]
            yield charge_question(
                "radiation.differs",
                charge,
                expected=f"{session.posted}, as posted on {charge.charge.day.isoformat()}",
                found=f"{', '.join(sorted(ours))} from the sessions",
                do=_DO,
                cause=f"{session.posted} posted, {', '.join(deliveries)} delivered",
            )


class WholeCourse(NamedTuple):
    """What of a course is counted over all of its days and visits: the units that are drafted by
    code, with nought where another part of the claim has the code, and those that other visits
    posted. `is_under_way`: sessions are told that will earn a further unit.
    """

    drafted: Mapping[str, int]
    elsewhere: Mapping[str, int]
    is_under_way: bool


def _counted(
    all_posted: Sequence[CourseCharge],
    drafted: Proposal,
    posted: Sequence[CourseCharge],
    whole: WholeCourse | None,
) -> Iterator[Question]:
    """Where more or less of a code is posted than is counted over the course: one question for each
    code, by the difference.

    A unit may be posted on the first of its five sessions, so that one more than is drafted is no
    surplus while the next unit is under way.
    """
    if whole is None:
        return
    counted = [c for c in all_posted if c.kind == "counted" and not _has_ended(c)]
    here = {c.charge.code for c in posted} | {line.code for line in drafted.lines}
    for code in sorted({charge.charge.code for charge in counted} & here):
        of_code = [charge for charge in counted if charge.charge.code == code]
        units = sum([charge.units for charge in of_code]) + whole.elsewhere.get(code, 0)
        due = whole.drafted.get(code, 0)
        is_of_another_part = code in whole.drafted and not due
        more = units - due
        if not more or is_of_another_part or (more == 1 and whole.is_under_way):
            continue
        difference = f"{abs(more)} {'more' if more > 0 else 'less'} posted than counted"
        yield charge_question(
            "radiation.differs",
            of_code[0],
            expected=f"{code} x{due}, as counted from all sessions of the course",
            found=f"{code} x{units} posted on {_days(of_code)}",
            do=_DO,
            cause=f"{code}, {difference}",
        )


def _days(charges: Sequence[CourseCharge]) -> str:
    return ", ".join(dict.fromkeys([charge.charge.day.isoformat() for charge in charges]))


def _not_posted(
    posted: Sequence[CourseCharge], codes: set[str], drafted: Proposal
) -> Iterator[Question]:
    """Where image guidance of a day is not posted, and that of other days is."""
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
