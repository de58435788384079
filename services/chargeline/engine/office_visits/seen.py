"""Whom of a practitioner's group the patient's record knows, and what a visit adds to the record.

It owns what counts as having seen the patient: a practitioner's signed note of a visit. It also
owns that a day of radiation is told to visits under other numbers. The group
is the facility, because no table of practitioners and their groups exists; what a
patient's record knows of it is a rule's to weigh. That a record has nothing proves nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time

from chargeline.engine.care import Care, observes
from chargeline.engine.encounters import Assessment, SeenDay
from chargeline.engine.office_visits.concerns import SEEN
from chargeline.engine.office_visits.notes import notes_of
from chargeline.engine.record import APART, Fact, Slot, fact_of_day
from chargeline.engine.rules import NO_FACTS
from chargeline.engine.timeline.records import Day
from chargeline.engine.visit_words import SeenFact

GROUP = "facility"


def seen_days(days: Iterable[Day]) -> tuple[SeenDay, ...]:
    """The days of one account on which a practitioner saw the patient."""
    noted = [(day.day, notes_of(day.care.notes)) for day in days if day.care.notes]
    return tuple(
        [
            SeenDay(day, " ".join(notes.authors), notes.by_physician)
            for day, notes in noted
            if notes.authors
        ]
    )


def time_of(day: date, care: Care) -> datetime:
    """When the visit of a day was; noon where nobody says it."""
    return care.at or datetime.combine(day, time(12), UTC)


def facts_for_record(
    day: date, at: datetime, authors: Sequence[str], *, told: str
) -> tuple[Fact, ...]:
    """That there was a visit on a day, and that a practitioner saw the patient, if one signed it.

    The value of the second names who signed the note. The first is what lets the visit read that
    another visit number of the patient had drugs on the day; its value `told` is what other
    numbers that tell of the same visit read.
    """
    visit = fact_of_day("office_visit", day, at)._replace(value=told)
    if not authors:
        return (visit,)
    slot = Slot("seen", f"{GROUP}{APART}{day.isoformat()}")
    return (visit, Fact(slot, at, " ".join(authors)))


def radiation_days(days: Iterable[Day]) -> tuple[Fact, ...]:
    """That radiation is charted of days, for visits under other numbers of the patient to read.

    It stands whatever is billed of the radiation, as under the visit's own number.
    """
    return tuple(
        [
            fact_of_day("radiation_day", day.day, time_of(day.day, day.care))
            for day in days
            if day.care.observations and observes(day.care, "radiation")
        ]
    )


def seen_before(day: date, authors: Sequence[str], assessment: Assessment) -> SeenFact:
    """Who of the group saw the patient within the years of the rule, before a day."""
    years = assessment.rules.of(SEEN).decide(NO_FACTS).answer.years
    after = _years_before(day, years)
    seen: SeenFact = "nobody"
    for when, by in _visits(assessment):
        if after < when < day:
            if set(authors) & set(by.split()):
                return "practitioner"
            seen = "group"
    return seen


def _visits(assessment: Assessment) -> list[tuple[date, str]]:
    """The days of earlier visits, of this account and of others, and who signed their notes."""
    elsewhere = [
        (date.fromisoformat(other.slot.about.partition(APART)[2]), other.value)
        for other in assessment.elsewhere.across
        if other.slot.kind == "seen" and other.slot.topic == ("group", GROUP)
    ]
    return [*[(seen.day, seen.by) for seen in assessment.encounter.seen], *elsewhere]


def _years_before(day: date, years: int) -> date:
    """The same day of an earlier year; 28 February where that year has no 29th."""
    earlier = max(1, day.year - years)
    try:
        return day.replace(year=earlier)
    except ValueError:
        return day.replace(year=earlier, day=28)
