"""What is discarded of a drug on a day, how it is reported, and what is asked about it.

It owns the decision between a line for waste, a mark that nothing was wasted, and neither. It does
no arithmetic of NDCs. Medicare returns a claim that says nothing of waste, and a claim that says
what the chart does not bear is false: so what is not charted is not said.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.claim_words import PaidFact, SmallWasteAs, UseFact, WasteAs
from chargeline.engine.containers import least_opened
from chargeline.engine.drugs.concerns import WASTE, WasteAnswer, WasteFacts
from chargeline.engine.drugs.doses import DrugDay, DrugDose
from chargeline.engine.drugs.opened import Opening, Rest, amount_in, known_sizes
from chargeline.engine.drugs.units import units_of
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.formulary import Drug
from chargeline.engine.ndc import hyphenated
from chargeline.engine.quantities import plain
from chargeline.engine.rules import Decision
from chargeline.engine.tables import OppsStatus, PublishedTables
from chargeline.engine.trace import Question, ask

DISCARDED_ROLE = "drug.discarded"
MIXED = "SDV/MDV"  # sizes of either kind: only the vial that was used says which it was
_USE_OF_CONTAINER: Mapping[str, UseFact] = {
    **dict.fromkeys(("SDV", "PFS", "KIT", "BAG"), "single_dose"),
    "MDV": "multi_dose",
}


_NEARLY_ONE = Decimal("0.999")  # amounts that differ by a whole unit disagree

_PAID: Mapping[str, PaidFact] = {"G": "apart", "K": "apart", "N": "packaged"}
_HAS_LINES: Mapping[WasteAs, bool] = {"lines": True, "unbilled": False}
_IS_NONE: Mapping[SmallWasteAs, bool] = {"none_discarded": True, "unmarked": False}


class Waste(NamedTuple):
    """What was discarded of a drug on a day, in its own unit, and how that is reported.

    `discarded` is None where nobody charted it and no vials were counted. `asked_of_dose` are
    questions on which every line of the drug rests, and `asked_of_waste` those on which what is
    said of waste rests.
    """

    decision: Decision[WasteAnswer]
    discarded: Decimal | None
    asked_of_dose: tuple[Question, ...] = ()
    asked_of_waste: tuple[Question, ...] = ()

    @property
    def has_lines(self) -> bool:
        """Whether what was discarded is billed, and a line says where nothing was."""
        return bills_waste(self.decision)

    @property
    def mark(self) -> str:
        """The modifier which says that nothing was discarded, "" where nobody may say so.

        It stands on a line only where no whole unit was discarded.
        """
        if not self.has_lines or self.discarded is None:
            return ""
        answer = self.decision.answer
        return answer.none if not self.discarded or _IS_NONE[answer.small] else ""


def bills_waste(decision: Decision[WasteAnswer]) -> bool:
    """Whether what is discarded is billed, by a decision of the rules."""
    return decision.rule is not None and _HAS_LINES[decision.answer.as_]


def use_by_formulary(drug: Drug) -> UseFact:
    """For how many doses the containers of a drug are, by its row of the formulary."""
    return _USE_OF_CONTAINER.get(drug.container, "unknown")


class _Charted(NamedTuple):
    """One drug and day, with what was charted of its containers."""

    day: DrugDay
    given: Decimal
    opening: Opening

    @property
    def drug(self) -> Drug:
        """The drug."""
        return self.day.drug

    def ask(self, code: FindingCode, *, expected: str, found: str, do: str) -> Question:
        """A question about the doses of the day."""
        return ask(
            code,
            expected=expected,
            found=found,
            do=do,
            drug=self.drug.id,
            administrations=tuple(dict.fromkeys([dose.key for dose in self.day.doses])),
            sources=self.opening.sources,
        )

    def in_words(self, amount: Decimal) -> str:
        return f"{plain(amount)} {self.drug.unit}"


def waste_of(day: DrugDay, given: Decimal, opening: Opening) -> Waste:
    """What was discarded besides `given`, in the drug's unit, and how the rules report it."""
    charted = _Charted(day, given, opening)
    facts = WasteFacts(use_of(day, opening), day.payer, day.paid)
    decision = day.rules.of(WASTE).decide(facts)
    asked_of_dose = _asked_of_vials(charted)
    asked_of_waste = _asked_of_entries(charted)
    waste = Waste(decision, opening.wasted, asked_of_dose, asked_of_waste)
    if decision.rule is None:
        return waste._replace(asked_of_waste=(*asked_of_waste, *_asked_of_use(charted)))
    if not waste.has_lines:
        return waste
    of_rest = _discarded(charted)
    return waste._replace(
        discarded=of_rest.amount, asked_of_waste=(*asked_of_waste, *of_rest.questions)
    )


