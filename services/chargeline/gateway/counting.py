"""What the gateway tells an operations team: connections, frames, acknowledgements and refusals.

It owns which of the names that a gateway counts goes into which metric, for every program that has
one. It counts nothing itself and passes on no sender, patient or message.
"""

from collections.abc import Callable

from chargeline.telemetry.metrics import Metrics

# What is counted, as the metrics call it.
_FRAMES = {
    "frame_complete": "complete",
    "frame_too_large": "too_large",
    "frame_cut_off": "broken",
    "connection_idle": "idle",
}
_REFUSALS = frozenset({"store_unavailable", "store_full", "store_too_large", "message_refused"})
_ANSWER = "answer_"
_ANSWERS = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})


def tell_gateway(metrics: Metrics) -> Callable[[str, int], None]:
    """Counts by the names in `server.COUNTED` and `mllp.server.COUNTED`; refusals begin at 0."""
    for reason in sorted(_REFUSALS):
        metrics.refusals.add(0, reason=reason)

    def tell(name: str, amount: int) -> None:
        if name in _FRAMES:
            metrics.frames.add(amount, frame=_FRAMES[name])
        elif name in _REFUSALS:
            metrics.refusals.add(amount, reason=name)
        elif name == "connection_opened":
            metrics.connections.add(amount)
        elif name.removeprefix(_ANSWER) in _ANSWERS:
            metrics.acknowledgements.add(amount, acknowledgement=name.removeprefix(_ANSWER))

    return tell
