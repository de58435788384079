"""What `make workbench` shows: patients in the chair, at whatever time of the day it is started."""

from datetime import UTC, datetime

import pytest

from .asking import Standing
from .stand import CHAIRS, in_the_chair
from .test_running_page import board


@pytest.mark.parametrize("hour", [0, 4, 12, 23])
async def test_patients_are_in_the_chair_at_any_hour(standing: Standing, hour: int) -> None:
    """Some run, one is due and one overdue; nobody has left."""
    standing.now = standing.partitions.now = datetime(2026, 11, 3, hour, 30, tzinfo=UTC)
    await standing.partitions.later(0)
    for place in range(1, len(CHAIRS) + 1):
        visit = f"ZEBRACHAIR{place}"
        told = [text for text in in_the_chair(standing.now) if f"|{visit}\r" in text]
        await standing.hear(*told, visit=visit)
    shown = await board(await standing.person("N. Numbat", "nurse"))
    states = [row["state"] for row in shown["running"]]
    assert sorted(states) == ["due", "overdue", "running", "running"]
    assert shown["left"] == [] and shown["units"] == ["CHAIRS"]
