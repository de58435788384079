"""Answers through the API: kept under the name of a token, refused in words, and taken back."""

import json
from datetime import timedelta

import httpx

from tests.answers.test_answers import open_infusion

from .asking import Standing
from .test_api import JSON, SEEN, VISIT, question_of


async def test_an_answer_is_kept_under_the_name_of_the_token(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """The owner of the visit drafts it, as any answer."""
    await standing.hear(*open_infusion())
    question = await question_of(coder)
    kept = await coder.post(
        f"{question['href']}/answer", json={**SEEN, "fingerprint": question["fingerprint"]}
    )
    assert kept.status_code == 201 and kept.json()["by"] == "token bi"
    assert kept.json()["value"].startswith("2026-03-02T10:05")
    await standing.draft_again()
    visit = (await coder.get(VISIT)).json()
    assert visit["questions"] == [] and visit["revision"] == 2
    assert [said["answer_id"] for said in visit["said"]] == [kept.json()["number"]]
    (act,) = await standing.acts("answer")
    assert (act.who, act.why) == ("token bi", "seen on the pump")


async def test_an_answer_is_taken_back_once(standing: Standing, coder: httpx.AsyncClient) -> None:
    """The question is asked again; whoever takes it back once more is told what has changed."""
    await standing.hear(*open_infusion())
    question = await question_of(coder)
    given = {**SEEN, "fingerprint": question["fingerprint"]}
    kept = (await coder.post(f"{question['href']}/answer", json=given)).json()
    address, why = f"{VISIT}/answers/{kept['number']}/back", {"reason": "another note was found"}
    back = await coder.post(address, json=why)
    assert (back.status_code, back.json()["choice"]) == (201, "withdraw")
    late = await coder.post(address, json=why)
    assert late.status_code == 409 and late.json()["changed"]["said"] == []
    assert (await question_of(coder))["question_id"] == question["question_id"]
    assert [act.why for act in await standing.acts("answer")] == [SEEN["reason"], why["reason"]]


async def test_an_answer_that_was_taken_back_is_shown_apart_from_those_that_stand(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """With who took it back, when and why, also after another answer; it is in no published one."""
    await standing.hear(*open_infusion())
    question = await question_of(coder)
    given = {**SEEN, "fingerprint": question["fingerprint"]}
    first = (await coder.post(f"{question['href']}/answer", json=given)).json()
    why = {"reason": "another note was found"}
    back = (await coder.post(f"{VISIT}/answers/{first['number']}/back", json=why)).json()
    standing.now += timedelta(minutes=5)
    again = {**given, "value": "2026-03-02T10:20"}
    second = (await coder.post(f"{question['href']}/answer", json=again)).json()
    await standing.draft_again()
    visit = (await coder.get(VISIT)).json()
    assert [said["answer_id"] for said in visit["said"]] == [second["number"]]
    (taken,) = visit["taken_back"]
    assert (taken["answer_id"], taken["reason"]) == (first["number"], SEEN["reason"])
    assert (taken["choice"], taken["value"], taken["by"]) == ("stop", first["value"], "token bi")
    assert taken["taken_back"] == {"by": "token bi", "at": back["at"], **why}
    published = (await coder.get(f"{VISIT}/revisions/{visit['revision']}")).json()
    assert "taken_back" not in published


async def test_an_answer_says_on_which_state_it_rests(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """Without it 428; the fingerprint of other charting 409, another visit 412, with how it is."""
    await standing.hear(*open_infusion())
    question = await question_of(coder)
    address = f"{question['href']}/answer"
    assert (await coder.post(address, json=SEEN)).status_code == 428
    old = await coder.post(address, json={**SEEN, "fingerprint": "000000000000"})
    assert old.status_code == 409 and old.json()["changed"]["question"] == question
    tag = (await coder.get(VISIT)).headers["etag"]
    other = await coder.post(address, json=SEEN, headers={"if-match": '"other"'})
    assert (other.status_code, other.json()["changed"]["etag"]) == (412, tag)
    assert await standing.acts("answer") == []
    kept = await coder.post(address, json=SEEN, headers={"if-match": tag})
    assert kept.status_code == 201
    late = await coder.post(address, json={**SEEN, "fingerprint": question["fingerprint"]})
    assert late.status_code == 409
    assert late.json()["changed"]["question"] is None
    assert late.json()["changed"]["said"][0]["by"] == "token bi"


async def test_a_value_that_cannot_be_is_refused_in_words(
    standing: Standing, coder: httpx.AsyncClient
) -> None:
    """What was expected, what was found, where, and what to do."""
    await standing.hear(*open_infusion())
    question = await question_of(coder)
    address, rests = f"{question['href']}/answer", {"fingerprint": question["fingerprint"]}
    for wrong in (
        {**SEEN, "value": "08:00"},
        {**SEEN, "choice": "nonsense"},
        {**SEEN, "reason": " "},
        {**SEEN, "surprise": "1"},
        {**SEEN, "value": "\ud800"},
    ):
        body = json.dumps({**rests, **wrong})  # in ASCII: half of a pair is sent as it is
        answer = await coder.post(address, content=body, headers=JSON)
        assert answer.status_code == 422, wrong
        assert {"expected", "found", "where", "do"} <= set(answer.json())
    assert await standing.acts("answer") == []
