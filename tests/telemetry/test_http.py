"""Claims about the health pages: what each page answers, and that no request does harm.

The tests talk to a real server over TCP, so that broken and slow clients are real as well.
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from chargeline.telemetry import http
from chargeline.telemetry.http import ListenError, Pages, PageServer
from chargeline.telemetry.metrics import Metrics
from tests.clock import PATIENCE_SECONDS, elapse

REQUEST_SECONDS = 10


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the server has done what the condition asks for."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


@dataclass
class Served:
    """A running server, the reasons why it is not ready, and ways to ask it."""

    server: PageServer
    reasons: list[str] = field(default_factory=list)

    async def send(self, request: bytes, *, end: bool = False) -> bytes:
        """Send these bytes and return all that comes back until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(request)
        if end:
            writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
        writer.close()
        return answer

    async def ask(
        self, path: str, method: str = "GET", fields: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        head, _gap, body = (
            await self.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
        ).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        named = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), named, body


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    metrics = Metrics(CollectorRegistry(), program="capture", version="1.2.3")
    reasons: list[str] = []
    pages = Pages(lambda: reasons, metrics.exposition, {"program": "capture", "version": "1.2.3"})
    server = PageServer(pages, request_seconds=REQUEST_SECONDS)
    await server.start("127.0.0.1", 0)
    yield Served(server, reasons)
    await server.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_a_living_program_says_so(served: Served) -> None:
    """/healthz is 200 as long as the event loop turns, also while the program is not ready."""
    served.reasons.append("the ledger cannot be reached")
    assert (await served.ask("/healthz"))[0] == 200


async def test_a_ready_program_says_so(served: Served) -> None:
    """/readyz is 200 when there is no reason against it."""
    assert (await served.ask("/readyz"))[0] == 200


async def test_a_program_that_is_not_ready_says_why(served: Served) -> None:
    """/readyz is 503 with each reason on a line."""
    served.reasons += ["the ledger cannot be reached", "no partitions yet"]
    code, _fields, body = await served.ask("/readyz")
    assert (code, body) == (503, b"the ledger cannot be reached\nno partitions yet\n")


async def test_a_scrape_gets_the_metrics(served: Served) -> None:
    """/metrics has the text format of Prometheus."""
    code, fields, body = await served.ask("/metrics")
    assert code == 200 and fields["content-type"].startswith("text/plain; version=0.0.4")
    assert b"chargeline_up 1.0" in body


async def test_a_scrape_chooses_its_format(served: Served) -> None:
    """The Accept header chooses the format; its name may be in any case."""
    fields = "aCCept: application/openmetrics-text;version=1.0.0\r\n"
    _code, got, _body = await served.ask("/metrics", fields=fields)
    assert got["content-type"].startswith("application/openmetrics-text")


async def test_the_version_is_json(served: Served) -> None:
    """/version has program and version."""
    assert json.loads((await served.ask("/version"))[2]) == {
        "program": "capture",
        "version": "1.2.3",
    }


