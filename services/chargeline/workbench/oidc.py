"""Logging in by OpenID Connect: the hospital's identity provider says who it is.

It owns the way to the provider and back (code flow with PKCE, state and nonce, by Authlib), which
roles a claim gives, and the end of sessions that the provider ends itself. What a login remembers
until it comes back is in `logins_begun.py`.
"""

import re
from collections.abc import Mapping
from time import monotonic, time
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from httpx import HTTPError
from joserfc.errors import JoseError

from chargeline.engine import Finding, FindingError, printable
from chargeline.settings import Settings
from chargeline.telemetry import logs
from chargeline.workbench.bench import TheBench, allow, came_from, session_token
from chargeline.workbench.login import address_after_login, logged_in, own_address
from chargeline.workbench.logins_begun import REMEMBERED_SECONDS, LoginsBegun
from chargeline.workbench.rights import ROLES, Role

router = APIRouter()
log = logs.logger("workbench.oidc")
# Signatures that a provider makes with a key of its own; `none` and shared secrets are not.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SIGNATURES_NEWER = ("EdDSA", "Ed25519")
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
ADDRESS_MOST = 2_000  # a browser keeps no cookie above 4,096 bytes
METADATA_SECONDS = 3600.0


class LoginRefusedError(FindingError):
    """The provider says nobody, or somebody without a role."""


class ProviderAwayError(FindingError):
    """The provider does not answer."""


