"""The first step of the processor: what a record is, with what its sender may send.

It owns the order of the questions: who sent it, is that sender quarantined, and what does it say. A
record on which our own reading fails is parked. It needs neither ledger nor cache, so that records
can be read ahead.
"""

from collections.abc import Callable, Mapping
from functools import partial

from chargeline.drafting.apart import is_of_a_record, unread
from chargeline.drafting.beside import read_beside
from chargeline.drafting.inbound import InboundRecord, ReadRecord, read_record
from chargeline.drafting.quarantine import Quarantine, parked_after_reading, parked_unread
from chargeline.drafting.sender import sender_of
from chargeline.hl7.profile import Profile
from chargeline.kafka.placing import KeyPlacement


async def read_of_sender(
    record: InboundRecord,
    quarantine: Quarantine,
    profile_of: Callable[[Mapping[str, str]], Profile],
    placement: KeyPlacement | None,
) -> ReadRecord:
    """What a record is; a large one is read beside the event loop. `profile_of` and `placement` are
    those of `read_record`.
    """
    sender = sender_of(record.headers, record.value)
    why = quarantine.of(sender, record)
    if why is not None and (held := parked_unread(record, why, placement)) is not None:
        return held._replace(sender=sender)
    read = partial(read_record, profile_of=profile_of, placement=placement)
    try:
        result = await read_beside(record.value, read, record)
    except Exception as error:
        if not is_of_a_record(error):
            raise
        result = unread(record, error, placement)
    if why is not None:
        result = parked_after_reading(result, why)
    return result._replace(sender=sender)
