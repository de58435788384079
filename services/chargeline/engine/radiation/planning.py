"""Services of planning: posted charges of a course, kept as often as rules allow.

It owns how many of a service are left for a charge when those of the whole course, of all visits,
are put in order. What is too much is withheld with the rule, or asked about where a further one may
have a reason. It derives no such service from other facts.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from chargeline.engine.answers.settling import BY_HAND
from chargeline.engine.course_words import ServicePer
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.asking import charge_question
from chargeline.engine.radiation.claim_parts import (
    BESIDE,
    COURSE_SERVICE,
    BesideFacts,
    CourseServiceAnswer,
    CourseServiceFacts,
)
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.lines import (
    DueCharge,
    billed,
    new_charge,
    part_of,
    withheld_charge,
)
from chargeline.engine.radiation.resting import questions_about
from chargeline.engine.radiation.series import Series
from chargeline.engine.radiation.sessions import CourseCharge, instant_of
from chargeline.engine.radiation.sittings import Treatment
from chargeline.engine.rules import Decision
from chargeline.engine.trace import ChargeLine, Proposal, Question, Step, Withheld, together
from chargeline.engine.words import IS_YES

_WEEK = 5  # a service "for fractions" is for five of them, or a part of five


class _Posted(NamedTuple):
    """One posted service of the course, of this visit or another, by what orders them."""

    day: date
    at: datetime
    visit: VisitKey
    name: str
    code: str
    units: int
    course: str


class _CourseAround(NamedTuple):
    """The course of a service, the sittings that it shares, and all their posted services."""

    course: Course
    series: Series
    posted: Sequence[_Posted]
    treatment: Treatment


def planned(
    charges: Sequence[CourseCharge],
    all_charges: Sequence[CourseCharge],
    treatment: Treatment,
    assessment: Assessment,
    *,
    drafted: Sequence[ChargeLine],
) -> Proposal:
    """The services of planning that the encounter posts for a course.

    `all_charges` are those of the whole visit, of the course and of those with which it shares
    sittings. `drafted` are the lines of the course that follow from its sessions.
    """
    beams = {(line.service_date, line.code) for line in drafted}
    proposals = []
    for charge in charges:
        series = treatment.series[charge.course]
        courses = [treatment.courses[name] for name in sorted(series.names)]
        posted = _in_order(all_charges, courses, assessment.visit)
        of_day = beams | {(s.day, s.code) for s in posted if s.course == charge.course}
        beside = [code for day, code in sorted(of_day) if day == charge.charge.day]
        around = _CourseAround(treatment.courses[charge.course], series, posted, treatment)
        proposals.append(_kept(charge, around, beside, assessment=assessment))
    return together(proposals)


def _in_order(
    charges: Sequence[CourseCharge], courses: Sequence[Course], visit: VisitKey
) -> list[_Posted]:
    """All posted services of some courses, of all visits."""
    posted = [_posted(charge, visit) for charge in charges if charge.kind == "service"]
    posted += [
        _Posted(
            other.day,
            other.at,
            other.visit,
            name=other.name,
            code=other.code,
            units=other.units,
            course=other.course,
        )
        for course in courses
        for other in course.services
    ]
    return sorted(posted)


def _posted(posted: CourseCharge, visit: VisitKey) -> _Posted:
    charge = posted.charge
    at = instant_of(charge.day, charge.at)
    return _Posted(
        charge.day,
        at,
        visit,
        name=posted.name,
        code=charge.code,
        units=posted.units,
        course=posted.course,
    )


def _kept(
    posted: CourseCharge,
    around: _CourseAround,
    beside: Sequence[str],
    *,
    assessment: Assessment,
) -> Proposal:
    """One posted service: its line, what is withheld of it, and what is asked."""
    code, payer = posted.charge.code, assessment.context.payer.upper()
    decision = assessment.rules.of(COURSE_SERVICE).decide(CourseServiceFacts(code, payer))
    if IS_YES[posted.ended]:
        return asked_alone(posted, ended_code(posted), assessment)
    if decision.rule is None:
        return asked_alone(posted, unknown_code(posted), assessment)
    answer = decision.answer
    left = _left(posted, around, answer, assessment=assessment)
    units = min(left, posted.units)
    charge = new_charge(
        course=posted.course,
        of="service",
        role=answer.role,
        part=answer.part,
        units=units,
        day=posted.charge.day,
        anchor=service_anchor(posted),
        steps=(_step(posted, decision, left),),
        modifiers=posted.charge.modifiers,
        asked=tuple(_reasons(posted, answer, around.course)),
        rests_on=_rests_on(posted, around, answer, left, assessment=assessment),
    )
    outcome = _beside(charge, code, beside, assessment=assessment)
    if isinstance(outcome, Withheld):
        return Proposal(withheld=(outcome,))
    if outcome is not None:
        charge = charge._replace(asked=(*charge.asked, _question_beside(posted, outcome)))
    # Without the number of its course nobody can say that a service was reported before.
    is_asked = answer.beyond == "question" or not posted.course
    if units < posted.units and is_asked:
        asked = (*charge.asked, _again(posted, answer))
        return billed(charge._replace(units=posted.units, asked=asked), assessment)
    proposals = [billed(charge, assessment)] if units else []
    if units < posted.units:
        assert answer.beyond == "withheld", "what is too much is asked about or withheld"
        rule = decision.rule_in_force
        proposals.append(Proposal(withheld=(withheld_charge(charge, rule.id, rule.why),)))
    return together(proposals)


def service_anchor(posted: CourseCharge) -> str:
    """What tells a posted service apart from others of its encounter."""
    return f"{posted.course}|{posted.name}"


def _left(
    posted: CourseCharge,
    around: _CourseAround,
    answer: CourseServiceAnswer,
    *,
    assessment: Assessment,
) -> int:
    """How many units rules leave for a charge after those that come before it.

    What is counted by fractions is counted for all courses that share their sittings.
    """
    own = _posted(posted, assessment.visit)
    before = [
        other
        for other in around.posted
        if other < own
        and _is_one_service(other.code, own.code, answer, assessment)
        and (answer.per != "day" or other.day == own.day)
        and (answer.per == "fractions" or other.course == own.course)
    ]
    used = sum([other.units for other in before])
    return max(0, _MOST[answer.per](answer.most, len(around.series.sittings)) - used)


def _rests_on(
    posted: CourseCharge,
    around: _CourseAround,
    answer: CourseServiceAnswer,
    left: int,
    *,
    assessment: Assessment,
) -> tuple[Question, ...]:
    """The questions on which a service rests that other days ask: what is counted by fractions
    rests on the sittings that it needs, and all else on which course it is for.
    """
    if answer.per != "fractions":
        return around.treatment.again((posted.course,))
    sittings = around.series.sittings
    most = _MOST[answer.per](answer.most, len(sittings))
    needed = most - left + min(left, posted.units)
    groups = -(-needed // answer.most)
    return questions_about(
        sittings[: (groups - 1) * _WEEK + 1],
        around.series,
        around.treatment,
        assessment.rules,
        payer=assessment.context.payer,
    )


def _is_one_service(
    other: str, code: str, answer: CourseServiceAnswer, assessment: Assessment
) -> bool:
    """Whether another code is counted with that of a service, as the levels of planning are."""
    if other == code or not answer.with_:
        return other == code
    facts = CourseServiceFacts(other, assessment.context.payer.upper())
    decision = assessment.rules.of(COURSE_SERVICE).decide(facts)
    return decision.rule is not None and decision.answer.with_ == answer.with_


def _for_course(most: int, _sessions: int) -> int:
    return most


def _for_fractions(most: int, sessions: int) -> int:
    return most * max(1, -(-sessions // _WEEK))


_MOST = {"course": _for_course, "day": _for_course, "fractions": _for_fractions}


def _step(posted: CourseCharge, decision: Decision[CourseServiceAnswer], left: int) -> Step:
    charge = posted.charge
    per: ServicePer = decision.answer.per
    facts = (
        ("posted", f"{charge.code} x{posted.units}"),
        ("allowed", f"{decision.answer.most} for each {per}, {left} left"),
    )
    return Step("planning", decision, facts, (charge.source,))


# ------------------------------------------------------------------ what is asked, or not billed


def _beside(
    charge: DueCharge, code: str, beside: Sequence[str], *, assessment: Assessment
) -> Withheld | str | None:
    """What becomes of a service beside others of the day: withheld, the code that it is asked about
    with, or None.
    """
    for other in beside:
        decision = assessment.rules.of(BESIDE).decide(BesideFacts(code, other))
        if decision.rule is None:
            continue
        if decision.answer.as_ == "question":
            return other
        assert decision.answer.as_ == "withheld", "beside another it is withheld or asked about"
        rule = decision.rule
        step = Step("beside", decision, (("code", code), ("beside", other)))
        return withheld_charge(charge, rule.id, rule.why, step)
    return None


def _question_beside(posted: CourseCharge, other: str) -> Question:
    code = posted.charge.code
    return charge_question(
        "radiation.beside",
        posted,
        expected=f"{code} for other beams than those of {other} on the same day",
        found=f"{code} beside {other} on {posted.charge.day.isoformat()}",
        do="the dosimetrist says whether it is for other beams; else take the charge back",
    )


def _reasons(posted: CourseCharge, answer: CourseServiceAnswer, course: Course) -> list[Question]:
    """A question where a service needs a reason and no signed note gives one by its day."""
    day = posted.charge.day
    if not IS_YES[answer.reason] or course.is_documented(day):
        return []
    return [
        charge_question(
            "radiation.reason",
            posted,
            expected=f"a signed note that says why {posted.charge.code} was needed",
            found=f"none on {day.isoformat()} or before",
            do="the physician signs a note with the reason; it is not routine",
        )
    ]


def _again(posted: CourseCharge, answer: CourseServiceAnswer) -> Question:
    code = posted.charge.code
    return charge_question(
        "radiation.again",
        posted,
        expected=f"{code} at most {answer.most} times for each {answer.per}",
        found=f"one more on {posted.charge.day.isoformat()}",
        do="the physician says why it was done anew, such as a new plan; else take it back",
    )


def ended_code(posted: CourseCharge) -> Question:
    """Asks for the code of the day where one was posted that has ended."""
    charge = posted.charge
    return charge_question(
        "radiation.code_ended",
        posted,
        expected=f"a code that holds on {charge.day.isoformat()}",
        found=f"{charge.code}, which does not",
        do="charge entry posts the code of the day in its place, in all charges of the course",
        cause=charge.code,
    )


def unknown_code(posted: CourseCharge) -> Question:
    """Asks about a code of which no rule says how often it is reported."""
    return charge_question(
        "radiation.unknown_code",
        posted,
        expected="a code of radiation that rules count",
        found=f"{posted.charge.code} x{posted.units} on {posted.charge.day}",
        do="bill it by hand; whoever keeps the rules may write one of radiation.posted or "
        "radiation.service for it",
        cause=posted.charge.code,
    )


def asked_alone(posted: CourseCharge, question: Question, assessment: Assessment) -> Proposal:
    """A charge that has no line whatever is answered: it is asked about, with all that have the
    same cause, and what stands in its place says so.
    """
    finding = question.finding
    by_hand = assessment.answers.choice(question) == "by_hand"
    says = BY_HAND if by_hand else f"Expected {finding.expected}, found {finding.found}."
    held = Withheld(
        family="radiation",
        reason="answer.by_hand" if by_hand else finding.code,
        says=says,
        drug=question.drug,
        administrations=(),
        part_of=part_of("service", service_anchor(posted)),
    )
    return Proposal(questions=(question,), withheld=(held,))
