"""A visit that cannot be drafted is set aside: a nudge of it is parked, and the others go on.

This module owns what is stored of such a visit. Its messages stay and new ones are kept, its last
revision stays as it is, its row says that it is incomplete and that nothing is due, and a retry of
the nudge has it drafted from all its messages. It does not find out which visit that is: the
processor does where our own code fails, and the cache where a row of the ledger cannot be read.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from chargeline.drafting.announcing import ParkedTopic, parked_events
from chargeline.drafting.apart import nudge_to_park
from chargeline.drafting.inbound import ReadRecord, problems_of
from chargeline.drafting.revisions import DraftingResult
from chargeline.drafting.rows import changed_row, given_up, new_visit, parked_message
from chargeline.engine import FindingCode, VisitKey
from chargeline.hl7.errors import Hl7Error
from chargeline.ledger.batch import Batch
from chargeline.ledger.errors import RowPlace, UnreadableRow
from chargeline.telemetry.logs import logger

UNREADABLE: FindingCode = "visit.unreadable"


async def give_up(
    batch: Batch,
    keys: Collection[VisitKey],
    nudges: Sequence[ReadRecord],
    rulebook: str,
    *,
    topic: ParkedTopic,
    now: datetime,
) -> DraftingResult:
    """Let nothing of some visits be due, and park these nudges of them."""
    rows = await batch.visits(keys)
    given = {key: given_up(rows.get(key) or new_visit(key, now), rulebook, now) for key in keys}
    await batch.put_visits([row for key in given for row in changed_row(rows.get(key), given[key])])
    problems = [(read, problem) for read in nudges for problem in problems_of(read)]
    numbers = await batch.park([parked_message(read, why, now) for read, why in problems])
    return DraftingResult(
        announcements=parked_events(topic, problems, numbers, now),
        set_aside=[str(why.finding.code) for _read, why in problems],
    )


async def set_aside_unreadable(
    batch: Batch,
    unreadable: Mapping[VisitKey, UnreadableRow],
    rulebook: str,
    *,
    topic: ParkedTopic,
    now: datetime,
) -> DraftingResult:
    """Set visits aside of which a row cannot be read. While the nudge of one waits for a person, no
    second one is parked.
    """
    if not unreadable:
        return DraftingResult()
    waiting = await batch.visits_waiting_for(unreadable, UNREADABLE)
    new = {key: why for key, why in unreadable.items() if key not in waiting}
    of_visit = [key for key, why in new.items() if why.place.partition is None]
    last = await batch.last_messages(of_visit) if of_visit else {}
    nudges = [_told(key, why, last.get(key, why.place)) for key, why in new.items()]
    return await give_up(batch, list(unreadable), nudges, rulebook, topic=topic, now=now)


def _told(key: VisitKey, error: UnreadableRow, place: RowPlace) -> ReadRecord:
    """The nudge of a visit, to be parked from the place of the message that cannot be read. If it
    is a row that we wrote of the visit, that of the visit's last message stands for it.
    """
    finding = error.finding
    assert place.partition is not None and place.offset is not None, "a message has its place"
    logger("drafting").error(
        UNREADABLE,
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        where=finding.where,
    )
    problem = Hl7Error(
        UNREADABLE,
        expected=finding.expected,
        found=finding.found,
        where=finding.where,
        do="restore the row from a backup (`chargeline ledger verify` says what else was changed), "
        f"then `chargeline parked retry --code {UNREADABLE}`",
    )
    return nudge_to_park(place.topic, place.partition, place.offset, key=key, problem=problem)
