"""Logging in by OpenID Connect, against a provider that speaks it over a real socket."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from chargeline.ledger.store import Ledger
from chargeline.settings import SettingsError, load
from chargeline.workbench.oidc import LoginRefusedError, roles_by_group
from tests.ledger import with_tables

from . import provider as providers
from .asking import Standing, standing_over, text_of

HOME = "http://localhost"


@pytest.fixture
def provider() -> Iterator[providers.Provider]:
    with providers.running() as here:
        yield here


@pytest.fixture
async def standing(tmp_path: Path, provider: providers.Provider) -> AsyncIterator[Standing]:
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    yield await standing_over(ledger, tmp_path, said_by(provider))
    await ledger.close()


def said_by(provider: providers.Provider) -> dict[str, Any]:
    return {
        "workbench_login": "oidc",
        "workbench_oidc_issuer": provider.issuer,
        "workbench_oidc_client_id": providers.CLIENT,
        "workbench_oidc_client_secret": SecretStr(providers.SECRET),
        "workbench_address": HOME,
        "workbench_roles": "onc-coders=coder, onc-leads=lead",
    }


async def logged_in(client: httpx.AsyncClient, wanted: str = "/work") -> httpx.Response:
    """The way over the provider and back, as a browser goes it; the answer of /login/back."""
    begun = await client.get("/login/begin", params={"next": wanted})
    assert begun.status_code == 302, begun.text
    return await came_back(client, begun)


async def came_back(client: httpx.AsyncClient, begun: httpx.Response) -> httpx.Response:
    """The rest of the way, from the answer that leads to the provider."""
    async with httpx.AsyncClient() as browser:
        confirmed = await browser.get(begun.headers["location"])
    back = urlsplit(confirmed.headers["location"])
    assert f"{back.scheme}://{back.netloc}" == HOME
    return await client.get(f"{back.path}?{back.query}")


CODER = {"sub": "s-1", "preferred_username": "okapi", "name": "O. Okapi", "groups": ["onc-coders"]}


async def test_the_provider_says_who_it_is_and_which_roles(
    standing: Standing, provider: providers.Provider
) -> None:
    """The page that was wanted comes, with the name; the trail has the login name and the role."""
    provider.claims = {**CODER, "sid": "session-1"}
    async with standing.client() as client:
        assert (await client.get("/work")).headers["location"].startswith("/login?")
        assert "/login/begin?next=/work" in (await client.get("/login?next=/work")).text
        back = await logged_in(client, "/work?view=mine")
        assert back.headers["location"] == "/work?view=mine"
        assert "O. Okapi · coder" in text_of(await client.get("/work"))
    (act,) = await standing.acts("session.begin")
    assert act.who == "okapi" and '"roles":"coder"' in act.details


async def test_two_tabs_log_in_at_once(standing: Standing, provider: providers.Provider) -> None:
    """Each comes back to the page that it wanted, whichever comes back first; so do two tabs that
    a browser opens at the same moment, before it has a cookie of either.
    """
    provider.claims = CODER
    async with standing.client() as client:
        wanted = ("/work?view=mine", "/running")
        begun = [await client.get("/login/begin", params={"next": page}) for page in wanted]
        assert [len(answer.headers.get_list("set-cookie")) for answer in begun] == [1, 1]
        cookies = {name: value for answer in begun for name, value in answer.cookies.items()}
        assert len(cookies) == 2 and dict(client.cookies) == cookies
        for answer, page in reversed(list(zip(begun, wanted, strict=True))):
            back = await came_back(client, answer)
            assert (back.status_code, back.headers["location"]) == (303, page)
            assert (await client.get("/work")).status_code == 200
        assert list(client.cookies) == ["chargeline_session"]


async def test_logins_that_nobody_ends_do_not_fill_the_headers(
    standing: Standing, provider: providers.Provider
) -> None:
    """Of a dozen that were begun, the last five can be ended; the cookies stay below 5 KB."""
    provider.claims = CODER
    async with standing.client() as client:
        begun = [await client.get("/login/begin") for _login in range(12)]
        assert len(client.cookies) == 5
        assert sum(len(name) + len(value) for name, value in client.cookies.items()) < 5_000
        assert (await came_back(client, begun[6])).status_code == 403
        assert (await came_back(client, begun[7])).status_code == 303


async def test_a_page_with_a_very_long_address_keeps_nobody_from_logging_in(
    standing: Standing, provider: providers.Provider
) -> None:
    """A browser keeps no cookie above 4,096 bytes: the first page comes instead."""
    provider.claims = CODER
    async with standing.client() as client:
        for filler, wanted in ((1_900, None), (9_000, "/work")):
            page = f"/work?text={'a' * filler}"
            begun = await client.get("/login/begin", params={"next": page})
            assert len(begun.headers["set-cookie"]) < 4_096
            assert (await came_back(client, begun)).headers["location"] == (wanted or page)


async def test_what_a_login_remembers_is_believed_for_ten_minutes_and_only_from_us(
    standing: Standing, provider: providers.Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.claims = CODER
    async with standing.client() as client:
        begun = await client.get("/login/begin")
        ((name, value),) = client.cookies.items()
        client.cookies.set(name, f"x{value}", domain="localhost.local", path="/login")
        assert (await came_back(client, begun)).status_code == 403
        client.cookies.clear()
        begun = await client.get("/login/begin")
        later = time.time() + 601
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
        assert (await came_back(client, begun)).status_code == 403


async def test_a_state_that_is_not_ours_begins_nothing(
    standing: Standing, provider: providers.Provider
) -> None:
    """Somebody else's code cannot be planted: the browser must have begun this login."""
    provider.claims = CODER
    async with standing.client() as victim, standing.client() as attacker:
        begun = await attacker.get("/login/begin")
        async with httpx.AsyncClient() as browser:
            confirmed = await browser.get(begun.headers["location"])
        stolen = urlsplit(confirmed.headers["location"]).query
        assert parse_qs(stolen)["code"]
        page = await victim.get(f"/login/back?{stolen}")
        assert page.status_code == 403 and "set-cookie" not in page.headers
    assert await standing.acts("session.begin") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "http://elsewhere.test"},
        {"aud": "another"},
        {"exp": 1_000_000_000},
        {"nonce": "replayed"},
        {"sub": ""},
    ],
)
async def test_a_token_that_is_not_for_this_login_is_refused(
    standing: Standing, provider: providers.Provider, wrong: dict[str, Any]
) -> None:
    """Another issuer or client, an old token, another login's, or nobody."""
    provider.claims = {**CODER, **wrong}
    async with standing.client() as client:
        assert (await logged_in(client)).status_code == 403
    assert await standing.acts("session.begin") == []


