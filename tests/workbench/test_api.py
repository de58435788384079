"""The API: the same as the pages, for programs with a token and for browsers with their session."""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from chargeline.workbench.api.document import new_api
from chargeline.workbench.rights import MAY, ROLES, Role, who_may
from chargeline.workbench.security import Allowance
from tests.answers.test_answers import open_infusion
from tests.trials.test_doubts import given

from .asking import Standing, program

VISIT = "/api/v1/visits/ZEBRA/V1"
JSON = {"content-type": "application/json"}
SEEN = {"choice": "stop", "value": "10:05", "reason": "seen on the pump"}


async def question_of(client: httpx.AsyncClient) -> dict[str, Any]:
    """The first question of the visit."""
    (question,) = (await client.get(VISIT)).json()["questions"]
    return dict(question)


# ------------------------------------------------------------------ who may


async def test_a_token_says_who_it_is(standing: Standing, coder: httpx.AsyncClient) -> None:
    """Its name, its rights, and until when it holds; a token needs no csrf."""
    caller = (await coder.get("/api/v1/me")).json()
    assert (caller["who"], caller["name"], caller["roles"]) == ("token bi", "bi", ["coder"])
    assert caller["rights"] == sorted(MAY["coder"]) and caller["csrf"] == ""
    ends = datetime.fromisoformat(caller["token_ends_at"])
    assert ends == standing.now + timedelta(days=90)


@pytest.mark.parametrize(
    "written", ["Bearer clt_nonsense", "Basic Zm9v", "Bearer", "bearer  ", "Token x", ""]
)
async def test_what_is_no_token_is_refused(standing: Standing, written: str) -> None:
    """Also for somebody who is logged in: a program must not go on as the person beside it."""
    okapi = await standing.person()
    answer = await okapi.client.get("/api/v1/me", headers={"authorization": written})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:chargeline:finding:workbench.token_refused"


async def test_nobody_is_told_how_to_come_in(standing: Standing) -> None:
    """There is neither a token nor a session."""
    async with standing.client() as client:
        answer = await client.get("/api/v1/work")
    assert (answer.status_code, answer.json()["status"]) == (401, 401)
    assert "Bearer TOKEN" in answer.json()["expected"] and "/login" in answer.json()["do"]


RIGHTS = {
    "/api/v1/work": "work.see",
    VISIT: "visit.see",
    "/api/v1/running": "running.see",
    "/api/v1/operations": "operations.see",
}


@pytest.mark.parametrize("role", ROLES)
async def test_a_token_sees_what_its_roles_may(standing: Standing, role: Role) -> None:
    """The same table as for people; a refusal says which roles have the right."""
    await standing.hear(*open_infusion())
    async with await program(standing, role) as client:
        for address, right in RIGHTS.items():
            answer = await client.get(address)
            assert (answer.status_code == 200) is (right in MAY[role]), address
            if answer.status_code != 200:
                assert answer.status_code == 403
                assert answer.json()["expected"] == f"the role {' or '.join(who_may(right))}"  # type: ignore[arg-type]


async def test_a_token_may_send_so_many_requests_and_another_is_not_touched(
    standing: Standing,
) -> None:
    """The answer says when to come again."""
    few = Allowance(at_once=2, per_minute=0.001)
    standing.bench = standing.bench._replace(programs=few)
    standing.allow(standing.bench.posts)
    async with await program(standing) as one, await program(standing, name="other") as other:
        answers = [await one.get("/api/v1/me") for _request in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].headers["retry-after"] == "60"
        assert (await other.get("/api/v1/me")).status_code == 200


