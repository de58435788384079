"""What a login by OpenID Connect remembers until it comes back from the provider.

It owns the cookies in which that stands: one for each login, named after the state of the login,
signed, for ten minutes. A browser that comes back with five tabs begins five logins at once, and
with one cookie for all, the last one would take the place of the others. Nothing is kept on our
side, so that any copy of the workbench can end what another one began.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from itsdangerous import BadSignature, TimestampSigner

REMEMBERED_SECONDS = 600
PATH = "/login"
_PREFIX = "chargeline_login_"
# Proxies take 8 KB of headers and more. A cookie has about 800 bytes.
_MOST = 5


class LoginsBegun:
    """The logins that browsers have begun. `secret` is known to every copy of the workbench."""

    def __init__(self, secret: str, *, secure: bool) -> None:
        key = sha256(f"chargeline workbench {secret}".encode()).hexdigest()
        self._signer = TimestampSigner(key)
        self._secure = secure

    def remember(
        self, request: Request, answer: Response, state: str, begun: Mapping[str, Any]
    ) -> None:
        """Give the browser what a login needs, in JSON values. The oldest beyond five goes."""
        signed = self._signer.sign(urlsafe_b64encode(json.dumps(begun).encode())).decode()
        answer.set_cookie(
            _name(state),
            signed,
            max_age=REMEMBERED_SECONDS,
            path=PATH,
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
        for name in self._too_old(request.cookies):
            answer.delete_cookie(name, path=PATH)

    def begun(self, request: Request, state: str) -> dict[str, Any]:
        """What the login of a state remembered, nothing if this browser did not begin it within
        ten minutes.
        """
        written = request.cookies.get(_name(state), "")
        try:
            signed = self._signer.unsign(written, max_age=REMEMBERED_SECONDS)
        except BadSignature:  # also one that is too old
            return {}
        begun: dict[str, Any] = json.loads(urlsafe_b64decode(signed))
        return begun

    def forget(self, answer: Response, state: str) -> None:
        """Take a login that has ended from the browser."""
        answer.delete_cookie(_name(state), path=PATH)

    def _too_old(self, cookies: Mapping[str, str]) -> list[str]:
        """The names of the oldest logins, so that with one more there are not too many."""
        times: dict[str, float] = {}
        for name, written in reversed(list(cookies.items())):  # a second may have had several
            if name.startswith(_PREFIX):
                try:
                    _signed, at = self._signer.unsign(written, return_timestamp=True)
                    times[name] = at.timestamp()
                except BadSignature:  # nobody can use it any more
                    times[name] = 0.0
        newest_first = sorted(times, key=lambda name: times[name], reverse=True)
        return newest_first[_MOST - 1 :]


def _name(state: str) -> str:
    """The cookie of a login. A state may be any text of an address, and a name may not."""
    return _PREFIX + sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:16]
