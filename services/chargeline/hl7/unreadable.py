"""From an error of this package to an event of the engine.

This module owns that one step. It changes nothing in the finding: expected, found, where and do
stay as they are, so a person reads the same text on the page, in the JSON and in the live service.
"""

from chargeline.engine import MessageRef, Unreadable
from chargeline.hl7.errors import Hl7Error


def unreadable(reference: MessageRef, error: Hl7Error) -> Unreadable:
    """The error as an event of the visit that the message is about."""
    return Unreadable(reference, error.finding)
