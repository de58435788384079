"""Who gets in: sessions, rights, forms of our own pages, and what every answer promises."""

from datetime import timedelta

import pytest

from chargeline.workbench.rights import MAY, ROLES, Role, rights_of, who_may
from chargeline.workbench.security import HEADERS, Allowance
from tests.answers.test_answers import open_infusion

from .asking import Standing, text_of


async def test_nobody_sees_a_page_without_logging_in(standing: Standing) -> None:
    """The page that was asked for comes after the login; a program gets the reason as JSON."""
    async with standing.client() as client:
        page = await client.get("/work?view=mine")
        assert (page.status_code, page.headers["location"]) == (
            303,
            "/login?next=/work%3Fview%3Dmine",
        )
        listed = await client.get("/work.json")
        assert listed.status_code == 401
        assert listed.json()["errors"][0]["code"] == "workbench.not_logged_in"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "", "//["],
)
async def test_a_login_leads_to_no_other_site(standing: Standing, elsewhere: str) -> None:
    """An address that leads elsewhere becomes the first page."""
    async with standing.client() as client:
        form = {"name": "O. Okapi", "role": "coder", "next": elsewhere}
        assert (await client.post("/login", data=form)).headers["location"] == "/work"


async def test_a_session_ends_when_it_is_idle_and_after_a_working_day(standing: Standing) -> None:
    """Each use counts as one, and no use makes a session longer than twelve hours."""
    okapi = await standing.person()
    for _quarter in range(47):
        standing.now += timedelta(minutes=15)
        assert (await okapi.get("/work")).status_code == 200
    standing.now += timedelta(minutes=16)
    assert (await okapi.get("/work")).status_code == 303
    okapi = await standing.person()
    for _quarter in range(49):
        standing.now += timedelta(minutes=15)
        page = await okapi.get("/work")
    assert page.status_code == 303


async def test_a_token_from_before_the_login_is_worth_nothing(standing: Standing) -> None:
    """The login makes a new token, so that nobody can plant one."""
    async with standing.client() as client:
        client.cookies.set("chargeline_session", "planted", domain="localhost.local")
        answer = await client.post("/login", data={"name": "O. Okapi", "role": "coder"})
        set_cookie = answer.headers["set-cookie"]
        assert "planted" not in set_cookie
        assert "HttpOnly" in set_cookie and "SameSite=lax" in set_cookie


async def test_logging_in_again_leaves_no_session_behind(standing: Standing) -> None:
    """The cookie of before leads nowhere."""
    okapi = await standing.person()
    before = okapi.client.cookies["chargeline_session"]
    await okapi.client.post("/login", data={"name": "L. Lemur", "role": "lead"})
    async with standing.client() as client:
        client.cookies.set("chargeline_session", before, domain="localhost.local")
        assert (await client.get("/work")).status_code == 303


async def test_logging_out_ends_the_session_for_every_copy_of_the_cookie(
    standing: Standing,
) -> None:
    """The cookie that was kept leads nowhere, and the trail has both acts."""
    okapi = await standing.person()
    await okapi.get("/work")
    kept = dict(okapi.client.cookies)
    await okapi.post("/logout", follow=False)
    async with standing.client() as client:
        for name, value in kept.items():
            client.cookies.set(name, value, domain="localhost.local")
        assert (await client.get("/work")).status_code == 303
    (begun,), (ended,) = await standing.acts("session.begin"), await standing.acts("session.end")
    assert begun.who == ended.who == "O. Okapi"


async def test_the_ledger_has_no_token(standing: Standing) -> None:
    """Who reads the ledger can take no session over: there is only a hash of the token."""
    okapi = await standing.person()
    token = okapi.client.cookies["chargeline_session"]
    async with standing.ledger.view() as view:
        assert await view.workbench.session(token) is None


@pytest.mark.parametrize("token", ["", "another"])
async def test_a_form_without_the_token_of_its_session_is_refused(
    standing: Standing, token: str
) -> None:
    """Nothing is recorded, and the page says so."""
    okapi = await standing.person()
    okapi.token = token
    page = await okapi.post("/assign", visit="ZEBRA.V1", owner="O. Okapi")
    assert page.status_code == 403 and "nothing was recorded" in page.text
    assert await standing.acts("work.assign") == []


