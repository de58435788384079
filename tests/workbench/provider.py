"""A small identity provider for tests: OpenID Connect with discovery, PKCE and signed tokens.

It confirms whoever the test names, at once and without a page. It refuses what a real one refuses:
a code that was used, a verifier that does not fit, a client that it does not know.
"""

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from time import sleep, time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.live.servers import free_port

CLIENT = "chargeline"
SECRET = "swordfish"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class Provider:
    """The provider and whom it confirms: `claims` of the next login."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.claims: dict[str, Any] = {"sub": "okapi"}
        self.signed_with = self.key
        self.instead = ""  # of the document of discovery
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
            ]
        )

    async def _discovery(self, _request: Request) -> Response:
        if self.instead:
            return Response(self.instead, media_type="application/json")
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT and asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        form = dict(await request.form())
        login = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self._codes.pop(str(form.get("code")), None)
        verifier = sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if request.headers.get("authorization") != f"Basic {login}":
            return JSONResponse({"error": "invalid_client"}, 401)
        if asked is None or asked["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = self.signed({"nonce": asked["nonce"], **self.claims})
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def signed(self, claims: dict[str, Any]) -> str:
        """A token of the provider for chargeline; `claims` replace the usual ones."""
        now = int(time())
        usual = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300}
        header = {"alg": "RS256", "kid": "k1"}
        return jwt.encode(header, {**usual, **claims}, self.signed_with)


@contextmanager
def running() -> Iterator[Provider]:
    """A provider on a free port."""
    port = free_port()
    provider = Provider(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(
        uvicorn.Config(provider.app, host="127.0.0.1", port=port, log_level="error")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the provider did not start"
        sleep(0.01)
    yield provider
    server.should_exit = True
    thread.join()
