"""The listening end of MLLP: HL7 messages come in over TCP or TLS, and answers go out in order.

This module owns the listening, the places of connections (`places.py` decides who gets one), and a
close that answers what was taken. It refuses to know what a message says; the handler that is
passed in gives the answer. How one connection is served stands in `connection.py`.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Hashable

from chargeline.mllp.budget import Budget
from chargeline.mllp.connection import SenderConnection
from chargeline.mllp.limits import COUNTED, Handler, MllpLimits, Peer, Refusal, Report, Welcome
from chargeline.mllp.places import Stage, Tenure, admission
from chargeline.mllp.telling import Seldom


def _no_refusal(_head: bytes, _reason: str, _peer: Peer) -> bytes | None:
    return None


def _all_welcome(_peer: Peer) -> bool:
    return True


def _no_report(_name: str, _amount: int) -> None:
    return None


class MllpServer:
    """Listens, hands each frame to `handler`, and writes the answers in the order of the frames.

    Handlers of one connection start in the order of its frames and then run side by side, at most
    `limits.in_flight` of them. While so many run, the server reads no more from that connection, so
    a slow handler slows down its sender. If a handler returns None, the frame gets no answer. If a
    handler raises an error, the server closes the connection without an answer.

    `refusal` gives the answer to a frame that is too large, from its beginning and the reason; the
    server sends that answer and closes the connection. `welcome` says whether a peer may send; it
    is asked after the handshake, and whoever may not is cut off. `report` is called for each count,
    with its name in `COUNTED`.
    """

    def __init__(
        self,
        handler: Handler,
        limits: MllpLimits | None = None,
        *,
        refusal: Refusal = _no_refusal,
        welcome: Welcome = _all_welcome,
        report: Report = _no_report,
    ) -> None:
        self.handler = handler
        self.limits = limits or MllpLimits()
        self.refusal = refusal
        self._welcome = welcome
        self.counts: Counter[str] = Counter()
        self.seldom = Seldom()
        self.budget = Budget(self.limits.memory_bytes)
        self._report = report
        self._server: asyncio.Server | None = None
        self._ssl_context: ssl.SSLContext | None = None
        self._connections: dict[SenderConnection, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()  # of connections that gave way

    async def start(self, host: str, port: int, ssl_context: ssl.SSLContext | None = None) -> None:
        """Listen. With port 0 the system chooses a free one, see `port`.

        Raises OSError if the address cannot be used.
        """
        assert self._server is None, "a server is started once"
        self._ssl_context = ssl_context
        self._server = await asyncio.start_server(self._accept, host, port)

    def renew(self, ssl_context: ssl.SSLContext) -> None:
        """Use another TLS context for connections that come from now on."""
        self._ssl_context = ssl_context

    @property
    def port(self) -> int:
        """The port on which this server listens."""
        assert self._server is not None, "the server is started"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many senders are connected now, over TLS those that have ended their handshake."""
        return sum(each.tenure.stage != "handshake" for each in self._connections)

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Accept no more connections, and answer frames that have begun to arrive.

        After `grace_seconds`, cut the connections that are left.
        """
        if self._server is not None:
            self._server.close()
        for connection, task in self._connections.items():
            if connection.tenure.stage == "handshake":
                task.cancel()
            connection.stop()
        running = [*self._connections.values(), *self._ending]
        if running:
            _, late = await asyncio.wait(running, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.seldom.end()

    def count(self, name: str, amount: int = 1) -> None:
        """Count something that happened, by its name in `COUNTED`."""
        assert name in COUNTED, name
        if amount:
            self.counts[name] += amount
            self._report(name, amount)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():
            writer.transport.abort()
            return
        stage: Stage = "unheard" if self._ssl_context is None else "handshake"
        connection = SenderConnection(self, reader, writer, stage)
        # Over TLS nobody is known before its handshake.
        if stage == "unheard" and not self._known(connection):
            return
        if self._admit(connection):
            self.count("connection_opened")
            task = asyncio.create_task(self._serve(connection))
            self._connections[connection] = task
            task.add_done_callback(lambda _: self._connections.pop(connection, None))

    async def _serve(self, connection: SenderConnection) -> None:
        """Agree on TLS, take a place of a sender, and serve the connection to its end."""
        if self._ssl_context is not None:
            if not await connection.shake_hands(self._ssl_context):
                return
            if not self._known(connection):
                return
            connection.take_place()
            if not self._admit(connection):
                return
        await connection.run()

    def _known(self, connection: SenderConnection) -> bool:
        """Cut off a connection whose other end may not send; returns whether it may."""
        if self._welcome(connection.peer):
            return True
        self.count("connection_unknown")
        self._tell("connection.refused", connection, "connection_unknown")
        connection.cut()
        return False

    def _admit(self, connection: SenderConnection) -> bool:
        """Make room for a connection, or cut it off; returns whether it may stay."""
        others: dict[Hashable, Tenure] = {
            other: other.tenure for other in self._connections if other is not connection
        }
        now = asyncio.get_running_loop().time()
        decided = admission(connection.tenure, others, self.limits, now)
        for other in decided.give_way:
            assert isinstance(other, SenderConnection)
            self._make_give_way(other)
        if decided.refused:
            self.count(decided.refused)
            self._tell("connection.refused", connection, decided.refused)
            connection.cut()
        return not decided.refused

    def _make_give_way(self, connection: SenderConnection) -> None:
        """End a connection that has nothing in flight, so that another one gets its place."""
        shaking = connection.tenure.stage == "handshake"
        reason = "handshake_gave_way" if shaking else "connection_gave_way"
        self._cut_off(connection, reason, "connection.gave_way")

    def end(self, which: Callable[[Peer], bool], reason: str) -> None:
        """Cut off those connections whose other end may not send any more, counted as `reason`.

        Frames in flight get no answer, so their sender does not take them for stored.
        """
        for connection in [each for each in self._connections if which(each.peer)]:
            self._cut_off(connection, reason, "connection.refused")

    def _cut_off(self, connection: SenderConnection, reason: str, event: str) -> None:
        self.count(reason)
        self._tell(event, connection, reason)
        task = self._connections.pop(connection)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.cancel()
        connection.cut()

    def _tell(self, event: str, connection: SenderConnection, reason: str) -> None:
        peer = connection.peer
        self.seldom.warn(event, host=peer.host, port=peer.port, reason=reason)
