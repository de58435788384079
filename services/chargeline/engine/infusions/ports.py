"""A visit for the port alone: it is rinsed or locked, and nothing else is given.

It owns one decision: flushes into an implanted device are a service where they are all that was
given. Rules name the devices and say what becomes of such a visit. It does not know what else was
done, such as a blood draw, so a person is asked; beside a practitioner's visit such care is no
service of its own. Example: saline at 08:58 and heparin at 09:00 into the line PORT, and no drug
that day.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.care import has_visit
from chargeline.engine.encounters import Assessment
from chargeline.engine.infusions.concerns import PORT_ALONE, LineFacts, PortAloneAnswer
from chargeline.engine.rules import Decision
from chargeline.engine.services.records import Service, keys_of, line_purpose_of
from chargeline.engine.trace import Question, Step, ask
from chargeline.engine.words import PortAloneAs


class PortCare(NamedTuple):
    """The flushes that are a service, and the question about them; both empty for most visits."""

    flushes: tuple[Service, ...] = ()
    questions: tuple[Question, ...] = ()


def port_alone(assessment: Assessment) -> PortCare:
    """The flushes of a visit in which nothing else was given into a vein or by injection, and no
    practitioner saw the patient.
    """
    rules = assessment.rules
    given = [service for service in assessment.services if service.administration.given]
    flushes = [service for service in given if _is_flush(service)]
    if not flushes or any(has_visit(day.care) for day in assessment.encounter.days):
        return PortCare()
    if any(not _is_flush(service) and _counts(service) for service in given):
        return PortCare()
    for flush in flushes:
        decision = rules.of(PORT_ALONE).decide(LineFacts(flush.administration.line.upper()))
        if decision.rule is not None:
            return _CARE[decision.answer.as_](flushes, flush.administration.line, decision)
    return PortCare()


def _is_flush(service: Service) -> bool:
    return service.outcome == "withheld" and line_purpose_of(service) == "flush"


def _counts(service: Service) -> bool:
    """Whether an administration is more than a tablet."""
    return service.administration.route != "other"


def _irrigation(
    flushes: Sequence[Service], line: str, decision: Decision[PortAloneAnswer]
) -> PortCare:
    step = Step("port alone", decision, (("line", line), ("flushes", len(flushes))))
    rinsed = [
        flush._replace(
            outcome="service",
            technique="irrigation",
            provisional="port.alone",
            steps=(*flush.steps, step),
        )
        for flush in flushes
    ]
    return PortCare(tuple(rinsed), (_question(flushes, line, decision),))


def _nothing(
    _flushes: Sequence[Service], _line: str, _decision: Decision[PortAloneAnswer]
) -> PortCare:
    return PortCare()


_CARE: Mapping[
    PortAloneAs, Callable[[Sequence[Service], str, Decision[PortAloneAnswer]], PortCare]
] = {"irrigation": _irrigation, "withheld": _nothing}


# ------------------------------------------------------------------ what is asked


def _question(
    flushes: Sequence[Service], line: str, decision: Decision[PortAloneAnswer]
) -> Question:
    question = ask(
        "port.alone",
        expected="the drug for which the line was rinsed, or a visit for the port alone",
        found=f"flushes of the line {line}, and nothing else",
        do="confirm that nothing else was done that day, not even a visit or a blood draw",
        drug=flushes[0].substance,
        administrations=keys_of(flushes),
        sources=(flushes[0].administration.intervals[0].start_source,),
    )
    return question._replace(wait_minutes=decision.answer.ask_after_minutes)
