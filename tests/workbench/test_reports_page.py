"""The reports over a small ledger, by hand, on both databases."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from chargeline.engine import VisitKey
from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.store import Ledger
from chargeline.workbench.reports import gathering, routes
from chargeline.workbench.reports.asked_for import REPORT_NAMES
from tests.answers.test_answers import open_infusion
from tests.drafting.test_authorizations import dose, order, referral
from tests.drafting.test_processor import keyed
from tests.ledger import with_tables
from tests.ledger.rows import MORNING, parked, question, revision, visit

from .asking import Asker, Standing, standing_over, text_of
from .test_reports_drafts import SAID_ID, answered, draft, fact, line, other

NOW = datetime(2026, 3, 20, 17, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = VisitKey("NORTH", "V1")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
async def reported(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Standing]:
    """A workbench over a ledger with four visits, on either database."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("database")
    ledger = await Ledger.open(await with_tables(url))
    standing = await standing_over(ledger, tmp_path)
    standing.now = standing.partitions.now = NOW
    await filled(ledger)
    yield standing
    await ledger.close()


def answer_row(key: VisitKey, number: str, by: str, at: datetime, **said: str) -> Any:
    about: dict[str, Any] = {"question_id": number, "code": "stop.missing", "choice": "stop"}
    about |= {"drug": "x", "administrations": ["a"]}
    if number == "":
        about = {"line_id": "", "choice": "hold"}
    facility, of_visit = key
    body = {"facility": facility, "visit": of_visit, "fingerprint": "f", "by": by, "reason": "seen"}
    body |= {"at": at.isoformat(), **about, **said}
    return StoredAnswer(*key, f"{by}{number}{at}", at, json.dumps(body))


async def filled(ledger: Ledger) -> None:
    """TOWER has a stop that is asked for and one by answer, CLINIC has none; V4 is of February."""
    says = [other("96413 x1", policy="cms-facility-2026")]
    tower = draft(
        fact("a", stop=None, source=None, charted="open"),
        fact("b", source=f"the answer {SAID_ID}"),
        fact("c"),
        lines=[
            line("96409", role="chemo.push.initial", other_policies=says),
            line("J9045", 9, drug="carboplatin"),
            line("J9045", 1, "JW", role="drug.discarded", drug="carboplatin"),
        ],
        questions=[{"code": "stop.missing", "question_id": "q1", "administrations": ["a"]}],
        edits=[{"code": "pair.bundled", "severity": "warns", "stake_cents": 500}],
        said=[answered("stop")],
    )
    bodies = {"V1": tower, "V2": draft(fact("d")), "V4": draft(fact("e"))}
    bodies["V3"] = draft(fact("f"), lines=[line("J9271", 200, "JZ", drug="=pembrolizumab")])
    days = {"V1": "2026-03-02", "V2": "2026-03-20", "V3": "2026-03-19", "V4": "2026-02-18"}
    places = {"V1": "TOWER", "V3": "=CLINIC", "V4": "TOWER"}
    keys = {name: VisitKey("SOUTH" if name == "V3" else "NORTH", name) for name in bodies}
    visits = [
        visit(
            keys[name],
            revision=1,
            status="final",
            day=days[name],
            place=places.get(name, "CLINIC"),
            asks=int(name == "V1"),
        )
        for name in bodies
    ]
    asked = [
        question("q1", KEY)._replace(opened_at=NOW - 3 * DAY, stake_cents=26_000),
        question("q2", KEY, NOW)._replace(opened_at=NOW - 2 * DAY),
        question("q3", KEY, NOW)._replace(opened_at=NOW - DAY),
    ]
    said = [
        answer_row(KEY, "q2", "A. Addax", NOW - 2 * DAY + timedelta(minutes=40)),
        answer_row(KEY, "q3", "A. Addax", NOW - timedelta(hours=23)),
        answer_row(KEY, "q3", "A. Addax", NOW - timedelta(hours=22), choice="withdraw"),
        answer_row(KEY, "q3", "A. Addax", NOW - timedelta(hours=1)),
        answer_row(KEY, "", "B. Bongo", NOW - timedelta(hours=2)),
        answer_row(KEY, "", "B. Bongo", NOW - timedelta(hours=1), choice="release"),
        answer_row(KEY, "", "B. Bongo", NOW - 40 * DAY),
    ]
    async with ledger.batch() as batch:
        await batch.put_visits(visits)
        await batch.put_questions(asked)
        await batch.add_answers(said)
        await batch.park([parked(1), parked(2, first_seen=MORNING - 30 * DAY)])
        await batch.add_revisions(
            [revision(1, keys[name], json.dumps(body)) for name, body in bodies.items()]
        )


