"""The authorizations of a visit's lines: the number of each line, or why it has none.

It owns what a draft says of authorizations at its lines: the number, an edit that blocks, warnings
before one runs out, and the facts for the patient's record. How much an edit matters, rules say. It
changes no code and no unit. It looks at all encounters of a visit together, after people have had
their word, because each uses up what the next one finds. Lines of one code and day are one use.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine.again import AUTHORIZATIONS, SavedWork
from chargeline.engine.authorizations.contributions import (
    Use,
    authorizations_in,
    use_fact,
    use_of,
)
from chargeline.engine.authorizations.deadlines import clocks_of, warning_of
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.needed import CodeNeed, Need, Needs, need_of
from chargeline.engine.authorizations.parts import with_whole
from chargeline.engine.authorizations.places import elsewhere
from chargeline.engine.authorizations.said import (
    Lack,
    lack_of,
    only_number,
    other_number,
    overlap_of,
    warned,
)
from chargeline.engine.authorizations.used import Account, Countdown, counted
from chargeline.engine.edits.claims import as_edits
from chargeline.engine.encounters import Assessment
from chargeline.engine.events import Source, VisitKey
from chargeline.engine.quantities import plain
from chargeline.engine.record import Fact, History
from chargeline.engine.rules import DayRules, Policy
from chargeline.engine.tables import PublishedTables
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import ChargeLine, EncounterDraft, Noted, Step, note


class ReviewBasis(NamedTuple):
    """What the review of a visit rests on.

    `on_file` are the patient's authorizations, and `others` the uses of the patient's other visits,
    planned ones among them. `planned` are the uses that the visit's own orders plan.
    """

    visit: VisitKey
    context: VisitContext
    policy: Policy
    needs: Needs
    tables: PublishedTables
    on_file: tuple[Authorization, ...]
    others: tuple[Use, ...]
    planned: tuple[Use, ...] = ()


def on_file_for(own: Sequence[Authorization], history: History) -> tuple[Authorization, ...]:
    """The patient's authorizations: those of the visit, and those that the record knows."""
    return with_whole(authorizations_in(history, own))


class Reviewed(NamedTuple):
    """Encounters whose lines have their numbers, facts for the record, and what is used so far."""

    encounters: tuple[EncounterDraft, ...]
    facts: tuple[Fact, ...]
    countdown: Countdown


def needs_of(lines: Sequence[ChargeLine], assessment: Assessment) -> tuple[CodeNeed, ...]:
    """The codes and days of an encounter that need an authorization, or for which it has one."""
    told = frozenset(
        [code for entry in assessment.encounter.authorizations for code in entry.codes]
    )
    return tuple(_needing(lines, assessment.context, assessment.rules, assessment.needs, told=told))


def _needing(
    lines: Sequence[ChargeLine],
    context: VisitContext,
    rules: DayRules,
    needs: Needs,
    *,
    told: frozenset[str],
) -> Iterator[CodeNeed]:
    payer = context.payer.upper()
    for code, day in dict.fromkeys([(line.code, line.service_date) for line in lines]):
        need = need_of(rules, needs, payer, code, day=day)
        if need is not None or code in told:
            yield CodeNeed(code, day, need)


def reviewed(
    encounters: tuple[EncounterDraft, ...], basis: ReviewBasis, saved: SavedWork
) -> Reviewed:
    """The encounters of a visit after the review of their authorizations."""
    count = Countdown(basis.on_file)
    needed = {(entry.code, entry.day): entry.need for draft in encounters for entry in draft.needs}
    lines: dict[tuple[str, date], list[ChargeLine]] = {slot: [] for slot in needed}
    for draft in encounters:
        for line in draft.lines if draft.needs else ():
            if (line.code, line.service_date) in lines:
                lines[line.code, line.service_date].append(line)
    uses = [
        use_of(basis.visit, basis.context, *slot, units=sum([line.units for line in of_slot]))
        for slot, of_slot in lines.items()
    ]
    planned = [*basis.others, *basis.planned]
    by_slot = {
        (account.use.code, account.use.day): account._replace(
            next_dose=count.next_without_room(account, planned)
        )
        for account in counted(count, [*basis.others, *uses])
        if account.use.visit == basis.visit
    }
    drafted = [
        saved.again(
            AUTHORIZATIONS,
            draft.encounter,
            _encounter,
            draft,
            tuple([by_slot.get((entry.code, entry.day)) for entry in draft.needs]),
            basis,
        )
        if draft.needs
        else draft
        for draft in encounters
    ]
    return Reviewed(tuple(drafted), tuple([use_fact(use) for use in uses]), count)


