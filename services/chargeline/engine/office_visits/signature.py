"""Who signed the note of a visit, and when: what is asked and what is told of it.

It owns that a signature on another day than the visit is told, also where it is in time.
"""

from datetime import date

from chargeline.engine.office_visits import asking
from chargeline.engine.office_visits.concerns import SIGNED
from chargeline.engine.office_visits.lines import SIGNED_AFTER
from chargeline.engine.office_visits.notes import DayNotes
from chargeline.engine.office_visits.talk import VisitTalk
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.trace import Step


def ask_about_signature(day: date, notes: DayNotes, talk: VisitTalk, rules: DayRules) -> None:
    """Ask about a note that was changed, signed by another person, or signed late.

    Raises VisitEndedError where a person sees to the visit by hand.
    """
    if notes.standing == "amended":
        talk.ask(asking.amended_question(day, notes))
    if notes.cosigned:
        talk.ask(asking.signer_question(day, notes))
    after = notes.signed_after
    if not after:  # on the day of the visit, or nobody says it
        return
    decision = rules.of(SIGNED).decide(NO_FACTS)
    within = decision.answer.days
    told = ((SIGNED_AFTER, after), ("days allowed", within))
    talk.steps.append(Step("signature", decision, told, notes.sources))
    if not 0 <= after <= within:
        talk.ask(asking.signature_question(day, notes, within))