async def test_a_form_of_another_site_is_refused_even_with_the_token(standing: Standing) -> None:
    """The browser says where a form comes from."""
    okapi = await standing.person()
    await okapi.get("/work")
    okapi.client.headers["sec-fetch-site"] = "cross-site"
    assert (await okapi.post("/assign", visit="ZEBRA.V1")).status_code == 403


async def test_more_forms_than_a_person_can_send_are_refused(standing: Standing) -> None:
    """The page says to wait; other people are not touched."""
    await standing.hear(*open_infusion())
    standing.allow(Allowance(at_once=2, per_minute=0.001))
    okapi, lemur = await standing.person(), await standing.person("L. Lemur", "lead")
    await okapi.get("/work")
    forms = [await okapi.post("/assign", visit="ZEBRA.V1", owner="") for _form in range(3)]
    assert [answer.status_code for answer in forms] == [200, 200, 403]
    assert "wait a minute" in forms[-1].text
    await lemur.get("/work")
    assert (await lemur.post("/assign", visit="ZEBRA.V1", owner="")).status_code == 200


def test_an_allowance_comes_back_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once, then one each half second."""
    moments = iter([0.0, 0.0, 0.1, 0.6, 0.7])
    monkeypatch.setattr("chargeline.workbench.security.monotonic", lambda: next(moments))
    allowance = Allowance(at_once=2, per_minute=120)
    assert [allowance.allows("a") for _ in range(5)] == [True, True, False, True, False]


RIGHTS = {
    "/work": "work.see",
    "/work.json": "work.see",
    "/work.csv": "work.see",
    "/visits/ZEBRA/V1": "visit.see",
    "/running": "running.see",
    "/running.json": "running.see",
    "/running.csv": "running.see",
    "/operations": "operations.see",
    "/operations.json": "operations.see",
    "/operations.csv": "operations.see",
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("address", RIGHTS)
async def test_a_page_is_shown_to_the_roles_of_the_table(
    standing: Standing, role: Role, address: str
) -> None:
    """Without the right the page says which roles have it."""
    person = await standing.person("Z. Zebu", role)
    page = await person.get(address)
    may = RIGHTS[address] in MAY[role]
    assert (page.status_code == 403) is not may
    if not may:
        assert " or ".join(who_may(RIGHTS[address])) in page.text  # type: ignore[arg-type]


def test_each_right_is_somebodys_and_rights_add_up() -> None:
    """A right that no role has would be a page that nobody can open."""
    everything = rights_of(ROLES)
    assert all(who_may(right) for right in everything)
    assert rights_of(("nurse", "operator")) == MAY["nurse"] | MAY["operator"]
    assert rights_of(()) == frozenset()


@pytest.mark.parametrize("address", ["/work", "/login", "/nothing", "/work.json"])
async def test_every_answer_has_the_headers(standing: Standing, address: str) -> None:
    """Also an error: nothing is cached, framed, or loaded from elsewhere."""
    async with standing.client() as client:
        answer = await client.get(address)
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_mistake_of_our_own_is_a_page_with_the_headers(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to do, and shows nothing of the mistake."""
    okapi = await standing.person()
    monkeypatch.setattr(standing.ledger, "view", lambda: 1 / 0)
    page = await okapi.get("/work")
    assert page.status_code == 500 and "division" not in page.text
    assert page.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert "workbench.failed" in text_of(page)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", ""])
async def test_a_name_that_was_made_to_lead_here_is_refused(standing: Standing, host: str) -> None:
    """With the development login a foreign page could otherwise log in by another name of ours."""
    async with standing.client() as client:
        assert (await client.get("/login", headers={"host": host})).status_code == 400


async def test_a_page_of_another_site_logs_nobody_in(standing: Standing) -> None:
    async with standing.client() as client:
        form = {"name": "O. Okapi", "role": "coder"}
        foreign = {"sec-fetch-site": "cross-site"}
        assert (await client.post("/login", data=form, headers=foreign)).status_code == 403
    assert await standing.acts("session.begin") == []
