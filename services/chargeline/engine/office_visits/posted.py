"""The level that another system posted, beside the one that the documented facts carry.

It owns the comparison, and changes no line: a posted level is never taken over where facts say
another. Only charges of the same claim are compared, so a hospital's visit is not held against the
practitioner's level.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

from chargeline.engine.care import PostedCharge
from chargeline.engine.care_words import LevelFact, PatientStatusFact
from chargeline.engine.claim_words import EditName
from chargeline.engine.office_visits.concerns import LevelFacts
from chargeline.engine.office_visits.facts import RANKS
from chargeline.engine.office_visits.posted_concerns import (
    ADD_ON,
    POSTED,
    POSTED_SERVICE,
    PREVENTIVE,
    UNKNOWN_CODE,
    CodeFacts,
    CountsAnswer,
    PostedLevelAnswer,
    PostedServiceFacts,
    UnknownCodeFacts,
)
from chargeline.engine.quantities import plain
from chargeline.engine.rules import Concern, DayRules
from chargeline.engine.trace import ChargeLine, Noted, note
from chargeline.engine.visit_words import BesideFact, PostedBeside, VisitClaim
from chargeline.engine.words import IS_YES


class _Coded(Protocol):
    """A charge of this visit number, or of another one."""

    @property
    def code(self) -> str: ...


_Charge = TypeVar("_Charge", bound=_Coded)


class PostedVisit(NamedTuple):
    """A posted charge that stands for a visit."""

    charge: PostedCharge
    stands_for: PostedLevelAnswer

    @property
    def rank(self) -> tuple[int, bool]:
        """Higher for a higher level, and of one level for a new patient."""
        return _rank(self.stands_for.level, self.stands_for.patient)


def visits_among(posted: Sequence[PostedCharge], rules: DayRules) -> list[PostedVisit]:
    """The posted charges that are visits, the lowest level first."""
    visits = []
    for charge in posted:
        decision = rules.of(POSTED).decide(CodeFacts(charge.code))
        if decision.rule is not None:
            visits.append(PostedVisit(charge, decision.answer))
    return sorted(visits, key=lambda visit: (visit.rank, visit.charge.number))


def add_ons_among(posted: Sequence[PostedCharge], rules: DayRules) -> list[PostedCharge]:
    """The posted charges that stand beside a visit, such as prolonged time."""
    return [charge for charge in posted if _counts(ADD_ON, charge, rules)]


def unknown_among(posted: Sequence[PostedCharge], rules: DayRules) -> list[PostedCharge]:
    """The posted charges that evaluate and manage a patient, and for which no rule of visits is."""
    unknown = []
    for charge in posted:
        is_visit = rules.of(POSTED).decide(CodeFacts(charge.code)).rule is not None
        if is_visit or _counts(ADD_ON, charge, rules):
            continue
        facts = UnknownCodeFacts(charge.code, _number(charge.code))
        decision = rules.of(UNKNOWN_CODE).decide(facts)
        if decision.rule is not None and IS_YES[decision.answer.counts]:
            unknown.append(charge)
    return unknown


def is_of_visit(charge: PostedCharge, rules: DayRules) -> bool:
    """Whether a posted charge or credit is a visit, stands beside one, or may be one."""
    charges = (charge,)
    ways = (visits_among, add_ons_among, unknown_among)
    return any(among(charges, rules) for among in ways)


def bears_on_visit(charge: PostedCharge, rules: DayRules) -> bool:
    """Whether a visit hangs on a posted charge: it is one, or a visit beside it has modifier 25."""
    beside = {kind for kind in posted_beside((charge,), rules) if kind != "nothing"}
    return bool(beside or preventive_among((charge,), rules)) or is_of_visit(charge, rules)


def changes_visit(charge: PostedCharge, rules: DayRules) -> bool:
    """Whether a visit hangs on a posted charge that no course of radiation has."""
    return bears_on_visit(charge, rules) and "radiation" not in posted_beside((charge,), rules)


def preventive_among(posted: Sequence[_Charge], rules: DayRules) -> tuple[_Charge, ...]:
    """The posted preventive services and vaccinations."""
    return tuple([charge for charge in posted if _counts(PREVENTIVE, charge, rules)])


def _counts(concern: Concern[CodeFacts, CountsAnswer], charge: _Coded, rules: DayRules) -> bool:
    """Whether a rule counts the code of a charge among those of a concern."""
    decision = rules.of(concern).decide(CodeFacts(charge.code))
    return decision.rule is not None and IS_YES[decision.answer.counts]


def posted_beside(
    posted: Sequence[_Charge], rules: DayRules
) -> dict[BesideFact, tuple[_Charge, ...]]:
    """What a visit stands beside, of all that was posted on the day: the charges of each kind."""
    table = rules.of(POSTED_SERVICE)
    of_kind: dict[BesideFact, tuple[_Charge, ...]] = {}
    for charge in posted:
        decision = table.decide(PostedServiceFacts(_number(charge.code)))
        if decision.rule is not None:
            kind = _STANDS[decision.answer.as_]
            of_kind[kind] = (*of_kind.get(kind, ()), charge)
    return of_kind


_STANDS: Mapping[PostedBeside, BesideFact] = {
    "drugs": "drugs",
    "procedure": "procedure",
    "radiation": "radiation",
    "neither": "nothing",
}


def _number(code: str) -> int:
    return int(code) if len(code) == 5 and code.isascii() and code.isdigit() else 0


def compared(
    line: ChargeLine, drafted: LevelFacts, claim: VisitClaim, visits: Sequence[PostedVisit]
) -> Iterator[Noted]:
    """What the record system posted above or below the level of a line, each code once."""
    rank = _rank(drafted.level, drafted.patient)
    told: set[str] = set()
    for visit in visits:
        code = visit.charge.code
        is_of_claim = _IS_HOSPITAL[visit.stands_for.claim] is _IS_HOSPITAL[claim]
        is_same = code == line.code or not is_of_claim
        if is_same or code in told or visit.rank == rank:
            continue
        told.add(code)
        edit: EditName = "visit.undercoded" if visit.rank < rank else "visit.overcoded"
        if edit == "visit.undercoded" and RANKS[visit.stands_for.level] == RANKS[drafted.level]:
            edit = "visit.posted_otherwise"
        left = _left_out(visit.charge.modifiers, line)
        yield note(
            edit,
            (line,),
            expected=f"{_code_with(line.code, line.modifiers)}, which the documented facts carry",
            found=f"{_code_with(code, visit.charge.modifiers)} posted",
            do=f"{_DO[edit]}{f'; {left}' if left else ''}",
            where=visit.charge.address,
        )._replace(against=code)


def posted_otherwise(
    lines: Sequence[ChargeLine],
    posted: Sequence[PostedCharge],
    add_ons: Sequence[PostedCharge],
) -> Iterator[Noted]:
    """What was posted of a visit with other modifiers, other units, or another add-on.

    The first of `lines` is the visit itself, all with their modifiers as they go out. Where it is
    not posted nothing is said of it, because its charge may still come. `add_ons` are those among
    `posted` that belong to the claim of the visit.
    """
    by_code: dict[str, list[PostedCharge]] = {}
    for charge in posted:
        by_code.setdefault(charge.code, []).append(charge)
    visit = lines[0]
    for line in lines:
        of_code = by_code.get(line.code, [])
        if of_code:
            yield from _compared_with(line, of_code)
        elif visit.code in by_code:
            yield _otherwise(line, _said(line), f"no {line.code} posted", line.code)
    drafted = {line.code for line in lines}
    for charge in add_ons:
        if charge.code in drafted:
            continue
        drafted.add(charge.code)
        expected = f"no {charge.code}, which the documented facts do not carry"
        yield _otherwise(
            visit, expected, f"{charge.code} posted", charge.code, where=charge.address
        )


def _compared_with(line: ChargeLine, of_code: Sequence[PostedCharge]) -> Iterator[Noted]:
    """A line beside the posted charges of its code."""
    units = sum([charge.units for charge in of_code], Decimal(0))
    modifiers = dict.fromkeys([word for charge in of_code for word in charge.modifiers])
    if units == line.units and set(modifiers) == set(line.modifiers):
        return
    found = f"{_code_with(line.code, tuple(modifiers))} x{plain(units)} posted"
    noted = _otherwise(line, _said(line), found, line.code, where=of_code[0].address)
    left = _left_out(tuple(modifiers), line)
    if left:
        noted = noted._replace(finding=noted.finding._replace(do=left))
    yield noted


def _left_out(modifiers: Sequence[str], line: ChargeLine) -> str:
    """What to do about posted modifiers that the draft does not carry; "" for none."""
    words = [modifier for modifier in dict.fromkeys(modifiers) if modifier not in line.modifiers]
    if not words:
        return ""
    return (
        f"the draft does not carry {' and '.join(words)}; a coder reads the note, says whether "
        "what was posted holds, and puts the modifier on the line or corrects the posted charge"
    )


def _code_with(code: str, modifiers: Sequence[str]) -> str:
    return "-".join([code, *modifiers])


def _said(line: ChargeLine) -> str:
    carried = f"{_code_with(line.code, line.modifiers)} x{line.units}"
    return f"{carried}, which the documented facts carry"


def _otherwise(line: ChargeLine, expected: str, found: str, against: str, where: str = "") -> Noted:
    return note(
        "visit.posted_otherwise",
        (line,),
        expected=expected,
        found=found,
        do="a coder corrects the posted charge before the claim, or the practitioner documents it",
        where=where,
    )._replace(against=against)


_IS_HOSPITAL: Mapping[VisitClaim, bool] = {"professional": False, "facility": True}
_DO = {
    "visit.undercoded": "a coder reads the note and corrects the posted level before the claim",
    "visit.posted_otherwise": "a coder corrects the posted code, which says another status of the "
    "patient (new or established), before the claim",
    "visit.overcoded": "the practitioner documents what the posted level needs, or a coder lowers "
    "it before the claim",
}


def _rank(level: LevelFact, patient: PatientStatusFact) -> tuple[int, bool]:
    return (RANKS[level], patient == "new")
