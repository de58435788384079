"""What every answer of the workbench promises to a browser, and what every form must bring.

It owns the headers, the check that a form comes from our own page, and how many requests one
address may send. A page holds what hospitals must keep to themselves, so nothing of it is cached,
framed or loaded from elsewhere.
"""

import hmac
from collections import OrderedDict
from collections.abc import Mapping
from time import monotonic
from types import MappingProxyType

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = "/static/"
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
    }
)
_KEPT = "public, max-age=31536000, immutable"  # a static file has its hash in its address
_NOT_KEPT = "no-store"
_YEAR = "max-age=31536000; includeSubDomains"


class SafeAnswers:
    """Adds the headers to every answer, also to errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                kept = scope["path"].startswith(STATIC) and message["status"] == 200
                headers["cache-control"] = _KEPT if kept else _NOT_KEPT
                if scope["scheme"] == "https":
                    headers["strict-transport-security"] = _YEAR
            await send(message)

        await self._app(scope, receive, with_headers)


class Allowance:
    """How many requests each of many may send: so many at once, and so many a minute after that."""

    _MOST_KEPT = 10_000  # of so many addresses the last ones are remembered

    def __init__(self, at_once: int, per_minute: float) -> None:
        self._at_once = at_once
        self._per_second = per_minute / 60
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, name: str) -> bool:
        """Whether one more request is allowed now; it counts if it is."""
        now = monotonic()
        left, since = self._left.pop(name, (float(self._at_once), now))
        left = min(float(self._at_once), left + (now - since) * self._per_second)
        allowed = left >= 1
        self._left[name] = (left - 1 if allowed else left, now)
        if len(self._left) > self._MOST_KEPT:
            self._left.popitem(last=False)
        return allowed


def is_from_our_page(request: Request, expected: str, sent: str) -> bool:
    """Whether a form was sent by a page of ours: it brings the token of the session, and the
    browser does not say that it comes from another site.
    """
    same = hmac.compare_digest(expected.encode(), sent.encode())
    return bool(expected) and same and is_from_our_site(request)


def is_from_our_site(request: Request) -> bool:
    """Whether the browser does not say that a request comes from a page of another site."""
    return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
