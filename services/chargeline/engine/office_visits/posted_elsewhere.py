"""What was posted under another visit number of the patient, on the day of a visit.

It owns what a visit number adds to the record of charges that a visit may stand beside, and how
that is read under another number. Whether a visit stands beside it
is for `beside` and for rules to say. What is added rests on the messages and answers of its own
number alone. What is paid with a stay is not added, but radiation is: its management is not paid
with the stay.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from chargeline.engine.care import PostedCharge
from chargeline.engine.encounters import Assessment
from chargeline.engine.office_visits.credits import posted_on
from chargeline.engine.office_visits.posted import posted_beside, preventive_among
from chargeline.engine.office_visits.seen import time_of
from chargeline.engine.office_visits.talk import VisitTalk
from chargeline.engine.record import Fact, fact_of_day
from chargeline.engine.timeline.records import Day

_PERFORMER = "="


class ChargeElsewhere(NamedTuple):
    """A charge that was posted under another visit number: `performer` is "" where nobody is."""

    visit: str
    code: str
    performer: str

    @property
    def in_words(self) -> str:
        """For whom it was posted, and under which number."""
        whom = self.performer or "nobody"
        return f"{self.code} posted for {whom} under visit number {self.visit}"


def facts_of_posted(days: Iterable[Day], assessment: Assessment) -> tuple[Fact, ...]:
    """The charges of each day that a visit under another number may stand beside."""
    facts = []
    for day in days:
        words = sorted({_word(charge) for charge in _beside_a_visit(day, assessment)})
        if words:
            fact = fact_of_day("posted_service", day.day, time_of(day.day, day.care))
            facts.append(fact._replace(value=" ".join(words)))
    return tuple(facts)


def _beside_a_visit(day: Day, assessment: Assessment) -> Iterator[PostedCharge]:
    if not day.care.posted:
        return
    posted = posted_on(day.care, VisitTalk(day.day, assessment), assessment)
    of_kind = posted_beside(posted, assessment.rules)
    of_kind["preventive"] = preventive_among(posted, assessment.rules)
    for kind, charges in of_kind.items():
        if kind == "radiation" or (kind != "nothing" and not assessment.encounter.is_of_stay):
            yield from charges


def _word(charge: PostedCharge) -> str:
    """Such as `11102=D2`, or `11102=` where it was posted for nobody; blanks part words."""
    return "_".join(f"{charge.code}{_PERFORMER}{charge.performer}".split())


def posted_elsewhere(
    day: date, posted: Iterable[PostedCharge], assessment: Assessment
) -> tuple[ChargeElsewhere, ...]:
    """What other visit numbers posted on a day. What is posted under both numbers counts once."""
    if not assessment.elsewhere.posted:
        return ()
    own = {_word(charge) for charge in posted}
    words = sorted(
        (other.visit.visit, word)
        for other in assessment.elsewhere.posted
        if other.slot.about == day.isoformat()
        for word in other.value.split()
    )
    told = [(visit, *word.partition(_PERFORMER)[::2]) for visit, word in words if word not in own]
    return tuple([ChargeElsewhere(*parts) for parts in told])
