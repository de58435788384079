"""What runs, by the API: that somebody says it still runs, as on the board."""

import asyncio
from typing import Any

import httpx
import pytest

from chargeline.workbench.rights import MAY, ROLES, Role, who_may
from tests.answers.test_answers import open_infusion
from tests.trials.test_doubts import given

from .asking import Standing, program, text_of
from .test_running_page import at, in_unit

STILL = "/api/v1/still-running"
WHY = "the rate was halved"


async def running(standing: Standing) -> None:
    """An infusion of 60 ordered minutes that began 95 minutes ago."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    await at(standing, 95)


async def row_of(client: httpx.AsyncClient) -> dict[str, Any]:
    """The only row of the board."""
    (row,) = (await client.get("/api/v1/running")).json()["running"]
    return dict(row)


def still(row: dict[str, Any], reason: str = WHY) -> dict[str, Any]:
    """What is sent of a row of the board."""
    names = {key: row[key] for key in ("facility", "visit", "question_id")}
    return {**names, "reason": reason}


async def test_what_is_said_to_run_waits_behind_the_others_for_a_quarter_of_an_hour(
    standing: Standing,
) -> None:
    """The trail and the page have it under the name of the token."""
    await running(standing)
    async with await program(standing, "nurse", name="pump") as pump:
        row = await row_of(pump)
        assert row["state"] == "overdue"
        kept = await pump.post(STILL, json=still(row))
        assert kept.status_code == 201 and kept.json() == {
            "facility": "ZEBRA",
            "visit": "V1",
            "question_id": row["question_id"],
            "until": "2026-03-02T15:50:00Z",
            "by": "token pump",
        }
        assert (await row_of(pump))["state"] == "said_running"
        numbat = await standing.person("N. Numbat", "nurse")
        assert f"until 10:50 , by token pump: {WHY}" in text_of(await numbat.get("/running"))
        await at(standing, 95 + 16)
        assert (await row_of(pump))["state"] == "overdue"
    (act,) = await standing.acts("running.say")
    assert (act.who, act.why, act.record) == ("token pump", WHY, "ZEBRA|V1")


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_note_that_a_unit_was_asked_may_say_that_it_runs(
    standing: Standing, role: Role
) -> None:
    """The same right as on the board; a refusal says who has it."""
    await running(standing)
    async with await program(standing, "viewer", name="looks") as looks:
        row = await row_of(looks)
    async with await program(standing, role) as client:
        answer = await client.post(STILL, json=still(row))
    may = "work.ask" in MAY[role]
    assert answer.status_code == (201 if may else 403)
    if not may:
        assert answer.json()["expected"] == f"the role {' or '.join(who_may('work.ask'))}"
    assert len(await standing.acts("running.say")) == int(may)


async def test_a_browser_needs_the_token_of_its_session_to_say_it(standing: Standing) -> None:
    """A page of another site could otherwise quiet the board."""
    await running(standing)
    numbat = await standing.person("N. Numbat", "nurse")
    row = await row_of(numbat.client)
    csrf = (await numbat.client.get("/api/v1/me")).json()["csrf"]
    for headers, status in (({}, 403), ({"X-CSRF-Token": "x"}, 403), ({"X-CSRF-Token": csrf}, 201)):
        answer = await numbat.client.post(STILL, json=still(row), headers=headers)
        assert answer.status_code == status, headers
    (act,) = await standing.acts("running.say")
    assert act.who == "N. Numbat"


async def test_of_an_infusion_whose_stop_came_meanwhile_nothing_is_kept(
    standing: Standing,
) -> None:
    """Nor of one that never was; the caller is told to look again."""
    await running(standing)
    async with await program(standing, "nurse") as pump:
        row = await row_of(pump)
        never = await pump.post(STILL, json={**still(row), "question_id": "abc123"})
        stopped = given("carboplatin", "0900-1005", "450 mg").replace("|M1|", "|M2|")
        await standing.hear(stopped.replace("|202603031801|", "|202603031802|"))  # sent later
        late = await pump.post(STILL, json=still(row))
    for answer in (never, late):
        assert (answer.status_code, answer.json()["where"]) == (404, "question")
        assert "nothing was recorded" in answer.json()["do"]
    assert await standing.acts("running.say") == []


async def test_a_body_of_another_shape_keeps_nothing(standing: Standing) -> None:
    """A reason is needed, and a key that nobody knows is refused."""
    await running(standing)
    async with await program(standing, "nurse") as pump:
        row = await row_of(pump)
        for wrong in (still(row, " "), {**still(row), "until": "12:00"}, {"reason": WHY}):
            answer = await pump.post(STILL, json=wrong)
            assert answer.status_code == 422 and answer.json()["where"].startswith("body."), wrong
    assert await standing.acts("running.say") == []


async def test_two_who_say_it_at_once_are_both_in_the_trail(standing: Standing) -> None:
    """They agree, so nobody is refused; the board names one of them."""
    await running(standing)
    async with (
        await program(standing, "nurse", name="one") as one,
        await program(standing, "nurse", name="other") as other,
    ):
        row = await row_of(one)
        answers = await asyncio.gather(
            *[client.post(STILL, json=still(row)) for client in (one, other)]
        )
        assert [answer.status_code for answer in answers] == [201, 201]
        assert (await row_of(one))["said_who"] in ("token one", "token other")
    acts = await standing.acts("running.say")
    assert sorted([act.who for act in acts]) == ["token one", "token other"]
