"""When each kind of message was last heard, and which rules drafted open visits."""

from chargeline.engine import VisitKey
from chargeline.ledger import Ledger

from .rows import HOUR, MORNING, V1, V2, V3, message, visit


async def test_the_newest_message_of_each_facility_and_type_is_heard(ledger: Ledger) -> None:
    """Whatever its visit, and however many others came since."""
    rows = [message(number, f"V{number}") for number in range(1, 8)]
    rows += [message(20, type="ADT^A04", received_at=MORNING, control_id="silent")]
    rows += [message(21, facility="SOUTH"), message(22, "", facility="SOUTH", type="ADT^A40")]
    async with ledger.batch() as batch:
        await batch.add_messages(rows)
    async with ledger.view() as view:
        heard = await view.watch.heard(10)
        some = await view.watch.heard(2)
    assert [(one.facility, one.type, one.message.control_id) for one in heard] == [
        ("NORTH", "ADT^A04", "silent"),
        ("NORTH", "RAS^O17", "C7"),
        ("SOUTH", "ADT^A40", "C22"),
        ("SOUTH", "RAS^O17", "C21"),
    ]
    assert heard[1].message == rows[6]._replace(seal="") and all(one.opens for one in heard)
    assert some == heard[:2]


async def test_a_ledger_without_messages_heard_nobody(ledger: Ledger) -> None:
    """There is nothing to enter the index at."""
    async with ledger.view() as view:
        assert await view.watch.heard(10) == []
        assert await view.watch.open_by_rulebook() == {}


async def test_open_visits_are_counted_by_their_rules(ledger: Ledger) -> None:
    """Final visits, and those that were never drafted, are left out."""
    drafted = [visit(V1, rulebook="new"), visit(V2, rulebook="old"), visit(V3, rulebook="old")]
    others = [
        visit(VisitKey("NORTH", "F"), rulebook="old", status="final"),
        visit(VisitKey("NORTH", "N"), updated_at=MORNING + HOUR),
    ]
    async with ledger.batch() as batch:
        await batch.put_visits([*drafted, *others])
    async with ledger.view() as view:
        assert await view.watch.open_by_rulebook() == {"new": 1, "old": 2}
