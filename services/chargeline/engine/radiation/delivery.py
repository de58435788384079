"""The delivery of the sessions of an encounter: by complexity, with its documentation.

It owns the questions about a session that counts: how it was delivered, whether the third level is
documented, whether it lies beyond the plan, and whether a charge was posted for it. Sessions of one
day with the same role are one line with so many units. What is doubted has no line until a person
says that it was delivered.
"""

from collections.abc import Iterator, Sequence

from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source
from chargeline.engine.radiation.asking import session_question
from chargeline.engine.radiation.concerns import (
    DELIVERY,
    GUIDANCE,
    LEVEL_THREE,
    DeliveryAnswer,
    DeliveryFacts,
    GuidanceFacts,
    LevelThreeFacts,
)
from chargeline.engine.radiation.course import Course, key_of
from chargeline.engine.radiation.lines import DueCharge, billed, new_charge, withheld_charge
from chargeline.engine.radiation.sessions import Session
from chargeline.engine.rules import Decision
from chargeline.engine.trace import Proposal, Question, Step, together
from chargeline.engine.words import IS_YES


def delivered(sessions: Sequence[Session], course: Course, assessment: Assessment) -> Proposal:
    """The lines of the sessions of one course that lie in the encounter, and what is asked."""
    proposals: list[Proposal] = []
    charges: dict[tuple[str, str], DueCharge] = {}
    for session in sessions:
        doubt = course.doubted.get(key_of(session))
        if doubt is not None:
            proposals.append(Proposal(questions=(session_question(doubt, session),)))
        elif session.said == "not_given":
            proposals.append(_struck(session))
        elif course.place_of(session):
            for charge in _charges_of(session, course, assessment):
                slot = (charge.role, charge.anchor)
                before = charges.get(slot)
                charges[slot] = charge if before is None else _together(before, charge)
            proposals.append(Proposal(questions=_beside(session, course, assessment)))
    return together([*proposals, *[_written(charge, assessment) for charge in charges.values()]])


def _charges_of(session: Session, course: Course, assessment: Assessment) -> Iterator[DueCharge]:
    """The delivery of a session, and the image guidance beside it. A role "" asks how it was."""
    payer = assessment.context.payer.upper()
    facts = DeliveryFacts(
        technique=session.technique,
        motion=session.motion,
        isocentres=session.isocentres,
        posted=session.posted,
        nth=course.place_of(session),
        payer=payer,
    )
    decision = assessment.rules.of(DELIVERY).decide(facts)
    outcome = decision.answer.outcome
    assert outcome in ("delivered", "question"), "a session is delivered or asked about"
    step = Step("delivery", decision, _facts_of(session, facts.nth), _sources(session))
    yield new_charge(
        course=session.course,
        role=decision.answer.role if outcome == "delivered" else "",
        part="technical",
        units=1,
        day=session.day,
        anchor=f"{session.course}|{session.day.isoformat()}",
        steps=(step,),
        asked=_asked(session, course, decision, assessment=assessment),
    )
    guided = assessment.rules.of(GUIDANCE).decide(
        GuidanceFacts(session.guidance, session.technique, payer)
    )
    if guided.rule is not None:
        answer = guided.answer
        yield new_charge(
            course=session.course,
            role=answer.role,
            part="professional",
            units=1,
            day=session.day,
            anchor=f"{session.course}|{session.day.isoformat()}",
            steps=(Step("guidance", guided, (("pictures", session.guidance),), _sources(session)),),
            modifiers=(answer.modifier,) if answer.modifier else (),
        )


def _together(before: DueCharge, charge: DueCharge) -> DueCharge:
    return before._replace(
        units=before.units + charge.units,
        steps=(*before.steps, *charge.steps),
        asked=(*before.asked, *charge.asked),
    )


def _written(charge: DueCharge, assessment: Assessment) -> Proposal:
    if not charge.role:
        return Proposal(questions=charge.asked)
    return billed(charge, assessment)


def _sources(session: Session) -> tuple[Source, ...]:
    return (session.source,) if session.source is not None else ()


def _facts_of(session: Session, place: int) -> tuple[tuple[str, str | int], ...]:
    """What a coder sees of a session: place, plan, technique, movement, isocentres, pictures."""
    facts: list[tuple[str, str | int]] = [("session", place)]
    if session.planned is not None:
        facts.append(("planned", session.planned))
    facts += [("technique", session.technique), ("motion", session.motion)]
    if session.isocentres:
        facts.append(("isocentres", session.isocentres))
    facts.append(("pictures", session.guidance))
    if session.posted:
        facts.append(("posted", session.posted))
    return tuple(facts)


# ------------------------------------------------------------------ what is asked


def _asked(
    session: Session,
    course: Course,
    decision: Decision[DeliveryAnswer],
    *,
    assessment: Assessment,
) -> tuple[Question, ...]:
    """The questions on which the delivery of a session rests."""
    questions = []
    if decision.answer.outcome == "question":
        why = decision.rule_in_force.why.rstrip(".")
        questions.append(session_question("radiation.delivery", session, why))
    if not session.course and not session.reported:
        questions.append(session_question("radiation.no_course", session))
    place = course.place_of(session)
    if session.planned is not None and place > session.planned:
        questions.append(
            session_question("radiation.beyond_plan", session, f"{place} of {session.planned}")
        )
    if _lacks_document(session, course, assessment):
        questions.append(session_question("radiation.level_three", session))
    return tuple(questions)


def _lacks_document(session: Session, course: Course, assessment: Assessment) -> bool:
    """Whether the movement was managed by the word alone: no signed note of the day or before.

    Only delivery by an external beam has levels.
    """
    if session.beam != "external":
        return False
    payer = assessment.context.payer.upper()
    decision = assessment.rules.of(LEVEL_THREE).decide(LevelThreeFacts(session.motion, payer))
    if decision.rule is None or not IS_YES[decision.answer.ask]:
        return False
    return not course.is_documented(session.day)


def _beside(session: Session, course: Course, assessment: Assessment) -> tuple[Question, ...]:
    """The questions about a session on which its delivery does not rest."""
    questions = []
    if course.posts and not session.posted:
        questions.append(session_question("radiation.no_charge", session))
    if not session.course:
        questions.append(session_question("radiation.no_course", session))
    before = [other.number or 0 for other in course.counted[: course.place_of(session) - 1]]
    last = max(before, default=0)
    if session.number is not None and session.number > last + 1:
        missing = f"{last + 1} to {session.number - 1} are not here"
        questions.append(session_question("radiation.missing", session, missing))
    return tuple(questions)


def _struck(session: Session) -> Proposal:
    """A person said that the session was not delivered: no line, and it says so."""
    charge = new_charge(
        course=session.course,
        role="",
        part="technical",
        units=0,
        day=session.day,
        anchor="",
        steps=(Step("session", None, _facts_of(session, 0), _sources(session)),),
    )
    says = "A person says that the session was not delivered."
    return Proposal(withheld=(withheld_charge(charge, "answer.not_given", says),))
