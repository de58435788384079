"""Orders that are not given yet, and need an authorization that is not there.

It owns what is asked at order time, before the first dose: why no authorization covers the order,
what the chart already has of the evidence that a request shows, and by which day to ask. A drug
that is added, a biosimilar that is swapped in and a dose above what is left each need their own. A
visit that has ended plans nothing any more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, cast

from chargeline.engine.authorization_words import Evidence
from chargeline.engine.authorizations.contributions import Use, use_of
from chargeline.engine.authorizations.deadlines import Clocks, clocks_of
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.needed import (
    EVIDENCE,
    EvidenceFacts,
    Need,
    Needs,
    need_of,
)
from chargeline.engine.authorizations.said import Lack, lack_of
from chargeline.engine.authorizations.used import Countdown
from chargeline.engine.drugs.planned import planned_units
from chargeline.engine.events import DrugAmount
from chargeline.engine.formulary import Drug, Formulary, Given
from chargeline.engine.quantities import convert, plain
from chargeline.engine.rules import DayRules, Policy
from chargeline.engine.tables import PublishedTables
from chargeline.engine.timeline.records import PlannedOrder, Timeline
from chargeline.engine.trace import AuthorizationNeed, ShownEvidence, ask
from chargeline.engine.words import IS_YES, words_of


class PlannedDose(NamedTuple):
    """A drug of an order that needs an authorization: its use, and why it needs one."""

    use: Use
    need: Need
    order: PlannedOrder
    drug: str
    amount: DrugAmount


def planned_doses(
    timeline: Timeline,
    formulary: Formulary,
    policy: Policy,
    needs: Needs,
    *,
    tables: PublishedTables,
) -> tuple[PlannedDose, ...]:
    """The doses that orders of a visit plan, of drugs that need an authorization."""
    return tuple(
        [
            dose
            for order in orders_of(timeline)
            for dose in _doses(timeline, order, formulary, policy, needs=needs, tables=tables)
        ]
    )


def orders_of(timeline: Timeline) -> tuple[PlannedOrder, ...]:
    """The orders of a visit that plan doses; none where it has ended."""
    context = timeline.context
    if context.discharged is not None or context.cancelled or len(timeline.patients) != 1:
        return ()
    return timeline.planned


def coded_drugs(order: PlannedOrder, formulary: Formulary) -> Iterator[tuple[DrugAmount, Drug]]:
    """The drugs of an order that have a code, each with its amount."""
    for amount in order.drugs:
        given = Given(order.route, amount.amount, amount.unit)
        drug = formulary.find(amount.codes, amount.text, order.day, given).drug
        if drug is not None and drug.hcpcs:
            yield amount, drug


def _doses(
    timeline: Timeline,
    order: PlannedOrder,
    formulary: Formulary,
    policy: Policy,
    *,
    needs: Needs,
    tables: PublishedTables,
) -> Iterator[PlannedDose]:
    rules, context = policy.on(order.day), timeline.context
    for amount, drug in coded_drugs(order, formulary):
        need = need_of(rules, needs, context.payer.upper(), drug.hcpcs, day=order.day)
        if need is None:
            continue
        dose = convert(amount.amount or Decimal(0), amount.unit, drug.unit)
        is_readable = dose is not None and dose > 0 and not amount.is_unknown
        units = 0
        if dose is not None and is_readable:
            units = planned_units(
                drug,
                dose,
                order.day,
                payer=context.payer.upper(),
                rules=rules,
                formulary=formulary,
                tables=tables,
            )
        use = use_of(timeline.key, context, drug.hcpcs, order.day, units=0, planned=units)
        yield PlannedDose(
            use=use._replace(order=order.order),
            need=need,
            order=order,
            drug=drug.id,
            amount=amount,
        )


def needed(
    doses: Iterable[PlannedDose],
    timeline: Timeline,
    policy: Policy,
    *,
    on_file: Sequence[Authorization],
    countdown: Countdown,
    others: Iterable[Use],
) -> tuple[AuthorizationNeed, ...]:
    """The doses that no authorization covers, after what is used up already.

    `others` are the uses of the patient's other visits. `countdown` goes on with all planned doses
    in their order, so that the fourth dose of 200 finds no room in 600, whichever visit plans it.
    """
    lacking = []
    waiting: list[tuple[Use, PlannedDose | None]] = [(use, None) for use in others if use.planned]
    waiting += [(dose.use, dose) for dose in doses]
    for use, dose in sorted(waiting, key=lambda entry: (entry[0].when, entry[0].order)):
        account = countdown.take(use)
        if dose is None:
            continue
        rules = policy.on(dose.use.day)
        clocks = clocks_of(rules, dose.use.payer, dose.use.code, zone=timeline.context.zone)
        lack = lack_of(account, on_file, clocks)
        if lack is not None:
            lacking.append(_need(dose, lack, clocks, _evidence(dose, timeline, rules)))
    return tuple(lacking)


def _need(
    dose: PlannedDose, lack: Lack, clocks: Clocks, evidence: tuple[ShownEvidence, ...]
) -> AuthorizationNeed:
    missing = [shown.evidence for shown in evidence if not shown.says]
    lacks = f"; not in the chart: {', '.join(missing)}" if missing else ""
    by = clocks.ask_by(dose.order.at)
    question = ask(
        "authorization.needed",
        expected=lack.expected,
        found=f"{lack.found}{lacks}",
        do=f"{lack.do}; ask by {by.isoformat()}" if by is not None else lack.do,
        drug=dose.drug,
        sources=(dose.order.source,),
    )
    return AuthorizationNeed(
        question=question,
        code=dose.use.code,
        order=dose.order.order,
        day=dose.use.day,
        units=dose.use.planned,
        payer=dose.use.payer,
        evidence_class=dose.need.evidence,
        evidence=evidence,
        ask_by=by,
        ask_expedited_by=clocks.ask_expedited_by(dose.order.at),
    )


# ------------------------------------------------------------------ evidence


_ALL_EVIDENCE = cast(tuple[Evidence, ...], words_of(Evidence))


def _evidence(dose: PlannedDose, timeline: Timeline, rules: DayRules) -> tuple[ShownEvidence, ...]:
    """What a request for a dose shows, each with what the chart has of it."""
    table = rules.of(EVIDENCE)
    decided = [
        (evidence, table.decide(EvidenceFacts(dose.need.evidence, evidence)))
        for evidence in _ALL_EVIDENCE
    ]
    return tuple(
        [
            _shown(evidence, dose, timeline)
            for evidence, decision in decided
            if decision.rule is not None and IS_YES[decision.answer.show]
        ]
    )


def _shown(evidence: Evidence, dose: PlannedDose, timeline: Timeline) -> ShownEvidence:
    """One thing that a request shows: of the visit, of the order, or the last observation of it."""
    if evidence in _OF_VISIT:
        return ShownEvidence(evidence, _OF_VISIT[evidence](timeline), None)
    if evidence in _OF_ORDER:
        return ShownEvidence(evidence, _OF_ORDER[evidence](dose), dose.order.source)
    observed = [item for item in timeline.observed if item.about == evidence]
    if not observed:
        return ShownEvidence(evidence, "", None)
    last = observed[-1]
    says = f"{last.value} {last.unit}".strip()
    return ShownEvidence(evidence, says, last.source)


def _site_of_care(timeline: Timeline) -> str:
    classes = [patient_class for _since, patient_class in timeline.context.classes]
    return " ".join([*classes[-1:], timeline.context.place]).strip()


_OF_VISIT: Mapping[Evidence, Callable[[Timeline], str]] = {
    "diagnosis": lambda timeline: ", ".join(timeline.context.diagnoses),
    "site_of_care": _site_of_care,
}
_OF_ORDER: Mapping[Evidence, Callable[[PlannedDose], str]] = {
    "dose": lambda dose: (
        f"{plain(dose.amount.amount)} {dose.amount.unit}"
        if dose.amount.amount is not None and not dose.amount.is_unknown
        else ""
    ),
    "units": lambda dose: str(dose.use.planned) if dose.use.planned else "",
}
