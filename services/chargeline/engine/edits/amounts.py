"""Doubts about what and how much: another drug or dose than ordered, more than any label gives.

It owns these doubts, each a function of one administration that yields questions. Example: 75 mg/m2
are ordered and 1500 mg are charted. No patient has 20 square metres, so the dose is asked about.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from chargeline.engine.edits.asking import doubt, number_of
from chargeline.engine.edits.concerns import (
    CONTRADICTED,
    DOSE,
    FLUID_PURPOSE,
    USUAL_DOSE,
    DoseAnswer,
    FluidPurposeAnswer,
    PercentAnswer,
)
from chargeline.engine.events import DrugAmount
from chargeline.engine.finding import excerpt
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.quantities import convert, plain
from chargeline.engine.rules import DayRules
from chargeline.engine.services.records import FLUIDS, NamedDrug, Service
from chargeline.engine.timeline.records import Administration
from chargeline.engine.trace import Question
from chargeline.engine.words import IS_YES


def _dose(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question for each drug whose dose is far from the ordered one, or more than any label says.

    A dose that is both is asked about once.
    """
    by_order, by_label = number_of(rules, DOSE), number_of(rules, USUAL_DOSE)
    for named in service.drugs:
        code: FindingCode = "dose.ordered"
        expected = ""
        if by_order is not None and service.service_class not in FLUIDS:
            expected = _expected_dose(named, service.administration, by_order)
        if by_label is not None and not expected:
            code, expected = "dose.usual", _usual_dose(named, by_label)
        if expected:
            yield doubt(
                service,
                code,
                expected=expected,
                found=_as_written(named.amount),
                do="correct the dose, or confirm it; until then its units are provisional",
            )


