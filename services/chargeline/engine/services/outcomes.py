"""What follows from the outcome of a technique rule: a service, a question, nothing, or more rules.

It owns one function for each outcome that a technique rule may name, in a table at the end. It does
not know how the technique was decided.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from chargeline.engine.finding import RuleId, excerpt
from chargeline.engine.rules import NO_FACTS, DayRules, Decision
from chargeline.engine.services.concerns import (
    LONG_PUSH,
    MISSING_STOP,
    STOPPED_EARLY,
    MissingStopAnswer,
    OfClass,
    TechniqueAnswer,
)
from chargeline.engine.services.records import Service
from chargeline.engine.timeline.records import Administration
from chargeline.engine.trace import Question, Step, ask
from chargeline.engine.words import (
    LongPushAs,
    MissingStopAs,
    StoppedEarlyAs,
    Technique,
    TechniqueOutcome,
)


def with_outcome(service: Service, decision: Decision[TechniqueAnswer], rules: DayRules) -> Service:
    """The service after the outcome of its technique rule; a question where no one rule decides."""
    if decision.rule is None:
        return _undecided(service, decision)
    return _OUTCOMES[decision.answer.outcome](service, decision, rules)


def _undecided(service: Service, decision: Decision[TechniqueAnswer]) -> Service:
    item = service.administration
    if decision.clash:
        gap = "two rules on the same facts: " + ", ".join([rule.id for rule in decision.clash])
        do = "let one of them override the other; `chargeline rules check` shows both"
    else:
        gap = f"no rule for {service.service_class} drugs by route {item.route or 'unknown'}"
        do = "correct the route or the charting, or add a rule (rules/README.md)"
    question = ask(
        "rule.clash" if decision.clash else "rule.none",
        expected="exactly one rule for this service",
        found=gap,
        do=do,
        drug=service.substance,
        administrations=(item.key,),
        sources=(item.intervals[0].start_source,),
    )
    return _with_question(service, question)


def _with_question(service: Service, question: Question) -> Service:
    """The service, not billed until somebody answers the question."""
    return service._replace(
        outcome="question",
        reason=question.finding.code,
        questions=(*service.questions, question),
    )


def _as_it_is(service: Service, decision: Decision[TechniqueAnswer], rules: DayRules) -> Service:
    return service


def _withhold(service: Service, decision: Decision[TechniqueAnswer], rules: DayRules) -> Service:
    rule = decision.rule_in_force
    return service._replace(outcome="withheld", reason=rule.id, says=rule.why)


def _ask_by_rule(service: Service, decision: Decision[TechniqueAnswer], rules: DayRules) -> Service:
    """A question that a rule asks: about the route where none is known, else about the device."""
    rule = decision.rule_in_force
    item = service.administration
    words = _about_device(service) if item.route else _about_route(item)
    question = ask(
        RuleId(rule.id),
        expected=words.expected,
        found=words.found,
        do=words.do or rule.why,
        drug=service.substance,
        administrations=(item.key,),
        sources=(item.intervals[0].start_source,),
    )
    return _with_question(service, question)


class _Words(NamedTuple):
    """What a question of a rule says; without `do` the rule itself says what to do."""

    expected: str
    found: str
    do: str = ""


def _about_route(item: Administration) -> _Words:
    expected = "a charted route that the rules know"
    if not item.route_text:
        return _Words(expected, "no route (RXR-1)")
    do = "say in the interface profile what the route means"
    return _Words(expected, f"route {excerpt(item.route_text)!r}", do)


def _about_device(service: Service) -> _Words:
    item = service.administration
    device = (item.device or "no device").replace("_", " ")
    minutes = service.minutes or item.ordered_minutes or 0
    found = f"{service.service_class} {item.route} by {device} for {minutes} minutes"
    return _Words("a service for which the rules know a code", found)


def _missing_stop(
    service: Service, decision: Decision[TechniqueAnswer], rules: DayRules
) -> Service:
    """Ask for the stop; until the stop comes, the policy's fall-back is drafted as provisional."""
    item = service.administration
    position = rules.of(MISSING_STOP).decide(OfClass(service.service_class))
    fall_back = position.answer.as_
    step = Step("missing stop", position, (("until answered", fall_back),))
    ordered = item.ordered_minutes
    question = ask(
        "stop.missing",
        expected="a stop time (RXA-4, or a stopped action)",
        found=(
            "running since its start, no stop charted; "
            f"ordered for {ordered if ordered is not None else 'an unknown number of'} minutes"
        ),
        do="chart the stop; until then " + _FALL_BACK_WORDS[fall_back],
        drug=service.substance,
        administrations=(item.key,),
        sources=(item.intervals[-1].start_source,),
    )
    question = question._replace(
        wait_minutes=ordered if ordered is not None else position.answer.ask_after_minutes
    )
    asked = service._replace(
        provisional="stop.missing",
        questions=(*service.questions, question),
        steps=(*service.steps, step),
    )
    return _FALL_BACKS[fall_back](asked, position)


def _until_answered_a_push(service: Service, position: Decision[MissingStopAnswer]) -> Service:
    return service._replace(minutes=0)


def _until_answered_withheld(service: Service, position: Decision[MissingStopAnswer]) -> Service:
    says = position.rule_in_force.why
    return service._replace(outcome="withheld", reason="stop.missing", says=says)


_FALL_BACK_WORDS: Mapping[MissingStopAs, str] = {
    "push": "the drug is drafted as a push, or with other bags of the order if they ran",
    "withheld": "nothing is billed for the infusion",
}
_FALL_BACKS: Mapping[MissingStopAs, Callable[[Service, Decision[MissingStopAnswer]], Service]] = {
    "push": _until_answered_a_push,
    "withheld": _until_answered_withheld,
}


def _stopped_early(
    service: Service, decision: Decision[TechniqueAnswer], rules: DayRules
) -> Service:
    position = rules.of(STOPPED_EARLY).decide(NO_FACTS)
    step = Step("stopped early", position, (("running_minutes", service.minutes),))
    techniques: Mapping[StoppedEarlyAs, Technique | None] = {
        "infusion": service.technique,
        "push": "push",
    }
    return service._replace(
        technique=techniques[position.answer.as_],
        modifier=position.answer.modifier,
        steps=(*service.steps, step),
    )


_LONG_PUSH_TECHNIQUES: Mapping[LongPushAs, Technique] = {"push": "push", "infusion": "infusion"}


def _long_push(service: Service, decision: Decision[TechniqueAnswer], rules: DayRules) -> Service:
    position = rules.of(LONG_PUSH).decide(NO_FACTS)
    step = Step("long push", position, (("running_minutes", service.minutes),))
    technique = _LONG_PUSH_TECHNIQUES[position.answer.as_]
    return service._replace(technique=technique, steps=(*service.steps, step))


_OUTCOMES: Mapping[
    TechniqueOutcome, Callable[[Service, Decision[TechniqueAnswer], DayRules], Service]
] = {
    "service": _as_it_is,
    "withheld": _withhold,
    "question": _ask_by_rule,
    "missing_stop": _missing_stop,
    "stopped_early": _stopped_early,
    "long_push": _long_push,
}
