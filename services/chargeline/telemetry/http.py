"""The four pages that operators ask for: /healthz, /readyz, /metrics and /version.

It owns just enough of HTTP/1.1 for probes and scrapes: GET and HEAD, one request a connection, with
a limit on its size, its time and on how many there are at once. It needs no framework, so that the
pages answer as long as the program's own loop turns, which is what a liveness probe asks.
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
REQUEST_SECONDS_MOST = 5.0
CONNECTIONS_MOST = 64

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_log = logs.logger("http")


class Pages(NamedTuple):
    """What the pages show: reasons why not ready, a scrape for an Accept header, name and
    version.
    """

    not_ready: Callable[[], Sequence[str]]
    exposition: Callable[[str], tuple[str, bytes]]
    version: Mapping[str, str]


class ListenError(FindingError, OSError):
    """An address cannot be listened on."""


@asynccontextmanager
async def health_pages(
    address: tuple[str, int],
    metrics: Metrics,
    *,
    version: Mapping[str, str],
    not_ready: Callable[[], Sequence[str]],
    before_scrape: Callable[[], None] = lambda: None,
) -> AsyncIterator[None]:
    """A program's pages at a host and port while it runs; a scrape sees how it is now.

    Raises ListenError.
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
    """Serves the pages until it is closed; `port` is the one it got if 0 was asked for."""

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
        """Listen; raises ListenError where the address cannot be had."""
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
                    do="correct CHARGELINE_HTTP_HOST and CHARGELINE_HTTP_PORT, or end who has "
                    "the port",
                )
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and break off what is under way; no page takes long enough to be waited
        for.
        """
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
        self._connections[task] = writer
        try:
            with suppress(ConnectionError, TimeoutError):  # a client that went away needs no answer
                async with asyncio.timeout(2 * self.request_seconds):
                    await self._exchange(reader, writer)
        finally:
            del self._connections[task]
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head_only = False
        try:
            if self.open_connections > CONNECTIONS_MOST:
                raise _BadRequestError(HTTPStatus.SERVICE_UNAVAILABLE)
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
        except Exception as error:  # whatever it is, the probe must be told and the others go on
            _log.error("page.failed", exc_info=error)
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR)


def _health(_pages: Pages, _request: _Request) -> _Response:
    return _Response(HTTPStatus.OK, _TEXT, b"ok\n")


def _readiness(pages: Pages, _request: _Request) -> _Response:
    reasons = pages.not_ready()
    if not reasons:
        return _Response(HTTPStatus.OK, _TEXT, b"ready\n")
    return _Response(
        HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, "".join(f"{each}\n" for each in reasons).encode()
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
    """The request up to the empty line; a body, if there is one, is never read."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise _BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from error
    except asyncio.IncompleteReadError as error:
        raise _BadRequestError(HTTPStatus.BAD_REQUEST) from error


async def _discard(reader: asyncio.StreamReader) -> None:
    """Take what else the client sends, within bounds: to close on unread bytes would tear up our
    answer.
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
