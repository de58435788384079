"""Forgetting by a person's word, and legal holds against it and against retention."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from chargeline.engine import VisitKey
from chargeline.hl7.patient_numbers import patient_numbers
from chargeline.ledger import Ledger
from chargeline.ledger.erasing import Identification
from chargeline.ledger.errors import OnHold
from chargeline.ledger.records import StoredAnswer, Whose
from chargeline.ledger.tables import metadata
from chargeline.ledger.workbench_records import StoredAssignment, StoredStillRunning
from chargeline.published.inbound import record_key

from . import with_tables
from .rows import (
    HOUR,
    MORNING,
    V1,
    V2,
    V3,
    announcement,
    initial_service,
    merge,
    message,
    parked,
    question,
    revision,
    visit,
)

READING = Identification(patient_numbers, record_key)
LATER = MORNING + 1000 * HOUR
VISIT, PATIENT = Whose("visit", "NORTH", "V1"), Whose("patient", "NORTH", "P1")


def of_patient(number: str) -> bytes:
    return f"MSH|^~\\&|A\rPID|1||{number}^^^NORTH^MR\r".encode()


async def everything(ledger: Ledger, key: VisitKey, patient: str, number: int) -> None:
    """A visit with a row in every table that holds patients."""
    raw = of_patient(patient)
    fact = initial_service(key)._replace(patient=patient)
    async with ledger.batch() as batch:
        await batch.put_visits([visit(key, status="final")])
        await batch.add_messages([message(number, key.visit, raw=raw)])
        await batch.add_messages([message(number + 100, "", raw=raw)])
        await batch.add_revisions([revision(1, key)])
        await batch.put_questions([question("q1", key)])
        await batch.add_answers([StoredAnswer(*key, "a1", MORNING, "{}")])
        await batch.workbench.assign(
            [StoredAssignment(*key, "O. Okapi", None, MORNING, "L. Lemur")]
        )
        until = StoredStillRunning(*key, "q1", MORNING + HOUR, "L. Lemur", "a slow pump")
        await batch.workbench.still_running(until, MORNING)
        await batch.put_contributions([key], [fact])
        await batch.add_merges(
            [merge(f"{key.visit}-0", key.visit)], [merge(f"{patient}-0", patient)]
        )
        await batch.park([parked(number, facility=key.facility, visit=key.visit)])
        await batch.park([parked(number + 100, raw=raw)])
        await batch.announce([announcement("e")._replace(key=record_key(*key))])


async def counted(ledger: Ledger) -> dict[str, int]:
    """The number of rows of each table that has any."""
    async with ledger.view() as view:
        counts: dict[str, Any] = {
            table.name: (await view._transaction.rows(select(func.count()).select_from(table)))[0][
                0
            ]
            for table in metadata.sorted_tables
        }
    # The trail, the tallies and the hashes of what was removed only grow.
    grow = ("audit", "tally", "forgotten_visit")
    return {name: number for name, number in counts.items() if number and name not in grow}


async def erased(ledger: Ledger, whose: Whose) -> dict[str, int]:
    async with ledger.batch() as batch:
        return (await batch.erase(whose, READING, MORNING)).rows


async def test_all_of_a_patient_goes_and_nothing_of_another(ledger: Ledger) -> None:
    """Every table loses as many rows as it is said to, and keeps as many of the other patient."""
    await everything(ledger, V2, "P2", 2)
    other = await counted(ledger)
    await everything(ledger, V1, "P1", 1)
    removed = await erased(ledger, PATIENT)
    assert removed == {
        **dict.fromkeys(other, 1), "message": 2, "parked": 2
    }  # fmt: skip
    assert await counted(ledger) == other
    async with ledger.view() as view:
        statuses = {key: row.status for key, row in (await view.visits([V1, V2, V3])).items()}
        assert statuses == {V1: "forgotten", V2: "final"}


async def test_a_patient_goes_under_every_number_that_was_merged(ledger: Ledger) -> None:
    """P1 was merged into P2: who names P1 means the messages of P2 as well, not those of P10."""
    async with ledger.batch() as batch:
        await batch.add_merges([], [merge("P1", "P2")])
        numbers = {V1: "P1", V2: "P2", V3: "P10"}
        await batch.add_messages(
            [message(n, key.visit, raw=of_patient(p)) for n, (key, p) in enumerate(numbers.items())]
        )
    assert (await erased(ledger, PATIENT))["message"] == 2
    async with ledger.view() as view:
        kept = await view.messages_of([V1, V2, V3])
    assert [len(messages) for messages in kept.values()] == [0, 0, 1]


async def test_a_visit_goes_without_the_rest_of_its_patient(ledger: Ledger) -> None:
    """The patient's merges, and messages of no visit, stay; a number merged into the visit goes."""
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        await batch.add_messages([message(5, "V1-0")])
    removed = await erased(ledger, VISIT)
    assert (removed["message"], removed["visit"], removed["visit_merge"]) == (2, 1, 1)
    assert await counted(ledger) == {"message": 1, "parked": 1, "patient_merge": 1}


