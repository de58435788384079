"""The pages of the workbench read what they show by indexes, whatever else the ledger has."""

import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from chargeline.drafting.acting import act_of
from chargeline.engine import VisitKey
from chargeline.ledger import Ledger
from chargeline.ledger.records import StoredAnswer
from tests.answers.test_answers import open_infusion
from tests.bench.many_visits import Size, fill
from tests.drafting.test_processor import NOW
from tests.workbench.asking import Asker, standing_over

from .rows import message, revision

SIZE = Size(visits=12_000, questions=120)
GROWING = ("visit", "question", "message", "draft_revision", "answer", "audit")
"""The tables that grow with each visit that there ever was. That of assignments has one short row
for a visit that somebody took; where much waits, PostgreSQL is quicker with all of it at once.
"""
LISTS = (
    "/work",
    "/work?code=stop.missing",
    "/work?severity=blocks",
    "/work?view=held",
    "/work?view=mine",
    "/work?view=nobody",
    "/work?view=asked",
    "/work?text=zebrium+1",
    "/work?place=UNIT+1&payer=PAYER+1&due=24h",
    "/work?owner=Person+3&due=running",
)
VISIT = "/visits/ZEBRA/V1"


@pytest.fixture
async def person(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Asker]:
    """Somebody with a year of visits, of which some dozens wait, messages and drafts."""
    standing = await standing_over(ledger, tmp_path)
    await standing.hear(*open_infusion())
    async with ledger.view() as view:
        asked = await view.open_questions([VisitKey("ZEBRA", "V1")])
    await fill(ledger, SIZE, asked[VisitKey("ZEBRA", "V1")][0].body, NOW)
    others = [VisitKey("ZEBRA", f"B{number}") for number in range(3_000)]
    rows = [message(place, key.visit, facility="ZEBRA") for place, key in enumerate(others)]
    async with ledger.batch() as batch:
        await batch.add_messages(rows)
        await batch.add_revisions([revision(1, key) for key in others])
        await batch.add_answers(
            [StoredAnswer(*key, f"a{place}", NOW, "{}") for place, key in enumerate(others)]
        )
        await batch.audit([act_of("work.ask", "visits", "V1", who="ANNA")] * 2_000)
    async with ledger._engine.connect() as connection:
        free = await connection.execution_options(isolation_level="AUTOCOMMIT")
        is_file = free.dialect.name == "sqlite"
        await free.exec_driver_sql("ANALYZE" if is_file else "VACUUM ANALYZE")  # as it does itself
    somebody = await standing.person("L. Lemur", "lead")
    yield somebody
    await somebody.client.aclose()


async def test_no_page_reads_a_table_that_grows_from_end_to_end(
    ledger: Ledger, person: Asker
) -> None:
    """EXPLAIN of every query of the work list, with each filter and its next page, and of a visit.

    A query that must read a whole table is told, so the check bites.
    """
    behind = (await person.get("/work.json")).json()["next"]
    queries = await queries_of(ledger, person, [*LISTS, f"/work?after={behind}", VISIT])
    assert len(queries) > 40
    plans = {query: await plan(ledger, query, values) for query, values in queries.items()}
    assert {query: scans(lines) for query, lines in plans.items() if scans(lines)} == {}
    incomplete = await plan(ledger, "SELECT count(*) FROM visit WHERE incomplete", ())
    assert scans(incomplete) == {"visit"}


async def queries_of(ledger: Ledger, person: Asker, addresses: Iterable[str]) -> dict[str, Any]:
    """Each query that reads, with the values of its last time, of some pages."""
    asked: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, query: str, values: Any, *_more: Any) -> None:
        reads = re.match(r"(SELECT|WITH)\b.*\bFROM\b", query.strip(), re.DOTALL)
        if reads and _LAST_ACT not in query:
            asked[query] = values

    engine = ledger._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    for address in addresses:
        assert (await person.get(address)).status_code == 200, address
    event.remove(engine, "before_cursor_execute", note)
    return asked


# The end of the trail: SQLite begins a scan from the end of the key, and stops at the first row.
_LAST_ACT = "FROM audit ORDER BY audit.number DESC"


async def plan(ledger: Ledger, query: str, values: Any) -> list[str]:
    """The lines of the plan that the database makes for a query."""
    async with ledger._engine.connect() as connection:
        is_file = connection.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN" if is_file else "EXPLAIN"
        rows = await connection.exec_driver_sql(f"{explain} {query}", values)
        return [str(row[-1]) for row in rows]


# PostgreSQL says `Seq Scan on visit visit_1`. SQLite says `SCAN visit`, and of an index that is
# read from end to end `SCAN visit USING INDEX visit_work`. An index of some rows only is no table.
_WHOLE = re.compile(r"Seq Scan on (\w+)|^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")
PARTIAL = ("visit_work", "visit_ready", "question_waiting", "question_open")


def scans(lines: Iterable[str]) -> set[str]:
    """The tables that grow, and that a plan reads from end to end."""
    names = set()
    for line in lines:
        whole = _WHOLE.search(line)
        if whole and whole[3] not in PARTIAL:
            names.add(whole[1] or re.sub(r"_\d+$", "", whole[2]))
    return names & set(GROWING)
