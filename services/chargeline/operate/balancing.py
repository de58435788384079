"""`chargeline balance --ledger`: the visits of the ledger, some hundred at a time, as drafted now.

It owns the pages, so that a year of a hospital is never in memory at once. What a balance is, it
does not know: whoever calls adds the visits up.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from chargeline.drafting.answering import DraftedVisit
from chargeline.drafting.looking import drafted_where_readable
from chargeline.drafting.setup import new_processor
from chargeline.engine import Formulary
from chargeline.ledger.errors import UnreadableRow
from chargeline.operate.opened import opened
from chargeline.operate.running import OK, Command
from chargeline.settings import Settings

AT_ONCE = 200
Take = Callable[[DraftedVisit], None]
Missing = Callable[[int, Sequence[UnreadableRow]], None]


def each_visit(begin: Callable[[Formulary], Take], end: Missing) -> Command:
    """A command that gives each visit of the ledger to `begin(formulary)`, and then to `end` what
    is missing: how many messages are parked, and the rows that keep their visits from being read.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            processor = new_processor(settings, ledger, settings.topic_inbound)
            take = begin(processor.maker.rulebook.formulary)
            async with ledger.view() as view:
                keys = iter(await view.visit_keys())
            closed: list[UnreadableRow] = []
            while page := list(islice(keys, AT_ONCE)):
                async with ledger.view() as view:
                    visits, unreadable = await drafted_where_readable(view, processor, page)
                for visit in visits:
                    take(visit)
                closed += unreadable
            end((await ledger.counts()).parked, closed)
        return OK

    return work