async def test_a_browser_needs_the_token_of_its_session_to_say_something(
    standing: Standing,
) -> None:
    """A page of another site could otherwise send it; reading needs none."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    visits = {"visits": [{"facility": "ZEBRA", "visit": "V1"}], "owner": "O. Okapi"}
    csrf = (await okapi.client.get("/api/v1/me")).json()["csrf"]
    for headers, status in (
        ({}, 403),
        ({"X-CSRF-Token": "another"}, 403),
        ({"X-CSRF-Token": csrf, "sec-fetch-site": "cross-site"}, 403),
        ({"X-CSRF-Token": csrf}, 200),
    ):
        answer = await okapi.client.post("/api/v1/assignments", json=visits, headers=headers)
        assert answer.status_code == status, headers
    (act,) = await standing.acts("work.assign")
    assert act.who == "O. Okapi"


# ------------------------------------------------------------------ what is shown


async def test_the_work_list_is_that_of_the_page_and_goes_on_by_key(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """`next` is the place behind which the next page begins; an unknown filter is no filter."""
    for number in range(1, 4):
        visit = [re.sub(r"\bV1\b", f"V{number}", text) for text in open_infusion()]
        await standing.hear(*visit, visit=f"V{number}")
    listed, after = [], ""
    for _page in range(3):
        page = (await coder.get("/api/v1/work", params={"limit": 1, "after": after})).json()
        listed += page["items"]
        after = page["next"]
    assert page["visits"] == 3 and after == ""
    assert [item["visit"] for item in listed] == ["V1", "V2", "V3"]
    okapi = await standing.person()
    on_page = (await okapi.get("/work.json")).json()["items"]
    hrefs = [item.pop("href") for item in listed]
    assert listed == on_page and hrefs[0] == VISIT
    assert (await coder.get("/api/v1/work?plaice=TOWER")).status_code == 422
    assert (await coder.get("/api/v1/work?after=nonsense")).json()["where"] == "after"


async def test_a_visit_has_lines_and_why_questions_and_readiness(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """The patient is masked, and the look is in the trail under the name of the token."""
    await standing.hear(*open_infusion())
    visit = (await coder.get(VISIT)).json()
    (encounter,) = visit["encounters"]
    codes = [line["code"] for line in encounter["lines"]]
    assert "J9045" in codes and all(line["trace"] for line in encounter["lines"])
    (question,) = visit["questions"]
    assert question["sentence"] == "When did carboplatin stop?"
    assert {choice["choice"] for choice in question["choices"]} >= {"stop", "unknown"}
    assert visit["ready"] is False and "stop.missing" in visit["waits_for"]
    assert [row["revision"] for row in visit["revisions"]] == [1]
    assert "ZZ" not in visit["patient"]
    (act,) = await standing.acts("visit.show")
    assert (act.who, act.record) == ("token bi", "ZEBRA|V1")


async def test_a_question_says_what_each_choice_would_draft(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """Lines and cents, as on the page; a number that nobody asks is not there."""
    await standing.hear(*open_infusion())
    question = await question_of(coder)
    full = (await coder.get(question["href"])).json()
    assert full["question"] == question
    by_choice = {choice["choice"]: choice["would_draft"] for choice in full["choices"]}
    assert by_choice["unknown"][0]["lines"] is not None
    assert any(would["moves_cents"] is not None for would in by_choice["stop"])
    assert (await coder.get(f"{VISIT}/questions/abc")).status_code == 404


async def test_who_has_it_already_is_told_so_in_a_line(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """304 while nothing changed, with no look in the trail; a moment of reading is no change."""
    await standing.hear(*open_infusion())
    async with await program(standing, "operator", name="ops") as operator:
        for client, address in (
            (coder, VISIT),
            (coder, f"{VISIT}/revisions/1"),
            (coder, "/api/v1/work"),
            (operator, "/api/v1/operations"),
        ):
            tag = (await client.get(address)).headers["etag"]
            again = await client.get(address, headers={"if-none-match": f'"x", {tag}'})
            assert (again.status_code, again.content) == (304, b""), address
            assert again.headers["etag"] == tag
    assert len(await standing.acts("visit.show")) == 2
    tag = (await coder.get(VISIT)).headers["etag"]
    await standing.hear(given("carboplatin", "0915", "450 mg").replace("|M1|", "|M2|"))
    changed = await coder.get(VISIT, headers={"if-none-match": tag})
    assert changed.status_code == 200 and changed.headers["etag"] != tag


async def test_a_revision_comes_as_it_was_published(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """Byte for byte; one that is not there is said to be none."""
    await standing.hear(*open_infusion())
    async with standing.ledger.view() as view:
        (row,) = await view.revisions("ZEBRA", "V1")
    assert (await coder.get(f"{VISIT}/revisions/1")).text == row.body
    answer = await coder.get(f"{VISIT}/revisions/2")
    assert (answer.status_code, answer.json()["found"]) == (404, "2")


# ------------------------------------------------------------------ what is said


async def test_a_visit_is_held_and_released(standing: Standing, coder: httpx.AsyncClient) -> None:
    """A hold of an earlier state of the visit is not kept where If-Match says so."""
    await standing.hear(given("carboplatin", "0900-1000", "450 mg"))
    tag = (await coder.get(VISIT)).headers["etag"]
    hold = {"choice": "hold", "reason": "waits for the audit"}
    kept = await coder.post(f"{VISIT}/words", json=hold, headers={"if-match": tag})
    assert kept.status_code == 201
    await standing.draft_again()
    assert "hold" in (await coder.get(VISIT)).json()["waits_for"]
    release = {"choice": "release", "reason": "the audit is over"}
    late = await coder.post(f"{VISIT}/words", json=release, headers={"if-match": tag})
    assert late.status_code == 412
    assert (await coder.post(f"{VISIT}/words", json=release)).status_code == 201
    assert [act.who for act in await standing.acts("line")] == ["token bi", "token bi"]


async def test_visits_are_given_and_units_asked(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """All of them or none: a visit that is not there stops it."""
    await standing.hear(*open_infusion())
    here, nowhere = ({"facility": "ZEBRA", "visit": visit} for visit in ("V1", "V9"))
    missing = await coder.post(
        "/api/v1/assignments", json={"visits": [here, nowhere], "owner": "T. Tapir"}
    )
    assert missing.status_code == 404 and await standing.acts("work.assign") == []
    noted = await coder.post("/api/v1/assignments", json={"visits": [here], "owner": "T. Tapir"})
    assert noted.json() == {"visits": 1}
    assert (await coder.post("/api/v1/asked-units", json={"visits": [here]})).status_code == 200
    (item,) = (await coder.get("/api/v1/work?owner=T. Tapir")).json()["items"]
    assert item["asked_unit_at"] is not None
    (given_to,), (asked,) = await standing.acts("work.assign"), await standing.acts("work.ask")
    assert given_to.who == asked.who == "token bi"


async def test_the_patient_is_shown_to_a_role_that_may_with_a_reason(standing: Standing) -> None:
    """The trail has the reason; a viewer is refused, and so is nobody's reason."""
    await standing.hear(*open_infusion())
    why = {"reason": "the payer asks for the number"}
    async with await program(standing, "viewer") as viewer:
        assert (await viewer.post(f"{VISIT}/reveal", json=why)).status_code == 403
    async with await program(standing, "coder", name="claims") as coder:
        assert (await coder.post(f"{VISIT}/reveal", json={"reason": ""})).status_code == 422
        assert await standing.acts("visit.reveal") == []
        shown = await coder.post(f"{VISIT}/reveal", json=why)
        assert shown.json()["patient"] and shown.headers["cache-control"] == "no-store"
        masked = (await coder.get(VISIT)).json()["patient"]
    assert shown.json()["patient"] not in masked
    (act,) = await standing.acts("visit.reveal")
    assert (act.who, act.why) == ("token claims", why["reason"])


