"""The work list on a page: what asks appears, is given to somebody, and goes when answered."""

import csv
import io
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.answers.test_answers import open_infusion

from .asking import Standing, text_of


async def test_a_question_appears_and_goes_when_it_is_answered(standing: Standing) -> None:
    """The row is the sentence of the question; after the answer the list is empty and says so."""
    okapi = await standing.person()
    assert "Nothing waits" in (await okapi.get("/work")).text
    await standing.hear(*open_infusion())
    page = await okapi.get("/work")
    shown = text_of(page)
    assert "When did carboplatin stop?" in shown and "blocks" in shown
    assert "1 visit waits" in shown


async def test_json_and_csv_say_what_the_page_says(standing: Standing) -> None:
    """The same address gives all three."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    listed = (await okapi.get("/work.json?code=stop.missing")).json()
    assert (listed["visits"], listed["questions"], listed["next"]) == (1, 1, "")
    (item,) = listed["items"]
    assert item["sentence"] == "When did carboplatin stop?"
    assert (item["visit"], item["code"], item["owner"]) == ("V1", "stop.missing", "")
    table = list(csv.DictReader(io.StringIO((await okapi.get("/work.csv")).text)))
    assert [row["sentence"] for row in table] == [item["sentence"]]
    assert (await okapi.get("/work.json?code=dose.missing")).json()["items"] == []


async def test_a_filter_that_leaves_nothing_names_itself(standing: Standing) -> None:
    """One click drops it."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    page = await okapi.get("/work?payer=NONESUCH")
    assert "Nothing waits here" in page.text and "NONESUCH" in page.text
    assert 'href="/work"' in page.text


async def test_a_visit_is_given_to_somebody_and_the_unit_is_asked(standing: Standing) -> None:
    """Both are in the trail with the name of who did it."""
    await standing.hear(*open_infusion())
    okapi = await standing.person("O. Okapi", "coder")
    await okapi.get("/work")
    page = await okapi.post("/assign", visit="ZEBRA.V1", owner="T. Tapir", back="/work")
    assert "T. Tapir" in page.text
    page = await okapi.post("/ask", visit="ZEBRA.V1", back="/work?view=asked")
    assert "asked" in text_of(page) and "V1" in page.text
    listed = (await okapi.get("/work.json?owner=T. Tapir")).json()
    assert [item["visit"] for item in listed["items"]] == ["V1"]
    (given,), (asked,) = await standing.acts("work.assign"), await standing.acts("work.ask")
    assert (given.who, given.record) == (asked.who, asked.record) == ("O. Okapi", "ZEBRA|V1")


async def test_chosen_visits_are_held_for_one_reason(standing: Standing) -> None:
    """Each has the word of who said it; the list of what is held has them, and others not."""
    for number in ("V1", "V2", "V3"):
        await standing.hear(
            *[m.replace("|V1", f"|{number}") for m in open_infusion()], visit=number
        )
    okapi = await standing.person("O. Okapi", "coder")
    await okapi.get("/work")
    chosen = ["ZEBRA.V1", "ZEBRA.V3"]
    page = await okapi.post("/hold", visit=chosen, reason="a recall of the lot", back="/work")
    assert page.status_code == 200
    for number, held in (("V1", True), ("V2", False), ("V3", True)):
        visit = text_of(await okapi.get(f"/visits/ZEBRA/{number}"))
        assert ("a recall of the lot" in visit, "Release the visit" in visit) == (held, held)


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"visit": ["ZEBRA.V1"], "reason": ""}, "reason"),
        ({"visit": [], "reason": "a recall"}, "visit"),
        ({"visit": ["ZEBRA.V9"], "reason": "a recall"}, "V9"),
    ],
)
async def test_what_cannot_be_held_is_said(
    standing: Standing, form: dict[str, Any], wrong: str
) -> None:
    """Without a reason or a visit nothing is recorded."""
    await standing.hear(*open_infusion())
    okapi = await standing.person("O. Okapi", "coder")
    await okapi.get("/work")
    page = await okapi.post("/hold", **form)
    assert page.status_code in (404, 422) and wrong in text_of(page)
    assert "Release the visit" not in text_of(await okapi.get("/visits/ZEBRA/V1"))


