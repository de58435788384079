"""Claims about facts that span visits in the live drafting, over partitions and in any order."""

import pytest

from tests.drafting.test_processor import Bench, bench, by_bench, by_code, keyed
from tests.trials import message, rxa
from tests.trials.test_visits import RINSED, ordered_for, started, taken_off

__all__ = ["bench"]


def encoded(*messages: str) -> list[bytes]:
    return [text.encode() for text in messages]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("order", [ordered_for(2760), ""], ids=["ordered", "no order"])
async def test_a_pump_is_taken_off_under_another_number(
    bench: Bench, order: str, backwards: bool
) -> None:
    """The start is billed once, and no question is open in the end, whichever visit comes first."""
    messages = encoded(*[text for text in (order, started(), taken_off()) if text])
    for record in keyed(messages[::-1] if backwards else messages):
        await bench.feed([record])
    drafts = await bench.drafts()
    assert by_bench(drafts) == by_code(messages) == {"VA": [("96416", 1, ()), ("J9190", 10, ())]}
    asked = [q for draft in drafts.values() for e in draft.encounters for q in e.questions]
    assert asked == []


async def test_a_rinsed_port_waits_for_the_services_of_other_visits(bench: Bench) -> None:
    """Reported at first, credited when another visit of the day has an infusion, and back again."""
    infusion = rxa("vancomycin", "0900-1000", "1000 mg")
    port = encoded(message(*RINSED, visit="V2"))
    other = encoded(message("ORC|RE||R1", infusion, "RXR|IV", number=2))
    taken_back = encoded(message("ORC|RE||R1", infusion[:-1] + "D", "RXR|IV", number=3))
    await bench.feed(keyed(port))
    assert by_bench(await bench.drafts())["V2"] == [("96523", 1, ())]
    await bench.feed(keyed(other))
    assert "V2" not in by_bench(await bench.drafts())
    await bench.feed(keyed(taken_back))
    assert by_bench(await bench.drafts())["V2"] == [("96523", 1, ())]
