"""Whether a sender may send a message, by the file of senders, and while that file changes.

This module owns who is known by what, the reasons of a refusal, and when the file is read again. It
judges the header of a message and nothing behind it. Without a file every sender may send all.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from chargeline.engine import FindingError
from chargeline.gateway.watching import WatchedFiles
from chargeline.hl7.acknowledge import AckCondition, Header
from chargeline.hl7.profile import Profile
from chargeline.mllp.limits import Peer
from chargeline.settings.networks import address_of
from chargeline.settings.senders import AllowedSender
from chargeline.telemetry import logs

log = logs.logger("gateway")

_DO = "ask the hospital to add it to its file of senders"
# The reasons by which a refusal is counted, and what the sender is told.
REFUSALS: Mapping[str, AckCondition] = {
    "unknown_sender": AckCondition("reject", "207", 0, f"this sender is not known; {_DO}"),
    "application_not_allowed": AckCondition(
        "reject", "103", 3, f"this sender may not send as this application; {_DO}"
    ),
    "facility_not_allowed": AckCondition(
        "reject", "103", 4, f"this sender may not send for this facility; {_DO}"
    ),
    "type_not_allowed": AckCondition(
        "reject", "200", 9, f"this sender may not send messages of this type; {_DO}"
    ),
    "processing_id_not_allowed": AckCondition(
        "reject", "202", 11, f"this sender may not send with this processing id; {_DO}"
    ),
}


class Permission(NamedTuple):
    """What the file says of one message: the profile to read it with, and the reason of a refusal,
    "" if it is taken. `facilities` are those that it may be about; none: any. `sender` is the name
    in the file, without a file that of the interface, "" if nobody knows the sender.
    """

    profile: Profile
    refused: str = ""
    facilities: frozenset[str] = frozenset()
    sender: str = ""


class SenderList(NamedTuple):
    """The senders of a file, and the profiles that they name."""

    senders: tuple[AllowedSender, ...]
    profiles: Mapping[str, Profile]


class Senders:
    """The senders of a listener while it runs. `read` reads the file, and raises FindingError.

    A file that cannot be used is logged, and the one before it stays in force.
    """

    def __init__(
        self,
        profile: Profile,
        path: Path | None = None,
        read: Callable[[], SenderList] | None = None,
    ) -> None:
        self._profile = profile
        self._path = path
        self._read = read
        self._watched = WatchedFiles({"CHARGELINE_SENDERS": path})
        self._list: SenderList | None = None

    @property
    def watched(self) -> bool:
        """Whether there is a file, which may change."""
        return self._path is not None

    def first(self) -> None:
        """Read the file at the start. Raises FindingError if it cannot be used."""
        if self._read is not None:
            self._list = self._read()

    def look(self, *, asked: bool = False) -> None:
        """Read the file again if it has changed or somebody asked for it (SIGHUP)."""
        if self._path is None or self._read is None:
            return
        if not self._watched.changed() and not asked:
            return
        try:
            self._list = self._read()
        except FindingError as error:
            log.error("senders.refused", exc_info=error)
        else:
            log.info("senders.read", count=len(self._list.senders))

    def knows(self, peer: Peer) -> bool:
        """Whether anything identifies this peer as a sender."""
        return self._list is None or any(_is(sender, peer) for sender in self._list.senders)

    def permit(self, peer: Peer, header: Header) -> Permission:
        """Judge a message by its header. If several senders of the file are this peer, as behind
        one proxy, it is taken if one of them may send it.
        """
        if self._list is None:
            return Permission(self._profile, sender=self._profile.name)
        left = [sender for sender in self._list.senders if _is(sender, peer)]
        if not left:
            return Permission(self._profile, "unknown_sender")
        for reason, number, allowed in (
            ("application_not_allowed", 3, _applications),
            ("facility_not_allowed", 4, _facilities),
            ("type_not_allowed", 9, _types),
            ("processing_id_not_allowed", 11, _processing_ids),
        ):
            sent = header.code(number)
            left = [each for each in left if not allowed(each) or sent in allowed(each)]
            if not left:
                return Permission(self._profile, reason)
        profile = self._list.profiles.get(left[0].interface, self._profile)
        return Permission(profile, facilities=left[0].facilities, sender=left[0].name)


def _applications(sender: AllowedSender) -> frozenset[str]:
    return sender.applications


def _facilities(sender: AllowedSender) -> frozenset[str]:
    return sender.facilities


def _types(sender: AllowedSender) -> frozenset[str]:
    return sender.types


def _processing_ids(sender: AllowedSender) -> frozenset[str]:
    return sender.processing_ids


def _is(sender: AllowedSender, peer: Peer) -> bool:
    if sender.certificate and sender.certificate not in {name.lower() for name in peer.names}:
        return False
    if not sender.addresses:
        return True
    address = address_of(peer.host)  # none of a peer that was gone before it was accepted
    return address is not None and any(address in network for network in sender.addresses)
