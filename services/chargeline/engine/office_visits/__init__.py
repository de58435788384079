"""The charge family of visits with a practitioner: the level, modifier 25, prolonged time.

`propose` drafts the visits of an encounter, one for each day on which anything tells of one.
`facts` and `notes` gather what was said, `time`, `mdm` and `levels` make the level, `judging` asks
what must be asked, `lines` writes, and `posted` compares with what another system charged. The
family does not code how drugs were given.
"""

from chargeline.engine.again import SavedWork
from chargeline.engine.encounters import Assessment, Encounter
from chargeline.engine.office_visits.asking import about
from chargeline.engine.office_visits.credits import asked_of_posted
from chargeline.engine.office_visits.facts import is_about_a_visit
from chargeline.engine.office_visits.judging import visit_on
from chargeline.engine.office_visits.lines import reason_in_short
from chargeline.engine.office_visits.posted_elsewhere import facts_of_posted
from chargeline.engine.timeline.records import Day
from chargeline.engine.trace import (
    ChargeLine,
    InShort,
    Proposal,
    Withheld,
    ends_of,
    rules_behind,
    together,
)

__all__ = ["in_short", "propose", "reason_in_short", "visits_of"]

_NOTHING = Proposal()


def propose(assessment: Assessment, saved: SavedWork) -> Proposal:
    """The lines of the visits of one encounter, questions about them, and what is withheld."""
    days = _days(assessment.encounter)
    if not days:
        return _NOTHING
    visits = [visit_on(day, assessment) for day in days]
    asked = [
        asked_of_posted(day, assessment, has_visit=visit != _NOTHING)
        for day, visit in zip(days, visits, strict=True)
        if day.care.posted
    ]
    told = Proposal(facts=facts_of_posted(days, assessment))
    return together([*visits, *asked, told])


def in_short(assessment: Assessment, saved: SavedWork) -> InShort | None:
    """How a policy ends each visit; None where there is none."""
    proposal = propose(assessment, saved)
    entries: list[ChargeLine | Withheld] = [*proposal.lines, *proposal.withheld]
    if not entries and not proposal.questions:
        return None
    return InShort(ends_of(entries), lambda: rules_behind(entries))


def visits_of(encounter: Encounter) -> list[str]:
    """What the lines of the visits of an encounter would be about, one for each day."""
    return [about(day.day) for day in _days(encounter)]


def _days(encounter: Encounter) -> list[Day]:
    """The days of which anything may tell of a visit; most encounters have none."""
    return [day for day in encounter.days if day.care.parts and is_about_a_visit(day.care)]
