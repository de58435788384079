"""What runs: which visits the board reads, and what is said of them, on both databases."""

from datetime import timedelta

from chargeline.engine import VisitKey
from chargeline.ledger import Ledger
from chargeline.ledger.workbench_records import StoredAssignment, StoredStillRunning

from .rows import HOUR, MORNING, question, revision, visit

NOW = MORNING + 24 * HOUR
DUE, PUT, LEFT, OLD, OTHER, FINAL, QUIET = (
    VisitKey("NORTH", name) for name in ("DUE", "PUT", "LEFT", "OLD", "OTHER", "FINAL", "QUIET")
)


def said(key: VisitKey, number: str, minutes: int) -> StoredStillRunning:
    until = NOW + timedelta(minutes=minutes)
    return StoredStillRunning(*key, number, until=until, who="N. Numbat", why="rate was halved")


async def filled(ledger: Ledger) -> None:
    """A visit that is asked about soon, two that are, and four that are no matter of the board."""
    async with ledger.batch() as batch:
        await batch.put_visits(
            [
                visit(DUE, revision=2, asked_due=NOW + HOUR, place="TOWER"),
                visit(PUT, revision=1),
                visit(LEFT, revision=1, discharged_at=NOW - HOUR),
                visit(OLD, revision=1),
                visit(OTHER, revision=1),
                visit(FINAL, revision=1, status="final", asked_due=NOW),
                visit(QUIET, revision=1),
            ]
        )
        revisions = [revision(1, key) for key in (DUE, PUT, LEFT, OLD, OTHER, FINAL, QUIET)]
        await batch.add_revisions([*revisions, revision(2, DUE, '{"second": true}')])
        asked = [
            question("q1", PUT)._replace(opened_at=NOW - 2 * HOUR),
            question("q2", LEFT)._replace(opened_at=NOW - HOUR),
            question("q3", OLD)._replace(opened_at=NOW - 25 * HOUR),
            question("q4", OTHER)._replace(opened_at=NOW, code="dose.missing"),
            question("q5", QUIET, closed_at=NOW)._replace(opened_at=NOW),
        ]
        await batch.put_questions(asked)
        asked_at = StoredAssignment(*PUT, "", asked_unit_at=NOW - HOUR, at=NOW, who="N. Numbat")
        await batch.workbench.assign([asked_at])


async def test_the_board_reads_visits_with_a_stop_due_or_asked_for(ledger: Ledger) -> None:
    """With their last revisions and not the ones before; what was put earlier is only counted."""
    await filled(ledger)
    async with ledger.view() as view:
        runs = view.running(NOW)
        rows = await runs.visits(NOW - 24 * HOUR, 10)
        earlier = await runs.asked_before(NOW - 24 * HOUR)
        first = await runs.visits(NOW - 24 * HOUR, 1)
    assert [row.visit for row in rows] == ["PUT", "LEFT", "DUE"]
    assert [row.discharged_at for row in rows] == [None, NOW - HOUR, None]
    assert [row.asked_unit_at for row in rows] == [NOW - HOUR, None, None]
    assert (rows[2].body, rows[2].place) == ('{"second": true}', "TOWER")
    assert (earlier, [row.visit for row in first]) == (1, ["PUT"])


async def test_what_is_said_to_run_holds_until_its_time(ledger: Ledger) -> None:
    """The last word counts, and what holds no more goes with the next word of anybody."""
    await filled(ledger)
    async with ledger.batch() as batch:
        await batch.workbench.still_running(said(PUT, "q1", 0), NOW - HOUR)
        await batch.workbench.still_running(said(LEFT, "q2", 5), NOW)
        await batch.workbench.still_running(said(LEFT, "q2", 15), NOW)
    async with ledger.view() as view:
        rows = await view.running(NOW).visits(NOW - 24 * HOUR, 10)
        later = await view.running(NOW + HOUR).visits(NOW - 24 * HOUR, 10)
    assert [dict(row.still_running) for row in rows] == [{}, {"q2": said(LEFT, "q2", 15)}, {}]
    assert all(not row.still_running for row in later)


async def test_what_is_said_to_run_goes_with_its_visit(ledger: Ledger) -> None:
    """Retention removes it with the visit's other rows."""
    await filled(ledger)
    async with ledger.batch() as batch:
        await batch.workbench.still_running(said(PUT, "q1", 15), NOW)
    later = MORNING + 24 * HOUR
    await ledger.forget(later, record_before=later, parked_before=later)
    async with ledger.batch() as batch:
        await batch.put_visits([visit(PUT, revision=1)])
        await batch.put_questions([question("q1", PUT)._replace(opened_at=NOW)])
        await batch.add_revisions([revision(1, PUT)])
    async with ledger.view() as view:
        (row,) = await view.running(NOW).visits(NOW - HOUR, 10)
    assert (row.visit, dict(row.still_running)) == ("PUT", {})
