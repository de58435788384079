"""What a listener for MLLP and its connections agree on: limits, the names of counts, callbacks.

This module owns the words and the numbers, and does nothing. Who may connect is decided in
`places.py`, and how a frame is read in `connection.py`.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from chargeline.mllp.wire import FRAME_BYTES

# The names that a server counts by, and what each of them means.
COUNTED = {
    "connection_opened": "a sender connected",
    "connection_refused": "a sender connected when all places were taken and none could be freed",
    "connection_refused_address": "a sender connected beyond the most connections of one address",
    "connection_gave_way": "a silent connection was closed because another one needed its place",
    "handshake_refused": "a sender connected while all places for handshakes were taken",
    "handshake_gave_way": "a handshake was broken off because another one needed its place",
    "connection_unknown": "nothing identified the other end as one that may send",
    "connection_revoked": "a connection was closed because its certificate was revoked since",
    "handshake_failed": "a sender connected without TLS or without an accepted certificate",
    "connection_idle": "a connection was closed because nothing came",
    "connection_failed": "a connection was closed unanswered because the handler failed or hung up",
    "frame_complete": "a frame was received whole",
    "frame_too_large": "a frame was refused for its size",
    "frame_cut_off": "a frame whose end never came, or was begun anew before its end",
    "frame_empty": "a frame without content, as some senders keep a connection alive",
    "stranger_http": "a connection was closed because it spoke HTTP",
    "stranger_tls": "a connection was closed because it spoke TLS where none is set",
    "stranger_unframed": "a connection was closed because HL7 came without a frame",
    "bytes_between_frames": "bytes outside frames, other than line ends",
    "answer_sent": "an answer was written",
}


class Peer(NamedTuple):
    """The other end of a connection. `certificate` is the common name in its certificate, or "".
    `names` are all names in it, the subject alternative ones as well, and `serial` is its serial
    number.
    """

    host: str
    port: int
    certificate: str = ""
    names: tuple[str, ...] = ()
    serial: int | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" + (f" ({self.certificate})" if self.certificate else "")


class MllpLimits(NamedTuple):
    """What connections may take, all together and each by itself.

    connections: places of senders, over TLS after their handshake. handshakes: places of those
    that have not ended it, each for at most handshake_seconds. connections_of_address: the most
    of both that one address may have. idle_seconds: the longest time without a byte while nothing
    is in flight. frame_seconds: the longest time from the first byte of a frame to its last, and
    for the peer to take an answer. in_flight: the most unanswered frames of a connection.
    memory_bytes: what the frames of all connections may take together, see `budget.py`.
    """

    frame_bytes: int = FRAME_BYTES
    idle_seconds: float = 900.0
    frame_seconds: float = 60.0
    connections: int = 200
    connections_of_address: int = 200
    handshakes: int = 16
    handshake_seconds: float = 3.0
    in_flight: int = 16
    memory_bytes: int = 268_435_456


class HangUpError(Exception):
    """A handler raises this error when it can give no answer. The server closes the connection, so
    that the sender notices.
    """


Handler = Callable[[bytes, Peer], Awaitable[bytes | None]]
Refusal = Callable[[bytes, str, Peer], bytes | None]
Welcome = Callable[[Peer], bool]
Report = Callable[[str, int], None]
