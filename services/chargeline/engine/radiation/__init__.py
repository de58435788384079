"""The charge family of radiation oncology: delivery, management, physics and planning of courses.

`propose` drafts what falls on the sessions and posted charges of one encounter. A course spans
weeks and visits: `telling` reads it out of the visit (`reports`, `posted`, `appointments`),
`outside` compares it with the days of the visit, and `remembered` reads the patient's record.
`course` puts its sessions in order, `sittings` finds what two courses share, `fractions` counts,
`delivery`, `booked`, `management` and `planning` draft, `lines` writes, and `compared` holds posted
charges beside it. The family does not know how a session is planned, and believes no charge that no
session supports without asking.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.again import SavedWork, Stage
from chargeline.engine.answers.beside import NO_ANSWERS, AnswersBeside
from chargeline.engine.care import Care
from chargeline.engine.encounters import Assessment, Encounter
from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.appointments import is_waiting
from chargeline.engine.radiation.asking import drug_of, value_question
from chargeline.engine.radiation.booked import not_delivered
from chargeline.engine.radiation.compared import (
    WholeCourse,
    codes_of,
    compared,
    odd_charges,
    sessions_elsewhere,
)
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.delivery import delivered
from chargeline.engine.radiation.lines import (
    anchor_of,
    is_reported,
    new_charge,
    no_charge,
    paid_with_stay,
    part_of,
)
from chargeline.engine.radiation.management import CountedBeam, checked, counted_in, managed
from chargeline.engine.radiation.outside import beside_stay
from chargeline.engine.radiation.planning import planned, service_anchor
from chargeline.engine.radiation.remembered import fact_of_pair, facts_of, facts_of_line_words
from chargeline.engine.radiation.said import (
    facts_of_words,
    not_answered_elsewhere,
    with_words_elsewhere,
)
from chargeline.engine.radiation.sessions import CourseCharge, Told, key_of
from chargeline.engine.radiation.sittings import Treatment, treatment_of
from chargeline.engine.radiation.telling import told_by
from chargeline.engine.record import Fact
from chargeline.engine.rules import DayRules
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import (
    A_QUESTION,
    WITHHELD,
    ChargeLine,
    InShort,
    Proposal,
    Withheld,
    ends_of,
    rules_behind,
    together,
)

__all__ = [
    "facts_of_line_words",
    "in_short",
    "not_billed",
    "of_stay",
    "propose",
    "reason_in_short",
]

_NOTHING = Proposal()
_BY_SESSIONS = frozenset({"counted", "guidance"})
# The comment behind a stage says what tells its pieces apart.
_TOLD: Stage[Told] = Stage("radiation")  # a policy
_TREATMENT: Stage[Treatment] = Stage("treatment")  # a policy
_HEARD: Stage[AnswersBeside] = Stage("answers of other visits")  # one
_COUNTED: Stage[list[CountedBeam]] = Stage("management of a course")  # a policy and a course


def propose(assessment: Assessment, saved: SavedWork) -> Proposal:
    """The lines, questions and withheld charges of the courses of one encounter."""
    if not assessment.encounter.radiation:
        return _NOTHING
    own = assessment.answers
    assessment = _hearing(assessment, saved)
    around = _around(assessment, saved)
    names = around.here.courses
    proposals = [
        _of_course(around.treatment.courses[name], around, assessment, saved=saved)
        for name in names
    ]
    values = tuple([value_question(value) for value in around.here.unread])
    odd = together([odd_charges(around.here.odd, assessment), Proposal(questions=values)])
    drafted = together([*proposals, odd, Proposal(facts=_facts(around, own, assessment.encounter))])
    questions = not_answered_elsewhere(drafted.questions, own, assessment.answers)
    return drafted._replace(questions=questions)


def _hearing(assessment: Assessment, saved: SavedWork) -> Assessment:
    """The encounter with what people said under other visits of causes that courses have."""
    heard = saved.again(
        _HEARD,
        "",
        with_words_elsewhere,
        assessment.visit,
        assessment.answers,
        assessment.elsewhere.across,
    )
    return assessment._replace(answers=heard)


def _facts(around: "_Around", own: AnswersBeside, encounter: Encounter) -> tuple[Fact, ...]:
    """What the encounter adds to the record, under the numbers that its messages have."""
    numbers = around.told_here.courses
    if not numbers:
        return ()
    of_words = facts_of_words(numbers[0], own)
    return (
        *facts_of(around.told_here, numbers, encounter.name),
        *_of_pairs(around),
        *of_words,
    )


def _around(assessment: Assessment, saved: SavedWork) -> "_Around":
    """What the visit tells of courses, what of it lies in the encounter, and all treatment."""
    told = saved.again(
        _TOLD,
        assessment.rules.policy,
        _told_of_visit,
        assessment.visit,
        assessment.encounter.radiation,
        assessment.rules,
        assessment.answers,
        assessment.context,
    )
    treatment = saved.again(
        _TREATMENT,
        assessment.rules.policy,
        treatment_of,
        assessment.visit,
        told,
        assessment.elsewhere.across,
        assessment.rules,
        assessment.answers,
    )
    days = {day.day for day in assessment.encounter.days}
    as_numbered = _on(treatment.as_numbered, days)
    return _Around(treatment.told, _on(treatment.told, days), as_numbered, treatment)


def _told_of_visit(
    visit: VisitKey,
    days: Sequence[Care],
    rules: DayRules,
    answers: AnswersBeside,
    context: VisitContext,
) -> Told:
    """What the whole visit tells, beside the days of the visit."""
    return beside_stay(
        told_by(visit, days, rules, answers, zone=context.zone), context, rules, answers
    )


def not_billed(
    visit: VisitKey, encounter: Encounter, rules: DayRules, *, reason: str, says: str, zone: str
) -> Proposal:
    """What stands for the courses of an encounter of which nothing is billed.

    Each session and posted charge is withheld; the sessions count for the course all the same.
    """
    if not encounter.radiation:
        return _NOTHING
    told = told_by(visit, encounter.radiation, rules, NO_ANSWERS, zone=zone)
    here = _on(told, {day.day for day in encounter.days})
    courses = [session.course for session in here.sessions if not is_waiting(session)]
    courses += [posted.course for posted in here.charges if posted.kind != "delivery"]
    courses += [posted.course for posted in here.odd]
    withheld = [
        Withheld(
            family="radiation", reason=reason, says=says, drug=drug_of(course), administrations=()
        )
        for course in courses
    ]
    return Proposal(withheld=tuple(withheld), facts=facts_of(here, here.courses, encounter.name))


def of_stay(assessment: Assessment, saved: SavedWork) -> Proposal:
    """What is billed and withheld of courses in an encounter that is paid with a stay.

    The physician's part is none of the stay. A claim without that part bills nothing, so nobody is
    asked: what would be asked about is paid with the stay as well.
    """
    proposal = propose(assessment, saved)
    if not proposal.questions or is_reported("professional", assessment):
        return proposal
    here = _around(_hearing(assessment, saved), saved).here
    ended = {held.part_of for held in proposal.withheld}
    step = assessment.encounter.step
    codes = codes_of(proposal)
    charges = [
        no_charge(session, step)
        for session in here.sessions
        if part_of("session", anchor_of(session)) not in ended
    ]
    charges += [
        new_charge(
            course=posted.course,
            of="service",
            role="",
            part="technical",
            units=0,
            day=posted.charge.day,
            anchor=service_anchor(posted),
            steps=(step,),
        )
        for posted in (*here.odd, *[other for other in here.charges if other.kind in _BY_SESSIONS])
        if part_of("service", service_anchor(posted)) not in ended
        and posted.charge.code not in codes
    ]
    with_stay = together([paid_with_stay(charge, assessment) for charge in charges])
    return together([proposal._replace(questions=()), with_stay])


def _on(told: Told, days: set[date]) -> Told:
    """What is told of some days."""
    return Told(
        sessions=tuple([session for session in told.sessions if session.day in days]),
        marks=tuple([mark for mark in told.marks if mark.day in days]),
        charges=tuple([posted for posted in told.charges if posted.charge.day in days]),
        odd=tuple([posted for posted in told.odd if posted.charge.day in days]),
        unread=tuple([value for value in told.unread if value.day in days]),
    )


class _Around(NamedTuple):
    """What the visit tells, what of it lies in the encounter, and all treatment of the patient.

    `told_here` lies in the encounter too, under the numbers that messages give to courses; all else
    has the names of courses.
    """

    told: Told
    here: Told
    told_here: Told
    treatment: Treatment


def _of_pairs(around: _Around) -> list[Fact]:
    """What people said of two courses at sessions of the encounter."""
    here = {key_of(session) for session in around.here.sessions}
    said = [word for word in around.treatment.said if key_of(word.session) in here]
    number = around.treatment.parts.number_of
    return [
        fact_of_pair(number(word.session.course), number(word.other), word.session.at, word.said)
        for word in said
    ]


def _of_course(
    course: Course, around: _Around, assessment: Assessment, *, saved: SavedWork
) -> Proposal:
    """What an encounter bills of one course, in the order of the work."""
    told, here, treatment = around.told, around.here, around.treatment
    series, rules = treatment.series[course.name], assessment.rules
    units = saved.again(_COUNTED, (rules.policy, course.name), counted_in, series, rules)
    counted_here = {key_of(session): session for session in (*course.counted, *course.struck)}
    once = {key_of(session): session for session in here.sessions if session.course == course.name}
    all_here = [counted_here.get(key, session) for key, session in once.items()]
    sessions = [session for session in all_here if course.is_treated(session)]
    checks = [mark for mark in here.marks if mark.course == course.name and mark.what == "physics"]
    posted = [charge for charge in here.charges if charge.course == course.name]
    services = [charge for charge in posted if charge.kind == "service"]
    all_posted = [charge for charge in told.charges if charge.course == course.name]
    of_series = [charge for charge in told.charges if charge.course in series.names]
    counted = together(
        [
            delivered(sessions, course, treatment, assessment),
            not_delivered(all_here, course),
            managed(sessions, course, treatment, assessment, counted=units),
            checked(checks, series, treatment, assessment),
        ]
    )
    of_pairs = [
        question for session, question in treatment.open.values() if key_of(session) in once
    ]
    elsewhere = sessions_elsewhere(course, assessment.visit)
    names = (course.name,)
    questions = (*treatment.again(names), *treatment.whether_one(names), *of_pairs)
    if assessment.encounter.is_of_stay:
        posted = [charge for charge in posted if charge.kind != "delivery"]
    questions += compared(
        posted,
        all_posted,
        counted,
        elsewhere,
        sessions=sessions,
        whole=_whole(all_posted, course, treatment, assessment, counted=units),
    )
    return together(
        [
            counted,
            planned(services, of_series, treatment, assessment, drafted=counted.lines),
            Proposal(questions=questions),
        ]
    )


def _whole(
    all_posted: Sequence[CourseCharge],
    course: Course,
    treatment: Treatment,
    assessment: Assessment,
    *,
    counted: Sequence[CountedBeam],
) -> WholeCourse | None:
    """What is counted over all of a course, under all visits; None where none of it is posted."""
    if not any(posted.kind == "counted" for posted in all_posted):
        return None
    series = treatment.series[course.name]
    checks = [mark for mark in course.marks if mark.what == "physics"]
    drafted = together(
        [
            managed(course.counted, course, treatment, assessment, counted=counted),
            checked(checks, series, treatment, assessment),
        ]
    )
    elsewhere: dict[str, int] = {}
    for posted in course.posted:
        elsewhere[posted.code] = elsewhere.get(posted.code, 0) + posted.units
    left = [beam for beam in counted if not beam.units or beam.units[-1].place < len(beam.sessions)]
    return WholeCourse(codes_of(drafted), elsewhere, bool(left) and not series.has_ended)


def in_short(assessment: Assessment, saved: SavedWork) -> InShort | None:
    """How a policy ends each session, unit of management, check and posted service.

    A session or service without an end is asked about. A unit or a check without one is not there
    under the policy, unless its role has no code. None where no course is in the encounter.
    """
    if not assessment.encounter.radiation:
        return None
    is_of_stay = assessment.encounter.is_of_stay
    proposal = of_stay(assessment, saved) if is_of_stay else propose(assessment, saved)
    entries: list[ChargeLine | Withheld] = [*proposal.lines, *proposal.withheld]
    ends = ends_of(entries)
    here = _around(_hearing(assessment, saved), saved).here
    parts = [part_of("session", anchor_of(session)) for session in here.sessions]
    for posted in here.charges:
        part = part_of("service", service_anchor(posted))
        if is_of_stay and posted.kind != "service":  # paid with the stay, whatever its sessions are
            ends.setdefault(part, [WITHHELD])
        parts.append(part)
    for part in parts:
        ends.setdefault(part, [*A_QUESTION])
    has_code = all(question.finding.code != "code.none" for question in proposal.questions)
    return InShort(ends, lambda: rules_behind(entries), others=() if has_code else A_QUESTION)


def reason_in_short(line: ChargeLine) -> str:
    """For a page: which sessions of the course the line is for, or the arithmetic where units of
    management are counted, and the rule.
    """
    first = line.trace[0]
    facts = dict(first.facts)
    assert first.decision is not None, "each line begins with a decision"
    why = first.decision.rule_in_force.why
    if "arithmetic" in facts:
        return f"Management of {facts['arithmetic']}. {why}"
    steps = [dict(step.facts) for step in line.trace if step.topic == "delivery"]
    if not steps:
        return why
    places = " and ".join([str(step["session"]) for step in steps])
    planned = f" of {facts['planned']}" if "planned" in facts else ""
    return f"Session {places}{planned}. {why}"
