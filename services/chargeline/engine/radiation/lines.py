"""How a charge line of a radiation course is written: its code, part and reasons.

It owns the last step of every line of the family: which code a role has on the day, whether the
claim has that part of it, and what stands in place of a line that is not billed. It does not count.
"""

from datetime import date
from typing import NamedTuple

from chargeline.engine.answers.settling import left_to_a_person
from chargeline.engine.codes import CODE, RoleFacts
from chargeline.engine.course_words import BillingPart, PartOfCourse
from chargeline.engine.encounters import Assessment
from chargeline.engine.radiation.asking import drug_of
from chargeline.engine.radiation.claim_parts import (
    PART,
    STAY,
    PartFacts,
    StayAnswer,
    StayFacts,
)
from chargeline.engine.radiation.sessions import Session
from chargeline.engine.rules import Decision
from chargeline.engine.shapes import by_keyword
from chargeline.engine.trace import (
    ChargeLine,
    Proposal,
    Question,
    Step,
    Withheld,
    ask,
    instead_of_line,
    line_id,
)
from chargeline.engine.words import words_of

_new_charge_line = by_keyword(ChargeLine)


_PARTS = frozenset(words_of(BillingPart))


class DueCharge(NamedTuple):
    """What is to be billed of a course on a day. `anchor` tells it apart in its encounter, and `of`
    is what in the course it is billed for.

    `asked` are the questions that are asked with it, and `rests_on` those that another day asks.
    """

    course: str
    of: PartOfCourse
    role: str
    part: BillingPart
    units: int
    day: date
    anchor: str
    steps: tuple[Step, ...]
    modifiers: tuple[str, ...] = ()
    asked: tuple[Question, ...] = ()
    rests_on: tuple[Question, ...] = ()


new_charge = by_keyword(DueCharge)


def part_of(of: PartOfCourse, anchor: str) -> str:
    """By what a part of a course is compared with what other policies make of it."""
    return f"{of}|{anchor}"


def anchor_of(session: Session) -> str:
    """What tells the sessions of a course on one day apart from others: they share their lines."""
    return f"{session.course}|{session.day.isoformat()}"


def is_reported(part: BillingPart, assessment: Assessment) -> bool:
    """Whether the claim has a part of a service."""
    facts = PartFacts(part, assessment.context.payer.upper())
    return assessment.rules.of(PART).decide(facts).answer.as_ == "report"


def billed(charge: DueCharge, assessment: Assessment) -> Proposal:
    """The line of a charge; withheld where the claim does not have its part, and asked about where
    its role has no code on the day.
    """
    assert charge.part in _PARTS, "a part of a service is one of the words"
    rules, payer = assessment.rules, assessment.context.payer.upper()
    coded = rules.of(CODE).decide(RoleFacts(charge.role))
    if coded.rule is None:
        return Proposal(questions=(*charge.asked, _no_code(charge)))
    part = rules.of(PART).decide(PartFacts(charge.part, payer))
    steps: tuple[Step, ...] = (
        Step("code", coded, (("role", charge.role),)),
        Step("part", part, (("part", charge.part), ("code", coded.answer.code))),
    )
    if part.answer.as_ == "withheld":
        rule = part.rule_in_force
        return Proposal(
            questions=charge.asked,
            withheld=(withheld_charge(charge, rule.id, rule.why, *steps),),
        )
    assert part.answer.as_ == "report", "a part is reported or withheld"
    if assessment.encounter.is_of_stay:
        beside = _beside_stay(charge, assessment)
        if beside.rule is None or beside.answer.as_ == "withheld":
            return paid_with_stay(charge, assessment, *steps)
        assert beside.answer.as_ == "report", "beside a stay a part is reported or withheld"
        steps = (*steps, Step("stay", beside, (("part", charge.part),)))
        modifiers = (*charge.modifiers, beside.answer.modifier)
        charge = charge._replace(modifiers=tuple(dict.fromkeys(filter(None, modifiers))))
    line = _new_charge_line(
        family="radiation",
        line_id=line_id(
            assessment.visit, assessment.encounter.name, charge.role, f"radiation|{charge.anchor}"
        ),
        role=charge.role,
        code=coded.answer.code,
        units=charge.units,
        modifiers=charge.modifiers,
        service_date=charge.day,
        drug=drug_of(charge.course),
        administrations=(),
        trace=(*charge.steps, *steps),
        part_of=part_of(charge.of, charge.anchor),
    )
    return _as_answered(line, charge, assessment)


def _beside_stay(charge: DueCharge, assessment: Assessment) -> Decision[StayAnswer]:
    facts = StayFacts(charge.part, assessment.context.payer.upper())
    return assessment.rules.of(STAY).decide(facts)


def paid_with_stay(charge: DueCharge, assessment: Assessment, *steps: Step) -> Proposal:
    """What stands in place of a charge that is paid with the stay of an inpatient; nobody is asked
    of it.
    """
    beside = _beside_stay(charge, assessment)
    if beside.rule is not None:
        steps = (*steps, Step("stay", beside, (("part", charge.part),)))
    rule = beside.rule or assessment.encounter.grouping.rule_in_force
    return Proposal(withheld=(withheld_charge(charge, rule.id, rule.why, *steps),))


def _as_answered(line: ChargeLine, charge: DueCharge, assessment: Assessment) -> Proposal:
    """The line after what people answered to all that it rests on, also on other days.

    It is provisional as long as one question is open, and withheld where a person bills it by hand:
    then it asks nothing more.
    """
    open_: list[Question] = []
    choices: set[str | None] = set()
    for question in (*charge.asked, *charge.rests_on):
        choice = assessment.answers.choice(question)
        choices.add(choice)
        if not choice:
            open_.append(question)
    if "by_hand" in choices:
        settled = tuple([asked for asked in charge.asked if assessment.answers.choice(asked)])
        return Proposal(questions=settled, withheld=(left_to_a_person(line),))
    if "no_visit" in choices:
        says = "A person says that the patient was not examined."
        struck = instead_of_line(line, "answer.no_visit", says)
        return Proposal(questions=charge.asked, withheld=(struck,))
    provisional = open_[0].finding.code if open_ else ""
    return Proposal(lines=(line._replace(provisional=provisional),), questions=charge.asked)


def withheld_charge(charge: DueCharge, reason: str, says: str, *steps: Step) -> Withheld:
    """What stands in place of a charge that is not billed."""
    return Withheld(
        family="radiation",
        reason=reason,
        says=says,
        drug=drug_of(charge.course),
        administrations=(),
        trace=(*charge.steps, *steps),
        part_of=part_of(charge.of, charge.anchor),
    )


def no_charge(session: Session, step: Step) -> DueCharge:
    """A session that bills nothing, with the step that says why."""
    return new_charge(
        course=session.course,
        of="session",
        role="",
        part="technical",
        units=0,
        day=session.day,
        anchor=anchor_of(session),
        steps=(step,),
    )


def _no_code(charge: DueCharge) -> Question:
    sources = charge.steps[0].sources if charge.steps else ()
    return ask(
        "code.none",
        expected=f"a code for {charge.role} on {charge.day.isoformat()}",
        found="none in the table of codes",
        do="add a row to codes.csv, or bill it by hand",
        drug=drug_of(charge.course),
        sources=sources[:1],
    )
