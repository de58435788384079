"""Whose request it is that a proxy hands on.

It owns how far X-Forwarded-For is believed. Each proxy writes the address that it saw at the right
end, and what is left of that came with the request: anybody can send it. So the list is read from
the right, past the proxies that the settings name, and the first other address is the browser's.
With the proxy 10.0.0.9 named, a request from 10.0.0.9 with `6.6.6.6, 192.0.2.7` is of 192.0.2.7,
whatever 6.6.6.6 is.
"""

import re
from collections.abc import Iterable, Iterator

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chargeline.settings.networks import Address, Network, address_of

# `192.0.2.7:50123` and `[2001:db8::7]:443`, as some proxies write an address.
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*):\d+")


class BehindProxies:
    """Puts the browser and its scheme in place of a proxy's, where a named proxy says them."""

    def __init__(self, app: ASGIApp, proxies: Iterable[Network]) -> None:
        self._app = app
        self._proxies = tuple(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        peer = address_of(scope["client"][0]) if scope.get("client") else None
        if scope["type"] == "http" and peer is not None and self._is_proxy(peer):
            headers = Headers(scope=scope)
            browser = self._first_that_is_no_proxy(peer, _from_the_right(headers))
            scope = {**scope, "client": (str(browser), 0)}
            scheme = headers.get("x-forwarded-proto", "").strip().lower()
            if scheme in ("http", "https"):
                scope["scheme"] = scheme
        await self._app(scope, receive, send)

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)

    def _first_that_is_no_proxy(self, peer: Address, hops: Iterable[str]) -> Address:
        """The last address that somebody wrote whom we believe."""
        last = peer
        for hop in hops:
            address = address_of(_without_port(hop))
            if address is None:  # such as `unknown`: who came before it cannot be known
                return last
            last = address
            if not self._is_proxy(address):
                return last
        return last


def _from_the_right(headers: Headers) -> Iterator[str]:
    """The addresses of X-Forwarded-For, the nearest first. Several such headers are one list."""
    written = ",".join(headers.getlist("x-forwarded-for"))
    return (hop.strip() for hop in reversed(written.split(",")) if hop.strip())


def _without_port(hop: str) -> str:
    parts = _WITH_PORT.fullmatch(hop)
    return (parts[1] or parts[2] or "") if parts else hop
