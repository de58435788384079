"""The delivery of the sessions of an encounter: by complexity, with its documentation.

It owns the questions about a session that counts: how it was delivered, whether the third level is
documented, whether it lies beyond the plan, and whether a charge was posted for it. Sessions of one
day with the same role are one line with so many units. What is doubted has no line until a person
says that it was delivered, and a session in the sitting of another course has none of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.answers.settling import BY_HAND, step_of
from chargeline.engine.course_words import LevelBy, SessionSaid
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.radiation.asking import (
    course_question,
    doubt_question,
    drug_of,
    gap_question,
    no_charge_question,
    no_course_question,
    outside_questions,
    value_question,
)
from chargeline.engine.radiation.concerns import (
    DELIVERY,
    GUIDANCE,
    LEVEL_THREE,
    DeliveryAnswer,
    DeliveryFacts,
    GuidanceFacts,
    LevelThreeFacts,
)
from chargeline.engine.radiation.course import Course
from chargeline.engine.radiation.lines import (
    DueCharge,
    anchor_of,
    billed,
    new_charge,
    no_charge,
    paid_with_stay,
    withheld_charge,
)
from chargeline.engine.radiation.most import too_many
from chargeline.engine.radiation.posted import A_WEEK
from chargeline.engine.radiation.resting import beyond_plan
from chargeline.engine.radiation.sessions import Session, key_of
from chargeline.engine.radiation.sittings import Shared, Treatment
from chargeline.engine.rules import Decision
from chargeline.engine.trace import Proposal, Question, Step, together
from chargeline.engine.words import IS_YES


def delivered(
    sessions: Sequence[Session], course: Course, treatment: Treatment, assessment: Assessment
) -> Proposal:
    """The lines of the sessions of one course that lie in the encounter, and what is asked."""
    proposals: list[Proposal] = []
    charges: dict[tuple[str, str], DueCharge] = {}
    for session in sessions:
        doubt = course.doubted.get(key_of(session))
        shared = treatment.host_of(session)
        before = course.told_before.get(key_of(session))
        if before is not None:
            proposals.append(_told_before(session, before.visit))
        elif doubt is not None:
            proposals.append(_doubted(session, doubt, course))
        elif session.is_struck:
            proposals.append(_struck(session))
        elif shared is not None:
            proposals.append(_in_sitting(session, shared, course))
        elif course.place_of(session):
            for charge in _charges_of(session, course, treatment, assessment):
                slot = (charge.role, charge.anchor)
                so_far = charges.get(slot)
                charges[slot] = charge if so_far is None else _together(so_far, charge)
            is_compared = not assessment.encounter.is_of_stay
            beside = _beside(session, course, treatment, is_compared)
            proposals.append(Proposal(questions=beside))
    return together([*proposals, *[_written(charge, assessment) for charge in charges.values()]])


class _Way(NamedTuple):
    """How a sitting was delivered: the session that says it, its facts, and what rules decide."""

    session: Session
    facts: DeliveryFacts
    decision: Decision[DeliveryAnswer]


def _way_of(session: Session, course: Course, treatment: Treatment, assessment: Assessment) -> _Way:
    """How a sitting was delivered: by the way of the highest rank among its sessions.

    Of a session under another visit nobody here knows more than that it was.
    """
    guests = [guest for guest in treatment.guests_of(session) if guest.source is not None]
    pairs = [frozenset({session.course, guest.course}) for guest in treatment.guests_of(session)]
    has_two = not treatment.two_isocentres.isdisjoint(pairs)
    ways = []
    for part in (session, *guests):
        facts = DeliveryFacts(
            technique=part.technique,
            motion=part.motion,
            isocentres=max(part.isocentres, 2 if has_two else 0),
            posted=part.posted,
            fractions=treatment.courses[part.course].fractions_of(part.beam),
            payer=assessment.context.payer.upper(),
        )
        ways.append(_Way(part, facts, assessment.rules.of(DELIVERY).decide(facts)))
    return max(ways, key=lambda way: way.decision.answer.rank)


def _charges_of(
    session: Session, course: Course, treatment: Treatment, assessment: Assessment
) -> Iterator[DueCharge]:
    """The delivery of a sitting, and the image guidance beside it. A role "" asks how it was."""
    way = _way_of(session, course, treatment, assessment)
    decision = way.decision
    outcome = decision.answer.outcome
    assert outcome in ("delivered", "question"), "a session is delivered or asked about"
    parts = (session, *treatment.guests_of(session))
    place = treatment.courses[way.session.course].place_of(way.session)
    step = Step("delivery", decision, _facts_of(way, parts, place), _sources(session))
    said = [step_of(answer) for part in parts for answer in part.chosen]
    rests_on = treatment.questions_of((session,))
    rests_on = (*rests_on, *treatment.again((course.name,)))
    payer = assessment.context.payer
    more = too_many(session, treatment.series[course.name], assessment.rules, payer)
    rests_on = (*rests_on, *more)
    asked = (*_asked(session, course, treatment, way, assessment=assessment), *more)
    yield new_charge(
        course=session.course,
        of="session",
        role=decision.answer.role if outcome == "delivered" else "",
        part="technical",
        units=1,
        day=session.day,
        anchor=anchor_of(session),
        steps=(step, *said),
        asked=asked,
        rests_on=rests_on,
    )
    pictures = next((part.guidance for part in parts if part.guidance == "yes"), session.guidance)
    guided = assessment.rules.of(GUIDANCE).decide(
        GuidanceFacts(pictures, way.facts.technique, way.facts.payer)
    )
    if guided.rule is not None:
        answer = guided.answer
        yield new_charge(
            course=session.course,
            of="session",
            role=answer.role,
            part="professional",
            units=1,
            day=session.day,
            anchor=anchor_of(session),
            steps=(Step("guidance", guided, (("pictures", pictures),), _sources(session)),),
            modifiers=(answer.modifier,) if answer.modifier else (),
            rests_on=rests_on,
        )


def _together(before: DueCharge, charge: DueCharge) -> DueCharge:
    return before._replace(
        units=before.units + charge.units,
        steps=(*before.steps, *charge.steps),
        asked=(*before.asked, *charge.asked),
        rests_on=(*before.rests_on, *charge.rests_on),
    )


def _written(charge: DueCharge, assessment: Assessment) -> Proposal:
    if charge.part == "technical" and assessment.encounter.is_of_stay:
        return paid_with_stay(charge, assessment)
    if charge.role:
        return billed(charge, assessment)
    choices = [assessment.answers.choice(question) for question in charge.asked]
    reason, says = "radiation.delivery", "Nobody has said how it was delivered."
    if "by_hand" in choices:
        reason, says = "answer.by_hand", BY_HAND
    return Proposal(questions=charge.asked, withheld=(withheld_charge(charge, reason, says),))


def _sources(session: Session) -> tuple[Source, ...]:
    return (session.source,) if session.source is not None else ()


def _facts_of(way: _Way, parts: Sequence[Session], place: int) -> tuple[tuple[str, str | int], ...]:
    """What a coder sees of a sitting: place, plan, technique, movement, isocentres, pictures, and
    the other courses that are treated in it.
    """
    facts = [("session", place), *_seen(way.session, way.facts.isocentres)]
    others = [drug_of(part.course) for part in parts[1:]]
    if others:
        facts.append(("in one sitting with", ", ".join(others)))
    return tuple(facts)


def _seen(session: Session, isocentres: int) -> Iterator[tuple[str, str | int]]:
    if session.planned is not None:
        yield ("planned", session.planned)
    yield ("technique", session.technique)
    yield ("motion", session.motion)
    if isocentres:
        yield ("isocentres", isocentres)
    yield ("pictures", session.guidance)
    if session.posted:
        yield ("posted", session.posted)


# ------------------------------------------------------------------ what is asked


def _asked(
    session: Session, course: Course, treatment: Treatment, way: _Way, *, assessment: Assessment
) -> tuple[Question, ...]:
    """The questions on which the delivery of a sitting rests."""
    questions = [
        value_question(value)
        for part in (session, *treatment.guests_of(session))
        for value in part.unread
    ]
    questions += _how_asked(session, way, assessment)
    if not session.course and not session.reported:
        questions.append(no_course_question(session))
    questions += outside_questions((session,))
    questions += beyond_plan(session, course)
    questions += _undocumented(way, course, assessment)
    return tuple(questions)


def _how_asked(session: Session, way: _Way, assessment: Assessment) -> tuple[Question, ...]:
    """The questions how a session was delivered: that about the word which nobody can read, and
    without one, or where a person says that it is right, that about the technique.
    """
    if way.decision.answer.outcome != "question":
        return ()
    words = [value_question(value) for value in way.session.unread if value.about == "technique"]
    if any(assessment.answers.choice(word) != "confirm" for word in words):
        return tuple(words)
    why = way.decision.rule_in_force.why.rstrip(".")
    return (course_question("radiation.delivery", session, "how it was delivered", why),)


def how_questions(
    session: Session, course: Course, treatment: Treatment, assessment: Assessment
) -> tuple[Question, ...]:
    """The questions how a session was delivered, where nothing in its course says the kind of beam:
    then its management hangs on them too.
    """
    if course.says_beam_of(session):
        return ()
    return _how_asked(session, _way_of(session, course, treatment, assessment), assessment)


def _undocumented(way: _Way, course: Course, assessment: Assessment) -> Iterator[Question]:
    """The question about a level for which there is no signed note of the day or before.

    Only delivery by an external beam has levels.
    """
    session, facts = way.session, way.facts
    if session.beam != "external" or course.is_documented(session.day):
        return
    by: LevelBy = "posted" if facts.technique == "unknown" and facts.posted else "facts"
    decision = assessment.rules.of(LEVEL_THREE).decide(
        LevelThreeFacts(way.decision.answer.role, by, facts.motion, payer=facts.payer)
    )
    if decision.rule is not None and IS_YES[decision.answer.ask]:
        yield course_question("radiation.level_three", session, by, _LEVEL_BY[by])


_LEVEL_BY: Mapping[LevelBy, str] = {
    "facts": "",
    "posted": "the posted charge alone says the level, and no report tells technique, movement or "
    "isocentres",
}


def _beside(
    session: Session, course: Course, treatment: Treatment, is_compared: bool
) -> tuple[Question, ...]:
    """The questions about a session on which its delivery does not rest; with `is_compared` also
    whether it was posted.
    """
    questions: list[Question] = []
    if is_compared and course.posts and not session.posted:
        questions += _not_posted(session, course, treatment)
    if not session.course:
        questions.append(no_course_question(session))
    return (*questions, *_missing(session, course))


def _not_posted(session: Session, course: Course, treatment: Treatment) -> Iterator[Question]:
    """The question about the sessions of a course for which no delivery is posted, one for all.

    Where one charge stands for a week of sessions, that for those after the last one is to come.
    What is posted for a session in the sitting of another course may be for one of its day.
    """
    own = [s for s in course.counted if treatment.host_of(s) is None]
    last = max([s.day for s in own if s.posted], default=session.day)
    is_by_week = any(c.for_other_days for c in treatment.told.charges if c.course == course.name)
    if is_by_week and own[-1].day - last <= A_WEEK:
        own = [s for s in own if s.day <= last]
    of_guests = [s.day for s in course.counted if s.posted and treatment.host_of(s) is not None]
    missing = []
    for unposted in [s for s in own if not s.posted]:
        if unposted.day in of_guests:
            of_guests.remove(unposted.day)
        else:
            missing.append(unposted)
    if session in missing:
        yield no_charge_question(missing, len(own))


def _missing(session: Session, course: Course) -> Iterator[Question]:
    """The question about fractions that should have come before a session."""
    gap = course.gaps.get(key_of(session))
    if gap is not None:
        yield gap_question(session, gap)


def _in_sitting(session: Session, shared: Shared, course: Course) -> Proposal:
    """A session in the sitting of another course: no line of its own, and it says so."""
    facts = (
        ("session", course.place_of(session)),
        ("in one sitting with", drug_of(shared.host.course)),
    )
    rule = shared.decision.rule_in_force
    charge = no_charge(session, Step("sitting", shared.decision, facts, _sources(session)))
    return Proposal(
        questions=(
            *outside_questions((session,)),
            *beyond_plan(session, course),
            *_missing(session, course),
        ),
        withheld=(withheld_charge(charge, rule.id, rule.why),),
    )


def _told_before(session: Session, visit: str) -> Proposal:
    """A session that another visit tells in the same words: it is billed there, and counts once."""
    facts = (("session", 0), ("told under visit", visit))
    charge = no_charge(session, Step("session", None, facts, _sources(session)))
    says = f"The same session is reported under visit {visit} too, and counts there."
    return Proposal(withheld=(withheld_charge(charge, "radiation.told_before", says),))


def _doubted(session: Session, doubt: FindingCode, course: Course) -> Proposal:
    """The question whether a session was delivered. One of a second series is asked about with the
    others, so it says by itself that it has no line.
    """
    is_of_series = key_of(session) in course.second_series
    question = doubt_question(doubt, session, is_of_series=is_of_series)
    if not is_of_series:
        return Proposal(questions=(question,))
    charge = no_charge(session, Step("session", None, (("session", 0),), _sources(session)))
    says = "Its number is that of another session, and nobody has said whether both were delivered."
    return Proposal(questions=(question,), withheld=(withheld_charge(charge, doubt, says),))


def _struck(session: Session) -> Proposal:
    """A person said that it is no session of the visit: no line, and it says so."""
    charge = no_charge(session, Step("session", None, (("session", 0),), _sources(session)))
    says = _STRUCK[session.said]
    return Proposal(withheld=(withheld_charge(charge, f"answer.{session.said}", says),))


_STRUCK: Mapping[SessionSaid, str] = {
    "not_given": "A person says that the session was not delivered.",
    "other_visit": "A person says that the session is one of another visit.",
}
