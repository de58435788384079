"""The charge family of radiation oncology: delivery, management, physics and planning of courses.

`propose` drafts what falls on the sessions and posted charges of one encounter. A course spans
weeks and visits: `sessions` and `telling` read it out of the visit and out of the patient's record,
`course` puts its sessions in order, `fractions` counts, `delivery`, `management` and `planning`
draft, `lines` writes, and `compared` holds posted charges beside it. The family does not know how a
session is planned, and believes no charge that no session supports without asking.
"""

from collections.abc import Sequence
from datetime import date

from chargeline.engine.again import SavedWork, Stage
from chargeline.engine.encounters import Assessment, Encounter
from chargeline.engine.events import VisitKey
from chargeline.engine.radiation.asking import drug_of
from chargeline.engine.radiation.compared import compared
from chargeline.engine.radiation.concerns import BREAK
from chargeline.engine.radiation.course import Course, course_of, key_of
from chargeline.engine.radiation.delivery import delivered
from chargeline.engine.radiation.management import checked, managed
from chargeline.engine.radiation.planning import planned
from chargeline.engine.radiation.sessions import Told, facts_of
from chargeline.engine.radiation.telling import told_by
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.trace import ChargeLine, InShort, Proposal, Withheld, together

__all__ = ["in_short", "not_billed", "propose", "reason_in_short"]

_NOTHING = Proposal()
# The comment behind a stage says what tells its pieces apart.
_TOLD: Stage[Told] = Stage("radiation")  # a policy
_COURSE: Stage[Course] = Stage("course")  # a course under a policy


def propose(assessment: Assessment, saved: SavedWork) -> Proposal:
    """The lines, questions and withheld charges of the courses of one encounter."""
    if not assessment.encounter.radiation:
        return _NOTHING
    policy = assessment.rules.policy
    told = saved.again(
        _TOLD,
        policy,
        told_by,
        assessment.visit,
        assessment.encounter.radiation,
        assessment.rules,
        assessment.answered,
    )
    days = {day.day for day in assessment.encounter.days}
    here = _on(told, days)
    names = _names(here)
    if not names:
        return _NOTHING
    minutes = assessment.rules.of(BREAK).decide(NO_FACTS).answer.minutes
    across = assessment.elsewhere.across
    proposals = []
    for name in names:
        course = saved.again(_COURSE, (policy, name), course_of, name, told, across, minutes)
        proposals.append(_of_course(course, told, here, assessment))
    return together([*proposals, Proposal(facts=facts_of(here, names))])


def not_billed(
    visit: VisitKey, encounter: Encounter, rules: DayRules, *, reason: str, says: str
) -> Proposal:
    """What stands for the courses of an encounter of which nothing is billed.

    Each session and posted charge is withheld; the sessions count for the course all the same.
    """
    if not encounter.radiation:
        return _NOTHING
    here = _on(told_by(visit, encounter.radiation, rules, {}), {day.day for day in encounter.days})
    courses = [session.course for session in here.sessions]
    courses += [posted.course for posted in here.charges if posted.kind == "service"]
    withheld = [
        Withheld(
            family="radiation", reason=reason, says=says, drug=drug_of(course), administrations=()
        )
        for course in courses
    ]
    return Proposal(withheld=tuple(withheld), facts=facts_of(here, _names(here)))


def _on(told: Told, days: set[date]) -> Told:
    """What is told of some days."""
    return Told(
        tuple([session for session in told.sessions if session.day in days]),
        tuple([mark for mark in told.marks if mark.day in days]),
        tuple([posted for posted in told.charges if posted.charge.day in days]),
    )


def _names(told: Told) -> Sequence[str]:
    """The courses of which something is told, in the order of their first session."""
    names = [session.course for session in told.sessions]
    names += [mark.course for mark in told.marks]
    names += [posted.course for posted in told.charges]
    return list(dict.fromkeys(names))


def _of_course(course: Course, told: Told, here: Told, assessment: Assessment) -> Proposal:
    """What an encounter bills of one course, in the order of the work."""
    counted_here = {key_of(session): session for session in course.counted}
    once = {key_of(session): session for session in here.sessions if session.course == course.name}
    sessions = [counted_here.get(key, session) for key, session in once.items()]
    checks = [mark for mark in here.marks if mark.course == course.name and mark.what == "physics"]
    posted = [charge for charge in here.charges if charge.course == course.name]
    all_posted = [charge for charge in told.charges if charge.course == course.name]
    services = [charge for charge in posted if charge.kind == "service"]
    counted = together(
        [
            delivered(sessions, course, assessment),
            managed(sessions, course, assessment),
            checked(checks, course, assessment),
        ]
    )
    questions = compared(posted, all_posted, counted)
    return together(
        [
            counted,
            planned(services, all_posted, course, assessment),
            Proposal(questions=questions),
        ]
    )


def in_short(assessment: Assessment) -> InShort | None:
    """None: a session is no administration, and policies are compared by administrations."""
    return None


def reason_in_short(line: ChargeLine) -> str:
    """One sentence for a page: the arithmetic where units are counted, else the rule, and which
    sessions of the course the line is for.
    """
    first = line.trace[0]
    facts = dict(first.facts)
    if "arithmetic" in facts:
        return f"{facts['arithmetic']}"
    assert first.decision is not None, "each line begins with a decision"
    why = first.decision.rule_in_force.why
    steps = [dict(step.facts) for step in line.trace if step.topic == "delivery"]
    if not steps:
        return why
    places = " and ".join([str(step["session"]) for step in steps])
    planned = f" of {facts['planned']}" if "planned" in facts else ""
    return f"Session {places}{planned}. {why}"
