"""Who sent a record: what tells one sender from another before its message is read.

This module owns the four parts by which senders are told apart. It takes them from headers and from
the first bytes, so that it can be asked about a message that nobody can read. It does not know what
is done with a sender.
"""

from collections.abc import Mapping
from typing import NamedTuple

from chargeline.hl7.acknowledge import salvaged_header
from chargeline.published.inbound import INTERFACE, PEER

HEAD_BYTES = 2_048  # MSH-3 and MSH-4 stand in the first hundred
PART_MOST = 200  # characters; a sender may write anything there, and it stays in memory


class SenderId(NamedTuple):
    """A sender: the peer and the interface that its gateway wrote into the headers, and MSH-3 and
    MSH-4 as sent. What nobody says is "".
    """

    peer: str = ""
    interface: str = ""
    application: str = ""
    facility: str = ""


def sender_of(headers: Mapping[str, str], value: bytes) -> SenderId:
    """The sender of a record with these headers. Never raises, whatever the bytes are."""
    header = salvaged_header(value[:HEAD_BYTES])
    parts = (
        headers.get(PEER, ""),
        headers.get(INTERFACE, ""),
        header.raw(3),
        header.raw(4),
    )
    return SenderId(*[part[:PART_MOST] for part in parts])
