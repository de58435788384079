"""Open visits whose drafts rest on other rules than ours, drafted again a few at a time.

This module owns the walk over those visits and its pace. A question says "add the drug to the
formulary"; a person adds it and starts the captures again. The open visits then come out with the
new rules by themselves, whether or not a message of theirs comes. A final draft stays as it is,
because it may be billed: `chargeline redraft` drafts final visits again when a person says so.

The walk goes through the visits in the order of their keys and begins anew a minute after its end.
A visit whose draft comes out the same gets no revision, only the mark that it was drafted with
these rules. The module does not know when messages wait: a program asks for the next visits only
while none do.
"""

from collections.abc import Callable, Mapping

from chargeline.drafting.processor import OTHERS_DUE, Processor
from chargeline.engine import VisitKey

AT_ONCE = 10
"""Visits in one transaction. A message that comes meanwhile waits for them."""
LOOK_AGAIN_SECONDS = 60.0
BEGINNING = VisitKey("", "")


class Redrafting:
    """The walk of one program; it drafts at most `per_second` visits a second, 0 for none.

    `tell` is called with the number of visits of each transaction.
    """

    def __init__(self, processor: Processor, per_second: int, tell: Callable[[int], None]) -> None:
        self.processor = processor
        self.per_second = per_second
        self._tell = tell
        self._after = BEGINNING
        self._at_once = min(per_second, AT_ONCE)

    async def draft_next(
        self,
        partition_of: Callable[[VisitKey], int | None],
        offsets: Mapping[int, int | None],
        owner: str,
    ) -> float:
        """Draft the next few visits of ours; returns the seconds until they may be followed.

        The arguments are those of `Processor.work_off_due`. Raises Fenced.
        """
        if not self.per_second:
            return LOOK_AGAIN_SECONDS
        most = self._at_once * OTHERS_DUE
        async with self.processor.ledger.view() as view:
            keys = await view.open_under_other_rules(
                self.processor.maker.rulebook.version, self._after, most
            )
        placed = [(key, number) for key in keys if (number := partition_of(key)) is not None]
        ours = dict(placed[: self._at_once])
        await self.processor.draft_ours(ours, offsets, owner)
        self._tell(len(ours))
        if len(ours) < len(placed):
            self._after = list(ours)[-1]
        elif len(keys) == most:
            self._after = keys[-1]
        else:
            self._after = BEGINNING
            return LOOK_AGAIN_SECONDS
        return len(ours) / self.per_second
