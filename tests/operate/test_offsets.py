"""Claims about `chargeline offsets show` and `skip`: the last resort is refused, done and noted."""

import json

import pytest

from chargeline.ledger.errors import Fenced
from chargeline.ledger.records import Move
from chargeline.ledger.store import Ledger
from chargeline.operate.offsets import show, skip
from chargeline.settings import Settings
from tests.drafting.test_features import GOOD, claimed, settings, small
from tests.drafting.test_processor import keyed

__all__ = ["settings", "small"]

ANNA = {"who": "ANNA", "why": "record 7 cannot be read"}


async def test_a_skip_moves_the_partition_and_fences_its_owner(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The capture that has it loses its next batch, claims it, and goes on at the offset."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    assert await show(as_json=True)(settings) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    at = {row["partition"]: row["next_offset"] for row in shown}
    number = next(number for number, offset in at.items() if offset)
    assert await skip(number, at[number] + 3, **ANNA)(settings) == 0
    assert "3 records of hl7.inbound[" in capsys.readouterr().out
    with pytest.raises(Fenced):
        async with small.batch() as batch:
            move = Move(at[number], at[number] + 1)
            await batch.advance("hl7.inbound", {number: move}, owner="test")
    assert await small.claim("hl7.inbound", number, "test") == at[number] + 3
    async with small.view() as view:
        (act,) = await view.acts(0, 100, did="offsets.skip")
    assert (act.who, act.why) == ("ANNA", "record 7 cannot be read")
    assert json.loads(act.details)["to"] == at[number] + 3


@pytest.mark.parametrize(("partition", "to"), [(0, 0), (99, 5)])
async def test_a_skip_that_goes_back_or_nowhere_is_refused(
    small: Ledger, settings: Settings, partition: int, to: int
) -> None:
    """Records are never read twice by a slip, and a partition that nobody claimed has none."""
    await claimed(small)
    before = await _offsets(small)
    assert await skip(partition, to, **ANNA)(settings) == 1
    assert await _offsets(small) == before


async def _offsets(ledger: Ledger) -> list[tuple[int, int | None]]:
    async with ledger.view() as view:
        return [(row.partition, row.next_offset) for row in await view.offsets()]