async def test_a_query_changes_nothing(served: Served) -> None:
    """The part of the path after a question mark is ignored."""
    assert (await served.ask("/healthz?verbose=1"))[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/version", "/nowhere"])
async def test_head_has_the_fields_of_get_and_no_body(served: Served, path: str) -> None:
    """HEAD gives the status and the header fields of GET, without the body."""
    got, asked = await served.ask(path), await served.ask(path, "HEAD")
    assert asked[0] == got[0] and asked[2] == b""
    assert asked[1].keys() == got[1].keys() and int(asked[1]["content-length"]) > 0


@pytest.mark.parametrize("path", ["/", "/metrics/", "/healthz/../version", "/etc/passwd"])
async def test_an_unknown_path_is_404(served: Served, path: str) -> None:
    """Only the exact paths of the four pages are served."""
    assert (await served.ask(path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_405_and_told_which_are_allowed(
    served: Served, method: str
) -> None:
    """Only GET and HEAD are served, and the answer says so."""
    code, fields, _body = await served.ask("/healthz", method)
    assert (code, fields["allow"]) == (405, "get, head")


@pytest.mark.parametrize(
    ("request_line", "code"),
    [
        (b"GET /healthz HTTP/1.0", 200),
        (b"GET /healthz HTTP/2.0", 505),
        (b"GET /healthz", 400),
        (b"GET  /healthz HTTP/1.1", 400),
        (b"GET http://x/healthz HTTP/1.1", 400),
        (b"\xff\xfe\x00", 400),
        (b"\x0bMSH|^~\\&|ZEBRA", 400),
    ],
)
async def test_what_is_not_a_request_is_refused(
    served: Served, request_line: bytes, code: int
) -> None:
    """Other protocols and broken request lines get the status that names the mistake."""
    assert status(await served.send(request_line + b"\r\n\r\n")) == code


async def test_a_request_that_breaks_off_is_400(served: Served) -> None:
    """A client that ends before the empty line gets 400."""
    assert status(await served.send(b"GET /healthz HTTP/1.1\r\n", end=True)) == 400


async def test_a_request_that_is_too_large_is_431(served: Served) -> None:
    """A head above the limit is refused before the whole head has come, and the refusal arrives."""
    head = b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 5 * http.REQUEST_BYTES_MOST
    assert status(await served.send(head)) == 431


async def test_a_request_that_is_too_slow_is_408(served: Served) -> None:
    """A client that sends half a head and then waits gets 408."""
    sending = asyncio.create_task(served.send(b"GET /healthz HT"))
    await until(lambda: served.server.open_connections == 1)
    elapse(REQUEST_SECONDS)
    assert status(await sending) == 408


async def test_silent_connections_keep_no_probe_out(served: Served) -> None:
    """Three times as many silent sockets as there are places: each of a hundred probes among them
    gets its page, and no more connections are open than there are places.
    """
    silent = []
    for _ in range(3):
        for _ in range(http.CONNECTIONS_MOST):
            silent.append(await asyncio.open_connection("127.0.0.1", served.server.port))
            if len(silent) % 2 == 0:
                assert (await served.ask("/healthz"))[0] == 200
        assert (await served.ask("/metrics"))[0] == 200
    assert served.server.open_connections <= http.CONNECTIONS_MOST
    for _reader, writer in silent:
        writer.close()


async def test_the_oldest_silent_connection_gives_way(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one place, a probe takes that of the silent socket, which is cut off."""
    monkeypatch.setattr(http, "CONNECTIONS_MOST", 1)
    silent, first = await asyncio.open_connection("127.0.0.1", served.server.port)
    await until(lambda: served.server.open_connections == 1)
    assert (await served.ask("/healthz"))[0] == 200
    with suppress(ConnectionResetError):
        assert await silent.read() == b""
    first.close()


def test_a_head_has_a_second() -> None:
    """A probe writes its head at once, so a socket that does not is soon closed."""
    assert PageServer(Pages(lambda: [], lambda accept: (accept, b""), {})).request_seconds == 1


async def test_a_client_that_goes_away_leaves_no_trace(served: Served) -> None:
    """After broken connections the pages answer, and no connection is counted as open."""
    for _ in range(5):
        _reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"GET /metr")
        writer.transport.abort()
    assert (await served.ask("/healthz"))[0] == 200
    await until(lambda: served.server.open_connections == 0)


async def test_a_page_that_fails_is_500_without_its_text() -> None:
    """An exception in a page is answered with 500, and its text is not shown."""

    def fails() -> Sequence[str]:
        raise RuntimeError("TESTPATIENT ZEBRA")

    server = PageServer(Pages(fails, lambda accept: (accept, b""), {}))
    await server.start("127.0.0.1", 0)
    code, _fields, body = await Served(server).ask("/readyz")
    await server.close()
    assert (code, body) == (500, b"Internal Server Error\n")


async def test_closing_waits_for_nobody(served: Served) -> None:
    """`close` breaks off a client that is still connected and has time left."""
    reader, _writer = await asyncio.open_connection("127.0.0.1", served.server.port)
    await until(lambda: served.server.open_connections == 1)
    served.server.request_seconds = 10 * PATIENCE_SECONDS
    await served.server.close()
    assert await asyncio.wait_for(reader.read(), PATIENCE_SECONDS) == b""
    assert served.server.open_connections == 0


async def test_a_closed_server_accepts_nobody() -> None:
    """After `close` nobody listens on the port."""
    server = PageServer(Pages(lambda: [], lambda accept: (accept, b""), {}))
    await server.start("127.0.0.1", 0)
    await server.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)


async def test_a_port_that_is_taken_is_told(served: Served) -> None:
    """The error names the port, what the system said, and the variables to correct."""
    server = PageServer(Pages(lambda: [], lambda accept: (accept, b""), {}))
    with pytest.raises(ListenError) as caught:
        await server.start("127.0.0.1", served.server.port)
    said = str(caught.value)
    assert said.startswith(
        f"expected to listen for the health pages on 127.0.0.1 port {served.server.port}, found"
    )
    assert "in use" in said and "CHARGELINE_HTTP_PORT" in said
    await server.close()


async def test_a_client_that_resets_its_connection_is_no_error(served: Served) -> None:
    """It reads the beginning of its answer and is gone: the loop has nothing to report, and the
    next client is answered.
    """
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: reported.append(told))
    try:
        for _ in range(200):
            await asyncio.to_thread(reset, served.server.port)
        await until(lambda: served.server.open_connections == 0)
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert reported == []
    assert (await served.ask("/healthz"))[0] == 200


def reset(port: int) -> None:
    """Ask for a page, and close the connection in a way that sends a reset."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        client.recv(10)
