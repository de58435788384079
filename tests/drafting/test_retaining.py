"""Claims about retention in a program: the days of the settings, and what the log says."""

from datetime import timedelta

from structlog.testing import capture_logs

from chargeline.drafting.retaining import forget_old
from chargeline.ledger import Ledger
from chargeline.settings import Settings
from chargeline.telemetry.logs import logger
from tests.drafting.test_features import small
from tests.ledger.rows import MORNING, V1, parked, visit

__all__ = ["small"]


async def test_a_parked_message_that_nobody_saw_is_told_when_it_goes(small: Ledger) -> None:
    """After 181 days of 180 the message goes with a warning; a visit of that age stays."""
    async with small.batch() as batch:
        await batch.park([parked(1)])
        await batch.put_visits([visit(V1, status="final")])
    for days, kept in ((180, [1]), (181, [])):
        with capture_logs() as said:
            await forget_old(small, Settings(), MORNING + timedelta(days=days), logger("test"))
        assert [row.offset for row in await small.parked()] == kept
        assert [line["event"] for line in said] == ([] if kept else ["parked.expired"])
    async with small.view() as view:
        assert (await view.visits([V1]))[V1].status == "final"
