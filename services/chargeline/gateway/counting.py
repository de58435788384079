"""The metrics of a gateway: connections, frames, acknowledgements and refusals.

This module owns one table: which name that a gateway counts goes into which metric. Every
program with a gateway uses it. It counts nothing itself, and refuses to know a sender, a
patient or a message.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from chargeline.gateway.permission import REFUSALS
from chargeline.telemetry.metrics import Metrics

# The names that a gateway counts, with the label that the metric gives them.
_FRAMES = {
    "frame_complete": "complete",
    "frame_too_large": "too_large",
    "frame_cut_off": "broken",
    "connection_idle": "idle",
}
_REFUSED_CONNECTIONS = {
    "connection_refused": "too_many",
    "connection_refused_address": "too_many_of_address",
    "handshake_refused": "too_many_handshakes",
    "connection_gave_way": "gave_way",
    "handshake_gave_way": "handshake_gave_way",
    "connection_unknown": "unknown_sender",
    "connection_revoked": "revoked",
    "handshake_failed": "handshake",
    "stranger_http": "http",
    "stranger_tls": "tls",
    "stranger_unframed": "unframed",
}
_REFUSALS = frozenset(
    {"store_unavailable", "store_full", "store_too_large", "message_refused", *REFUSALS}
)
_ANSWER = "answer_"
_ANSWERS = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})


def tell_gateway(metrics: Metrics) -> Callable[[str, int], None]:
    """A function that adds a count, by a name in `server.COUNTED` or `mllp.limits.COUNTED`, to its
    metric.

    Each reason of a refusal is there from the start, with 0, so that an alert can rest on it.
    """
    for reason in sorted(_REFUSALS):
        metrics.refusals.add(0, reason=reason)
    for reason in _REFUSED_CONNECTIONS.values():
        metrics.refused_connections.add(0, reason=reason)

    def tell(name: str, amount: int) -> None:
        if name in _FRAMES:
            metrics.frames.add(amount, frame=_FRAMES[name])
        elif name in _REFUSALS:
            metrics.refusals.add(amount, reason=name)
        elif name in _REFUSED_CONNECTIONS:
            metrics.refused_connections.add(amount, reason=_REFUSED_CONNECTIONS[name])
        elif name == "connection_opened":
            metrics.connections.add(amount)
        elif name.removeprefix(_ANSWER) in _ANSWERS:
            metrics.acknowledgements.add(amount, acknowledgement=name.removeprefix(_ANSWER))

    return tell


def observe_senders(metrics: Metrics) -> Callable[[str, float], None]:
    """A function that takes in an answered message: its sender, "" if it was not stored, and the
    seconds until its acknowledgement.
    """

    def observe(sender: str, seconds: float) -> None:
        metrics.acknowledge.observe(seconds)
        if sender:
            metrics.sender_messages.add(sender=sender)
            metrics.sender_heard.set(datetime.now(UTC).timestamp(), sender=sender)

    return observe