async def rows_of(person: Asker, name: str, query: str = "") -> list[dict[str, Any]]:
    answer = await person.get(f"/reports/{name}.json{query}")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


async def test_missing_stops_are_counted_by_unit(reported: Standing) -> None:
    """The derived one stays missing, and is marked; the numbers lead to their visits."""
    lead = await reported.person("L. Lemur", "lead")
    rows = {row["unit"]: row for row in await rows_of(lead, "stops")}
    tower = {name: rows["TOWER"][name] for name in ("infusions", "missing", "waiting", "by_answer")}
    assert tower == {"infusions": 3, "missing": 2, "waiting": 1, "by_answer": 1}
    assert (rows["CLINIC"]["infusions"], rows["CLINIC"]["missing"]) == (1, 0)
    page = await lead.get("/reports/stops")
    assert "66.7 %" in page.text and "2 of 3, 1 derived" in page.text
    work = "/work?code=stop.missing&amp;place=TOWER&amp;from=2026-02-19&amp;to=2026-03-20"
    assert f'href="{work}"' in page.text
    listed = (await lead.get(work.replace("/work", "/work.json").replace("&amp;", "&"))).json()
    assert listed["visits"] == 1
    behind = await lead.get("/reports/stops?of=TOWER")
    assert "Visits behind TOWER" in behind.text and 'href="/visits/NORTH/V1"' in behind.text
    assert "No visit is behind it" in (await lead.get("/reports/stops?of=CLINIC")).text


async def test_open_questions_are_counted_by_age(reported: Standing) -> None:
    """Three days old: in the second column."""
    (row,) = await rows_of(await reported.person(), "questions")
    ages = [row[name] for name in ("days_0_1", "days_2_3", "days_4_8", "days_9_more", "open")]
    assert (row["code"], ages) == ("stop.missing", [0, 1, 0, 0, 1])
    assert (row["oldest_days"], row["stake_cents"], row["severity"]) == (3, 26_000, "blocks")


async def test_findings_are_questions_edits_and_parked_messages(reported: Standing) -> None:
    """The gravest first; a message that was parked before the days is not among them."""
    rows = await rows_of(await reported.person(), "findings")
    assert [
        (row["kind"], row["code"], row["times"], row["open"], row["cents"]) for row in rows
    ] == [
        ("question", "stop.missing", 3, 1, 26_000),
        ("parked", "message.no_msh", 1, 1, None),
        ("edit", "pair.bundled", 1, 1, 500),
    ]


async def test_waste_is_units_and_money(reported: Standing) -> None:
    """A unit of J9045 is 3.50 dollars in the price list."""
    rows = {row["code"]: row for row in await rows_of(await reported.person(), "waste")}
    carboplatin, pembrolizumab = rows["J9045"], rows["J9271"]
    assert (carboplatin["given_units"], carboplatin["discarded_units"]) == (9, 1)
    assert (carboplatin["discarded_cents"], carboplatin["none_discarded_lines"]) == (350, 0)
    assert (pembrolizumab["discarded_units"], pembrolizumab["none_discarded_lines"]) == (0, 1)


async def test_what_another_policy_would_bring(reported: Standing) -> None:
    """96413 in place of 96409: 612 and 260 dollars."""
    lead = await reported.person("L. Lemur", "lead")
    (row,) = await rows_of(lead, "policies")
    assert (row["policy"], row["other"], row["rule"]) == (
        "guide-2026",
        "cms-facility-2026",
        "class.antibody",
    )
    assert (row["here_cents"], row["would_cents"], row["differences"]) == (26_000, 61_200, 1)
    assert "+$352.00" in (await lead.get("/reports/policies")).text


async def test_work_done_by_person_and_day(reported: Standing) -> None:
    """A question waits until its first answer; what is said again is no second wait."""
    okapi = await reported.person()
    rows = await rows_of(okapi, "people")
    names = ("day", "who", "answers", "taken_back", "holds", "releases")
    waits = ("waited", "within_a_day", "median_minutes", "longest_minutes")
    assert [tuple([row[name] for name in names]) for row in rows] == [
        ("2026-03-20", "B. Bongo", 0, 0, 1, 1),
        ("2026-03-20", "A. Addax", 1, 0, 0, 0),
        ("2026-03-19", "A. Addax", 1, 1, 0, 0),
        ("2026-03-18", "A. Addax", 1, 0, 0, 0),
    ]
    assert [tuple([row[name] for name in waits]) for row in rows] == [
        (0, 0, None, None),
        (0, 0, None, None),
        (1, 1, 60, 60),
        (1, 1, 40, 40),
    ]
    page = text_of(await okapi.get("/reports/people"))
    assert "1 answer, 2 held or released" in page and "1 h 1 h 1 of 1" in page