def _encounter(
    draft: EncounterDraft, accounts: Sequence[Account | None], basis: ReviewBasis
) -> EncounterDraft:
    """An encounter with the numbers of its lines, and with the edits about them."""
    noted: list[Noted] = []
    of_slot: dict[tuple[str, date], tuple[str, Step]] = {}
    for entry, account in zip(draft.needs, accounts, strict=True):
        if account is None:
            continue  # a person has taken its lines away
        lines = [
            line
            for line in draft.lines
            if (line.code, line.service_date) == (entry.code, entry.day)
        ]
        number = _number(account, basis.on_file)
        lack = _lack(account, basis, number)
        if lack is None:
            noted += _notes(account, lines, basis, number=number)
        elif entry.need is not None:
            noted.append(
                note(lack.edit, lines, expected=lack.expected, found=lack.found, do=lack.do)
            )
        of_slot[entry.code, entry.day] = (number, _step(entry.need, account, number, lack))
    lines_now = tuple([_with(line, of_slot) for line in draft.lines])
    rules = basis.policy.on(draft.needs[0].day)
    edits = as_edits(noted, lines_now, rules, basis.context.payer.upper(), tables=basis.tables)
    return draft._replace(lines=lines_now, edits=(*draft.edits, *edits))


def _number(account: Account, on_file: Sequence[Authorization]) -> str:
    """The number of a line: that of the authorization that covers it with enough left.

    Else it is the number that registration sent, where nothing else is known of that number.
    """
    if account.authorization is not None:
        return "" if account.is_short else account.authorization.number
    on_record = {entry.number for entry in on_file}
    return next((number for number in account.use.numbers if number not in on_record), "")


def _lack(account: Account, basis: ReviewBasis, number: str) -> Lack | None:
    """Why a use is not covered; None where a number is all that is known, or one covers it."""
    if number and account.authorization is None:
        return None
    use, rules = account.use, basis.policy.on(account.use.day)
    clocks = clocks_of(rules, use.payer, use.code, zone=basis.context.zone)
    return lack_of(account, basis.on_file, clocks)


def _notes(
    account: Account, lines: Sequence[ChargeLine], basis: ReviewBasis, *, number: str
) -> Iterator[Noted]:
    """What is to be said of the authorization that covers lines, or of its number alone."""
    if account.authorization is None:
        yield only_number(account.use, number, lines)
        return
    if not account.authorization.status and not account.authorization.codes:
        yield only_number(account.use, number, lines, found="its number and days only")
    yield from other_number(account, basis.on_file, lines)
    yield from elsewhere(account.authorization, basis.visit, basis.context, lines)
    yield from overlap_of(account, lines)
    warning = warning_of(basis.policy.on(account.use.day))
    if warning is not None:
        yield from warned(account, warning, lines)


def _step(need: Need | None, account: Account, number: str, lack: Lack | None) -> Step:
    """Why a line has its number, or none: who wants one, what is used, and what is lacking."""
    authorization = account.authorization
    facts: dict[str, str | int] = {"code": account.use.code, "authorization": number or "none"}
    if need is not None:
        facts.update(need.facts)
    sources: tuple[Source, ...] = ()
    if authorization is not None:
        if authorization.units is not None:
            facts["billed against it"] = f"{plain(account.after)} of {plain(authorization.units)}"
            if account.is_short:
                facts["of them not covered"] = plain(account.amount)
        if authorization.until is not None:
            facts["until"] = authorization.until.isoformat()
        if authorization.address:
            sources = (authorization.source,)
    if lack is not None:
        facts |= {"found": lack.found, "to do": lack.do}
    decision = need.decision if need is not None else None
    return Step("authorization", decision, tuple(facts.items()), sources)


def _with(line: ChargeLine, of_slot: Mapping[tuple[str, date], tuple[str, Step]]) -> ChargeLine:
    slot = (line.code, line.service_date)
    if slot not in of_slot:
        return line
    number, step = of_slot[slot]
    return line._replace(authorization=number, trace=(*line.trace, step))