def use_of(day: DrugDay, opening: Opening) -> UseFact:
    """For how many doses the containers of a day are: as their NDCs say, else the formulary.

    It is unknown where they differ, since nobody knows of which of them the rest is.
    """
    charted = [vial.container.use if vial.container else "unknown" for vial in opening.vials]
    if not charted or any(not _names_container(dose, day.drug) for dose in day.doses):
        charted.append("unknown")
    by_size = use_by_formulary(day.drug)
    uses = {by_size if use == "unknown" else use for use in charted}
    return uses.pop() if len(uses) == 1 else "unknown"


def _names_container(dose: DrugDose, drug: Drug) -> bool:
    """Whether the chart of a dose names a container that may hold the drug."""
    return any(
        vial.container is None or drug.id in vial.container.drugs for vial in dose.service.vials
    )


def paid_of(drug: Drug, day: date, tables: PublishedTables) -> PaidFact:
    """How OPPS pays for a drug, by its status indicator on that day (Addendum B)."""
    status = tables.status_indicator(drug.hcpcs, day)
    if not isinstance(status, OppsStatus):
        return "unknown"
    return _PAID.get(status.indicator, "otherwise")


def _asked_of_vials(charted: _Charted) -> tuple[Question, ...]:
    """Questions about the codes of vials: which product it was, and from how many of which."""
    drug, opening, questions = charted.drug, charted.opening, []
    if opening.unreadable:
        refused = [vial.refused for vial in opening.unreadable if vial.refused is not None]
        readings = [hyphenated(reading) for reading in refused[0].readings]
        question = charted.ask(
            "ndc.unreadable",
            expected="an NDC of 11 digits, or of 10 digits with hyphens",
            found=refused[0].found + (f": {' or '.join(readings)}" if readings else ""),
            do="say which NDC stands on the vial",
        )
        questions.append(question)
    if opening.foreign:
        other = opening.foreign[0]
        drugs = other.container.drugs if other.container is not None else ()
        question = charted.ask(
            "ndc.contradicts",
            expected=f"the NDC of a container of {drug.id}",
            found=f"{hyphenated(other.ndc)}, which is {' or '.join(drugs)}",
            do="say which product was given: the vial decides the code",
        )
        questions.append(question)
    if not opening.is_counted and len({vial.ndc for vial in opening.vials}) > 1:
        question = charted.ask(
            "ndc.several",
            expected="for each NDC how many vials were opened",
            found=f"{len({vial.ndc for vial in opening.vials})} NDCs and no count that covers them",
            do="scan each vial, or say which NDC was given",
        )
        questions.append(question)
    total = opening.total
    if total is not None and not opening.holds(charted.given):
        question = charted.ask(
            "vial.too_few",
            expected=f"vials that hold the {charted.in_words(charted.given)} that were given",
            found=f"vials of {charted.in_words(total)}",
            do="scan the vials that are missing, or correct the dose",
        )
        questions.append(question)
    return tuple(questions)


def _asked_of_entries(charted: _Charted) -> tuple[Question, ...]:
    """A question where a discarded amount was charted that cannot be used."""
    unclear = charted.opening.unclear
    if not unclear:
        return ()
    entry = unclear[0]
    question = charted.ask(
        "waste.unclear",
        expected=f"a discarded amount of {charted.drug.id} in {charted.drug.unit}",
        found=f"{plain(entry.amount)} {entry.unit}".rstrip(),
        do="say how much of the drug was discarded",
    )
    return (question,)


def _asked_of_use(charted: _Charted) -> tuple[Question, ...]:
    """A question where waste was charted and nobody knows for how many doses a container is."""
    if not charted.opening.wasted:
        return ()
    question = charted.ask(
        "waste.unclear",
        expected=f"whether the container of {charted.drug.id} is for one dose or for several",
        found=f"{charted.in_words(charted.opening.wasted)} discarded, and no one word on that",
        do="scan the vial whose rest it is, and add its NDC to rules/containers",
    )
    return (question,)


class _Discarded(NamedTuple):
    """What was discarded, as far as vials or charting say it, and the questions about it."""

    amount: Decimal | None
    questions: tuple[Question, ...] = ()


