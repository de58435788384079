"""The visits that a person can have drafted again."""

from chargeline.engine import VisitKey
from chargeline.ledger import Ledger

from .rows import MORNING, question, visit

KEYS = [VisitKey("NORTH", f"V{number}") for number in range(1, 5)]


async def test_visits_with_a_draft_are_found_by_number_and_by_question(ledger: Ledger) -> None:
    """A visit that was merged away or forgotten is none; a closed question asks nothing."""
    statuses = ("open", "final", "merged", "forgotten")
    async with ledger.batch() as batch:
        await batch.put_visits(
            [visit(key, status=status) for key, status in zip(KEYS, statuses, strict=True)]
        )
        await batch.put_questions(
            [question("q1", KEYS[1]), question("q2", KEYS[0], closed_at=MORNING)]
        )
    async with ledger.view() as view:
        assert await view.visit_keys() == KEYS[:2]
        assert await view.visit_keys(visit="V2") == [KEYS[1]]
        assert await view.visit_keys(visit="V3") == []
        assert await view.visit_keys(question="stop.missing") == [KEYS[1]]
        assert await view.visit_keys(question="drug.unknown") == []
