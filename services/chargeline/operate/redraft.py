"""`chargeline redraft`: visits that are in the ledger, drafted again with the rules of today.

It owns the choice of the visits. It drafts nothing itself: a nudge for each visit goes into the
outbox, and the capture that has the visit drafts it again. Use it after a drug was added to the
formulary or a rule was changed: the programs draft open visits again by themselves
(`drafting/redrafting.py`), and final ones only when a person asks for it here.
"""

from chargeline.drafting.acting import act_of
from chargeline.drafting.announcing import nudge
from chargeline.drafting.processor import utc_now
from chargeline.operate.named import check_question_code, check_visit
from chargeline.operate.opened import opened
from chargeline.operate.running import OK, Command
from chargeline.settings import Settings

AT_ONCE = 1_000
"""So many nudges are one transaction, so that a relay can publish while we go on."""


def redraft(visit: str = "", question: str = "", *, who: str = "", why: str = "") -> Command:
    """Do `chargeline redraft`: of one visit number, of visits with an open question, or of all.

    A revision is made only for a visit whose draft comes out another way. The work raises
    FindingError for a visit that the ledger does not have, and a code under which nobody asks.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            async with ledger.view() as view:
                await check_visit(view, visit, drafted=True)
                await check_question_code(settings, view, question)
                keys = await view.visit_keys(visit=visit, question=question)
            now = utc_now()
            told = {"visit": visit, "question": question, "visits": len(keys)}
            act = act_of("redraft", "visits", visit or "all", who=who, why=why, details=told)
            for first in range(0, max(len(keys), 1), AT_ONCE):
                some = keys[first : first + AT_ONCE]
                async with ledger.batch() as batch:
                    await batch.announce([nudge(settings.topic_inbound, key, now) for key in some])
                    await batch.audit([act] if first == 0 else [])
        noun = "visit is" if len(keys) == 1 else "visits are"
        print(f"{len(keys)} {noun} drafted again as soon as `chargeline capture` or `serve` runs")
        return OK

    return work
