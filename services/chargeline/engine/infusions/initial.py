"""The initial service: one for each access line, by rank or by what the patient came for.

An access line has one initial service, and every other service of the line is an add-on to it. The
initial service need not be the one that began first. In a hospital it is the service of the highest
rank (`service.rank`), and in a physician's office the service for which the patient came. Rules
about `position.initial` say which of the two ways a policy takes; this module knows no ranks.

One sequence, worked through, under a policy that goes by rank. Into the port ran ondansetron 09:00
to 09:20, carboplatin 09:30 to 10:30 and saline 10:30 to 11:30. Furosemide was pushed at 11:35.

    carboplatin   chemotherapy infusion   rank 1   initial
    ondansetron   therapeutic infusion    rank 3   sequential, although it ran first
    furosemide    therapeutic push        rank 4   additional
    saline        hydration               rank 5   additional

Of two chemotherapy infusions the longer one is initial. Of two equally long ones the earlier one is
initial. Of two that began together the one with the lower key is initial, so that the choice never
depends on the order in which messages arrived.

A second access line has an initial service of its own. The line with the highest-ranking service is
the first line. The initial service of the second line carries the modifier of a distinct service,
and a person is asked why a second site was needed: a restart after infiltration does not count.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine.infusions.concerns import (
    DISTINCT,
    INITIAL,
    PRIMARY_REASON,
    RANK,
    DiagnosisFacts,
    DistinctFacts,
    InitialAnswer,
    ServiceFacts,
)
from chargeline.engine.infusions.places import CHEMOTHERAPY, Candidate
from chargeline.engine.rules import NO_FACTS, DayRules, Decision
from chargeline.engine.services.concerns import RankAnswer
from chargeline.engine.services.records import keys_of
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import Question, Step, ask
from chargeline.engine.words import DistinctBecause, DrugClass, InitialBy, Technique


class Choice(NamedTuple):
    """The initial service of an access line, the reasons, and the questions about the choice."""

    initial: Candidate
    steps: tuple[Step, ...]
    questions: tuple[Question, ...] = ()


def rank_order(rules: DayRules) -> Callable[[Candidate], tuple[int, int, int, str]]:
    """The order of candidates: by rank, then the longest, then the earliest, then by key."""

    def order(candidate: Candidate) -> tuple[int, int, int, str]:
        rank = _rank_number(rules, candidate.service_class, candidate.technique)
        key = candidate.services[0].administration.key
        return (rank, -candidate.minutes, candidate.start, key)

    return order


@lru_cache(maxsize=2_000)  # each comparison of two candidates needs the ranks of both
def _rank_number(rules: DayRules, service_class: DrugClass, technique: Technique) -> int:
    return _rank(rules, service_class, technique).answer.rank


def _rank(rules: DayRules, service_class: DrugClass, technique: Technique) -> Decision[RankAnswer]:
    return rules.of(RANK).decide(ServiceFacts(service_class, technique))


class AccessLine(NamedTuple):
    """An access line: its candidates, and the drug among them that is highest in rank (`best`)."""

    best: Candidate
    candidates: Sequence[Candidate]


def highest_in_rank(candidates: Sequence[Candidate], rules: DayRules) -> Candidate:
    """The candidate that comes first in the order of rank."""
    return candidates[0] if len(candidates) == 1 else min(candidates, key=rank_order(rules))


def choose_initial(line: AccessLine, rules: DayRules, context: VisitContext) -> Choice:
    """The initial service among the candidates of an access line."""
    decision = rules.of(INITIAL).decide(NO_FACTS)
    return _CHOICES[decision.answer.by](line, decision, rules, context)


def _by_rank(
    line: AccessLine, decision: Decision[InitialAnswer], rules: DayRules, _context: VisitContext
) -> Choice:
    best = line.best
    rank = _rank(rules, best.service_class, best.technique)
    steps = (
        Step("initial service", decision, (("services", len(line.candidates)),)),
        Step("rank", rank, (("rank", rank.answer.rank), ("minutes", best.minutes))),
    )
    return Choice(best, steps)


def _by_primary_reason(
    line: AccessLine, decision: Decision[InitialAnswer], rules: DayRules, context: VisitContext
) -> Choice:
    """The service for which the patient came; the highest in rank if nothing says which that is.

    A person is asked where nothing says it and the candidates are of several classes or techniques:
    iron by push and magnesium by infusion may each be the reason. Chemotherapy has no add-on code
    under another initial service. So where there is any chemotherapy, only chemotherapy can be
    initial.
    """
    best, candidates = line.best, line.candidates
    by_rank = _by_rank(line, decision, rules, context)
    if len(candidates) == 1:
        return by_rank
    chemotherapy = [each for each in candidates if each.service_class in CHEMOTHERAPY]
    choice = chemotherapy or list(candidates)
    reason = _primary_reason(choice, rules, context)
    if reason is not None:
        facts = (("services", len(candidates)), *reason.facts)
        return Choice(reason.candidate, (Step("initial service", decision, facts),))
    if len({(each.service_class, each.technique) for each in choice}) > 1:
        return by_rank._replace(questions=(_primary_question(best),))
    return by_rank


_CHOICES: Mapping[
    InitialBy,
    Callable[[AccessLine, Decision[InitialAnswer], DayRules, VisitContext], Choice],
] = {
    "rank": _by_rank,
    "primary_reason": _by_primary_reason,
}


class _Reason(NamedTuple):
    """The service for which the patient came, and the facts that say so."""

    candidate: Candidate
    facts: tuple[tuple[str, str | int], ...]


def _primary_reason(
    choice: Sequence[Candidate], rules: DayRules, context: VisitContext
) -> _Reason | None:
    """The service that the sender marked, else the service that fits the first diagnosis."""
    order = rank_order(rules)
    marked = [each for each in choice if any(s.administration.primary for s in each.services)]
    if marked:
        return _Reason(min(marked, key=order), (("marked by the sender", "yes"),))
    for diagnosis in context.diagnoses[:1]:
        for name in (diagnosis, diagnosis[:3]):
            decision = rules.of(PRIMARY_REASON).decide(DiagnosisFacts(name))
            if decision.rule is None:
                continue
            kinds = decision.answer.kinds.split("|") if decision.answer.kinds else []
            fitting = [each for each in choice if _fits(each, decision.answer.class_, kinds)]
            if fitting:
                facts = (("first diagnosis", name), ("reason rule", decision.rule.id))
                return _Reason(min(fitting, key=order), facts)
    return None


def _fits(candidate: Candidate, service_class: DrugClass, kinds: Sequence[str]) -> bool:
    if not kinds:
        return candidate.service_class == service_class
    drugs = [named.drug for service in candidate.services for named in service.drugs]
    return any(drug.kind in kinds or drug.id in kinds for drug in drugs)


class Distinct(NamedTuple):
    """The modifier of a second initial service, "" for a first one, and the reasons."""

    modifier: str
    steps: tuple[Step, ...]


_NOT_DISTINCT = Distinct("", ())


def distinct_modifier(*, second_line: bool, second_of_day: bool, rules: DayRules) -> Distinct:
    """The modifier of an initial service in a second line, or in a second encounter of the day."""
    if not second_line and not second_of_day:
        return _NOT_DISTINCT
    because: DistinctBecause = "second_line" if second_line else "second_encounter"
    decision = rules.of(DISTINCT).decide(DistinctFacts(because))
    step = Step("distinct service", decision, (("because", because),))
    return Distinct(decision.answer.modifier, (step,))


# ------------------------------------------------------------------ what is asked


def _primary_question(best: Candidate) -> Question:
    return ask(
        "initial.primary_reason",
        expected="a diagnosis or a marked service that says what the patient came for",
        found="none that fits the services given",
        do=(
            "say which service was the reason of the visit; "
            "until then the service highest in rank is initial"
        ),
        drug=best.substance,
        administrations=keys_of(best.services),
    )


def second_line_question(second: Candidate, first: Candidate) -> Question:
    """Asks why a second access line was needed; `first` and `second` are the initial services."""
    items = [service.administration for service in second.services]
    return ask(
        "initial.second_line",
        expected=(
            "one initial service, or a second access line "
            "that the protocol or the condition required"
        ),
        found=f"services in two lines: {_line(first)} and {_line(second)}",
        do=(
            "confirm why the second site was needed; a restart after infiltration, another lumen "
            "or saving time does not count"
        ),
        drug=second.substance,
        administrations=keys_of(second.services),
        sources=tuple([item.intervals[0].start_source for item in items]),
    )


def _line(candidate: Candidate) -> str:
    return candidate.services[0].administration.line or "not charted"