# ------------------------------------------------------------------ what goes wrong


async def test_a_mistake_of_our_own_is_a_problem(
    standing: Standing, coder: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows nothing of the mistake."""
    monkeypatch.setattr(standing.ledger, "view", lambda: 1 / 0)
    answer = await coder.get("/api/v1/work")
    assert (answer.status_code, answer.json()["title"]) == (
        500,
        "The workbench made a mistake of its own.",
    )
    assert "division" not in answer.text


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v1/visits/ZEBRA/V1%0A", 404),
        ("DELETE", VISIT, 405),
        ("GET", "/api/v1/visits/ZEBRA/~ED~A0~80", 404),
        ("GET", "/api/v1/visits/ZEBRA/~00", 404),
        ("GET", "/api/v1/visits/ZEBRA/a.b", 422),
        ("GET", f"{VISIT}/revisions/0", 422),
    ],
)
async def test_an_address_that_is_none_is_a_problem(
    standing: Standing, coder: httpx.AsyncClient, method: str, address: str, status: int
) -> None:
    """Never a page, never a 500."""
    answer = await coder.request(method, address)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"] == "GET"


async def test_the_document_is_the_one_in_schemas_and_has_no_page(standing: Standing) -> None:
    """It is served to anybody; it names addresses of the API alone."""
    async with standing.client() as client:
        document = (await client.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1") and document["servers"] == [{"url": "/api"}]
    assert all(address.startswith("/v1/") for address in document["paths"])
    assert len(document["paths"]) == 20


async def test_the_examples_of_the_document_hold_under_it(standing: Standing) -> None:
    """Each example is of its shape, and every key of our own shapes says what it is."""
    document = new_api().openapi()
    shapes = document["components"]["schemas"]
    shown = [name for name, shape in shapes.items() if "examples" in shape]
    assert len(shown) >= 17
    for name in shown:
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for one in shapes[name]["examples"]:
            Draft202012Validator(whole).validate(one)
    ours = {**shapes["WorkVisit"]["properties"], **shapes["AnswerGiven"]["properties"]}
    assert [key for key, shape in ours.items() if not shape.get("description")] == []
