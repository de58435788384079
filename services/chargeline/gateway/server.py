"""From a frame to the store to the acknowledgement, in this order.

A frame that holds several messages is taken apart first (`batches.py`).

This module owns the key and the headers under which a message is stored, which messages are
refused, and how long a message waits for a store that is down. It refuses to know what the store
is. It judges only the header of a message: a message that the consumer cannot interpret is parked
there, since a sender would repeat a refused message for ever.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from chargeline.drafting.beside import read_beside
from chargeline.engine import shape_of
from chargeline.gateway import batches
from chargeline.gateway.batches import Answered
from chargeline.gateway.permission import REFUSALS, Senders
from chargeline.gateway.received import (
    FrameReceived,
    InboundMessage,
    ReceivedMessage,
    receive,
)
from chargeline.gateway.tls import LOOK_SECONDS, Certificates, TlsFiles
from chargeline.hl7.acknowledge import (
    STORED,
    AckCondition,
    AnswerMode,
    Header,
    acknowledge,
    answer_code,
    application_answer_owed,
    salvaged_header,
    undeterminable,
)
from chargeline.hl7.profile import Profile
from chargeline.mllp.limits import COUNTED as MLLP_COUNTED
from chargeline.mllp.limits import HangUpError, MllpLimits, Peer
from chargeline.mllp.server import MllpServer
from chargeline.mllp.telling import Seldom
from chargeline.telemetry import logs

log = logs.logger("gateway")

# The most unanswered messages of a connection. How much all take is bound by
# CHARGELINE_MLLP_MEMORY_BYTES.
IN_FLIGHT = 4
UNAVAILABLE = AckCondition(
    "error", "207", 0, "the message could not be stored in time; send it again"
)
FULL = AckCondition(
    "reject", "207", 0, "the store is full; send the message again when there is room"
)
TOO_LARGE = AckCondition(
    "error",
    "207",
    0,
    "the store takes no message of this size; send a smaller one, or have its limit raised",
)

# The names that a gateway counts by, besides those of `chargeline.mllp.limits.COUNTED`.
COUNTED = {
    "message_stored": "the store has the message (a merge of visits counts once)",
    "message_refused": "refused for its size, its structure, MSH-11 or MSH-12",
    "store_unavailable": "refused because the store did not take it in time",
    "store_full": "refused because the store is full",
    "store_too_large": "refused because the store takes no message of its size",
    "unknown_sender": "refused because the file of senders does not know the sender any more",
    "application_not_allowed": "refused because the sender may not send with this MSH-3",
    "facility_not_allowed": "refused because the sender may not send for this facility",
    "type_not_allowed": "refused because the sender may not send messages of this type",
    "processing_id_not_allowed": "refused because the sender may not send with this MSH-11",
    "application_answer_owed": "the sender asked (MSH-16) for an application acknowledgement in "
    "an exchange of its own, which is not sent",
    **{f"answer_{code}": f"answered {code}" for code in ("AA", "AE", "AR", "CA", "CE", "CR")},
    "acknowledgement_received": "an ACK came as a message; it was neither stored nor answered",
    "answer_unwanted": "not answered, because the sender asked for no answer",
}
_COUNTED_AS = {
    STORED: "message_stored",
    UNAVAILABLE: "store_unavailable",
    FULL: "store_full",
    TOO_LARGE: "store_too_large",
    **{outcome: reason for reason, outcome in REFUSALS.items()},
}


class StoreUnavailable(Exception):  # noqa: N818 - a condition of the store, not a mistake
    """The store cannot take a message now, and may take it soon."""


class StoreFull(Exception):  # noqa: N818 - the same
    """The store takes no message until somebody makes room."""


class StoreTooLarge(Exception):  # noqa: N818 - the same
    """The store will never take this message: it is larger than the store allows."""


class Store(Protocol):
    """The place where messages are kept until a consumer has read them."""

    async def put(self, message: InboundMessage) -> None:
        """Return when the message is safe, and only then.

        The caller may cancel it and put the same message again. Raises
        StoreUnavailable, StoreFull or StoreTooLarge.
        """


@dataclass(frozen=True)
class ListenerSettings:
    """All that can be set for a listener. An empty set of processing ids or versions allows any.

    store_seconds: how long a message waits for a store that is down. retry_seconds: the time
    between two tries. tls: plain TCP without a certificate.
    """

    host: str = "0.0.0.0"
    port: int = 2575
    limits: MllpLimits = field(default_factory=MllpLimits)
    grace_seconds: float = 10.0
    store_seconds: float = 10.0
    retry_seconds: float = 0.5
    processing_ids: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    answers: AnswerMode = "as_asked"
    tls: TlsFiles = field(default_factory=TlsFiles)


def _no_report(_name: str, _amount: int) -> None:
    return None


def _not_observed(_sender: str, _seconds: float) -> None:
    return None


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_number() -> str:
    return secrets.token_hex(10)


class Gateway:
    """Receives messages, puts them into the store, and answers.

    `counts` and `report` get each count, by the names in `COUNTED` and in `mllp.limits.COUNTED`.
    `now`, and `new_number` for MSH-10 of an answer (at most 20 characters), are arguments so that a
    test can fix them. `observed` gets, of each message that is answered, the name of its sender if
    it was stored, else "", and the seconds that it took. `senders` say who may send
    what; without them every sender may send all.
    """

    def __init__(
        self,
        store: Store,
        profile: Profile,
        settings: ListenerSettings | None = None,
        *,
        senders: Senders | None = None,
        report: Callable[[str, int], None] = _no_report,
        observed: Callable[[str, float], None] = _not_observed,
        now: Callable[[], datetime] = _utc_now,
        new_number: Callable[[], str] = _new_number,
    ) -> None:
        self.settings = settings or ListenerSettings()
        self.counts: Counter[str] = Counter()
        self.senders = senders or Senders(profile)
        self.server = MllpServer(
            self.handle,
            self.settings.limits,
            refusal=self._too_large,
            welcome=self.senders.knows,
            report=self._count,
        )
        self.certificates = Certificates(self.settings.tls, self.server.renew, now)
        self._watching: asyncio.Task[None] | None = None
        self._seldom = Seldom(lambda event, keys: log.warning(event, **keys))
        self._store = store
        self._report = report
        self._observed = observed
        self._now = now
        self._new_number = new_number

    async def start(self) -> None:
        """Listen.

        Raises OSError, CertificateError or SendersError if the address or a file cannot be used.
        """
        self.senders.first()
        context = self.certificates.first()
        await self.server.start(self.settings.host, self.settings.port, context)
        if context is not None or self.senders.watched:
            self._watching = asyncio.create_task(self._watch())
        log.info("gateway.listening", host=self.settings.host, port=self.server.port)

    async def _watch(self) -> None:
        """Look at the files again and again, until cancelled.

        Whatever a look fails with, the next one comes: a watcher that ended would let revoked
        senders in for as long as the program runs.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.look()
            except Exception as error:
                log.error("watch.failed", exc_info=error)

    def look(self, *, asked: bool = False) -> None:
        """Read the files of certificates and of senders again if they have changed, or if somebody
        asked for it (SIGHUP).
        """
        self.certificates.look(asked=asked)
        # Asked each time: a handshake may have begun before the list was read.
        self.server.end(lambda peer: self.certificates.revokes(peer.serial), "connection_revoked")
        self.senders.look(asked=asked)

    async def close(self) -> None:
        """Accept no more, and answer the frames in flight, for at most the grace time."""
        if self._watching is not None:
            self._watching.cancel()
        await self.server.close(self.settings.grace_seconds)
        self._seldom.end()

    async def handle(self, frame: bytes, peer: Peer) -> bytes | None:
        """Store the messages of a frame and return the answer, None if the sender wants none.

        Raises HangUpError if a message could not be stored and its MSH-15 forbids an
        answer that says so.
        """
        several = await read_beside(frame, batches.several_in, frame)
        if several is None:
            return (await self._handle_one(frame, peer)).answer
        return await self._handle_all(several, peer)

    async def _handle_all(self, several: batches.SeveralMessages, peer: Peer) -> bytes | None:
        if several.miscounted:
            log.warning("batch.miscounted", code="batch.count", host=peer.host, where="BTS-1")
        answered: list[Answered] = []
        for first in range(0, len(several.messages), batches.AT_ONCE):
            some = several.messages[first : first + batches.AT_ONCE]
            answered += await asyncio.gather(*[self._handle_one(raw, peer) for raw in some])
        now, number = self._now(), self._new_number()
        return batches.answer_together(several, answered, now=now, control_id=number)

    async def _handle_one(self, frame: bytes, peer: Peer) -> Answered:
        began = asyncio.get_running_loop().time()
        came = FrameReceived(frame, peer, self._now())
        received = await read_beside(frame, receive, came, self.senders.permit)
        if received.type == "ACK":
            self._count("acknowledgement_received")
            # Two systems that acknowledge each other's ACKs would never stop.
            return Answered(True, None)
        outcome = _refused(received, self.settings)
        if outcome is None:
            outcome = await self._stored(received.copies)
        answer = self._answer(received.header, outcome, peer)
        stored_for = received.sender if outcome is STORED else ""
        self._observed(stored_for, asyncio.get_running_loop().time() - began)
        if answer is None and outcome in (UNAVAILABLE, FULL, TOO_LARGE):
            raise HangUpError("a message could not be stored, and its MSH-15 forbids an answer")
        return Answered(outcome.verdict == "accept", answer)

    async def _stored(self, copies: list[InboundMessage]) -> AckCondition:
        """Put every copy into the store; wait at most `store_seconds` for a store that is down."""
        try:
            async with asyncio.timeout(self.settings.store_seconds):
                for copy in copies:
                    await self._put(copy)
        except TimeoutError:
            return UNAVAILABLE
        except StoreFull:
            return FULL
        except StoreTooLarge:
            return TOO_LARGE
        return STORED

    async def _put(self, copy: InboundMessage) -> None:
        """Try until the store has the message. The timeout of `_stored` cancels the tries.

        Raises StoreFull or StoreTooLarge.
        """
        while True:
            try:
                await self._store.put(copy)
                return
            except StoreUnavailable:
                await asyncio.sleep(self.settings.retry_seconds)

    def _answer(self, header: Header, outcome: AckCondition, peer: Peer) -> bytes | None:
        mode = self.settings.answers
        code = answer_code(header, outcome.verdict, mode)
        counted = _COUNTED_AS.get(outcome, "message_refused")
        self._count(counted)
        self._count(f"answer_{code}" if code else "answer_unwanted")
        if application_answer_owed(header, outcome.verdict, mode):
            self._tell_of_unsent(peer)
        if outcome.verdict != "accept":
            # While a store is down, or a sender is wrong, each of its messages comes here.
            where = f"MSH-{outcome.field}" if outcome.field else ""
            refused = {"host": peer.host, "reason": counted, "code": outcome.code, "where": where}
            self._seldom.warn("message.refused", port=peer.port, **refused)
        return acknowledge(
            header, outcome, now=self._now(), control_id=self._new_number(), mode=mode
        )

    def _tell_of_unsent(self, peer: Peer) -> None:
        """Count each application acknowledgement that we do not send. The log says so once."""
        if not self.counts["application_answer_owed"]:
            log.warning("application_answer.not_sent", host=peer.host, reason="not_built")
        self._count("application_answer_owed")

    def _too_large(self, head: bytes, reason: str, peer: Peer) -> bytes | None:
        return self._answer(salvaged_header(head), AckCondition("error", "207", 0, reason), peer)

    def _count(self, name: str, amount: int = 1) -> None:
        assert name in COUNTED or name in MLLP_COUNTED, name
        self.counts[name] += amount
        self._report(name, amount)


def _refused(received: ReceivedMessage, settings: ListenerSettings) -> AckCondition | None:
    """Why a message is not stored; None if it is stored.

    A message that cannot be interpreted is stored, too: a consumer parks it for a person.
    """
    if received.problem is not None and (outcome := undeterminable(received.problem)):
        return outcome
    if received.refused:
        return REFUSALS[received.refused]
    for number, code, allowed in (
        (11, "202", settings.processing_ids),
        (12, "203", settings.versions),
    ):
        sent = received.header.code(number)
        if allowed and sent not in allowed:
            expected = ", ".join(sorted(allowed))
            text = (
                f"MSH-{number}: expected {expected}, found {shape_of(sent)}; correct the interface"
            )
            return AckCondition("reject", code, number, text)
    return None