async def test_a_number_of_which_nothing_was_stored_is_not_remembered(ledger: Ledger) -> None:
    """It may be mistyped: a visit that comes under it one day is drafted like any other."""
    await everything(ledger, V2, "P2", 2)
    await erased(ledger, VISIT)
    async with ledger.view() as view:
        assert await view.visits([V1]) == {}


@pytest.mark.parametrize("whose", [VISIT, PATIENT], ids=["visit", "patient"])
async def test_what_is_held_is_not_forgotten(ledger: Ledger, whose: Whose) -> None:
    """`forget` removes nothing of it, of visit or patient, until it is released."""
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        assert await batch.hold(whose, READING, MORNING, who="ANNA", why="case 1")
    before = await counted(ledger)
    for asked in (VISIT, PATIENT):
        with pytest.raises(OnHold):
            await erased(ledger, asked)
    assert await counted(ledger) == before
    async with ledger.batch() as batch:
        assert await batch.release(whose) == [whose]
        assert await batch.release(whose) == []
    assert "hold" not in await counted(ledger)
    assert sum((await erased(ledger, PATIENT)).values()) > 0


async def test_retention_leaves_what_is_held(ledger: Ledger) -> None:
    """Patient P1 is held: all of P2 goes, however long the hold lasts; then P1 goes."""
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        await batch.hold(PATIENT, READING, MORNING, who="ANNA", why="case 1")
    held = await counted(ledger)
    await everything(ledger, V2, "P2", 2)
    bounds = {"record_before": LATER, "parked_before": LATER, "reads": READING.patients_of}
    await ledger.forget(LATER, **bounds, chunk=1)
    assert await counted(ledger) == {**held, "outbox": 2}
    async with ledger.batch() as batch:
        await batch.release(PATIENT)
    await ledger.forget(LATER, **bounds)
    assert await counted(ledger) == {"outbox": 2}


@pytest.mark.parametrize("later", ["P1", "P7"], ids=["same number", "number merged later"])
async def test_a_hold_of_a_patient_covers_what_comes_later(ledger: Ledger, later: str) -> None:
    """A visit, a message of no visit and a parked one that came after the hold stay, and `forget`
    refuses the visit. What is of another patient goes, and all goes after the release.
    """
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        await batch.hold(PATIENT, READING, MORNING, who="ANNA", why="case 1")
        await batch.add_merges([], [merge("P7", "P1")])
    await everything(ledger, V3, later, 3)
    async with ledger.batch() as batch:
        await batch.put_contributions([V3], [])  # a visit need not add to the record
    before = await counted(ledger)
    await everything(ledger, V2, "P2", 2)
    with pytest.raises(OnHold):
        await erased(ledger, Whose("visit", "NORTH", "V3"))
    bounds = {"record_before": LATER, "parked_before": LATER, "reads": READING.patients_of}
    await ledger.forget(LATER, **bounds, chunk=1)
    left = await counted(ledger)
    assert {**left, "hold": 0, "outbox": 0} == {**before, "hold": 0, "outbox": 0}
    assert left["hold"] > before["hold"]
    async with ledger.batch() as batch:
        assert await batch.release(PATIENT) == [PATIENT]
    await ledger.forget(LATER, **bounds)
    assert await counted(ledger) == {"outbox": 3}


async def test_a_visit_that_takes_a_held_one_over_is_held_as_well(ledger: Ledger) -> None:
    """V1 is held, and was merged into V3 later: V3 goes when V1 is released."""
    async with ledger.batch() as batch:
        await batch.put_visits([visit(V1, status="final")])
        await batch.hold(VISIT, READING, MORNING, who="ANNA", why="case 1")
        await batch.put_visits([visit(V1, status="merged"), visit(V3, status="final")])
        await batch.add_merges([merge("V1", "V3")])
    bounds = {"record_before": MORNING, "parked_before": MORNING}
    assert (await ledger.forget(LATER, **bounds)).visits == 0
    async with ledger.batch() as batch:
        await batch.release(VISIT)
    assert (await ledger.forget(LATER, **bounds)).visits == 2


async def test_what_is_forgotten_is_no_longer_in_the_file(tmp_path: Path) -> None:
    """SQLite overwrites deleted rows, and its write-ahead log goes with the last connection."""
    file = tmp_path / "ledger.sqlite"
    ledger = await Ledger.open(await with_tables(f"sqlite+aiosqlite:///{file}"))
    await everything(ledger, V1, "ZZ-MARKED-4711", 1)
    async with ledger.view() as view:
        assert (await view._transaction.rows(text("PRAGMA secure_delete")))[0][0] == 1
    await ledger.close()
    assert b"ZZ-MARKED-4711" in file.read_bytes()
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{file}")
    await erased(ledger, Whose("patient", "NORTH", "ZZ-MARKED-4711"))
    await ledger.close()
    assert b"ZZ-MARKED-4711" not in file.read_bytes()