class Provider:
    """The identity provider of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.workbench_oidc_issuer.rstrip("/")
        self.claim = settings.workbench_oidc_roles_claim
        self.roles = roles_by_group(settings.workbench_roles)
        self.address = settings.workbench_address.rstrip("/")
        secret = settings.secret("workbench_oidc_client_secret")
        self._begun = LoginsBegun(secret, secure=self.address.startswith("https://"))
        self._read_at = 0.0
        registry = OAuth()
        self._client: Any = registry.register(
            "provider",
            client_id=settings.workbench_oidc_client_id,
            client_secret=secret,
            server_metadata_url=f"{self.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.workbench_oidc_scope,
                "code_challenge_method": "S256",
                "timeout": 10,
            },
        )

    async def begin(self, request: Request, wanted: str) -> Response:
        """Send somebody to the provider. Raises ProviderAwayError."""
        await self._metadata()
        # Authlib keeps what it needs in a session; each login has one of its own.
        remembered: dict[str, Any] = {}
        request.scope["session"] = remembered
        try:
            answer = await self._client.authorize_redirect(request, f"{self.address}/login/back")
        except (HTTPError, RuntimeError) as error:
            raise _away(self.issuer) from error
        (state,) = parse_qs(urlsplit(answer.headers["location"]).query)["state"]
        wanted = wanted if len(wanted) <= ADDRESS_MOST else ""
        self._begun.remember(request, answer, state, {**remembered, "next": wanted})
        return cast(Response, answer)

    async def end(self, request: Request) -> tuple[Mapping[str, Any], str]:
        """The claims of somebody who comes back, and the address that was wanted.

        Raises LoginRefusedError and ProviderAwayError.
        """
        await self._metadata()
        remembered = self._begun.begun(request, _state_of(request))
        request.scope["session"] = remembered
        try:
            token = await self._client.authorize_access_token(request)
        except (HTTPError, RuntimeError) as error:
            raise _away(self.issuer) from error
        except (OAuthError, JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused("a login that the provider confirms", type(error).__name__) from error
        claims: Mapping[str, Any] = token.get("userinfo") or {}
        if not claims.get("sub"):
            raise _refused("an ID token with the claim sub", "none")
        return claims, str(remembered.get("next", ""))

    def ended(self, request: Request, answer: Response) -> None:
        """Take from the browser what the login remembered."""
        self._begun.forget(answer, _state_of(request))

    def roles_of(self, claims: Mapping[str, Any]) -> list[Role]:
        """The roles that the claim gives. Raises LoginRefusedError if it gives none."""
        said = claims.get(self.claim)
        groups = said if isinstance(said, list) else [said] if isinstance(said, str) else []
        named = [self.roles.get(str(group)) for group in groups]
        roles = [role for role in ROLES if role in named]
        if roles:
            return roles
        raise _refused(
            f"a group of CHARGELINE_WORKBENCH_ROLES in the claim {self.claim}",
            f"{len(groups)} groups, none of them there",
        )

    async def ended_session(self, token: str) -> tuple[str, str]:
        """Session and subject that a logout token ends, either may be "".

        Raises LoginRefusedError and ProviderAwayError.
        """
        await self._metadata()
        try:
            claims = await self._client.parse_id_token(
                {"id_token": token}, None, claims_cls=_LogoutToken
            )
        except (HTTPError, RuntimeError) as error:
            raise _away(self.issuer) from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused("a logout token of the provider", type(error).__name__) from error
        return str(claims.get("sid", "")), str(claims.get("sub", ""))

    async def _metadata(self) -> None:
        """Read what the provider says of itself, again after an hour, and take only signatures
        that it alone makes. Raises ProviderAwayError.
        """
        read = self._client.server_metadata
        if monotonic() - self._read_at > METADATA_SECONDS:
            read.clear()
        try:
            metadata = await self._client.load_server_metadata()
            named = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
            signatures = [name for name in named if name in (*SIGNATURES, *SIGNATURES_NEWER)]
            if str(metadata.get("issuer", "")).rstrip("/") != self.issuer or not signatures:
                raise ValueError("the document of another issuer, or without a signature of ours")
        except (HTTPError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            read.clear()  # what was refused is asked for again
            raise _away(self.issuer) from error
        if not read.get("_checked"):
            self._read_at = monotonic()
        metadata |= {"id_token_signing_alg_values_supported": signatures, "_checked": True}


class _LogoutToken(dict[str, Any]):
    """The claims of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6)."""

    def __init__(
        self,
        claims: Mapping[str, Any],
        header: Mapping[str, Any],
        options: Mapping[str, Any],
        params: Mapping[str, Any],
    ) -> None:
        super().__init__(claims)
        self._issuers = options["iss"]["values"]
        self._client_id = params["client_id"]

    def validate(self, leeway: int) -> None:
        """Raise ValueError for a token that ends no session of ours."""
        audience = self.get("aud", ())
        ours = self._client_id in ([audience] if isinstance(audience, str) else audience)
        events = self.get("events")
        is_logout = isinstance(events, dict) and LOGOUT_EVENT in events
        now, issued = time(), self.get("iat", 0)
        in_time = abs(now - issued) <= REMEMBERED_SECONDS and self.get("exp", now) + leeway >= now
        whose = self.get("sid") or self.get("sub")
        issuer_is_right = self.get("iss") in self._issuers
        if not (ours and is_logout and in_time and whose and issuer_is_right) or "nonce" in self:
            raise ValueError("no logout token for us")


def _state_of(request: Request) -> str:
    """The login that comes back, "" where the address says none."""
    return request.query_params.get("state", "")


def provider_of(request: Request) -> Provider:
    """The provider of the workbench that a request is sent to."""
    provider: Provider = request.app.state.provider
    return provider


@router.get("/login/begin", include_in_schema=False)
async def begin(request: Request, bench: TheBench, next: str = "") -> Response:
    """Go to the provider."""
    allow(bench.logins, request)
    return await provider_of(request).begin(request, own_address(next))


@router.get("/login/back", include_in_schema=False)
async def back(request: Request, bench: TheBench) -> Response:
    """Come back from the provider, and begin a session."""
    provider = provider_of(request)
    claims, wanted = await provider.end(request)
    roles = provider.roles_of(claims)
    await bench.people.leave(session_token(request))
    who = printable(str(claims.get("preferred_username") or claims.get("email") or claims["sub"]))
    token = await bench.people.begin(
        who[:200],
        printable(str(claims.get("name") or who))[:200],
        roles,
        provider_session=printable(str(claims.get("sid", "")))[:400],
        subject=printable(str(claims["sub"]))[:400],
        came_from=came_from(request),
    )
    address = address_after_login(wanted, roles)
    answer = logged_in(address, token, secure=provider.address.startswith("https://"))
    provider.ended(request, answer)
    return answer


@router.post("/login/ended", include_in_schema=False)
async def ended(request: Request, bench: TheBench, logout_token: str = Form("")) -> Response:
    """The provider ends a session (back channel): it sends a token, and no person is there."""
    allow(bench.endings, request)
    session, subject = await provider_of(request).ended_session(logout_token)
    number = await bench.people.end_of_provider(session, subject)
    log.info("session.ended", count=number)
    return Response(status_code=200)


_PAIR = re.compile(r"\s*([^=,]+?)\s*=\s*([a-z]+)\s*")


def roles_by_group(written: str) -> dict[str, Role]:
    """The role of each group of `infusion-coders=coder, infusion-leads=lead`.

    Raises LoginRefusedError for another form, or a role that there is not.
    """
    pairs = [_PAIR.fullmatch(part) for part in written.split(",") if part.strip()]
    roles = {pair[1]: pair[2] for pair in pairs if pair is not None}
    if pairs and None not in pairs and set(roles.values()) <= set(ROLES):
        return cast(dict[str, Role], roles)
    raise LoginRefusedError(
        Finding(
            "setting.value",
            expected=f"GROUP=ROLE, several with commas, where a role is one of {', '.join(ROLES)}",
            found="another form" if written else "nothing",
            where="CHARGELINE_WORKBENCH_ROLES",
            do="name the groups of the claim and what each may do; docs/workbench.md has the table",
        )
    )


def _refused(expected: str, found: str) -> LoginRefusedError:
    return LoginRefusedError(
        Finding(
            "workbench.login_refused",
            expected=expected,
            found=found,
            where="/login/back",
            do="log in again; if it stays so, ask whoever runs the identity provider",
        )
    )


def _away(issuer: str) -> ProviderAwayError:
    return ProviderAwayError(
        Finding(
            "workbench.provider_away",
            expected="the identity provider to answer",
            found="no usable answer",
            where=issuer,
            do="try again; whoever is logged in already goes on",
        )
    )
