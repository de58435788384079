"""Legal holds as a person asks for them: what they keep, and under which numbers they are found."""

import pytest

from chargeline.ledger import Ledger
from chargeline.ledger.errors import OnHold
from chargeline.ledger.holding import HeldRows
from chargeline.ledger.records import Whose
from tests.ledger.rows import HOUR, MORNING, V1, V3, initial_service, merge, message
from tests.ledger.test_forgetting import (
    LATER,
    PATIENT,
    READING,
    VISIT,
    counted,
    erased,
    everything,
)

OTHERS = {"visit": Whose("visit", "NORTH", "V7"), "patient": Whose("patient", "NORTH", "P7")}
BY = {"who": "ANNA", "why": "case 1"}


async def merged(ledger: Ledger) -> None:
    """V1 is merged with V7, and P1 with P7."""
    async with ledger.batch() as batch:
        await batch.add_merges([merge("V1", "V7")], [merge("P1", "P7")])


@pytest.mark.parametrize("whose", [VISIT, PATIENT], ids=["visit", "patient"])
async def test_a_hold_counts_the_rows_that_it_keeps(ledger: Ledger, whose: Whose) -> None:
    """Of a visit also its second message; of a patient also those of no visit. What merges link is
    counted as numbers, and is no visit before it has a row.
    """
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        await batch.add_messages([message(5, "V1")])
        rows = await batch.hold(whose, READING, MORNING, **BY)
    expected = {
        "visit": HeldRows(numbers=2, visits=1, messages=2, parked=1, entries=0),
        "patient": HeldRows(numbers=2, visits=1, messages=3, parked=2, entries=1),
    }
    assert rows == expected[whose.kind]
    assert [(hold.whose, hold.rows) for hold in await ledger.holds()] == [(whose, rows)]


@pytest.mark.parametrize("whose", [VISIT, PATIENT], ids=["visit", "patient"])
async def test_a_hold_of_nothing_says_so_and_covers_what_comes(
    ledger: Ledger, whose: Whose
) -> None:
    """What comes under the number afterwards cannot be forgotten, and retention leaves it."""
    async with ledger.batch() as batch:
        assert not (await batch.hold(whose, READING, MORNING, **BY)).any
    await everything(ledger, V1, "P1", 1)
    with pytest.raises(OnHold):
        await erased(ledger, VISIT)
    before = await counted(ledger)
    bounds = {"record_before": MORNING, "parked_before": MORNING, "reads": READING.patients_of}
    assert (await ledger.forget(LATER, **bounds)).visits == 0
    assert (await counted(ledger))["visit"] == before["visit"]


@pytest.mark.parametrize("whose", [VISIT, PATIENT], ids=["visit", "patient"])
@pytest.mark.parametrize("under", ["old", "new"])
async def test_a_hold_is_released_under_any_number_that_was_merged(
    ledger: Ledger, whose: Whose, under: str
) -> None:
    """It was taken before the merge; neither number nor what belongs to it is held afterwards."""
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        await batch.hold(whose, READING, MORNING, **BY)
    await merged(ledger)
    async with ledger.batch() as batch:
        asked = whose if under == "old" else OTHERS[whose.kind]
        assert await batch.release(asked) == [whose]
    assert "hold" not in await counted(ledger)


@pytest.mark.parametrize("whose", [VISIT, PATIENT], ids=["visit", "patient"])
async def test_a_hold_taken_before_a_merge_refuses_the_other_number(
    ledger: Ledger, whose: Whose
) -> None:
    """`forget` of the number that took the held one over removes nothing."""
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        await batch.hold(whose, READING, MORNING, **BY)
    await merged(ledger)
    before = await counted(ledger)
    with pytest.raises(OnHold):
        await erased(ledger, OTHERS[whose.kind])
    assert await counted(ledger) == before


async def test_the_record_of_a_number_that_was_merged_later_is_held(ledger: Ledger) -> None:
    """P1 is held, and P7 is merged with it later: an old entry of P7's record stays."""
    async with ledger.batch() as batch:
        await batch.hold(PATIENT, READING, MORNING, **BY)
        entry = initial_service(V3, MORNING - HOUR)._replace(patient="P7")
        await batch.put_contributions([], [entry])
    await merged(ledger)
    bounds = {"record_before": LATER, "parked_before": MORNING, "reads": READING.patients_of}
    assert (await ledger.forget(MORNING, **bounds)).contributions == 0


async def test_a_visit_that_is_held_with_its_patient_has_no_hold_of_its_own(
    ledger: Ledger,
) -> None:
    """To release the visit ends nothing, and the patient's hold is named."""
    await everything(ledger, V1, "P1", 1)
    async with ledger.batch() as batch:
        await batch.hold(PATIENT, READING, MORNING, **BY)
        assert await batch.release(VISIT) == []
        assert await batch.kept_by(VISIT) == [PATIENT]
