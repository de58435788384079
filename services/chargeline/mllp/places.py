"""Who may connect when places are scarce, and who gives way to whom.

There are places for handshakes and places for senders, and a most of both for one address. So a
host that opens sockets and says nothing fills the places of its own address only. Where all places
are taken, the one that has been silent longest gives way. This module owns that decision. It is
pure: it knows no socket and no clock, and closes nothing.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Literal, NamedTuple

from chargeline.mllp.limits import MllpLimits

Stage = Literal[
    "handshake",  # TLS is not agreed yet
    "unheard",  # no byte of a message has come yet
    "heard",  # bytes have come
]

# So long a connection must have been silent before it gives way to another one. A sender connects
# and speaks at once; one that has spoken may pause between two messages.
GIVES_WAY_SECONDS: Mapping[Stage, float] = {"handshake": 0.5, "unheard": 1.0, "heard": 10.0}


class Tenure(NamedTuple):
    """How a connection holds its place.

    since: when its last bytes came, or when it came if there are none; seconds of the event loop.
    busy: a message waits for its answer, or we read no further from it; it gives way to nobody.
    """

    host: str
    stage: Stage
    since: float
    busy: bool = False


class Admission(NamedTuple):
    """Who gives way to a newcomer, and why the newcomer is refused ("" if it is not), both by a
    name in `limits.COUNTED`. A refused newcomer makes nobody give way.
    """

    give_way: tuple[Hashable, ...] = ()
    refused: str = ""


def admission(
    newcomer: Tenure, tenures: Mapping[Hashable, Tenure], limits: MllpLimits, now: float
) -> Admission:
    """Whether a newcomer gets a place beside those that have one, and who leaves for it.

    A newcomer whose stage is "handshake" needs a place for handshakes, another one a place of
    senders.
    """
    hosts = Counter(tenure.host for tenure in tenures.values())
    leaving: dict[Hashable, None] = {}
    for refused, most, rivals in (
        (
            "connection_refused_address",
            limits.connections_of_address,
            {who: tenure for who, tenure in tenures.items() if tenure.host == newcomer.host},
        ),
        (
            "handshake_refused" if newcomer.stage == "handshake" else "connection_refused",
            limits.handshakes if newcomer.stage == "handshake" else limits.connections,
            {
                who: tenure
                for who, tenure in tenures.items()
                if (tenure.stage == "handshake") == (newcomer.stage == "handshake")
            },
        ),
    ):
        if len(rivals.keys() - leaving) < most:
            continue
        ready = [
            who
            for who, tenure in rivals.items()
            if who not in leaving and _gives_way(tenure, newcomer, hosts, now)
        ]
        if not ready:
            return Admission(refused=refused)
        leaving[min(ready, key=lambda who: _rank(rivals[who], hosts))] = None
    return Admission(tuple(leaving))


def _gives_way(tenure: Tenure, newcomer: Tenure, hosts: Counter[str], now: float) -> bool:
    """Whether a connection may give way: it has been silent, or has said nothing yet and comes
    from a host that has more places than the newcomer's would have.
    """
    if tenure.busy:
        return False
    if tenure.stage != "heard" and hosts[tenure.host] > hosts[newcomer.host] + 1:
        return True
    return now - tenure.since >= GIVES_WAY_SECONDS[tenure.stage]


def _rank(tenure: Tenure, hosts: Counter[str]) -> tuple[bool, int, float]:
    """The first gives way: who has said nothing, of the host with the most places, the longest."""
    return tenure.stage == "heard", -hosts[tenure.host], tenure.since
