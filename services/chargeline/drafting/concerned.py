"""The visits that a change concerns besides its own visit: merges and patients across partitions.

This module owns finding the visits that a merge concerns. It drafts none of them. The visits that a
contribution to a patient's record concerns are found where it changes (`same_patient.py`).

A partition owns its visits: only the program that has the partition drafts them, from what its
fence guards. Three facts cross partitions: a merge of two visit numbers, a merge of two patients,
and what a visit contributes to its patient's record. The ledger is shared, so partitions send each
other no content, only a hint: look at this visit again (a nudge).

One sequence, worked through. Visit V7 of partition 2 was merged into V3 of partition 5. The message
that says so comes under the key of V3.

    1  partition 5 keeps the message and the merge, sends a copy under the key of V7, and drafts V3
       from the messages of both numbers, which it reads from the ledger.
    2  partition 2 gets the copy. It folds the merge: V7 is no visit any more, so its last revision
       is followed by one that removes every line ("merged into V3"). It nudges V3.
    3  partition 5 looks at V3 again, in case a message for V7 was kept between 1 and 2. Nothing has
       changed, so nothing is published.
    4  a late message comes under the key of V7. Partition 2 keeps it, sees that V7 leads to V3, and
       nudges V3; partition 5 reads it from the ledger and publishes a new revision of V3.

Whatever the order of 2, 3 and 4, and whoever is killed in between, the last revision of V3 rests on
all messages of both numbers: each step only keeps what came and tells the other to look, and a
nudge that a crash swallowed is repeated with the outbox. For a moment both visits may bill the same
dose; the revision of step 2 credits it.
"""

from collections.abc import Iterable

from chargeline.drafting.inbound import ReadRecord, patient_merges, visit_merges
from chargeline.drafting.visit_cache import VisitCache
from chargeline.engine import VisitKey
from chargeline.ledger.batch import Batch


async def concerned_by_merges(
    batch: Batch, cache: VisitCache, fresh: Iterable[ReadRecord]
) -> set[VisitKey]:
    """Visits that new merges concern and that may belong to another partition.

    They are not drafted here. The fence guards only the partitions of this poll, so what this
    program has in memory of another partition's visit may be old. That partition looks again.
    """
    readings = [read.reading for read in fresh if read.reading is not None and read.reading.merges]
    priors = {
        (reading.facility, merge.prior) for reading in readings for merge in visit_merges(reading)
    }
    around = await batch.merges_around(priors) if priors else []
    visits = {  # the visits that an earlier merge of the same number led to are among them
        cache.feed.surviving(VisitKey(merge.facility, merge.surviving))
        for merge in around
        if (merge.facility, merge.prior) in priors
    }
    patients = {
        (reading.facility, number)
        for reading in readings
        for merge in patient_merges(reading)
        for number in (merge.prior, merge.surviving)
    }
    return visits | await _of_patients(batch, cache, patients) if patients else visits


async def _of_patients(
    batch: Batch, cache: VisitCache, patients: set[tuple[str, str]]
) -> set[VisitKey]:
    """Visits of patients that were just joined: in memory, or with a contribution in the ledger."""
    # A visit that gets its first contribution meanwhile waits for this lock, then sees the merge.
    await batch.lock_patients(patients)
    merges = await batch.patient_merges_around(patients)
    everyone = patients | {(merge.facility, number) for merge in merges for number in merge[1:3]}
    record = await batch.contributions(everyone)
    return cache.of_patients(everyone) | {VisitKey(row.facility, row.visit) for row in record}
