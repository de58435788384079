"""Retention in a running program: what is removed now, from the days of the settings.

This module owns which setting bounds which rows, and what the log and a metric say of it. It
removes nothing itself: the ledger knows which rows go together. When the programs look again is
theirs to say.
"""

from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from chargeline.hl7.patient_numbers import patient_numbers
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings
from chargeline.telemetry.metrics import Metrics


async def forget_old(
    ledger: Ledger,
    settings: Settings,
    now: datetime,
    *,
    log: FilteringBoundLogger,
    metrics: Metrics,
) -> None:
    """Remove what was kept for as many days as the settings say. Raises LedgerError."""
    forgotten = await ledger.forget(
        now - timedelta(days=settings.retention_days),
        record_before=now - timedelta(days=settings.record_retention_days),
        parked_before=now - timedelta(days=settings.parked_retention_days),
        reads=patient_numbers,
    )
    if forgotten.visits:
        log.info("forgotten", count=forgotten.visits)
    if forgotten.parked_unseen:  # nobody has read these messages, and now nobody can
        log.warning("parked.expired", count=forgotten.parked_unseen)
        metrics.parked_expired.add(forgotten.parked_unseen)
