"""What was done and has no visit number is parked with its reason, and a person sends it again."""

import pytest

from chargeline.published.inbound import NO_VISIT, record_key
from tests.drafting.one_processor import bench
from tests.drafting.test_processor import Bench, keyed
from tests.golden.sessions import appointment, completed, fraction, posted

__all__ = ["bench"]

WHEN = "202603021000"


@pytest.mark.parametrize(
    "lost",
    [fraction(1, WHEN, visit=""), posted("77407", WHEN, visit=""), completed(WHEN, visit="")],
)
async def test_a_session_without_a_visit_number_is_parked(bench: Bench, lost: bytes) -> None:
    """From each of the three sources; under its number it then counts once."""
    await bench.feed([(record_key("ZEBRA", "ABCD1234"), lost, {NO_VISIT: "1"})])
    assert [row.code for row in await bench.ledger.parked()] == ["visit.missing"]
    assert await bench.drafts() == {}


async def test_an_appointment_of_something_else_is_neither_parked_nor_a_visit(bench: Bench) -> None:
    """Nor is a cancellation that only names one and no visit: most SIU are not about radiation."""
    for unrelated in (
        appointment(WHEN, kind="COLONOSCOPY"),
        appointment(WHEN, kind="COLONOSCOPY", visit=""),
        appointment(WHEN, kind="", trigger="S15", visit=""),
    ):
        await bench.feed(keyed([unrelated]))
    assert await bench.ledger.parked() == [] and await bench.drafts() == {}