def _discarded(charted: _Charted) -> _Discarded:
    """What was discarded where waste has a line.

    Where vials were counted and a discarded amount was charted, and they differ by a unit, the
    smaller one counts until somebody answers.
    """
    opening, unit = charted.opening, charted.drug.unit_amount
    if opening.total is None:
        return _discarded_uncounted(charted)
    if not opening.holds(charted.given):
        return _Discarded(None)  # asked about already: nothing can be left of too few vials
    rest = max(Decimal(0), opening.total - charted.given)
    questions = list(_asked_of_size(charted, opening.total))
    if opening.wasted is None:
        if units_of(opening.total, unit) > units_of(charted.given, unit):
            question = charted.ask(
                "waste.not_charted",
                expected="in the chart how much was discarded, by whom and when",
                found=f"vials of {charted.in_words(opening.total)}, "
                f"{charted.in_words(charted.given)} given, and no word on the rest",
                do="chart what was discarded; it may have been given to nobody else",
            )
            questions.append(question)
        return _Discarded(rest, tuple(questions))
    if abs(opening.wasted - rest) >= unit:
        question = charted.ask(
            "waste.disagrees",
            expected=f"{charted.in_words(rest)} discarded: what the vials hold less the dose",
            found=f"{charted.in_words(opening.wasted)}",
            do="say how much was discarded; until then the smaller amount is billed",
        )
        questions.append(question)
        return _Discarded(min(opening.wasted, rest), tuple(questions))
    return _Discarded(rest, tuple(questions))


def _discarded_uncounted(charted: _Charted) -> _Discarded:
    """What was charted as discarded where no vials were counted, if it can be.

    The rest of a dose is less than the largest container, since nobody opens one more than the dose
    needs. Where no container is known, a rest above the dose may be right, and a person is asked.
    """
    opening, sizes = charted.opening, known_sizes(charted.day, charted.opening)
    for rest in opening.rests:
        if sizes and rest.amount >= max(sizes) * rest.doses:
            most = f"less than {charted.in_words(max(sizes))}, the largest container"
            return _Discarded(None, (_asked_of_rest(charted, rest, f"{most}, for each dose"),))
        if not sizes and rest.amount > rest.given and not rest.is_answered:
            most = f"at most the {charted.in_words(rest.given)} that were given"
            return _Discarded(opening.wasted, (_asked_of_rest(charted, rest, most),))
    return _discarded_of_product(charted, sizes)


def _asked_of_rest(charted: _Charted, rest: Rest, most: str) -> Question:
    return charted.ask(
        "waste.unclear",
        expected=f"a discarded amount of {charted.drug.id} that one dose can leave: {most}",
        found=charted.in_words(rest.amount),
        do="say how much was discarded of what was opened for the dose",
    )


def _discarded_of_product(charted: _Charted, sizes: Sequence[Decimal]) -> _Discarded:
    """What was charted as discarded where the chart names one NDC and not how many vials of it.

    Dose and rest must be whole containers then, of this size or of another that is known.
    """
    opening, unit = charted.opening, charted.drug.unit_amount
    is_one = len({vial.ndc for vial in opening.vials}) == 1
    is_named = is_one and all(dose.service.vials for dose in charted.day.doses)
    if opening.wasted is None or not is_named or not sizes:
        return _Discarded(opening.wasted)
    least, held = least_opened(charted.given, sizes), charted.given + opening.wasted
    nearest = least_opened(max(held - unit * _NEARLY_ONE, charted.given), sizes)
    if least is None or nearest is None or nearest < held + unit:
        return _Discarded(opening.wasted)
    rest = least - charted.given
    question = charted.ask(
        "waste.disagrees",
        expected=f"{charted.in_words(rest)} discarded: what containers of "
        f"{' or '.join([charted.in_words(size) for size in sizes])} leave of the dose",
        found=charted.in_words(opening.wasted),
        do="say how much was discarded, or scan the vials; until then the smaller amount is billed",
    )
    return _Discarded(min(opening.wasted, rest), (question,))


def _asked_of_size(charted: _Charted, opened: Decimal) -> tuple[Question, ...]:
    """A question where other vials that can be bought would have left less.

    Waste beyond the most economical combination may not be payable (CGS, COPE 140894).
    """
    day, drug = charted.day, charted.drug
    buyable = day.containers.of_drug(drug.id, day.day)
    sizes = [amount_in(drug, container) for container in buyable]
    least = least_opened(charted.given, [size for size in sizes if size])
    if least is None or opened - least < drug.unit_amount:
        return ()
    question = charted.ask(
        "waste.avoidable",
        expected=f"vials of {charted.in_words(least)}, the fewest that hold the dose",
        found=f"vials of {charted.in_words(opened)}",
        do="say why larger vials were opened; a payer may refuse the rest beyond the smallest",
    )
    return (question,)