async def test_a_token_with_another_key_is_refused(
    standing: Standing, provider: providers.Provider
) -> None:
    """Only the provider's own key counts, whatever the header says."""
    provider.claims = CODER
    provider.signed_with = RSAKey.generate_key(2048, {"kid": "k1"})
    async with standing.client() as client:
        assert (await logged_in(client)).status_code == 403


@pytest.mark.parametrize("groups", [[], ["gardeners"], "gardeners", None])
async def test_somebody_without_a_role_is_told_so(
    standing: Standing, provider: providers.Provider, groups: object
) -> None:
    """The page says which claim and which setting give one, and names no group."""
    provider.claims = {**CODER, "groups": groups}
    async with standing.client() as client:
        page = await logged_in(client)
    assert page.status_code == 403 and "CHARGELINE_WORKBENCH_ROLES" in page.text
    assert "gardeners" not in page.text


async def test_the_provider_ends_a_session(
    standing: Standing, provider: providers.Provider
) -> None:
    """By its session, or all of a person; a token for something else ends nothing."""
    provider.claims = {**CODER, "sid": "session-1"}
    ending = {"events": {providers.LOGOUT: {}}}
    async with standing.client() as client, standing.client() as idp:
        await logged_in(client)
        for wrong in (
            {"sid": "session-1"},
            {**ending, "sid": "session-1", "nonce": "n"},
            {**ending, "sid": "session-1", "aud": "another"},
            {**ending, "sid": "session-1", "iat": 1_000_000_000},
            {**ending},
        ):
            token = provider.signed(wrong)
            refused = await idp.post("/login/ended", data={"logout_token": token})
            assert refused.status_code == 403, wrong
        assert (await client.get("/work")).status_code == 200
        for right in ({**ending, "sid": "session-1"}, {**ending, "sub": "s-1"}):
            await logged_in(client)
            token = provider.signed(right)
            assert (await idp.post("/login/ended", data={"logout_token": token})).status_code == 200
            assert (await client.get("/work")).status_code == 303


async def test_a_provider_that_is_away_is_said_to_be(
    standing: Standing, provider: providers.Provider
) -> None:
    """Whoever is logged in goes on; a new login says what to do."""
    provider.claims = CODER
    async with standing.client() as client, standing.client() as late:
        await logged_in(client)
        standing.app_state.provider._client.load_server_metadata = unreachable
        page = await late.get("/login/begin")
        assert page.status_code == 502 and "identity provider" in page.text
        assert (await client.get("/work")).status_code == 200


