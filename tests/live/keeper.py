"""One server of each kind for a test run: started when a test first asks, ended with the run.

This module owns the lending. `Servers` holds the servers of one process. In a run with workers the
process that starts the workers is the keeper, because a worker may end long before the last test
of another worker. The workers also tell the keeper which tests hurt a server, since the keeper's
process decides which worker runs which test. What a server is stands in `servers.py`.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener

from .servers import BorrowedServer, ExternalServer, LocalServer, ServerError


class Servers:
    """The servers of one process by name; `makes` holds a function for each name."""

    def __init__(self, makes: Mapping[str, Callable[[], LocalServer | ExternalServer]]) -> None:
        self._makes = makes
        self._locks = {name: threading.Lock() for name in makes}
        self._started: dict[str, LocalServer | ExternalServer] = {}
        self._failed: dict[str, ServerError] = {}

    def started(self, name: str) -> LocalServer | ExternalServer:
        """The server of that name, started by the first call.

        Raises a ServerError if the server does not start; later calls raise the same error again.
        """
        with self._locks[name]:
            if name in self._failed:
                raise self._failed[name]
            if name not in self._started:
                server = self._makes[name]()
                try:
                    server.start()
                except ServerError as error:
                    self._failed[name] = error
                    server.close()
                    raise
                self._started[name] = server
            return self._started[name]

    def close(self) -> None:
        """End all servers of this process."""
        for server in self._started.values():
            server.close()
        self._started.clear()


class Keeper:
    """Lends servers to workers that ask at `address`, and keeps the groups of their tests."""

    def __init__(self, servers: Servers) -> None:
        self.groups: dict[str, str] = {}
        """The group of each test that has a group, by the id of the test."""
        self._servers = servers
        self._listener = Listener(family="AF_UNIX", backlog=64)
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def address(self) -> str:
        """The socket on which the keeper answers."""
        return str(self._listener.address)

    def close(self) -> None:
        """Stop answering, and end the servers."""
        self._listener.close()
        self._servers.close()

    def _listen(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                asking = self._listener.accept()
                threading.Thread(target=self._answer, args=(asking,), daemon=True).start()

    def _answer(self, asking: Connection) -> None:
        with asking, suppress(EOFError, OSError):  # the worker that asked has ended
            asked = asking.recv()
            if isinstance(asked, dict):
                self.groups |= asked
                asking.send(None)
                return
            try:
                server = self._servers.started(asked)
                asking.send(server.lent() if isinstance(server, LocalServer) else server)
            except ServerError as error:
                asking.send(error)


def borrowed(address: str, name: str) -> BorrowedServer:
    """The server that the keeper lends under a name.

    Raises the ServerError of the keeper if the server did not start there.
    """
    answer = _asked(address, name)
    if isinstance(answer, ServerError):
        raise answer
    assert isinstance(answer, BorrowedServer)
    return answer


def tell_groups(address: str, groups: Mapping[str, str]) -> None:
    """Tell the keeper the groups of tests by their ids, and wait until the keeper has them."""
    _asked(address, dict(groups))


def _asked(address: str, what: object) -> object:
    with Client(address, family="AF_UNIX") as keeper:
        keeper.send(what)
        return keeper.recv()
