"""What RDE, RAS, RDS and RGV say: orders, and the administrations under them.

This module owns the walk over the groups of a pharmacy message. An administration that cannot be
read comes out as `Unreadable` with its reason, and so does a field beside one that is used. It
does not decide what a stop or a drug means; the profile translates the words, and the engine draws
the conclusions.
"""

from chargeline.engine import Event, MessageRef, Unreadable
from chargeline.hl7.administrations import record_of
from chargeline.hl7.charted import ChartedRow
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.orders import numbers_of, order_fact_of
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import groups_of
from chargeline.hl7.unreadable import unreadable


def pharmacy_events(message: Message, reference: MessageRef, profile: Profile) -> list[Event]:
    """The records and order facts of a pharmacy message, with Unreadable in place of bad ones."""
    events: list[Event] = []
    for group in groups_of(message):
        numbers = numbers_of(group.orc, profile, message.delimiters)
        if group.drug is not None or (message.type != "RAS" and group.orc is not None):
            events.append(
                order_fact_of(
                    message=message,
                    reference=reference,
                    profile=profile,
                    group=group,
                    numbers=numbers,
                )
            )
        for administration in group.administrations:
            charted = ChartedRow(message, profile, group, administration)
            try:
                events.append(record_of(charted, reference, numbers))
            except Hl7Error as error:
                events.append(unreadable(reference, error))
            events += [Unreadable(reference, finding) for finding in charted.side_findings]
    return events
