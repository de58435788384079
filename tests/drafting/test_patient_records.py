"""Claims about how patients' records are counted: authorizations and courses, as of a day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from chargeline.drafting import patient_records
from chargeline.drafting.counting import COUNT_SECONDS, count_records
from chargeline.drafting.patient_records import RecordCounts, counted_records, records_with
from chargeline.engine import Contribution, Slot, VisitKey, paces_of_courses
from chargeline.engine.words import ContributionKind
from chargeline.simulator.feed import simulate
from chargeline.telemetry.metrics import Metrics
from tests.drafting.test_authorizations import dose, order, referral
from tests.drafting.test_processor import RULEBOOK, Bench, bench, keyed

__all__ = ["bench"]

LAST_DAY = date(2027, 3, 31)  # of the authorization of `referral`


async def standings(bench_: Bench, day: date) -> dict[str, int]:
    return dict((await counted_records(bench_.ledger.view, RULEBOOK, day)).authorizations)


async def test_an_authorization_is_counted_by_what_is_to_be_seen_to(bench: Bench) -> None:
    """100 units: none used, then 80 of them used, then too many; and the day after its last one."""
    await bench.feed(keyed([referral(100)]))
    assert await standings(bench, date(2026, 10, 5)) == {"well": 1}
    await bench.feed(keyed([order("V1", "20261005"), dose("V1", "20261005")]))
    assert await standings(bench, date(2026, 10, 5)) == {"authorization.running_out": 1}
    assert await standings(bench, LAST_DAY) == {
        "authorization.running_out": 1,
        "authorization.ending": 1,
    }
    assert await standings(bench, LAST_DAY + timedelta(1)) == {"over": 1}


@pytest.mark.parametrize("page", [1, 2, 3, 1_000])
async def test_pages_of_any_size_give_each_patient_once(
    bench: Bench, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts are those of all patients, and a patient without such facts is not read."""
    feed = simulate(visits=3, seed=4, style="standard", courses=2, authorizations=13)
    await bench.feed(keyed([data for _style, data in feed.messages]))
    day = date(2026, 4, 1)
    whole = await counted_records(bench.ledger.view, RULEBOOK, day)
    monkeypatch.setattr(patient_records, "_PATIENTS", page)
    assert await counted_records(bench.ledger.view, RULEBOOK, day) == whole
    kinds: tuple[ContributionKind, ...] = ("authorization",)
    patients = [r.patient async for r in records_with(bench.ledger.view, kinds)]
    assert len(set(patients)) == len(patients) > 3
    assert sum(whole.authorizations.values()) >= len(patients)
    assert sum(whole.courses.values()) == 2


async def test_the_metrics_show_the_counts_of_today(bench: Bench) -> None:
    """What is no longer so is forgotten, and the next count waits at least a few seconds."""
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    await bench.feed(keyed([referral(100)]))
    assert await count_records(bench.processors[0], metrics) >= COUNT_SECONDS
    shown = metrics.registry.get_sample_value("chargeline_authorizations", {"standing": "well"})
    assert shown == (1 if datetime.now(UTC).date() < date(2027, 3, 1) else None)
    assert (await counted_records(bench.ledger.view, RULEBOOK, LAST_DAY)) == RecordCounts(
        {"authorization.ending": 1}, {}
    )


def session(course: str, day: date, more: str = "") -> Contribution:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    value = f"day={day} beam=external {more}".strip()
    return Contribution(VisitKey("H", "V1"), "ZZ1", Slot("fraction", f"{course}|{day}"), at, value)


FIRST = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("record", "day", "pace"),
    [
        ([session("C1", FIRST)], FIRST, ["going_on"]),
        ([session("C1", FIRST)], FIRST + timedelta(30), ["going_on"]),
        ([session("C1", FIRST)], FIRST + timedelta(31), ["silent"]),
        ([session("C1", FIRST, "number=1 planned=1")], FIRST + timedelta(31), ["ended"]),
        ([session("C1", FIRST, "ends=yes")], FIRST, ["ended"]),
        ([session("C1", FIRST), session("C2", FIRST)], FIRST, ["going_on", "going_on"]),
        (
            [session("C1", FIRST), session("C1", FIRST + timedelta(40), "booking=booked")],
            FIRST + timedelta(31),
            ["going_on"],
        ),
        ([], FIRST, []),
    ],
)
def test_a_course_is_silent_after_thirty_days(
    record: list[Contribution], day: date, pace: list[str]
) -> None:
    """Unless it has ended, or a session is booked."""
    rules = RULEBOOK.policies[RULEBOOK.default_policy].on(day)
    assert list(paces_of_courses(frozenset(record), rules, day)) == pace
