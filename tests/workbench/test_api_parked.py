"""Parked messages by the API: listed by number, tried, retried and dropped as on Operations."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from chargeline.workbench.operations.seeing import PARKED_MOST
from chargeline.workbench.rights import MAY, ROLES, Role, who_may

from .asking import Standing, program, text_of
from .test_operations_page import parked

PARKED = "/api/v1/parked"
DEEDS = ("try", "retry", "drop")
WHY = "a probe of the network"


async def operator(standing: Standing, name: str = "ops") -> httpx.AsyncClient:
    """A program that may do what an operator may."""
    return await program(standing, "operator", name=name)


def chosen(*messages: int, reason: str = WHY) -> dict[str, Any]:
    """The body of what is done to some messages."""
    return {"messages": list(messages), "reason": reason}


async def waiting(standing: Standing) -> list[int]:
    """The numbers of what is parked."""
    return [row.id for row in await standing.ledger.parked()]


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_see_operations_may_list_and_who_may_retry_may_do(
    standing: Standing, role: Role
) -> None:
    """The same two rights as on the page; a refusal says who has them, and changes nothing."""
    await parked(standing)
    async with await program(standing, role) as client:
        answers = [(await client.get(PARKED), "operations.see")]
        for number, deed in enumerate(DEEDS, 1):
            sent = await client.post(f"{PARKED}/{deed}", json=chosen(number))
            answers.append((sent, "operations.retry"))
    for answer, right in answers:
        may = right in MAY[role]
        assert answer.status_code == (200 if may else 403), answer.url
        if not may:
            assert answer.json()["expected"] == f"the role {' or '.join(who_may(right))}"  # type: ignore[arg-type]
    left = [1] if "operations.retry" in MAY[role] else [1, 2, 3]
    assert await waiting(standing) == left


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_browser_needs_the_token_of_its_session(standing: Standing, deed: str) -> None:
    """A page of another site could otherwise drop what came."""
    await parked(standing)
    platypus = await standing.person("P. Platypus", "operator")
    csrf = (await platypus.client.get("/api/v1/me")).json()["csrf"]
    for headers, status in (({}, 403), ({"X-CSRF-Token": "x"}, 403), ({"X-CSRF-Token": csrf}, 200)):
        answer = await platypus.client.post(f"{PARKED}/{deed}", json=chosen(1), headers=headers)
        assert answer.status_code == status, headers
    (act,) = await standing.acts(f"parked.{deed}")
    assert (act.who, act.why) == ("P. Platypus", WHY)


async def test_what_is_parked_is_listed_by_number_a_page_at_a_time(standing: Standing) -> None:
    """`next` is the number behind which the next page begins, whatever was dropped meanwhile."""
    await parked(standing)
    async with await operator(standing) as ops:
        first = (await ops.get(PARKED, params={"limit": 2})).json()
        assert [item["number"] for item in first["items"]] == [1, 2] and first["next"] == "2"
        assert (await ops.post(f"{PARKED}/drop", json=chosen(1))).status_code == 200
        rest = (await ops.get(PARKED, params={"limit": 2, "after": first["next"]})).json()
        assert [item["number"] for item in rest["items"]] == [3] and rest["next"] == ""
        code = rest["items"][0]["code"]
        only = (await ops.get(PARKED, params={"code": code})).json()["items"]
        assert only == rest["items"]
        for wrong in ("after=nonsense", "limit=0", "limit=501", "sender=MAR", "code=A;B"):
            assert (await ops.get(f"{PARKED}?{wrong}")).status_code == 422, wrong


async def test_a_message_is_told_as_its_group_is_and_shows_no_value(standing: Standing) -> None:
    """Code, sender, field and what to do are those of Operations; the patient is not in it."""
    await parked(standing)
    async with await operator(standing) as ops:
        listed = await ops.get(PARKED)
        groups = (await ops.get("/api/v1/operations")).json()["groups"]
    items = listed.json()["items"]
    by_number = {item["number"]: item for item in items}
    for group in groups:
        item = by_number[int(group["numbers"].split()[0])]
        alike = ("code", "says", "sender", "facility", "expected", "found", "do", "can_be_sent")
        assert {key: item[key] for key in alike} == {key: group[key] for key in alike}
    assert "ANNA" not in listed.text and "4711" not in listed.text and "V1" not in listed.text


async def test_a_list_that_the_caller_has_is_not_sent_again(standing: Standing) -> None:
    """304 until something was parked or seen to."""
    await parked(standing)
    async with await operator(standing) as ops:
        tag = {"if-none-match": (await ops.get(PARKED)).headers["etag"]}
        assert (await ops.get(PARKED, headers=tag)).status_code == 304
        await ops.post(f"{PARKED}/retry", json=chosen(1))
        assert (await ops.get(PARKED, headers=tag)).status_code == 200


async def test_a_retry_goes_through_the_outbox_under_the_name_of_the_token(
    standing: Standing,
) -> None:
    """What is still broken parks again under a new number. A reason may be left out."""
    await parked(standing)
    async with await operator(standing) as ops:
        seen = await ops.post(f"{PARKED}/retry", json={"messages": [2, 1, 2]})
    assert seen.json() == {"done": [1, 2], "left": []}
    acts = await standing.acts("parked.retry")
    assert [(act.record, act.who, act.why) for act in acts] == [
        ("1", "token ops", ""),
        ("2", "token ops", ""),
    ]
    await standing.draft_again()
    assert await waiting(standing) == [3, 4, 5]


async def test_a_drop_is_noted_with_its_reason(standing: Standing) -> None:
    """The message is parked no more."""
    await parked(standing)
    async with await operator(standing) as ops:
        seen = await ops.post(f"{PARKED}/drop", json=chosen(3))
    assert seen.json() == {"done": [3], "left": []}
    (act,) = await standing.acts("parked.drop")
    assert (act.record, act.why, act.who) == ("3", WHY, "token ops")
    assert await waiting(standing) == [1, 2]


async def test_a_try_says_what_would_park_again_and_stores_nothing(standing: Standing) -> None:
    """A number under which nothing is parked is named as such, and the trail does not name it."""
    await parked(standing)
    async with await operator(standing) as ops:
        result = (await ops.post(f"{PARKED}/try", json=chosen(1, 3, 99))).json()
    assert result["readable"] == []
    assert [one["number"] for one in result["again"]] == [1, 3]
    assert result["not_found"] == [99]
    assert await waiting(standing) == [1, 2, 3]
    (act,) = await standing.acts("parked.try")
    told = json.loads(act.details)
    assert (act.who, act.record, told["would_be_read"]) == ("token ops", "2 messages", 0)
    assert told["numbers"] == [1, 3]


@pytest.mark.parametrize(
    ("deed", "form"),
    [
        ("retry", chosen()),
        ("retry", chosen(*range(1, PARKED_MOST + 2))),
        ("drop", chosen(1, reason=" x ")),
    ],
)
async def test_a_refusal_has_the_words_of_the_page(
    standing: Standing, deed: str, form: dict[str, Any]
) -> None:
    """No message, too many, and a reason that is none: nothing is recorded."""
    await parked(standing)
    platypus = await standing.person("P. Platypus", "operator")
    await platypus.get("/operations")
    numbers = " ".join(map(str, form["messages"]))
    sent = {"messages": numbers} if numbers else {}
    page = await platypus.post(f"/operations/{deed}", reason=form["reason"], **sent)
    async with await operator(standing) as ops:
        problem = await ops.post(f"{PARKED}/{deed}", json=form)
    assert (page.status_code, problem.status_code) == (422, 422)
    for key in ("expected", "found", "do"):
        assert problem.json()[key] in text_of(page), key
    assert await waiting(standing) == [1, 2, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": ["1"]},
        {"messages": [0]},
        {"messages": [10**18]},
        {"messages": [1], "everything": True},
        {"messages": [1], "reason": "x" * 201},
        {"messages": [1], "reason": "two\nlines"},
        {},
    ],
)
async def test_a_body_of_another_shape_is_refused(standing: Standing, wrong: object) -> None:
    """With what was expected, and where; nothing is recorded."""
    await parked(standing)
    async with await operator(standing) as ops:
        answer = await ops.post(f"{PARKED}/retry", json=wrong)
    assert answer.status_code == 422 and answer.json()["where"].startswith("body.")
    assert await waiting(standing) == [1, 2, 3]


async def test_what_a_person_has_seen_to_on_the_page_is_left_and_told(standing: Standing) -> None:
    """The program that came late did nothing to it, and the trail says so."""
    await parked(standing)
    platypus = await standing.person("P. Platypus", "operator")
    await platypus.get("/operations")
    await platypus.post("/operations/drop", messages="1", reason=WHY)
    async with await operator(standing) as ops:
        seen = (await ops.post(f"{PARKED}/retry", json=chosen(1, 2))).json()
    assert seen == {"done": [2], "left": [1]}
    assert [act.record for act in await standing.acts("parked.retry")] == ["2"]


async def test_of_two_at_once_one_sees_to_a_message_and_the_other_is_told(
    standing: Standing,
) -> None:
    """By `left`, or by a 404 where both had begun."""
    await parked(standing)
    async with await operator(standing, "one") as one, await operator(standing, "other") as other:
        answers = await asyncio.gather(
            *[client.post(f"{PARKED}/retry", json=chosen(1)) for client in (one, other)]
        )
    told = sorted([answer.json().get("done", answer.status_code) for answer in answers], key=str)
    assert told in ([404, [1]], [[1], []]), [answer.text for answer in answers]
    (act,) = await standing.acts("parked.retry")
    assert act.record == "1" and await waiting(standing) == [2, 3]
