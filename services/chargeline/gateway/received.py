"""One message as a gateway stores it: its key, its headers, and what its answer needs.

This module owns what a consumer may know before it reads the message. It is pure, so that a large
message can be read in a thread, and it refuses to know the store and the answer.
"""

import re
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from chargeline.engine import MessageRef, VisitMerge
from chargeline.gateway.permission import Permission
from chargeline.hl7.acknowledge import Header, header_of, salvaged_header
from chargeline.hl7.authorizations import visit_named_for
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.interpret import first_valued
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import Message, read_message
from chargeline.hl7.visits import merges_of
from chargeline.mllp.limits import Peer
from chargeline.published import inbound

DIGEST_LETTERS = 16
# Of MSH-9 only this form goes into a header. Another text there may be anything, even a name.
_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}(\^[A-Z][A-Z0-9]{2})?")


class InboundMessage(NamedTuple):
    """A message as it came, and what a consumer may know before it reads the message.

    key: `facility|visit`, which decides the partition. The key of a message without a visit is
    `facility|` and the first 16 digits of the body's digest: a message that is sent again has the
    same key, and no patient's number becomes part of one.
    headers: those of `published/inbound.py`. received_at: UTC.
    """

    raw: bytes
    key: str
    headers: dict[str, str]
    received_at: datetime


class FrameReceived(NamedTuple):
    """The bytes of one message, from whom and when (UTC) they came."""

    data: bytes
    peer: Peer
    at: datetime


class ReceivedMessage(NamedTuple):
    """What the gateway keeps of a message while it waits for the store. The message as it was read
    is not kept, since it takes many times its bytes.

    type: MSH-9.1, "" if the message cannot be read; `problem` then says why. refused: the reason of
    `permission.REFUSALS`, "" if the sender may send it; else there are no copies. sender: as in
    `Permission`.
    """

    header: Header
    type: str
    copies: list[InboundMessage]
    problem: Hl7Error | None
    refused: str = ""
    sender: str = ""


def receive(came: FrameReceived, permit: Callable[[Peer, Header], Permission]) -> ReceivedMessage:
    """Read a message, and say under which keys and headers it is stored. Raises nothing.

    `permit` judges its header.
    """
    try:
        message = read_message(came.data)
    except Hl7Error as problem:
        header = salvaged_header(came.data)
        permission = permit(came.peer, header)
        copies, refused = _permitted(came, header, problem, permission)
        return ReceivedMessage(
            header, "", copies, problem=problem, refused=refused, sender=permission.sender
        )
    header = header_of(message)
    permission = permit(came.peer, header)
    copies, refused = _permitted(came, header, message, permission)
    return ReceivedMessage(
        header, message.type, copies, problem=None, refused=refused, sender=permission.sender
    )


def _permitted(
    came: FrameReceived, header: Header, read: Message | Hl7Error, permission: Permission
) -> tuple[list[InboundMessage], str]:
    """The message under its keys, and the reason why it is refused, "" if it is not.

    An interface may read the facility elsewhere than in MSH-4, so that one must be allowed as well.
    """
    if permission.refused:
        return [], permission.refused
    copies = _copies(came, header, read, permission.profile)
    facilities = {inbound.parts_of_key(copy.key)[0] for copy in copies} - {""}
    if permission.facilities and not facilities <= permission.facilities:
        return [], "facility_not_allowed"
    return copies, ""


def _copies(
    came: FrameReceived, header: Header, read: Message | Hl7Error, profile: Profile
) -> list[InboundMessage]:
    """The message under its key. A merge of visits is copied under the key of each visit, first the
    prior ones: a merge of V9 into V1 under `ZEBRA|V9`, then under `ZEBRA|V1`.
    """
    message = read if isinstance(read, Message) else None
    digest = message.body_digest if message else blake2b(came.data, digest_size=16).digest()
    headers = {
        inbound.TYPE: _type_of(message) if message else "",
        inbound.DIGEST: digest.hex(),
        inbound.INTERFACE: profile.name,
        inbound.PEER: f"{came.peer.host} {came.peer.certificate}".rstrip(),
    }
    if isinstance(read, Hl7Error):
        headers[inbound.PROBLEM] = read.finding.code
    facility, visit, priors = _whose(header, message, profile)
    if not visit:
        headers[inbound.NO_VISIT] = "1"
    own = visit or digest.hex()[:DIGEST_LETTERS]
    keyed = [
        (inbound.record_key(facility, prior), headers | {inbound.MERGE_COPY: "prior"})
        for prior in priors
    ]
    surviving = {inbound.MERGE_COPY: "surviving"} if priors else {}
    keyed.append((inbound.record_key(facility, own), headers | surviving))
    return [InboundMessage(came.data, key, marked, came.at) for key, marked in keyed]


def _whose(
    header: Header, message: Message | None, profile: Profile
) -> tuple[str, str, tuple[str, ...]]:
    """The facility, the visit ("" if none), and the visits that this message merges into it."""
    heads: dict[str, list[str]] = {}
    for row in message.rows if message else [header.row]:
        if row:
            heads.setdefault(row[0], row)
    facility = first_valued(heads, profile.facility, header.delimiters)
    visit = first_valued(heads, profile.visit, header.delimiters)
    if message is not None and not visit:
        visit = visit_named_for(message)
    if message is None or message.type != "ADT" or "MRG" not in heads:
        return facility, visit, ()
    reference = MessageRef(message.body_digest.hex(), "", "ADT", None)
    merges = merges_of(message, reference, visit or None, profile)
    priors = dict.fromkeys(merge.prior for merge in merges if isinstance(merge, VisitMerge))
    return facility, visit, tuple(priors)


def _type_of(message: Message) -> str:
    kind = f"{message.type}^{message.trigger}" if message.trigger else message.type
    return kind if _TYPE.fullmatch(kind) else ""
