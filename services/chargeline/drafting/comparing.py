"""Visits of the ledger drafted under other rules, or beside what was posted, one after the other.

It owns how both drafts of a visit are made and what becomes of one that cannot be drafted: it is
told with its reason, and the others go on. Drafts are made in the thread beside the event loop, a
visit at a time, so that pages are answered meanwhile. Nothing is written. What the patient's other
visits contribute is as it stands in the ledger, for both drafts alike.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from chargeline.drafting.apart import is_of_a_record
from chargeline.drafting.beside import work_beside
from chargeline.drafting.looking import visits_loaded
from chargeline.drafting.processor import Processor
from chargeline.drafting.visit_state import VisitState
from chargeline.engine import (
    BilledCharge,
    ChargeDifference,
    Draft,
    Finding,
    FindingCode,
    Question,
    Rulebook,
    Timeline,
    VisitKey,
    charge_of,
    claim_words,
    draft,
    draft_differences,
    posted_differences,
)
from chargeline.hl7.errors import Hl7Error
from chargeline.ledger.store import Ledger
from chargeline.telemetry import logs

VISITS_AT_ONCE = 20
"""So many visits are read in one transaction."""
_log = logs.logger("comparing")


class ToldOfPosted(NamedTuple):
    """What a draft says by itself of a posted visit or course; `lines` are those at stake."""

    code: str
    lines: tuple[BilledCharge, ...]


class ComparedVisit(NamedTuple):
    """A visit of which both sides are there: all charges of the first and of the second.

    `asks_before` and `asks_after` count the open questions of the two drafts. `policy` is that of
    the draft as it is now. Of posted charges, `apart` were not compared and `unusable` cannot be,
    and `told` is what the draft says of them by itself.
    """

    key: VisitKey
    policy: str
    before: tuple[BilledCharge, ...]
    after: tuple[BilledCharge, ...]
    differences: tuple[ChargeDifference, ...]
    asks_before: int = 0
    asks_after: int = 0
    apart: int = 0
    unusable: int = 0
    told: tuple[ToldOfPosted, ...] = ()


class NotCompared(NamedTuple):
    """A visit that is missing in a comparison, and why."""

    key: VisitKey
    finding: Finding


class ComparedVisits(NamedTuple):
    """Some visits of a comparison."""

    visits: list[ComparedVisit]
    missing: list[NotCompared]


class _Loaded(NamedTuple):
    """What visits are drafted from, by key, and those of which that cannot be had."""

    visits: dict[VisitKey, tuple[Timeline, VisitState]]
    missing: list[NotCompared]


class Comparison:
    """Compares visits of a ledger as they are drafted now with something else.

    With `other` they are drafted by the rules of that processor, else by their own. With `policy`
    they follow it, whoever pays. With `posted` they are held against what was posted instead.
    """

    def __init__(
        self,
        ledger: Ledger,
        now: Processor,
        *,
        other: Processor | None = None,
        policy: str = "",
        posted: bool = False,
    ) -> None:
        self._ledger = ledger
        self._now = now
        self._other = other
        self._policy = policy
        self._posted = posted

    async def of(self, keys: Sequence[VisitKey]) -> ComparedVisits:
        """Compare some visits, at most VISITS_AT_ONCE. Raises LedgerError."""
        before = await self._loaded(self._now, keys)
        missing, after = before.missing, before.visits
        if self._other is not None:
            others = await self._loaded(self._other, list(before.visits))
            missing, after = [*missing, *others.missing], others.visits
        visits = []
        for key in after:
            try:
                visits.append(await work_beside(self._both(before.visits[key], after[key])))
            except Exception as error:
                if not is_of_a_record(error):
                    raise
                _log.error("visit.failed", exc_info=error)
                missing.append(NotCompared(key, _failed(error)))
        return ComparedVisits(visits, missing)

    async def _loaded(self, processor: Processor, keys: Sequence[VisitKey]) -> _Loaded:
        """The timelines and states of visits, as a processor reads their messages."""
        if not keys:
            return _Loaded({}, [])
        try:
            async with self._ledger.view() as view:
                loaded = await visits_loaded(view, processor, keys)
        except Hl7Error as error:  # the rules lack the interface of some message
            if len(keys) == 1:
                return _Loaded({}, [NotCompared(keys[0], error.finding)])
            half = len(keys) // 2
            first = await self._loaded(processor, keys[:half])
            second = await self._loaded(processor, keys[half:])
            return _Loaded({**first.visits, **second.visits}, [*first.missing, *second.missing])
        closed = [NotCompared(key, e.findings[0]) for key, e in loaded.unreadable.items()]
        there = {*loaded.visits, *loaded.unreadable}
        gone = [NotCompared(key, _NOT_THERE) for key in keys if key not in there]
        return _Loaded(loaded.visits, [*closed, *gone])

    def _both(
        self, before: tuple[Timeline, VisitState], after: tuple[Timeline, VisitState]
    ) -> Callable[[], ComparedVisit]:
        """The work of drafting and comparing one visit."""
        rules = self._now.maker.rulebook
        if self._posted:
            return lambda: _beside_posted(_drafted(before, rules), before[0], rules)
        # Only the policy in question is compared on the lines: it names the rule that differs.
        named = [name for name in (self._policy,) if name in rules.policies and not self._other]
        theirs = self._other.maker.rulebook if self._other is not None else rules

        def both() -> ComparedVisit:
            first = _drafted(before, rules._replace(compared=tuple(named)))
            second = _drafted(after, theirs._replace(compared=()), self._policy)
            return ComparedVisit(
                key=first.key,
                policy=first.policy,
                before=tuple(map(charge_of, first.lines)),
                after=tuple(map(charge_of, second.lines)),
                differences=tuple(draft_differences(first, second, "".join(named))),
                asks_before=_asks(first),
                asks_after=_asks(second),
            )

        return both


def _drafted(loaded: tuple[Timeline, VisitState], rules: Rulebook, policy: str = "") -> Draft:
    timeline, state = loaded
    return draft(state.without_dropped(timeline), rules, state.history, policy=policy)


def _asks(drafted: Draft) -> int:
    return len(_questions(drafted))


def _questions(drafted: Draft) -> list[Question]:
    """The questions about the visit and its encounters."""
    return [*drafted.questions, *[q for e in drafted.encounters for q in e.questions]]


def _beside_posted(drafted: Draft, timeline: Timeline, rules: Rulebook) -> ComparedVisit:
    compared = posted_differences(drafted, timeline, rules)
    return ComparedVisit(
        key=drafted.key,
        policy=drafted.policy,
        before=compared.posted,
        after=compared.drafted,
        differences=compared.differences,
        asks_after=_asks(drafted),
        apart=compared.apart,
        unusable=compared.unusable,
        told=tuple(_told_of_posted(drafted)),
    )


# What the families of visits and courses find where they compare posted charges themselves.
_EDITS: tuple[claim_words.EditName, ...] = (
    "visit.undercoded",
    "visit.overcoded",
    "visit.posted_otherwise",
)
# The questions about what was posted and what was not; other questions are about the charting.
_QUESTIONS: tuple[FindingCode, ...] = (
    "radiation.again",
    "radiation.beside",
    "radiation.charge_changed",
    "radiation.code_ended",
    "radiation.credit_alone",
    "radiation.differs",
    "radiation.no_charge",
    "radiation.no_fraction",
    "radiation.quantity",
    "radiation.unknown_code",
    "visit.credit",
    "visit.charge_changed",
    "visit.credit_alone",
    "visit.nurse",
    "visit.quantity",
    "visit.unknown_code",
)


def _told_of_posted(drafted: Draft) -> Iterator[ToldOfPosted]:
    by_id = {line.line_id: charge_of(line) for line in drafted.lines}
    for edit in drafted.edits:
        if edit.edit in _EDITS:
            lines = [by_id[name] for name in edit.lines if name in by_id]
            yield ToldOfPosted(edit.edit, tuple(lines))
    for question in _questions(drafted):
        if question.finding.code in _QUESTIONS:
            yield ToldOfPosted(question.finding.code, ())


_NOT_THERE = Finding(
    "command.not_found",
    expected="a visit with messages that can be used",
    found="none: it was merged away or removed meanwhile, or these rules use none of its messages",
    where="visit",
    do="look at the visit",
)


def _failed(error: Exception) -> Finding:
    return Finding(
        "visit.failed",
        expected="chargeline to draft the visit",
        found=type(error).__name__,
        where="",
        do="this is a mistake of chargeline: report the line visit.failed of the log",
    )
