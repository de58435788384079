"""The work list: which visits are on it, in which order, how they are counted and filtered."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from chargeline.engine import VisitKey
from chargeline.ledger import Ledger
from chargeline.ledger.work_list import (
    NOBODY,
    Cause,
    Facet,
    WorkFilter,
    WorkPlace,
    WorkRow,
    WorkSums,
)
from chargeline.ledger.workbench_records import StoredAssignment, StoredSession

from .rows import HOUR, MORNING, V1, question, visit

NOW = MORNING
SOON, TOMORROW, PASSED_RICH, PASSED_POOR, RUNNING, HELD = (
    VisitKey("NORTH", name) for name in ("SOON", "TOMORROW", "RICH", "POOR", "RUNNING", "HELD")
)
IN_ORDER = [SOON, TOMORROW, PASSED_RICH, HELD, PASSED_POOR, RUNNING]


async def filled(ledger: Ledger) -> None:
    """Six visits that wait, one of each kind, and two that do not."""
    asking = {"asks": 1, "asks_first": "q1", "waits_for": "stop.missing", "place": "TOWER"}
    final = {**asking, "status": "final", "payer": "ZEBRA"}
    async with ledger.batch() as batch:
        await batch.put_visits(
            [
                visit(SOON, **{**asking, "asks": 2}, final_due=NOW + 3 * HOUR, waiting_cents=100),
                visit(TOMORROW, **asking, final_due=NOW + 20 * HOUR, waiting_cents=900_000),
                visit(PASSED_RICH, **final, waiting_cents=5_000),
                visit(PASSED_POOR, **final, waiting_cents=7),
                visit(RUNNING, **asking),
                visit(HELD, status="final", waits_for="hold", waiting_cents=70, place="CLINIC"),
                visit(V1, status="final", waits_for=""),
                visit(VisitKey("NORTH", "LATER"), waits_for="discharge"),
            ]
        )
        first = {"code": "stop.missing", "drug": "oxaliplatin", "stake_cents": 6_600}
        questions = [question("q1", key)._replace(**first) for key in IN_ORDER if key != HELD]
        other = question("q2", SOON)._replace(code="drug.unknown", drug="Zebrium 100%")
        closed = question("q3", TOMORROW, closed_at=NOW)._replace(code="dose.missing")
        await batch.put_questions([*questions, other, closed])
        await batch.workbench.assign([given(SOON, "O. Okapi"), given(PASSED_POOR, "", asked=NOW)])


def given(key: VisitKey, owner: str, asked: datetime | None = None) -> StoredAssignment:
    return StoredAssignment(*key, owner, asked, MORNING, "L. Lemur")


async def rows(
    ledger: Ledger, most: int = 50, after: WorkPlace | None = None, **wanted: object
) -> list[WorkRow]:
    async with ledger.view() as view:
        asked = WorkFilter(**wanted)  # type: ignore[arg-type]
        return await view.work_list(NOW).rows(asked, most=most, after=after)


def keys(listed: Sequence[WorkRow]) -> list[VisitKey]:
    return [VisitKey(row.facility, row.visit) for row in listed]


async def test_what_is_final_soonest_comes_first_then_what_passed_with_most_money(
    ledger: Ledger,
) -> None:
    """A visit that is ready, or that only waits for its discharge, is not on the list."""
    await filled(ledger)
    listed = await rows(ledger)
    assert keys(listed) == IN_ORDER
    assert (listed[0].code, listed[0].stake_cents, listed[0].owner) == (
        "stop.missing",
        6_600,
        "O. Okapi",
    )
    assert (listed[0].opened_at, listed[0].final_due) == (MORNING, NOW + 3 * HOUR)
    held = listed[IN_ORDER.index(HELD)]
    assert (held.code, held.question_id, held.opened_at, held.body) == ("", "", None, "")


@pytest.mark.parametrize("at_once", [1, 2, 4])
async def test_pages_by_key_give_each_visit_once(ledger: Ledger, at_once: int) -> None:
    """The place of the last row of a page begins the next one, whatever comes between."""
    await filled(ledger)
    seen: list[VisitKey] = []
    after = None
    while listed := await rows(ledger, most=at_once, after=after):
        assert len(listed) <= at_once
        seen += keys(listed)
        after = listed[-1].here
    assert seen == IN_ORDER


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"codes": ("drug.unknown",)}, [SOON]),
        ({"codes": ("hold",)}, [HELD]),
        ({"codes": ("dose.missing",)}, []),  # it is closed
        ({"place": "CLINIC"}, [HELD]),
        ({"payer": "ZEBRA"}, [PASSED_RICH, PASSED_POOR]),
        ({"owner": "O. Okapi"}, [SOON]),
        ({"owner": NOBODY, "payer": "ZEBRA"}, [PASSED_RICH, PASSED_POOR]),
        ({"asked_unit": True}, [PASSED_POOR]),
        ({"least_cents": 5_000}, [TOMORROW, PASSED_RICH]),
        ({"due": "4h"}, [SOON]),
        ({"due": "24h"}, [SOON, TOMORROW]),
        ({"due": "passed"}, [PASSED_RICH, HELD, PASSED_POOR]),
        ({"due": "running"}, [RUNNING]),
        ({"text": "ZEBRIUM 100%"}, [SOON]),
        ({"text": "%"}, [SOON]),  # it is a sign, not a wildcard
        ({"text": "RICH"}, [PASSED_RICH]),  # the number of a visit
    ],
)
async def test_a_filter_leaves_what_it_says(
    ledger: Ledger, wanted: dict[str, object], left: list[VisitKey]
) -> None:
    """The same filter gives the rows, the sums and the counts of the named views."""
    await filled(ledger)
    assert keys(await rows(ledger, **wanted)) == left
    asked = WorkFilter(**wanted)  # type: ignore[arg-type]
    async with ledger.view() as view:
        work = view.work_list(NOW)
        assert (await work.sums(asked)).visits == len(left)
        assert await work.counts([asked, WorkFilter()]) == [len(left), len(IN_ORDER)]


async def test_facets_count_visits_and_causes_count_questions(ledger: Ledger) -> None:
    """A visit with two questions counts under both codes, and once under its unit."""
    await filled(ledger)
    async with ledger.view() as view:
        work = view.work_list(NOW)
        facets = await work.facets(WorkFilter())
        assert await work.sums(WorkFilter()) == WorkSums(6, 6, 905_177)
        assert await work.causes(3) == [Cause("stop.missing", "oxaliplatin", 5)]
        assert await work.causes(6) == []
        assert await work.ready(1_000) == 1
    assert [facet for facet in facets if facet.kind == "code"] == [
        Facet("code", "stop.missing", 5),
        Facet("code", "drug.unknown", 1),
        Facet("code", "hold", 1),
    ]
    assert {facet.value: facet.visits for facet in facets if facet.kind == "place"} == {
        "TOWER": 5,
        "CLINIC": 1,
    }
    assert {facet.value: facet.visits for facet in facets if facet.kind == "due"} == {
        "4h": 1,
        "24h": 1,
        "passed": 3,
        "running": 1,
    }
    assert {facet.value: facet.visits for facet in facets if facet.kind == "owner"} == {
        "": 5,
        "O. Okapi": 1,
    }


async def test_visits_that_are_ready_are_counted_so_far_and_no_further(ledger: Ledger) -> None:
    """Of three, three or the most that somebody wants to know of."""
    async with ledger.batch() as batch:
        names = ("V1", "V2", "V3")
        ready = [visit(VisitKey("NORTH", name), status="final", waits_for="") for name in names]
        await batch.put_visits([*ready, visit(HELD, status="final", waits_for="hold")])
    async with ledger.view() as view:
        work = view.work_list(NOW)
        assert [await work.ready(most) for most in (1, 2, 3, 4)] == [1, 2, 3, 3]


async def test_each_owner_is_named_once_in_order(ledger: Ledger) -> None:
    """Whoever has several visits, and nobody who has none."""
    async with ledger.batch() as batch:
        owners = ("T. Tapir", "", "O. Okapi", "T. Tapir", "O. Okapi", "A. Aardwolf")
        await batch.workbench.assign(
            [given(VisitKey("NORTH", f"V{place}"), owner) for place, owner in enumerate(owners)]
        )
    async with ledger.view() as view:
        assert await view.workbench.owners() == ["A. Aardwolf", "O. Okapi", "T. Tapir"]


async def test_the_last_assignment_counts(ledger: Ledger) -> None:
    """A visit has one owner, or none."""
    await filled(ledger)
    async with ledger.batch() as batch:
        await batch.workbench.assign([given(SOON, "T. Tapir"), given(HELD, "T. Tapir")])
    async with ledger.view() as view:
        assert await view.workbench.owners() == ["T. Tapir"]
        assert await view.workbench.assignments([SOON, TOMORROW]) == {SOON: given(SOON, "T. Tapir")}


def session(digest: str, seen_at: datetime, provider: str = "") -> StoredSession:
    return StoredSession(
        digest,
        "okapi",
        "O. Okapi",
        "coder",
        "c" * 43,
        provider,
        subject="okapi",
        started_at=MORNING,
        seen_at=seen_at,
    )


async def test_sessions_end_by_hash_by_provider_and_by_idleness(ledger: Ledger) -> None:
    """Each way ends its own sessions and no other."""
    later = MORNING + timedelta(minutes=20)
    async with ledger.batch() as batch:
        for name, seen_at, provider in (
            ("idle", MORNING, ""),
            ("named", later, ""),
            ("provided", later, "s1"),
            ("stays", later, "s2"),
        ):
            await batch.workbench.begin_session(session(name, seen_at, provider))
        await batch.workbench.see_session("stays", later + HOUR)
        assert await batch.workbench.end_sessions(idle_since=MORNING + timedelta(minutes=5)) == 1
        assert await batch.workbench.end_sessions(provider_session="s1") == 1
        assert await batch.workbench.end_sessions(digest="named") == 1
        assert await batch.workbench.end_sessions(subject="tapir") == 0
    async with ledger.view() as view:
        names = ("idle", "named", "provided", "stays")
        left = [name for name in names if await view.workbench.session(name) is not None]
        stays = await view.workbench.session("stays")
    assert left == ["stays"]
    assert stays is not None and stays.seen_at == later + HOUR