async def test_days_and_facility_leave_the_others(reported: Standing) -> None:
    """The address says both, and so does the page; no row says which address is empty."""
    lead = await reported.person("L. Lemur", "lead")
    february = await rows_of(lead, "stops", "?from=2026-02-01&to=2026-02-28")
    assert [(row["unit"], row["infusions"]) for row in february] == [("TOWER", 1)]
    south = await rows_of(lead, "stops", "?facility=SOUTH")
    assert [row["unit"] for row in south] == ["=CLINIC"]
    assert await rows_of(lead, "people", "?facility=SOUTH") == []
    page = await lead.get("/reports?from=2020-01-01&to=2020-01-31&facility=SOUTH")
    assert "No visit of SOUTH has its last day of service from 1 January 2020" in text_of(page)
    assert 'href="/reports"' in page.text


async def test_a_table_has_no_formula(reported: Standing) -> None:
    """Names of units and drugs come from senders."""
    lead = await reported.person("L. Lemur", "lead")
    stops = list(csv.DictReader(io.StringIO((await lead.get("/reports/stops.csv")).text)))
    assert sorted(row["unit"] for row in stops) == ["'=CLINIC", "CLINIC", "TOWER"]
    waste = await lead.get("/reports/waste.csv")
    assert waste.headers["content-disposition"] == 'attachment; filename="waste.csv"'
    table = csv.DictReader(io.StringIO(waste.text))
    assert "'=pembrolizumab" in [row["drug"] for row in table]
    for name in REPORT_NAMES:
        assert (await lead.get(f"/reports/{name}.csv")).status_code == 200


async def test_what_is_too_much_is_said(
    reported: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two drafts are read of three, the newest; one answer of six."""
    monkeypatch.setattr(gathering, "DRAFTS_MOST", 2)
    monkeypatch.setattr(gathering, "DRAFTS_AT_ONCE", 1)
    monkeypatch.setattr(gathering, "ANSWERS_MOST", 1)
    monkeypatch.setattr(gathering, "ANSWERS_AT_ONCE", 1)
    lead = await reported.person("L. Lemur", "lead")
    listed = (await lead.get("/reports/stops.json")).json()
    assert (listed["drafts"]["read"], listed["drafts"]["of"]) == (2, 3)
    assert listed["drafts"]["oldest_day"] == "2026-03-19"
    assert sorted(row["unit"] for row in listed["rows"]) == ["=CLINIC", "CLINIC"]
    assert "Of the last 2 visits only: 3 have a draft" in text_of(await lead.get("/reports/stops"))
    people = (await lead.get("/reports/people.json")).json()
    assert "answers and words of the days were read" in people["cut_off"]
    files = [await lead.get(f"/reports/{name}.csv") for name in ("stops", "people")]
    assert [file.headers["content-disposition"].partition("=")[2] for file in files] == [
        '"stops-last-2-of-3-visits.csv"',
        '"people-not-all.csv"',
    ]
    assert sum(row["answers"] for row in people["rows"]) == 1


async def test_all_reports_show_their_first_rows(
    reported: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And lead to the page that has all of them."""
    monkeypatch.setattr(routes, "AT_ONCE", 1)
    lead = await reported.person("L. Lemur", "lead")
    page = await lead.get("/reports")
    for name in REPORT_NAMES:
        assert f'id="{name}"' in page.text and f"/reports/{name}.csv?" in page.text
    assert "All 4 rows" in page.text and 'class="bars"' in page.text


async def test_a_visit_without_a_day_of_service_is_told_of(reported: Standing) -> None:
    """It is in no period, whatever days are chosen."""
    async with reported.ledger.batch() as batch:
        await batch.put_visits([visit(VisitKey("NORTH", "V9"), asks=1, revision=1)])
    page = await (await reported.person()).get("/reports/waste")
    assert "1 visit that asks something has no day of service" in text_of(page)


@pytest.mark.parametrize(
    ("roles", "status"), [(("nurse",), 403), (("operator",), 200), (("auditor",), 200)]
)
async def test_who_has_the_right_sees_the_reports(
    standing: Standing, roles: tuple[str, ...], status: int
) -> None:
    """A nurse is told who can grant it; to whom a list is closed, no number leads there."""
    standing.now = NOW
    await filled(standing.ledger)
    person = await standing.person("P. Potto", *roles)
    page: httpx.Response = await person.get("/reports")
    assert page.status_code == status
    for name in ("stops", "people"):
        for ending in ("", ".json", ".csv"):
            assert (await person.get(f"/reports/{name}{ending}")).status_code == status
    if status == 403:
        assert "viewer or coder or lead" in text_of(page) and "Reports</a>" not in page.text
    else:
        assert ("/work?" in page.text) == ("operator" not in roles)
        assert ("/visits/" in (await person.get("/reports/stops?of=TOWER")).text) == (
            "operator" not in roles
        )
        assert ("/operations?code=message.no_msh" in page.text) == ("operator" in roles)


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-03-02&to=2026-03-01",
        "from=yesterday",
        "to=9999-12-31",
        "from=0001-01-01",
        "of=%00",
    ],
)
async def test_days_that_are_none_are_refused_in_words(standing: Standing, query: str) -> None:
    """On the page and as JSON."""
    lead = await standing.person("L. Lemur", "lead")
    page = await lead.get(f"/reports?{query}")
    assert page.status_code == 422 and "Expected" in page.text
    refused = await lead.get(f"/reports/stops.json?{query}")
    assert refused.status_code == 422 and refused.json()["errors"][0]["expected"]


