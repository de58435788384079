"""The level that another system posted, beside the one that the documented facts carry.

It owns the comparison, and changes no line: a posted level is never taken over where facts say
another. Only charges of the same claim are compared, so a hospital's visit is not held against the
practitioner's level.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.care import PostedCharge
from chargeline.engine.care_words import LevelFact, PatientStatusFact
from chargeline.engine.claim_words import EditName
from chargeline.engine.office_visits.concerns import (
    POSTED,
    PREVENTIVE,
    CodeFacts,
    LevelFacts,
    PostedLevelAnswer,
)
from chargeline.engine.office_visits.facts import RANKS
from chargeline.engine.rules import DayRules
from chargeline.engine.trace import ChargeLine, Noted, note
from chargeline.engine.visit_words import VisitClaim
from chargeline.engine.words import IS_YES


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


def has_preventive(posted: Sequence[PostedCharge], rules: DayRules) -> bool:
    """Whether a preventive service or a vaccination was posted."""
    decisions = [rules.of(PREVENTIVE).decide(CodeFacts(charge.code)) for charge in posted]
    return any(
        IS_YES[decision.answer.counts] for decision in decisions if decision.rule is not None
    )


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
        yield note(
            edit,
            (line,),
            expected=f"{line.code}, which the documented facts carry",
            found=f"{code} posted",
            do=_DO[edit],
            where=visit.charge.address,
        )._replace(against=code)


_IS_HOSPITAL: Mapping[VisitClaim, bool] = {"professional": False, "facility": True}
_DO = {
    "visit.undercoded": "a coder reads the note and corrects the posted level before the claim",
    "visit.overcoded": "the practitioner documents what the posted level needs, or a coder lowers "
    "it before the claim",
}


def _rank(level: LevelFact, patient: PatientStatusFact) -> tuple[int, bool]:
    return (RANKS[level], patient == "new")