async def unreachable() -> dict[str, Any]:
    raise httpx.ConnectError("nobody listens")


async def test_there_is_no_development_login_beside(standing: Standing) -> None:
    """With a provider, a name is believed by nobody."""
    async with standing.client() as client:
        form = {"name": "O. Okapi", "role": "coder"}
        assert (await client.post("/login", data=form)).status_code == 405
        assert "every name is believed" not in (await client.get("/login")).text


@pytest.mark.parametrize("written", ["", "coders", "coders=king", "=coder", "a=coder,,b"])
def test_roles_are_written_as_pairs(written: str) -> None:
    with pytest.raises(LoginRefusedError, match="GROUP=ROLE"):
        roles_by_group(written)


def test_groups_may_have_blanks() -> None:
    assert roles_by_group("Onc Coders = coder,leads=lead") == {
        "Onc Coders": "coder",
        "leads": "lead",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLIENT_ID", ""),
        ("ISSUER", "http://login.hospital.example"),
        ("ISSUER", "login.hospital.example"),
    ],
)
def test_half_a_provider_is_no_provider(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """All of it is set, and the provider is asked over TLS."""
    for variable, said in {
        "WORKBENCH_LOGIN": "oidc",
        "WORKBENCH_OIDC_ISSUER": "https://login.hospital.example",
        "WORKBENCH_OIDC_CLIENT_ID": "chargeline",
        "WORKBENCH_OIDC_CLIENT_SECRET": "s",
        "WORKBENCH_ADDRESS": "https://chargeline.hospital.example",
        "WORKBENCH_ROLES": "a=coder",
    }.items():
        monkeypatch.setenv(f"CHARGELINE_{variable}", said)
    assert load().workbench_login == "oidc"
    monkeypatch.setenv(f"CHARGELINE_WORKBENCH_OIDC_{name}", value)
    with pytest.raises(SettingsError, match="WORKBENCH_OIDC_ISSUER"):
        load()


@pytest.mark.parametrize("answer", ["{}", "[]", "<html>maintenance</html>", '{"issuer": "other"}'])
async def test_a_provider_that_erred_once_is_asked_again(
    standing: Standing, provider: providers.Provider, answer: str
) -> None:
    """One wrong document locks nobody out for ever."""
    provider.claims = CODER
    async with standing.client() as client:
        provider.instead = answer
        assert (await client.get("/login/begin")).status_code == 502
        provider.instead = ""
        assert (await logged_in(client)).status_code == 303


@pytest.mark.parametrize("groups", [5, True, {"a": 1}, [["onc-coders"]]])
async def test_a_claim_of_another_kind_gives_no_role(
    standing: Standing, provider: providers.Provider, groups: object
) -> None:
    provider.claims = {**CODER, "groups": groups}
    async with standing.client() as client:
        assert (await logged_in(client)).status_code == 403


async def test_a_name_with_signs_that_no_database_keeps_can_log_in(
    standing: Standing, provider: providers.Provider
) -> None:
    provider.claims = {**CODER, "preferred_username": "oka\x00pi", "name": "O.\x1b[2J Okapi"}
    async with standing.client() as client:
        assert (await logged_in(client)).status_code == 303


async def test_a_session_that_the_provider_never_named_ends_with_its_person(
    standing: Standing, provider: providers.Provider
) -> None:
    """The ID token had no session, and the logout token has one: the person's unnamed ones end."""
    provider.claims = CODER
    async with standing.client() as client, standing.client() as idp:
        await logged_in(client)
        ending = {"events": {providers.LOGOUT: {}}, "sid": "session-9", "sub": "s-1"}
        token = provider.signed(ending)
        assert (await idp.post("/login/ended", data={"logout_token": token})).status_code == 200
        assert (await client.get("/work")).status_code == 303


@pytest.mark.parametrize("wrong", [{"iat": "now"}, {"exp": "later"}, {"aud": 5}, {"events": 5}])
async def test_a_logout_token_of_other_kinds_is_refused(
    standing: Standing, provider: providers.Provider, wrong: dict[str, Any]
) -> None:
    ending = {"events": {providers.LOGOUT: {}}, "sub": "s-1"}
    async with standing.client() as idp:
        token = provider.signed({**ending, **wrong})
        assert (await idp.post("/login/ended", data={"logout_token": token})).status_code == 403
