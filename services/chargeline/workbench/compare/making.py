"""Makes one comparison: which visits, by which rules, twenty at a time.

It owns the bound on how many visits, and the other rules' way from a folder to a processor. It
shows nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from chargeline.drafting.comparing import (
    VISITS_AT_ONCE,
    ComparedVisit,
    Comparison,
    NotCompared,
)
from chargeline.drafting.processor import Processor
from chargeline.drafting.setup import new_processor
from chargeline.ledger.periods import PeriodStamp, PeriodVisit
from chargeline.rulebook.loading import refuse_unknown_policy
from chargeline.workbench.bench import Bench
from chargeline.workbench.compare.asked_for import AskedComparison
from chargeline.workbench.compare.jobs import ComparisonJob

VISITS_MOST = 500
"""So many visits are compared at once, those of the last days; the page says how many are not."""


class ComparisonResult(NamedTuple):
    """What was compared: the rows of the period's visits, those compared, and those missing.

    `stamp` is of the period as it was when the comparison began, and `left_out` how many visits are
    beyond the bound. `rulebook` is that of the drafts as they are now, `other` that of the others.
    """

    rows: dict[tuple[str, str], PeriodVisit]
    visits: Sequence[ComparedVisit]
    missing: Sequence[NotCompared]
    stamp: PeriodStamp
    left_out: int
    rulebook: str
    other: str
    read_at: datetime


async def compare(bench: Bench, asked: AskedComparison, job: ComparisonJob) -> ComparisonResult:
    """Compare the visits of a period, and count in the job how far it is.

    Raises RulebookError and others of `new_processor` where the other rules cannot be used.
    """
    read_at = bench.clock()
    async with bench.ledger.view() as view:
        period = view.period(asked.period)
        stamp = await period.stamp()
        rows = await period.rows(VISITS_MOST)
    job.total = len(rows)
    other = await _other(bench, asked)
    rules = (other or bench.processor).maker.rulebook
    if asked.policy:
        refuse_unknown_policy(asked.policy, rules, where="policy")
    comparison = Comparison(
        bench.ledger,
        bench.processor,
        other=other,
        policy=asked.policy,
        posted=asked.against == "posted",
    )
    visits: list[ComparedVisit] = []
    missing: list[NotCompared] = []
    for start in range(0, len(rows), VISITS_AT_ONCE):
        part = [row.key for row in rows[start : start + VISITS_AT_ONCE]]
        compared = await comparison.of(part)
        visits += compared.visits
        missing += compared.missing
        job.done += len(part)
    return ComparisonResult(
        rows={(row.facility, row.visit): row for row in rows},
        visits=visits,
        missing=missing,
        stamp=stamp,
        left_out=stamp.visits - len(rows),
        rulebook=bench.processor.maker.rulebook.version,
        other=rules.version,
        read_at=read_at,
    )


async def _other(bench: Bench, asked: AskedComparison) -> Processor | None:
    """A processor with the rules of the named folder; None where they are those in use.

    A folder of a site's own is read and checked as a whole, which takes seconds.
    """
    if not asked.rules:
        return None
    settings = bench.settings.model_copy(update={"rules": bench.rules_folders[asked.rules]})
    make = partial(new_processor, settings, bench.ledger, settings.topic_inbound)
    return await asyncio.to_thread(make)
