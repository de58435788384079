"""Edits before the claim: on what a payer would deny the lines of an encounter, and how much.

It owns the order of the edits, and asks the rules how much each matters and who can settle it. The
edits themselves stand in `documented.py`, `charged.py`, `limits.py` and `pairs.py`; the families
note what they alone can see, such as a vial without an NDC. An edit changes no line.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from chargeline.engine.edits.charged import not_given
from chargeline.engine.edits.claim_concerns import EDIT, SETTING, EditFacts
from chargeline.engine.edits.documented import code_not_valid, diagnosis_missing
from chargeline.engine.edits.limits import above_limit, units_of_days
from chargeline.engine.edits.pairs import add_on_alone, bundled
from chargeline.engine.edits.tables_asked import NOTHING_LOADED, TablesAsked
from chargeline.engine.encounters import Assessment
from chargeline.engine.record import Fact
from chargeline.engine.rules import NO_FACTS, DayRules
from chargeline.engine.tables import PaymentLimit, PublishedTables
from chargeline.engine.trace import ChargeLine, ClaimEdit, Noted

_BY_TABLES: tuple[Callable[[Sequence[ChargeLine], TablesAsked], Iterator[Noted]], ...] = (
    code_not_valid,
    above_limit,
    bundled,
    add_on_alone,
)


def claim_edits(
    lines: Sequence[ChargeLine], noted: Sequence[Noted], assessment: Assessment
) -> tuple[ClaimEdit, ...]:
    """The edits of an encounter's lines, in the order in which a claim is looked over.

    Where a table is not loaded, one note says which, and its edits did not run. An edit that no
    rule gives a severity is switched off.
    """
    uncharted = assessment.encounter.uncharted
    if not lines and not uncharted:
        return ()
    rules = assessment.rules
    asked = _asked(assessment)
    notes = [*noted, *not_given(uncharted), *(_of_lines(lines, assessment, asked) if lines else ())]
    payer = assessment.context.payer.upper()
    return as_edits(notes, lines, rules, payer, tables=assessment.tables)


def as_edits(
    notes: Iterable[Noted],
    lines: Sequence[ChargeLine],
    rules: DayRules,
    payer: str,
    *,
    tables: PublishedTables,
) -> tuple[ClaimEdit, ...]:
    """What was noted as edits, with how much each matters and what of the lines is at stake.

    `payer` is in capitals. What no rule gives a severity is left out.
    """
    by_id = {line.line_id: line for line in lines}
    edits = []
    for entry in notes:
        decision = rules.of(EDIT).decide(EditFacts(entry.edit, payer))
        if decision.rule is None:
            continue
        at_stake = [by_id[line_id] for line_id in entry.lines if line_id in by_id]
        if entry.lines and not at_stake:
            continue  # a person bills the lines by hand: there is nothing left to deny
        edits.append(
            ClaimEdit(
                edit=entry.edit,
                finding=entry.finding,
                severity=decision.answer.severity,
                who=decision.answer.who,
                rule=decision.rule,
                lines=tuple([line.line_id for line in at_stake]),
                units=sum([line.units for line in at_stake]),
                cents=_cents(at_stake, entry.against, tables),
            )
        )
    return tuple(edits)


def billed_units(lines: Sequence[ChargeLine], assessment: Assessment) -> tuple[Fact, ...]:
    """What the lines of an encounter count against limits of a day, for the patient's record."""
    if not lines or not assessment.tables.version:
        return ()
    encounter = assessment.encounter
    return tuple(units_of_days(encounter.name, lines, _asked(assessment), encounter.starts))


def _asked(assessment: Assessment) -> TablesAsked:
    setting = assessment.rules.of(SETTING).decide(NO_FACTS).answer.setting
    return TablesAsked(assessment.tables, setting, assessment.elsewhere)


def _of_lines(
    lines: Sequence[ChargeLine], assessment: Assessment, asked: TablesAsked
) -> Iterator[Noted]:
    """What a claim with these lines lacks, and what the published tables say of it."""
    yield from diagnosis_missing(lines, assessment.context)
    if not assessment.tables.version:
        yield NOTHING_LOADED
        return
    for edit in _BY_TABLES:
        yield from edit(lines, asked)
    yield from asked.missing()


def _cents(lines: Sequence[ChargeLine], against: str, tables: PublishedTables) -> int | None:
    """What Medicare allows for some lines, less what it allows for the code that was posted.

    None where the tables do not say it for all of them.
    """
    total = Decimal(0)
    for line in lines:
        allowed = _allowed(line.code, line.service_date, tables)
        posted = _allowed(against, line.service_date, tables) if against else Decimal(0)
        if allowed is None or posted is None:
            return None
        total += abs(allowed - posted) * 100 * line.units
    return int(total.to_integral_value(ROUND_HALF_UP)) if lines else None


def _allowed(code: str, day: date, tables: PublishedTables) -> Decimal | None:
    limit = tables.payment_limit(code, day)
    return limit.dollars if isinstance(limit, PaymentLimit) else None
