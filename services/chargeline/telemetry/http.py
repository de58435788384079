"""The four pages that operators ask for: /healthz, /readyz, /metrics and /version.

It owns just enough of HTTP/1.1 for probes and scrapes: GET and HEAD, one request for each
connection, and limits on the size of a request, on its time and on the number of connections. No
client is refused because others are silent: above the most connections the oldest one gives way. It
runs in the event loop of the program and without a web framework, so a page answers exactly as long
as the loop turns. That is what a liveness probe asks. What is ready and what is measured, the
program says.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import NamedTuple

from chargeline.engine import Finding, FindingError
from chargeline.telemetry import logs
from chargeline.telemetry.metrics import Metrics

REQUEST_BYTES_MOST = 8192
DISCARDED_BYTES_MOST = 65536
REQUEST_SECONDS_MOST = 1.0  # a probe sends its head at once
CONNECTIONS_MOST = 64

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_log = logs.logger("http")


class Pages(NamedTuple):
    """What the pages show.

    `not_ready` gives the reasons why the program is not ready, `exposition` the content type and
    body of a scrape for an Accept header, `version` what /version prints.
    """

    not_ready: Callable[[], Sequence[str]]
    exposition: Callable[[str], tuple[str, bytes]]
    version: Mapping[str, str]


class ListenError(FindingError, OSError):
    """The health pages cannot listen on their address, for example because the port is taken."""


@asynccontextmanager
async def health_pages(
    address: tuple[str, int],
    metrics: Metrics,
    *,
    version: Mapping[str, str],
    not_ready: Callable[[], Sequence[str]],
    before_scrape: Callable[[], None] = lambda: None,
) -> AsyncIterator[None]:
    """Serve the pages of a program at a host and port for as long as the context is open.

    `before_scrape` is called before each scrape, so that the program can bring its gauges up to
    date. Raises ListenError.
    """

    def exposition(accept: str) -> tuple[str, bytes]:
        metrics.ready.set(0 if not_ready() else 1)
        before_scrape()
        return metrics.exposition(accept)

    server = PageServer(Pages(not_ready, exposition, version))
    await server.start(*address)
    try:
        yield
    finally:
        await server.close()


class _Request(NamedTuple):
    method: str
    path: str
    accept: str


class _Response(NamedTuple):
    status: HTTPStatus
    content_type: str
    body: bytes
    allow: str = ""


class _BadRequestError(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class PageServer:
    """Serves the pages until `close`; `port` is the real port, also if port 0 was asked for."""

    def __init__(self, pages: Pages, *, request_seconds: float = REQUEST_SECONDS_MOST) -> None:
        self.pages = pages
        self.request_seconds = request_seconds
        self.port = 0
        self._connections: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    async def start(self, host: str, port: int) -> None:
        """Begin to listen; raises ListenError if the address cannot be listened on."""
        try:
            self._server = await asyncio.start_server(
                self._connection, host, port, limit=REQUEST_BYTES_MOST
            )
        except OSError as error:
            raise ListenError(
                Finding(
                    "listen.refused",
                    expected=f"to listen for the health pages on {host} port {port}",
                    found=str(error.strerror or error),
                    where="",
                    do="correct CHARGELINE_HTTP_HOST and CHARGELINE_HTTP_PORT, or stop the program "
                    "that uses the port",
                )
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and break off open requests; a probe that is cut off asks again."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        if tasks := [task for task in self._connections if task is not None]:
            await asyncio.wait(tasks, timeout=1)
        await self._server.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        while len(self._connections) >= CONNECTIONS_MOST:
            oldest = next(iter(self._connections))  # it is silent: whoever spoke has its answer
            self._connections.pop(oldest).transport.abort()
        self._connections[task] = writer
        try:
            # A client that has gone away needs no answer. A socket that it has reset is "not
            # connected", which is no ConnectionError; a TimeoutError is an OSError.
            with suppress(OSError):
                async with asyncio.timeout(2 * self.request_seconds):
                    await self._exchange(reader, writer)
        finally:
            self._connections.pop(task, None)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head_only = False
        try:
            async with asyncio.timeout(self.request_seconds):
                request = _parsed(await _head(reader))
            head_only = request.method == "HEAD"
            answer = self._answer(request)
        except TimeoutError:
            answer = _refusal(HTTPStatus.REQUEST_TIMEOUT)
        except _BadRequestError as error:
            answer = _refusal(error.status)
        writer.write(_written(answer, head_only))
        writer.write_eof()
        await writer.drain()
        await _discard(reader)

    def _answer(self, request: _Request) -> _Response:
        page = _PAGES.get(request.path)
        if page is None:
            return _refusal(HTTPStatus.NOT_FOUND)
        if request.method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED)._replace(allow="GET, HEAD")
        try:
            return page(self.pages, request)
        except Exception as error:  # the probe must get an answer, and the other pages go on
            _log.error("page.failed", exc_info=error)
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR)


def _health(_pages: Pages, _request: _Request) -> _Response:
    return _Response(HTTPStatus.OK, _TEXT, b"ok\n")


def _readiness(pages: Pages, _request: _Request) -> _Response:
    reasons = pages.not_ready()
    if not reasons:
        return _Response(HTTPStatus.OK, _TEXT, b"ready\n")
    return _Response(
        HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, "".join(f"{reason}\n" for reason in reasons).encode()
    )


def _metrics(pages: Pages, request: _Request) -> _Response:
    return _Response(HTTPStatus.OK, *pages.exposition(request.accept))


def _version(pages: Pages, _request: _Request) -> _Response:
    return _Response(HTTPStatus.OK, _JSON, json.dumps(dict(pages.version)).encode() + b"\n")


_PAGES: Mapping[str, Callable[[Pages, _Request], _Response]] = {
    "/healthz": _health,
    "/readyz": _readiness,
    "/metrics": _metrics,
    "/version": _version,
}


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The request up to the empty line. A body is not read."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise _BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from error
    except asyncio.IncompleteReadError as error:
        raise _BadRequestError(HTTPStatus.BAD_REQUEST) from error


async def _discard(reader: asyncio.StreamReader) -> None:
    """Read what else the client sends, up to a limit.

    To close a connection with unread bytes makes TCP send a reset, and the client may then lose
    our answer.
    """
    for _ in range(DISCARDED_BYTES_MOST // REQUEST_BYTES_MOST):
        if not await reader.read(REQUEST_BYTES_MOST):
            return


def _parsed(head: bytes) -> _Request:
    first, *fields = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[0].isalpha() or not words[1].startswith("/"):
        raise _BadRequestError(HTTPStatus.BAD_REQUEST)
    method, target, protocol = words
    if protocol not in ("HTTP/1.0", "HTTP/1.1"):
        raise _BadRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    named = [field.partition(":") for field in fields]
    accept = ",".join(value.strip() for name, _colon, value in named if name.lower() == "accept")
    return _Request(method, target.partition("?")[0], accept)


def _refusal(status: HTTPStatus) -> _Response:
    return _Response(status, _TEXT, f"{status.phrase}\n".encode())


def _written(answer: _Response, head_only: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        *([f"Allow: {answer.allow}"] if answer.allow else []),
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head_only else answer.body)
