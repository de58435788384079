"""An error of the reader as an event of the visit.

It owns nothing but this step between two packages' words: what was expected, found, where and what
to do stay as they are, so a person reads the same text wherever the error surfaces.
"""

from chargeline.engine import MessageRef, Unreadable
from chargeline.hl7.errors import Hl7Error


def unreadable(reference: MessageRef, error: Hl7Error) -> Unreadable:
    """An error as an event of the visit."""
    return Unreadable(reference, error.finding)
