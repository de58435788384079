"""Messages are found under every number that leads to a visit."""

import pytest

from chargeline.engine import VisitKey
from chargeline.ledger import Ledger, StoredMerge
from chargeline.ledger.merges import leading_to

from .rows import V1, V2, V3, V4, merge, message


async def test_messages_of_a_visit_include_those_of_numbers_that_lead_to_it(ledger: Ledger) -> None:
    """V1 was merged into V2 and V2 into V3: V3 has the messages of all, in order of arrival."""
    async with ledger.batch() as batch:
        await batch.add_messages(
            [message(3, "V1"), message(1, "V3"), message(2, "V2"), message(4, "V4")]
        )
        await batch.add_merges([merge("V1", "V2"), merge("V2", "V3")])
        messages = await batch.messages_of([V1, V2, V3, V4])
    assert messages == {
        V1: [message(3, "V1")],
        V2: [message(2, "V2"), message(3, "V1")],
        V3: [message(1, "V3"), message(2, "V2"), message(3, "V1")],
        V4: [message(4, "V4")],
    }


async def test_a_chain_of_any_length_is_followed(ledger: Ledger) -> None:
    """N0 was merged into N1, N1 into N2, and so on to N39: N39 has the messages of all forty."""
    async with ledger.batch() as batch:
        await batch.add_messages([message(n, f"N{n}") for n in range(40)])
        await batch.add_merges([merge(f"N{n}", f"N{n + 1}") for n in range(39)])
        last = VisitKey("NORTH", "N39")
        assert len((await batch.messages_of([last]))[last]) == 40


async def test_merges_of_another_facility_are_not_followed(ledger: Ledger) -> None:
    """The same numbers in another hospital are other visits."""
    async with ledger.batch() as batch:
        await batch.add_messages([message(1, "V1"), message(2, "V1", facility="SOUTH")])
        await batch.add_merges([merge("V1", "V2", facility="SOUTH")])
        south = VisitKey("SOUTH", "V2")
        assert await batch.messages_of([V2, south]) == {
            V2: [],
            south: [message(2, "V1", facility="SOUTH")],
        }


async def test_of_several_merges_of_one_number_the_last_sent_counts(ledger: Ledger) -> None:
    """V1 was merged into V2 at 09:00 and into V3 at 10:00: its messages belong to V3.

    That is so whichever of the two merges came in first.
    """
    async with ledger.batch() as batch:
        await batch.add_messages([message(1, "V1")])
        await batch.add_merges([merge("V1", "V3", 2)])
        await batch.add_merges([merge("V1", "V2", 1)])
        assert await batch.messages_of([V2, V3]) == {V2: [], V3: [message(1, "V1")]}
        assert await batch.merges_around([V2]) == [merge("V1", "V2", 1), merge("V1", "V3", 2)]


async def test_a_ring_of_merges_ends(ledger: Ledger) -> None:
    """V1 was merged into V2, and V2 into V1: each has the messages of both, once."""
    async with ledger.batch() as batch:
        await batch.add_messages([message(1, "V1"), message(2, "V2")])
        await batch.add_merges([merge("V1", "V2", 1), merge("V2", "V1", 2), merge("V3", "V3", 3)])
        both = [message(1, "V1"), message(2, "V2")]
        assert await batch.messages_of([V1, V2, V3]) == {V1: both, V2: both, V3: []}


async def test_a_number_merged_into_itself_undoes_nothing(ledger: Ledger) -> None:
    """V1 was merged into V2 at 09:00 and "into V1" at 10:00: its messages still belong to V2."""
    async with ledger.batch() as batch:
        await batch.add_messages([message(1, "V1")])
        await batch.add_merges([merge("V1", "V2", 1), merge("V1", "V1", 2)])
        assert await batch.messages_of([V2]) == {V2: [message(1, "V1")]}


async def test_a_merge_again_is_one_merge(ledger: Ledger) -> None:
    """A merge that comes twice changes nothing, in one call or in two."""
    async with ledger.batch() as batch:
        await batch.add_merges([merge("V1", "V2"), merge("V1", "V2")], [merge("P1", "P2")])
        await batch.add_merges([merge("V1", "V2")], [merge("P1", "P2")])
        assert await batch.merges_around([V1]) == [merge("V1", "V2")]
        assert await batch.patient_merges_around([("NORTH", "P2")]) == [merge("P1", "P2")]


async def test_merges_are_found_from_either_end(ledger: Ledger) -> None:
    """Three merges link V1, V2, V3 and V4: from each of the four, those three merges are read."""
    group = [merge("V1", "V2"), merge("V3", "V2"), merge("V4", "V3")]
    async with ledger.batch() as batch:
        await batch.add_merges([*group, merge("W1", "W2")])
        for number in ("V1", "V2", "V3", "V4"):
            assert await batch.merges_around([("NORTH", number)]) == group


@pytest.mark.parametrize(
    "merges", [[], [merge("V2", "V1")], [merge("V1", "V2", 1), merge("V1", "V1", 2)]]
)
def test_a_number_always_leads_to_itself(merges: list[StoredMerge]) -> None:
    """Whatever was merged, a visit keeps the messages of its own number, and they come first."""
    assert leading_to([V1], merges)[V1][0] == V1


def test_the_order_in_which_merges_are_read_does_not_matter() -> None:
    """Of V1 into V2 at 09:00 and V1 into V3 at 10:00 the second counts, read first or last."""
    both = [merge("V1", "V2", 1), merge("V1", "V3", 2)]
    for merges in (both, both[::-1]):
        assert leading_to([V2, V3], merges) == {V2: [V2], V3: [V3, V1]}