async def test_empty_days_leave_the_last_thirty(standing: Standing) -> None:
    """As a form sends them; by the clock of the site, where it is still the evening before."""
    standing.now = datetime(2026, 3, 20, 3, tzinfo=UTC)
    lead = await standing.person("L. Lemur", "lead")
    listed = (await lead.get("/reports/stops.json?from=&to=&facility=")).json()
    assert (listed["first_day"], listed["last_day"]) == ("2026-02-18", "2026-03-19")
    later = (await lead.get("/reports/stops.json?from=2026-04-01")).json()
    assert (later["first_day"], later["last_day"]) == ("2026-04-01", "2026-04-01")
    earlier = (await lead.get("/reports/stops.json?to=2026-03-01")).json()
    assert (earlier["first_day"], earlier["last_day"]) == ("2026-01-31", "2026-03-01")


async def test_an_empty_ledger_says_what_will_be_here(standing: Standing) -> None:
    """Each report by itself has its sentence."""
    lead = await standing.person("L. Lemur", "lead")
    page = text_of(await lead.get("/reports"))
    assert "A visit is here as soon as something of it is charted" in page
    assert "No question is open" in page and "Nobody answered" in page


async def test_a_real_visit_is_reported(standing: Standing) -> None:
    """From messages to the report, and an answer moves the stop from missing to derived."""
    await standing.hear(*open_infusion())
    standing.now = standing.partitions.now = datetime(2026, 3, 4, tzinfo=UTC)
    await standing.partitions.later(0)
    okapi = await standing.person("O. Okapi", "coder")
    (row,) = await rows_of(okapi, "stops")
    assert (row["missing"], row["waiting"], row["by_answer"]) == (1, 1, 0)
    listed = (await okapi.get("/work.json")).json()["items"]
    number = listed[0]["question_id"]
    page = await okapi.get(f"/visits/ZEBRA/V1?question={number}")
    fingerprint = page.text.partition('name="fingerprint" value="')[2].partition('"')[0]
    said = await okapi.post(
        "/visits/ZEBRA/V1/answers",
        question=number,
        fingerprint=fingerprint,
        choice="stop",
        value="10:05",
        reason="chart on paper",
    )
    assert said.status_code == 200, said.text
    await standing.draft_again()
    (row,) = await rows_of(okapi, "stops")
    assert (row["missing"], row["waiting"], row["by_answer"]) == (1, 0, 1)


async def test_an_authorization_that_runs_out_is_listed(standing: Standing) -> None:
    """80 of 100 units are used; its number is masked, and no patient is named."""
    await standing.partitions.feed(keyed([referral(100)]))
    await standing.partitions.feed(keyed([order("V1", "20261005"), dose("V1", "20261005")]))
    standing.now = datetime(2026, 10, 5, 17, tzinfo=UTC)
    lead = await standing.person("L. Lemur", "lead")
    (row,) = await rows_of(lead, "authorizations")
    assert row["concerns"] == "authorization.running_out"
    assert (row["used_percent"], row["until"], row["visit"]) == (80.0, "2027-03-31", "V1")
    assert row["number"].startswith("••••") and row["days_left"] == 177
    page = await lead.get("/reports/authorizations")
    assert "80.0 %" in page.text and 'href="/visits/' in page.text and "ZZ1" not in page.text
    assert await rows_of(lead, "authorizations", "?facility=NOWHERE") == []