async def test_a_nurse_holds_nothing(standing: Standing) -> None:
    """The right is a coder's."""
    await standing.hear(*open_infusion())
    numbat = await standing.person("N. Numbat", "nurse")
    listed = await numbat.get("/work")
    assert "Hold them" not in listed.text
    held = await numbat.post("/hold", visit="ZEBRA.V1", reason="a recall of the lot")
    assert held.status_code == 403


async def test_mine_is_what_i_was_given(standing: Standing) -> None:
    """The named view goes by who is logged in."""
    await standing.hear(*open_infusion())
    okapi, tapir = await standing.person("O. Okapi"), await standing.person("T. Tapir")
    await okapi.get("/work")
    await okapi.post("/assign", visit="ZEBRA.V1", owner="O. Okapi")
    assert len((await okapi.get("/work.json?view=mine")).json()["items"]) == 1
    assert (await tapir.get("/work.json?view=mine")).json()["items"] == []


async def test_nothing_chosen_is_said_and_nothing_recorded(standing: Standing) -> None:
    """So is something that is no visit."""
    okapi = await standing.person()
    await okapi.get("/work")
    for form, status in (({}, 422), ({"visit": "no dot"}, 404)):
        page = await okapi.post("/assign", owner="O. Okapi", **form)
        assert page.status_code == status and "nothing was recorded" in page.text


async def test_a_wrong_parameter_is_refused_in_words(standing: Standing) -> None:
    """On the page and as JSON: where, and what was expected."""
    okapi = await standing.person()
    for address in ("/work?after=nonsense", "/work?view=none", "/work?due=5h"):
        page = await okapi.get(address)
        assert page.status_code == 422 and "Expected" in page.text
    refused = (await okapi.get("/work.json?due=5h")).json()["errors"]
    assert refused[0]["where"] == "query.due"


async def test_what_a_spreadsheet_would_run_is_no_formula(standing: Standing) -> None:
    """A payer's name may come from a sender who means harm."""
    hostile = [each.replace("PV1|1|O||", "PV1|1|O|=cmd()|") for each in open_infusion()]
    await standing.hear(*hostile)
    okapi = await standing.person()
    table = list(csv.DictReader(io.StringIO((await okapi.get("/work.csv")).text)))
    assert table[0]["place"] == "'=cmd()"


@pytest.mark.parametrize("visit", ["ZEBRA.NONE", "ZEBRA|V1", "|", ".", "ZEBRA.~ZZ", "\x00.V1"])
async def test_only_visits_of_the_ledger_are_given_to_somebody(
    standing: Standing, visit: str
) -> None:
    """What is no visit gets no row, and its owner is offered to nobody."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    await okapi.get("/work")
    page = await okapi.post("/assign", visit=["ZEBRA.V1", visit], owner="Ghost")
    assert page.status_code == 404 and "nothing was recorded" in page.text
    assert "Ghost" not in (await okapi.get("/work")).text


HAND_MADE = [
    "5", "null", "[]", '[[],"T",0,"F","V"]', '[7,5,0,"F","V"]', "Infinity", "[" * 1480,
    '[0,"2026-01-01T00:00:00+00:00",9223372036854775808,"F","V"]',
    '[0,"0001-01-01T00:00:00+14:00",0,"F","V"]', '[0,"9999-12-31T23:59:59-14:00",0,"F","V"]',
    '[0,"2026-01-01T00:00:00",0,"F","V"]', '[0,"2026-01-01T00:00:00+00:00",0,"F\\u0000","V"]',
]  # fmt: skip


@pytest.mark.parametrize("written", HAND_MADE)
async def test_a_place_that_is_not_ours_is_refused(standing: Standing, written: str) -> None:
    okapi = await standing.person()
    token = urlsafe_b64encode(written.encode()).decode().rstrip("=")
    assert (await okapi.get(f"/work.json?after={token}")).status_code == 422


async def test_signs_that_no_database_keeps_are_refused(standing: Standing) -> None:
    okapi = await standing.person()
    assert (await okapi.get("/work?text=%00")).status_code == 422
