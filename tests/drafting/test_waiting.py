"""Claims about what the row of a visit says of its bill: what it waits for, and with how much."""

from collections import Counter

from chargeline.engine import VisitKey
from chargeline.simulator.feed import simulate
from tests.drafting.test_processor import Bench, bench, keyed

__all__ = ["bench"]


async def test_the_row_of_a_visit_says_what_its_last_revision_says(bench: Bench) -> None:
    """After each hundred messages and again days later, when drafts have become final."""
    bench.processors[0].maker.prices = {"96413": 500, "96365": 300, "J9045": 7}
    feed = [data for _style, data in simulate(visits=20, seed=3, faults=0.5).messages]
    reasons: Counter[str | None] = Counter()
    for first in range(0, len(feed), 100):
        await bench.feed(keyed(feed[first : first + 100]))
        reasons += await compared(bench)
    await bench.later(minutes=10 * 24 * 60)
    reasons += await compared(bench)
    assert {"discharge", ""} < reasons.keys(), "nobody waits, or nobody may be billed"


async def compared(bench_: Bench) -> Counter[str | None]:
    """How many visits wait for what; each row must say what the visit's last revision says."""
    drafts = await bench_.drafts()
    async with bench_.ledger.view() as view:
        rows = await view.visits([VisitKey(*key) for key in drafts])
    for key, draft in drafts.items():
        row = rows[VisitKey(*key)]
        assert row.waits_for == next(iter(draft.waits_for), "")
        assert row.waiting_cents == draft.waiting_cents
    return Counter([row.waits_for for row in rows.values()])