def _parts(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where the parts of a mixture are not what its row says of the drug."""
    for named in service.drugs:
        whole, parts = named.whole, named.amount
        if whole is None or not whole.amount or whole.is_unknown or not parts.amount:
            continue
        told = convert(whole.amount, whole.unit, parts.unit)
        if told is not None and told != parts.amount:
            yield doubt(
                service,
                "dose.parts",
                expected=f"parts of the mixture (RXC) that are {_as_written(whole)} together",
                found=_as_written(parts),
                do="correct the dose, or confirm the parts; until then its units are provisional",
            )


def _usual_dose(named: NamedDrug, answer: PercentAnswer) -> str:
    """What the label lets expect, "" if the dose is that or nobody can say."""
    most, charted = named.drug.most, named.amount
    if most is None or not charted.amount or charted.is_unknown:
        return ""
    dose = convert(charted.amount, charted.unit, named.drug.unit)
    is_more = dose is not None and dose * 100 > most * answer.percent
    return f"at most {plain(most)} {named.drug.unit} of {named.drug.id} at once" * is_more


def _expected_dose(named: NamedDrug, item: Administration, answer: DoseAnswer) -> str:
    """What the order lets expect, "" if the dose is that or nobody can say."""
    dose, unit = named.amount.amount, named.amount.unit
    order = order_of(named.amount, item.ordered)
    if not dose or order is None or not order.amount:
        return ""
    ordered = convert(order.amount, order.unit, unit)
    if ordered is None:
        most = _most_for_a_body(order, unit, answer)
        is_more = most is not None and not item.partial and dose > most
        return f"at most {plain(most)} {unit} for {_as_written(order)}" if most and is_more else ""
    if item.partial:
        is_whole = dose >= ordered
        return f"less than the ordered {plain(ordered)} {unit}, as it was stopped" * is_whole
    is_less = dose * 100 < ordered * answer.least_percent
    is_far = is_less or dose * 100 > ordered * answer.most_percent
    return f"about the ordered {plain(ordered)} {unit}" * is_far


def _as_written(amount: DrugAmount) -> str:
    return f"{plain(amount.amount or Decimal(0))} {excerpt(amount.unit)}"


def _most_for_a_body(order: DrugAmount, unit: str, answer: DoseAnswer) -> Decimal | None:
    """The largest dose of an order by square metre, kilogram or AUC; None for another order."""
    base, _stroke, body = order.unit.lower().replace("^", "").partition("/")
    if base.strip() == "auc":
        base, body = "mg", "auc"
    by_body = {"m2": answer.most_m2, "kg": answer.most_kg, "auc": answer.most_mg_for_auc}
    most = by_body.get(body.strip())
    return convert((order.amount or 0) * Decimal(most), base, unit) if most else None


def order_of(amount: DrugAmount, ordered: Sequence[DrugAmount]) -> DrugAmount | None:
    """What the order says of a drug; None if it does not name the drug, or no amount of it."""
    for other in ordered:
        if other.amount and not set(amount.names).isdisjoint(other.names):
            return other
    return None


def _contradicted(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where a note says otherwise than the row it stands beside."""
    answer = number_of(rules, CONTRADICTED)
    words = service.administration.contradicted
    if answer is not None and words and IS_YES[answer.ask]:
        yield doubt(
            service,
            "note.contradicts",
            expected="a note that agrees with the row",
            found=f'a note with the words "{words}" beside a dose that was given',
            do="read the note; confirm the row, or correct what was given and when",
        )


def _fluid_purpose(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where a word makes a fluid a rinse, and the amount or the rate says otherwise.

    Nurses write "flush with 10 mL after" beside a litre that was ordered over an hour.
    """
    item, answer = service.administration, number_of(rules, FLUID_PURPOSE)
    if answer is None or service.service_class not in FLUIDS or not item.purpose:
        return
    volume = _too_much(service, answer)
    if volume:
        yield doubt(
            service,
            "fluid.purpose",
            expected="a rinse of a few millilitres, or a drip that only keeps the vein open",
            found=f"{volume}, and a word that makes it one",
            do="say whether the fluid was treatment; until then it is not billed",
        )


def _too_much(service: Service, answer: FluidPurposeAnswer) -> str:
    """Why a fluid is more than a rinse or a drip, "" if it is not."""
    item = service.administration
    if item.purpose == "flush":
        amounts = [named.amount for named in service.drugs if named.amount.amount]
        volumes = [convert(amount.amount or Decimal(0), amount.unit, "mL") for amount in amounts]
        volume = max([volume for volume in volumes if volume], default=Decimal(0))
        return f"{plain(volume)} mL" if volume > answer.millilitres else ""
    orders = [order_of(named.amount, item.ordered) for named in service.drugs]
    ordered = next((order for order in orders if order is not None), None)
    if ordered is None or not ordered.amount or not item.ordered_minutes:
        return ""
    volume_ordered = convert(ordered.amount, ordered.unit, "mL")
    if volume_ordered is None:
        return ""
    is_fast = volume_ordered * 60 > answer.millilitres_an_hour * item.ordered_minutes
    return f"{plain(volume_ordered)} mL ordered over {item.ordered_minutes} minutes" * is_fast


def _not_ordered(service: Service, rules: DayRules) -> Iterator[Question]:
    """A question where an order names drugs, and none that was given."""
    item = service.administration
    ordered = [name for drug in item.ordered for name in drug.names]
    own = [name for drug in item.drugs for name in drug.names]
    first_words = {_ingredient(name) for name in ordered}
    if ordered and first_words.isdisjoint([_ingredient(name) for name in own]):
        yield doubt(
            service,
            "drug.not_ordered",
            expected=f"the ordered drug, {ordered[-1]}",
            found=service.substance,
            do="correct the drug or the order number; until then its lines are provisional",
        )


def _ingredient(name: str) -> str:
    """The first word of a name: trastuzumab and trastuzumab-dkst are one ingredient."""
    return name.lower().replace("_", "-").replace(" ", "-").partition("-")[0]


DOUBTS_OF_AMOUNT: tuple[Callable[[Service, DayRules], Iterator[Question]], ...] = (
    _dose,
    _parts,
    _not_ordered,
    _contradicted,
    _fluid_purpose,
)
