"""Charges of visits that a credit of another day takes back.

It owns which of the posted charges of a day still stand. A credit that names its charge by number
takes it back, whatever its day. One that names none may be dated by the day on which it was posted,
so a person is asked whether it takes back the nearest charge of its code, and whoever says no is
asked about the next one. A credit for which the visit has no charge takes back nothing, and that is
said.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from chargeline.engine.care import Care, PostedCharge
from chargeline.engine.encounters import Assessment
from chargeline.engine.office_visits.asking import (
    changed_question,
    credit_alone_question,
    credit_question,
    quantity_question,
)
from chargeline.engine.office_visits.posted import bears_on_visit, changes_visit, is_of_visit
from chargeline.engine.office_visits.talk import VisitTalk
from chargeline.engine.posted_charges import CreditApart, standing_charges
from chargeline.engine.rules import DayRules
from chargeline.engine.timeline.records import Day
from chargeline.engine.trace import Proposal, Question


def posted_on(care: Care, talk: VisitTalk, assessment: Assessment) -> tuple[PostedCharge, ...]:
    """The posted charges of a day that no credit takes back, each with the units that are left.

    One whose units are no whole number still tells that there was a visit, and is asked about. What
    a credit of another day may take back is asked.
    """
    if not care.posted:
        return ()
    _ask_of_charges(care.posted, talk, assessment.rules)
    credits = assessment.encounter.credits
    balance = standing_charges([care], [apart.credit for apart in credits if apart.is_named])
    left = dict(balance.standing)
    for apart in credits:
        charge = _charge_here(apart, left, assessment)
        if charge is None:
            continue
        if not apart.is_named:
            if not bears_on_visit(charge, assessment.rules):
                continue
            answer = talk.ask(credit_question(apart, charge), keeps=True)
            if answer is None or answer.choice != "takes_back":
                continue
        left[charge] = max(0, left[charge] - apart.units)
    stand = [charge._replace(units=Decimal(units)) for charge, units in left.items() if units]
    return (*stand, *[charge for charge in balance.odd if charge.kind == "charge"])


def _charge_here(
    apart: CreditApart, left: Mapping[PostedCharge, int], assessment: Assessment
) -> PostedCharge | None:
    """The charge of those that are left which a credit may take back: it is the nearest one, or a
    person said of each nearer one that it is not meant.
    """
    if apart.charge is None:
        return None
    for charge in (apart.charge, *apart.others):
        if left.get(charge):
            return charge
        if charge in left:
            continue
        answer = assessment.answers.to(credit_question(apart, charge))
        if answer is None or answer.choice != "takes_nothing":
            return None
    return None


def asked_of_posted(day: Day, assessment: Assessment, *, has_visit: bool) -> Proposal:
    """What is asked of the credits of a day that take back no charge of the visit. Where the day
    has no visit left, also of charges that stand in place of one.
    """
    changed = [] if has_visit else _in_place_of_visits(day, assessment)
    return Proposal(questions=(*changed, *_lone(day, assessment, has_visit=has_visit)))


def _in_place_of_visits(day: Day, assessment: Assessment) -> Iterator[Question]:
    for charge in day.care.posted:
        if any(is_of_visit(told, assessment.rules) for told in _told_of(charge)):
            yield changed_question(day.day, charge)


def _lone(day: Day, assessment: Assessment, *, has_visit: bool) -> Iterator[Question]:
    hangs = changes_visit if has_visit else is_of_visit
    for apart in assessment.encounter.credits:
        is_here = apart.credit in day.care.posted and apart.charge is None
        if is_here and hangs(apart.credit, assessment.rules):
            yield credit_alone_question(day.day, apart.credit)


def _ask_of_charges(charges: Iterable[PostedCharge], talk: VisitTalk, rules: DayRules) -> None:
    """Ask of charges on which the visit hangs whether they stand as they are."""
    for charge in charges:
        told = _told_of(charge)
        if charge.kind == "charge" and not charge.is_whole and changes_visit(charge, rules):
            talk.ask(quantity_question(talk.day, charge), keeps=True)
        if any(changes_visit(one, rules) for one in told):
            talk.ask(changed_question(talk.day, charge), keeps=True)


def _told_of(charge: PostedCharge) -> list[PostedCharge]:
    """A charge whose number was sent again, and those before it; empty for any other."""
    if not charge.is_changed:
        return []
    return [charge, *[charge._replace(code=code) for code, _day in charge.instead_of]]
