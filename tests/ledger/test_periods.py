"""The visits of a period, on SQLite and PostgreSQL alike: which they are, and when one changed."""

from datetime import date

from chargeline.engine import VisitKey
from chargeline.ledger import Ledger
from chargeline.ledger.periods import PeriodFilter, PeriodStamp

from .rows import HOUR, MORNING, visit

MARCH = PeriodFilter(date(2026, 3, 1), date(2026, 3, 31))


async def filled(ledger: Ledger) -> None:
    """Three visits of March in two units, one of April, one without a day, one merged away."""
    days = {
        "FIRST": {"day": "2026-03-01", "place": "TOWER", "payer": "ZEBRA HEALTH"},
        "LAST": {"day": "2026-03-31", "place": "CLINIC", "status": "final"},
        "MIDDLE": {"day": "2026-03-09", "place": "TOWER", "payer": "ZEBRA HEALTH"},
        "APRIL": {"day": "2026-04-01", "place": "NORTH WING"},
        "UNDATED": {"day": ""},
        "MERGED": {"day": "2026-03-09", "status": "merged"},
    }
    async with ledger.batch() as batch:
        await batch.put_visits(
            [
                visit(VisitKey("NORTH", name), updated_at=MORNING + n * HOUR, **row)
                for n, (name, row) in enumerate(days.items())
            ]
        )


async def test_the_days_at_both_ends_count_and_the_last_comes_first(ledger: Ledger) -> None:
    """What was merged away has no draft of its own; a bound takes the last days."""
    await filled(ledger)
    async with ledger.view() as view:
        rows = await view.period(MARCH).rows(10)
        two = await view.period(MARCH).rows(2)
    assert [row.key.visit for row in rows] == ["LAST", "MIDDLE", "FIRST"]
    assert (rows[0].status, rows[2].place, rows[2].payer) == ("final", "TOWER", "ZEBRA HEALTH")
    assert [row.visit for row in two] == ["LAST", "MIDDLE"]


async def test_a_unit_and_a_payer_narrow_it_and_name_what_can_be_chosen(ledger: Ledger) -> None:
    """The choices are those of the days, whatever is chosen."""
    await filled(ledger)
    async with ledger.view() as view:
        narrow = view.period(MARCH._replace(place="TOWER", payer="ZEBRA HEALTH"))
        assert [row.visit for row in await narrow.rows(10)] == ["MIDDLE", "FIRST"]
        assert await view.period(MARCH._replace(payer="NONESUCH")).rows(10) == []
        assert await narrow.values("place") == ["CLINIC", "TOWER"]
        assert await narrow.values("payer") == ["ZEBRA HEALTH"]


async def test_the_stamp_tells_a_change_and_what_is_of_no_period(ledger: Ledger) -> None:
    """MIDDLE changed last, at two hours past the morning."""
    await filled(ledger)
    async with ledger.view() as view:
        assert await view.period(MARCH).stamp() == PeriodStamp(3, MORNING + 2 * HOUR, 1)
        empty = PeriodFilter(date(2025, 1, 1), date(2025, 1, 2))
        assert await view.period(empty).stamp() == PeriodStamp(0, None, 1)
