"""The board of what runs: who is past the ordered end, who left, and what is said of a row."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from chargeline.workbench.running.items import items_of
from tests.answers.test_answers import open_infusion
from tests.trials.test_doubts import given, order

from .asking import Asker, Standing, text_of

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  # 09:00 by the clock of the sender
TOWER = "PV1|1|O|TOWER^1^C7|"


def in_unit(messages: list[str], visit: str = "V1", unit: str = TOWER) -> list[str]:
    """Messages of a visit in a unit."""
    moved = [message.replace("PV1|1|O||", unit) for message in messages]
    return [message.replace("|V1\r", f"|{visit}\r") for message in moved]


def left(at: str, visit: str = "V1") -> str:
    """The patient leaves."""
    return (
        f"MSH|^~\\&|ADT|ZEBRA|CHARGELINE|ZEBRA|20260302{at}||ADT^A03|L{visit}|T|2.5.1\r"
        f"EVN|A03|20260302{at}\rPID|1||ZZ1^^^ZEBRA^MR\r"
        f"PV1|1|O|TOWER^1^C7||||||||||||||||{visit}|||||||||||||||||||||||||20260302{at}\r"
    )


async def at(standing: Standing, minutes: int) -> None:
    """Let it be so many minutes after the start, for the workbench as for the processor."""
    standing.now = standing.partitions.now = START + timedelta(minutes=minutes)
    await standing.partitions.later(0)


async def board(person: Asker, query: str = "") -> dict[str, list[dict[str, object]]]:
    answer = await person.get(f"/running.json{query}")
    assert answer.status_code == 200, answer.text
    listed: dict[str, list[dict[str, object]]] = answer.json()
    return listed


@pytest.mark.parametrize(
    ("minutes", "state", "past"),
    [(20, "running", -40), (60, "due", 0), (90, "due", 30), (91, "overdue", 31)],
)
async def test_a_row_says_how_far_past_its_ordered_end_it_is(
    standing: Standing, minutes: int, state: str, past: int
) -> None:
    """60 minutes are ordered. Half an hour after that the stop is overdue, and asked about."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    await at(standing, minutes)
    nurse = await standing.person("N. Numbat", "nurse")
    (row,) = (await board(nurse))["running"]
    assert (row["state"], row["minutes_past"], row["minutes"]) == (state, past, minutes)
    assert (row["place"], row["drug"], row["dose"]) == ("TOWER", "carboplatin", "450 mg")
    assert row["started"] == "2026-03-02T09:00:00-05:00"
    assert row["ordered_end"] == "2026-03-02T10:00:00-05:00"
    shown = text_of(await nurse.get("/running"))
    assert "09:00" in shown and "10:00" in shown and "TOWER" in shown


async def test_a_stop_that_is_charted_takes_the_row_away(standing: Standing) -> None:
    """The empty board says what will appear there."""
    await at(standing, 1)
    await standing.hear(*open_infusion())
    lead = await standing.person("L. Lemur", "lead")
    assert len((await board(lead))["running"]) == 1
    await at(standing, 70)
    stopped = given("carboplatin", "0900-1005", "450 mg").replace("|M1|", "|M2|")
    await standing.hear(stopped)
    lead = await standing.person("L. Lemur", "lead")
    assert (await board(lead))["running"] == []
    assert "appears here as soon as its start is charted" in (await lead.get("/running")).text


async def test_the_longest_past_comes_first_and_who_left_stands_apart(standing: Standing) -> None:
    """The patient of V2 left without a stop; V3 is longer past its end than V1."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    await standing.hear(*in_unit(open_infusion(), "V2"), left("1010", "V2"), visit="V2")
    short = [given("carboplatin", "0900", "450 mg"), order("carboplatin", "450 mg", 30)]
    await standing.hear(*in_unit(short, "V3"), visit="V3")
    await at(standing, 100)
    nurse = await standing.person("N. Numbat", "nurse")
    listed = await board(nurse)
    assert [row["visit"] for row in listed["running"]] == ["V3", "V1"]
    (gone,) = listed["left"]
    assert (gone["visit"], gone["state"]) == ("V2", "left")
    assert gone["left_at"] == "2026-03-02T10:10:00-05:00"
    table = csv.DictReader(io.StringIO((await nurse.get("/running.csv")).text))
    assert [row["visit"] for row in table] == ["V3", "V1", "V2"]


async def test_without_an_order_nobody_says_when_it_ends(standing: Standing) -> None:
    """The row says so, and stands behind what is past its end."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    async with standing.ledger.view() as view:
        (visit,) = await view.running(standing.now).visits(START, 10)
    body = visit.body.replace('"ordered_minutes":60', '"ordered_minutes":null')
    alone = visit._replace(visit="V2", body=body)
    now = START + timedelta(minutes=70)
    rows, gone = items_of([alone, visit], now, timedelta(minutes=30))
    assert [(row.visit, row.state) for row in rows] == [("V1", "due"), ("V2", "no_order")]
    assert (rows[1].ordered_end, rows[1].minutes_past, rows[1].ordered_minutes) == (None,) * 3
    assert gone == []


