"""`chargeline balance --ledger`: the visits of the ledger, some hundred at a time, as drafted now.

It owns the pages, so that a year of a hospital is never in memory at once. What a balance is, it
does not know: whoever calls adds the visits up.
"""

from collections.abc import Callable
from itertools import islice

from chargeline.drafting.answering import DraftedVisit
from chargeline.drafting.looking import drafted_now
from chargeline.drafting.setup import new_processor
from chargeline.engine import Formulary
from chargeline.operate.opened import opened
from chargeline.operate.running import OK, Command
from chargeline.settings import Settings

AT_ONCE = 200
Take = Callable[[DraftedVisit], None]


def each_visit(begin: Callable[[Formulary], Take], end: Callable[[int], None]) -> Command:
    """A command that gives each visit of the ledger to `begin(formulary)`, and then to `end` how
    many messages are parked: what they say is missing.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            processor = new_processor(settings, ledger, settings.topic_inbound)
            take = begin(processor.maker.rulebook.formulary)
            async with ledger.view() as view:
                keys = iter(await view.visit_keys())
            while page := list(islice(keys, AT_ONCE)):
                async with ledger.view() as view:
                    for visit in await drafted_now(view, processor, page):
                        take(visit)
            end((await ledger.counts()).parked)
        return OK

    return work
