"""Claims about retention in a program: the days of the settings, and what log and metric say."""

from datetime import timedelta

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from chargeline.drafting.retaining import forget_old
from chargeline.ledger import Ledger
from chargeline.settings import Settings
from chargeline.telemetry.logs import logger
from chargeline.telemetry.metrics import Metrics
from tests.drafting.test_features import small
from tests.ledger.rows import MORNING, V1, parked, visit

__all__ = ["small"]


async def test_a_parked_message_that_nobody_saw_is_told_when_it_goes(small: Ledger) -> None:
    """After 181 days of 180 the message goes with a warning and is counted; a visit of that age
    stays.
    """
    registry = CollectorRegistry()
    metrics = Metrics(registry, program="capture", version="0")
    async with small.batch() as batch:
        await batch.park([parked(1)])
        await batch.put_visits([visit(V1, status="final")])
    for days, kept in ((180, [1]), (181, [])):
        with capture_logs() as said:
            now = MORNING + timedelta(days=days)
            await forget_old(small, Settings(), now, log=logger("test"), metrics=metrics)
        assert [row.offset for row in await small.parked()] == kept
        assert [line["event"] for line in said] == ([] if kept else ["parked.expired"])
        counted = registry.get_sample_value("chargeline_parked_expired_messages_total")
        assert counted == (0 if kept else 1)
    async with small.view() as view:
        assert (await view.visits([V1]))[V1].status == "final"