async def test_a_unit_is_a_filter_that_names_itself(standing: Standing) -> None:
    """The unit stays on the page when nothing of it is left."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    nurse = await standing.person("N. Numbat", "nurse")
    assert len((await board(nurse, "?place=TOWER"))["running"]) == 1
    page = await nurse.get("/running?place=CLINIC")
    assert "Nothing runs without a stop in CLINIC" in page.text
    assert 'href="/running"' in page.text


async def test_the_unit_is_asked_from_the_board(standing: Standing) -> None:
    """The form of the work list notes it, and leads back."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    nurse = await standing.person("N. Numbat", "nurse")
    await nurse.get("/running")
    page = await nurse.post("/ask", visit="ZEBRA.V1", back="/running?place=TOWER")
    assert page.url.path == "/running" and "asked 09:01" in text_of(page)


async def test_still_running_quiets_a_row_for_a_quarter_of_an_hour(standing: Standing) -> None:
    """It says who said it and why, the trail has it, and then the row is past its end again."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    await at(standing, 95)
    nurse = await standing.person("N. Numbat", "nurse")
    (row,) = (await board(nurse))["running"]
    number = str(row["question_id"])
    form = await nurse.get(f"/running?say={number}")
    assert "hx-get" not in form.text and 'http-equiv="refresh"' not in form.text
    page = await nurse.post(
        "/running/still",
        visit="ZEBRA.V1",
        question=number,
        reason="rate was halved",
        back="/running",
    )
    assert "until 10:50 , by N. Numbat: rate was halved" in text_of(page)
    (act,) = await standing.acts("running.say")
    assert (act.who, act.why, act.record) == ("N. Numbat", "rate was halved", "ZEBRA|V1")
    await at(standing, 95 + 16)
    nurse = await standing.person("N. Numbat", "nurse")
    (row,) = (await board(nurse))["running"]
    assert (row["state"], row["said_who"]) == ("overdue", "")


async def test_of_a_row_that_is_gone_nothing_is_recorded(standing: Standing) -> None:
    """Nor of one that never was."""
    nurse = await standing.person("N. Numbat", "nurse")
    await nurse.get("/running")
    said = {"question": "abc123", "reason": "still running", "back": "/running"}
    page = await nurse.post("/running/still", visit="ZEBRA.V1", **said)
    assert page.status_code == 404 and "nothing was recorded" in page.text
    page = await nurse.post("/running/still", visit="ZEBRA", **said)
    assert page.status_code == 404
    assert await standing.acts("running.say") == []


async def test_who_may_only_look_is_shown_no_button(standing: Standing) -> None:
    """And a form of theirs is refused."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    viewer = await standing.person("V. Vole", "viewer")
    page = await viewer.get("/running")
    assert "carboplatin" in page.text and "Still running" not in page.text
    assert (await viewer.post("/running/still", visit="ZEBRA.V1")).status_code == 403


async def test_what_was_asked_a_day_ago_is_work_and_no_longer_on_the_board(
    standing: Standing,
) -> None:
    """The board says how many there are, and where."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    await at(standing, 95)
    await at(standing, 95 + 25 * 60)
    nurse = await standing.person("N. Numbat", "nurse")
    assert (await board(nurse))["running"] == []
    page = text_of(await nurse.get("/running"))
    assert "1 more question about a stop was put more than 24 hours ago" in page


async def test_the_board_reads_itself_and_pauses(standing: Standing) -> None:
    """By htmx, and without script by a plain reload."""
    nurse = await standing.person("N. Numbat", "nurse")
    page = (await nurse.get("/running?place=TOWER")).text
    assert 'hx-get="/running?place=TOWER" hx-trigger="every 30s"' in page
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page
    paused = (await nurse.get("/running?paused=yes")).text
    assert "hx-get" not in paused and "noscript" not in paused


async def test_a_board_that_reads_itself_does_not_keep_a_session(standing: Standing) -> None:
    """It ends although the page asks every half minute; the whole page then reloads."""
    nurse = await standing.person("N. Numbat", "nurse")
    minutes = standing.bench.settings.workbench_idle_minutes
    for _minute in range(minutes):
        standing.now += timedelta(minutes=1)
        again = await nurse.get("/running", headers={"hx-request": "true"})
        assert again.status_code == 200
    standing.now += timedelta(minutes=1)
    again = await nurse.get("/running", headers={"hx-request": "true"})
    assert (again.status_code, again.headers["hx-refresh"]) == (401, "true")


async def test_a_login_leads_to_the_first_screen_that_the_person_may_see(
    standing: Standing,
) -> None:
    """An operator has no work list."""
    async with standing.client() as client:
        form = {"name": "P. Platypus", "role": "operator"}
        assert (await client.post("/login", data=form)).headers["location"] == "/running"
        assert (await client.get("/")).headers["location"] == "/running"
