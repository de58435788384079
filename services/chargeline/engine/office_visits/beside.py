"""What else there is on the day of a visit: drugs, a procedure, radiation, a preventive service.

It owns which of them counts where there are several, and that modifier 25 is for services of one
practitioner, or of one group and specialty: of what was posted for another one, or for nobody, a
person says whose it was. What nurses and therapists give (drugs, fractions that are charted) is the
practice's own. What follows from it, rules say.

A biopsy is posted for D2, and D1 signed the note of the visit. Nobody says whether both are of one
group and specialty, so it is asked, and until then the visit stands as if it were alone, and is not
firm. If a person says that D2 is of another specialty, and a wellness visit of D1 was posted too,
the visit stands beside that one.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.care import PostedCharge, observes
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source
from chargeline.engine.office_visits.accounts import TellsOfVisit
from chargeline.engine.office_visits.asking import performer_question
from chargeline.engine.office_visits.notes import notes_of
from chargeline.engine.office_visits.posted import posted_beside, preventive_among
from chargeline.engine.office_visits.posted_concerns import PERFORMED, PerformedFacts
from chargeline.engine.office_visits.posted_elsewhere import ChargeElsewhere, posted_elsewhere
from chargeline.engine.office_visits.talk import VisitTalk
from chargeline.engine.rules import DayRules
from chargeline.engine.services.records import Service, keys_of, line_purpose_of
from chargeline.engine.timeline.records import Administration, Day
from chargeline.engine.trace import Question, Step
from chargeline.engine.visit_words import BesideFact, PerformedAs


class BesideService(NamedTuple):
    """A kind of service beside a visit, and the charges that tell of it; none if it is charted.

    `elsewhere` are charges under other visit numbers of the patient.
    """

    kind: BesideFact
    posted: tuple[PostedCharge, ...] = ()
    elsewhere: tuple[ChargeElsewhere, ...] = ()


class Surroundings(NamedTuple):
    """What a visit may stand beside, in the order in which it counts; `notes` are where its notes
    stood.
    """

    services: tuple[BesideService, ...]
    is_irradiated: bool
    notes: tuple[Source, ...]


def surroundings_of(
    day: Day, posted: Sequence[PostedCharge], assessment: Assessment
) -> Surroundings:
    """What a visit of a day may stand beside; drugs count before all else."""
    of_kind = posted_beside(posted, assessment.rules)
    charges = posted_elsewhere(day.day, posted, assessment)
    elsewhere = posted_beside(charges, assessment.rules)
    alone = frozenset(keys_of([s for s in assessment.services if _serves_a_line(s)]))
    is_charted = _is_irradiated(day, assessment)
    is_beside_drugs = (
        "drugs" in {*of_kind, *elsewhere}
        or day.day in assessment.elsewhere.drugs_on
        or any(_is_treatment(item, alone) for item in day.administrations)
    )
    of_kind["drugs"] = elsewhere["drugs"] = ()
    of_kind["preventive"] = preventive_among(posted, assessment.rules)
    elsewhere["preventive"] = preventive_among(charges, assessment.rules)
    has: dict[BesideFact, bool] = {
        "drugs": is_beside_drugs,
        "procedure": bool(of_kind.get("procedure") or elsewhere.get("procedure")),
        "radiation": is_charted or bool(of_kind.get("radiation") or elsewhere.get("radiation")),
        "preventive": bool(of_kind["preventive"] or elsewhere["preventive"]),
    }
    if is_charted:
        of_kind["radiation"] = elsewhere["radiation"] = ()
    services = [
        BesideService(kind, of_kind.get(kind, ()), elsewhere.get(kind, ()))
        for kind in has
        if has[kind]
    ]
    return Surroundings(tuple(services), has["radiation"], notes_of(day.care.notes).sources)


def _is_irradiated(day: Day, assessment: Assessment) -> bool:
    """Whether radiation is charted of a day, under this visit number or another of the patient."""
    return observes(day.care, "radiation") or day.day in assessment.elsewhere.radiation_on


def beside_of(
    surroundings: Surroundings, told: TellsOfVisit, talk: VisitTalk, rules: DayRules
) -> BesideFact:
    """What a visit stands beside, after a person said whose a posted service was.

    Raises VisitEndedError where a person codes the visit by hand.
    """
    for service in surroundings.services:
        charges: list[PostedCharge | ChargeElsewhere] = [*service.posted, *service.elsewhere]
        steps = list(_performed(charges, told, rules))
        asked = [step for step in steps if _is_asked(step)]
        if not steps or len(asked) < len(steps):
            return service.kind
        talk.steps += asked
        for question in _questions(service, told, surroundings.notes, talk.day):
            answer = talk.ask(question)
            if answer is not None and answer.choice == "same_group":
                return service.kind
    return "nothing"


def _questions(
    service: BesideService, told: TellsOfVisit, notes: Sequence[Source], day: date
) -> Iterator[Question]:
    """Whose the charges of a kind were: those of this visit number first."""
    practitioners, posted = sorted(told.practitioners), service.posted
    if posted:
        whom = [f"{charge.code} posted for {charge.performer or 'nobody'}" for charge in posted]
        sources = [charge.source for charge in posted]
        yield performer_question(day, whom, practitioners, sources=sources)
    if service.elsewhere:
        whom = [charge.in_words for charge in service.elsewhere]
        yield performer_question(day, whom, practitioners, sources=notes)


def _performed(
    charges: Iterable[PostedCharge | ChargeElsewhere], told: TellsOfVisit, rules: DayRules
) -> Iterator[Step]:
    """Of each charge the decision on whether the visit stands beside it, whoever performed it."""
    for charge in charges:
        facts = PerformedFacts(charge.code, told.whose(charge.performer))
        decision = rules.of(PERFORMED).decide(facts)
        stood = (charge.source,) if isinstance(charge, PostedCharge) else ()
        yield Step("performed", decision, tuple(facts._asdict().items()), stood)


def _is_asked(step: Step) -> bool:
    return step.decision is not None and _ASKS[step.decision.answer.as_]


_ASKS: dict[PerformedAs, bool] = {"beside": False, "question": True}


def _is_treatment(item: Administration, alone: Container[str]) -> bool:
    return item.given and item.route != "other" and item.key not in alone


def _serves_a_line(service: Service) -> bool:
    """Whether a fluid or a flush only keeps a line open or rinses it, and is no service itself."""
    return service.outcome == "withheld" and line_purpose_of(service) != "none"
