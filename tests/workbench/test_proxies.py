"""Whose request it is behind proxies: what is believed, and of whom."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from chargeline.settings import SettingsError, load
from chargeline.settings.networks import networks_of
from chargeline.workbench.proxies import BehindProxies
from chargeline.workbench.security import Allowance

from .asking import Standing

OURS = "10.0.0.9, 10.1.0.0/16, 2001:db8::/64"


async def seen(peer: str | None, headers: list[tuple[str, str]], proxies: str = OURS) -> Any:
    """Address and scheme that the application sees."""
    told: dict[str, Any] = {}

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        told.update(scope)

    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 50_000) if peer else None,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await BehindProxies(application, networks_of(proxies))(scope, _nothing, _nothing)
    return told["client"] and told["client"][0], told["scheme"]


async def _nothing(*_messages: Any) -> Any:
    raise AssertionError("nothing is read or sent")


@pytest.mark.parametrize(
    ("peer", "forwarded", "browser"),
    [
        ("192.0.2.7", ["6.6.6.6"], "192.0.2.7"),  # no proxy of ours: it says what it likes
        ("10.0.0.9", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.9", ["6.6.6.6, 192.0.2.7"], "192.0.2.7"),  # the first came with the request
        ("10.0.0.9", ["6.6.6.6", "192.0.2.7"], "192.0.2.7"),  # two headers are one list
        ("10.0.0.9", ["6.6.6.6, 192.0.2.7, 10.1.2.3"], "192.0.2.7"),  # behind two of ours
        ("10.0.0.9", ["10.1.2.3, 10.1.2.4"], "10.1.2.3"),  # a browser beside the proxies
        ("10.0.0.9", ["192.0.2.7, unknown, 10.1.2.3"], "10.1.2.3"),  # nobody knows who before
        ("10.0.0.9", ["192.0.2.7:50123"], "192.0.2.7"),
        ("2001:db8::9", ["[2001:db8:1::7]:443"], "2001:db8:1::7"),
        ("::ffff:10.0.0.9", ["192.0.2.7"], "192.0.2.7"),  # a socket that takes both versions
        ("10.0.0.9", [""], "10.0.0.9"),
        ("10.0.0.9", [], "10.0.0.9"),
        (None, ["192.0.2.7"], None),
    ],
)
async def test_the_first_that_is_no_proxy_is_the_browser(
    peer: str | None, forwarded: list[str], browser: str | None
) -> None:
    headers = [("x-forwarded-for", value) for value in forwarded]
    assert await seen(peer, headers) == (browser, "http")


async def test_without_the_setting_nobody_is_believed() -> None:
    """Loopback neither, which web servers believe by themselves."""
    headers = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")]
    assert await seen("127.0.0.1", headers, proxies="") == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("10.0.0.9", "https", "https"),
        ("192.0.2.7", "https", "http"),
        ("10.0.0.9", "gopher", "http"),
    ],
)
async def test_a_proxy_says_whether_a_request_came_over_tls(
    peer: str, said: str, scheme: str
) -> None:
    assert (await seen(peer, [("x-forwarded-proto", said)]))[1] == scheme


async def posts(standing: Standing, browsers: list[str]) -> list[int]:
    """The answers to logins that come through one proxy, from these browsers in turn."""
    transport = httpx.ASGITransport(app=standing.app, client=("10.0.0.9", 40_000))
    statuses = []
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for browser in browsers:
            headers = {"x-forwarded-for": browser, "x-forwarded-proto": "https"}
            form = {"name": "O. Okapi", "role": "coder"}
            statuses.append((await client.post("/login", data=form, headers=headers)).status_code)
    return statuses


@pytest.mark.parametrize(
    ("proxies", "statuses", "addresses"),
    [
        ("10.0.0.9", [303, 403, 303], ["192.0.2.7", "192.0.2.8"]),
        ("", [303, 403, 403], ["10.0.0.9"]),
    ],
)
async def test_allowance_and_trail_have_the_browser_behind_a_named_proxy(
    standing: Standing, proxies: str, statuses: list[int], addresses: list[str]
) -> None:
    """One login each: the second browser is another one only where the proxy is believed."""
    settings = standing.bench.settings.model_copy(update={"workbench_proxies": proxies})
    logins = Allowance(at_once=1, per_minute=0.001)
    standing.take(standing.bench._replace(settings=settings, logins=logins))
    assert await posts(standing, ["192.0.2.7", "192.0.2.7", "192.0.2.8"]) == statuses
    acts = await standing.acts("session.begin")
    assert [f'"address":"{address}"' in act.details for address, act in zip(
        addresses, acts, strict=True)] == [True] * len(addresses)  # fmt: skip


async def test_the_cookie_of_a_session_over_tls_goes_over_tls_only(standing: Standing) -> None:
    """And the browser is told to stay with TLS."""
    settings = standing.bench.settings.model_copy(update={"workbench_proxies": "127.0.0.1"})
    standing.take(standing.bench._replace(settings=settings))
    async with standing.client() as client:
        for headers, is_secure in ((_TLS, True), ({}, False)):
            form = {"name": "O. Okapi", "role": "coder"}
            answer = await client.post("/login", data=form, headers=headers)
            assert ("Secure" in answer.headers["set-cookie"]) is is_secure
            assert ("strict-transport-security" in answer.headers) is is_secure


_TLS: Mapping[str, str] = {"x-forwarded-proto": "https"}


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.9:443", "10.0.0.9/8", "*"])
def test_a_proxy_is_an_address_or_a_network(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """A star would believe everybody, and a name may become another address."""
    monkeypatch.setenv("CHARGELINE_WORKBENCH_PROXIES", wrong)
    with pytest.raises(SettingsError, match="WORKBENCH_PROXIES: expected addresses or networks"):
        load()
    monkeypatch.setenv("CHARGELINE_WORKBENCH_PROXIES", OURS)
    assert len(networks_of(load().workbench_proxies)) == 3
