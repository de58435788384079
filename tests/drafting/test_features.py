"""Claims about parked messages, forgotten visits, questions, prices and metrics.

They run on the bench of test_processor.py. A parked message makes its visit incomplete until a
person has seen to it. A message that no ledger can store is parked and holds up nobody. A visit on
which only time passes is looked at ever later.
"""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from chargeline.drafting.counting import count_drafted, show_counts
from chargeline.drafting.due import LOOK_AGAIN_MOST
from chargeline.engine import VisitKey
from chargeline.hl7.profile import make_profile
from chargeline.ledger.records import StoredVisit
from chargeline.ledger.store import Ledger
from chargeline.operate import parked as commands
from chargeline.published import events, shapes
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.settings import Settings
from chargeline.telemetry.metrics import AREAS, Metrics
from tests.drafting.test_processor import NOW, Bench, by_bench, keyed
from tests.golden.messages import adt, given, message, orc, ordered, rxa, rxr
from tests.ledger import conftest as ledgers
from tests.ledger import with_tables

url, ledger = ledgers.url, ledgers.ledger

V1 = VisitKey("ZEBRA", "V1")
GOOD = given("VANCOMYCIN", "1000 mg", "0900", "1000")
OPEN = given("VANCOMYCIN", "1000 mg", "0900")
# No clock shows the start of a second dose, so the visit is drafted without that dose.
HALF = message("RAS^O17", orc("R9"), rxa("CEFAZOLIN", "2 g", "11", "1130"), rxr("IV"))
BROKEN = (f"{V1.facility}|{V1.visit}", b"PID|1||no header at all", {})


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty SQLite ledger."""
    opened = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    yield opened
    await opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for the commands, with the address of the ledger `small`."""
    return Settings(ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")  # type: ignore[arg-type]


async def claimed(ledger: Ledger, settle: int = 0) -> Bench:
    bench = Bench(ledger, timedelta(seconds=settle))
    await bench.claim()
    return bench


async def row_of(ledger: Ledger, key: VisitKey = V1) -> StoredVisit:
    async with ledger.view() as view:
        return (await view.visits([key]))[key]


def said(bench: Bench, visit: str = "V1") -> list[bool]:
    """For each published revision of a visit, whether it says that the visit is incomplete."""
    revisions = [
        shapes.DraftRevision.model_validate_json(event.payload)
        for event in bench.published
        if event.topic == "charge.draft"
    ]
    return [revision.incomplete for revision in revisions if revision.visit == visit]


async def goes_on(bench: Bench) -> None:
    """Work off what a command has put into the outbox for the inbound topic."""
    await bench.feed(await bench.drain())


# ------------------------------------------------------------------ parked messages


@pytest.mark.parametrize("parked", [BROKEN, *keyed([HALF])], ids=["broken", "unreadable part"])
@pytest.mark.parametrize("settled", ["drop", "retry"])
async def test_what_is_parked_makes_its_visit_incomplete_until_dropped(
    small: Ledger, settings: Settings, parked: tuple[str, bytes, dict[str, str]], settled: str
) -> None:
    """A revision says that the visit is incomplete.

    A retry of a message that is still broken parks it again. After a drop, the next revision says
    that the visit is complete.
    """
    bench = await claimed(small)
    await bench.feed([*keyed([GOOD]), parked])
    assert said(bench)[-1] is True
    assert (await row_of(small)).incomplete
    (first,) = await small.parked()
    if settled == "retry":
        assert await commands.parked_retry([first.id])(settings) == 0
        await goes_on(bench)
        (first,) = await small.parked()
        assert said(bench)[-1] is True
        assert (await row_of(small)).incomplete
    assert await commands.parked_drop([first.id], why="a test")(settings) == 0
    await goes_on(bench)
    assert said(bench)[-1] is False
    assert not (await row_of(small)).incomplete
    assert await small.parked() == []


async def test_a_revision_says_incomplete_even_when_no_line_changed(small: Ledger) -> None:
    """The second revision has the lines of the first, and says that a charge may be missing."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    before = by_bench(await bench.drafts())
    await bench.feed([BROKEN])
    assert said(bench) == [False, True]
    assert by_bench(await bench.drafts()) == before != {}


async def test_a_message_that_is_readable_now_is_used_when_retried(
    small: Ledger, settings: Settings
) -> None:
    """A message was parked because its status Q was unknown.

    With a profile that knows Q, the retry drafts the dose.
    """
    bench = await claimed(small)
    strange = given("CEFAZOLIN", "1000 mg", "1100", "1130", status="Q")
    await bench.feed(keyed([GOOD, strange]))
    before = by_bench(await bench.drafts())
    (parked,) = await small.parked()
    assert parked.code == "status.unknown"
    table = read_interface(rules_directory(), "standard")
    bench.processors[0].profile = make_profile(_with_status(table))
    bench.processors[0].drop()
    assert await commands.parked_retry([parked.id])(settings) == 0
    await goes_on(bench)
    after = by_bench(await bench.drafts())
    assert len(after["V1"]) > len(before["V1"])
    assert said(bench)[-1] is False
    assert await small.parked() == []


def _with_status(table: Any) -> Any:
    return {**table, "record": {**table["record"], "Q": "add"}}


async def test_a_message_parked_under_a_merged_number_counts_for_the_survivor(
    small: Ledger, settings: Settings
) -> None:
    """V1 was merged into V2, and then broken bytes come under the key of V1.

    V2 is incomplete, and complete again once a person has dropped them.
    """
    bench = await claimed(small)
    merge = adt("A41", sent="1900", visit="V2", prior_visit="V1")
    other = given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V2")
    await bench.feed(keyed([GOOD, other, merge]))
    assert said(bench, "V2")[-1] is False
    await bench.feed([BROKEN])
    assert said(bench, "V2")[-1] is True
    (parked,) = await small.parked()
    await commands.parked_drop([parked.id], why="a test")(settings)
    await goes_on(bench)
    assert said(bench, "V2")[-1] is False


# ------------------------------------------------------------------ what no ledger can keep

LONG = "L" * 401
UNKEEPABLE = {
    "control id with NUL": given("VANCOMYCIN", "1000 mg", "0900", control="C\0SECRET"),
    "visit with NUL": given("VANCOMYCIN", "1000 mg", "0900", visit="V\0SECRET"),
    "facility with NUL": GOOD.replace(b"|MAR|ZEBRA|", b"|MAR|ZEB\0SECRET|"),
    "long control id": given("VANCOMYCIN", "1000 mg", "0900", control=LONG),
    "long visit": given("VANCOMYCIN", "1000 mg", "0900", visit=LONG),
    "long patient": given("VANCOMYCIN", "1000 mg", "0900", patient=LONG),
    "patient with NUL": given("VANCOMYCIN", "1000 mg", "0900", patient="ZZ\0SECRET"),
    "long prior visit": adt("A41", visit="V8", prior_visit=LONG),
    "long prior patient": adt("A40", visit="V8", prior_patient=LONG),
    "many bytes": given("VANCOMYCIN", "1000 mg", "0900", control="é" * 201),
}


@pytest.mark.parametrize("bad", UNKEEPABLE.values(), ids=UNKEEPABLE.keys())
async def test_a_message_that_no_ledger_can_keep_is_parked_and_its_neighbours_go_on(
    ledger: Ledger, bad: bytes
) -> None:
    """The message comes under three keys and is parked each time; the reason shows nothing of it.

    The visit beside it is drafted.
    """
    bench = await claimed(ledger)
    good = keyed([given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V7")])
    under = [keyed([bad])[0][0], "ZEBRA|V9", "nobody"]
    await bench.feed([good[0], *((key, bad, {}) for key in under)])
    rows = await ledger.parked()
    assert [row.code for row in rows] == ["identifier.invalid"] * 3
    for row in rows:
        words = " ".join((row.expected, row.found, row.where_, row.do))
        assert "SECRET" not in words
        assert "LLLL" not in words
        assert row.raw == bad
    assert "V7" in by_bench(await bench.drafts())
    await bench.later(minutes=1)


async def test_broken_bytes_under_a_key_that_no_ledger_can_keep_are_parked(ledger: Ledger) -> None:
    """They are parked under no visit, whether or not visits settle before they are drafted."""
    for settle in (0, 5):
        bench = await claimed(ledger, settle)
        await bench.feed([(f"ZEBRA|{LONG}", b"garbage", {}), ("ZEBRA|V\0", b"garbage", {})])
        await bench.feed([(f"ZEBRA|{LONG}", b"", {"chargeline-nudge": "1"})])
        await bench.later(minutes=1)
    assert [row.visit for row in await ledger.parked()] == [None] * 4


# ------------------------------------------------------------------ forgotten visits


@pytest.mark.parametrize("settle", [0, 5])
async def test_a_forgotten_visit_is_not_drafted_from_what_came_late(
    small: Ledger, settle: int
) -> None:
    """Three late messages give one question and no revision.

    The visit stays forgotten, and nothing of it is due.
    """
    bench = await claimed(small, settle)
    await bench.feed(keyed([GOOD]))
    await bench.later(minutes=1)
    revisions = len(said(bench))
    assert revisions == 1
    before = bench.now - timedelta(days=1000)
    bounds = {"record_before": before, "parked_before": before}
    assert (await small.forget(bench.now + timedelta(days=1), **bounds)).visits == 1
    bench.processors[0].drop()
    late = [given("CEFAZOLIN", "1000 mg", f"1{n}00", f"1{n}30") for n in range(3)]
    for late_message in late:
        await bench.feed(keyed([late_message]))
        await bench.later(minutes=1)
    asked = [
        shapes.DocumentationQuestion.model_validate_json(event.payload)
        for event in bench.published
        if event.topic == "documentation.question"
    ]
    assert [question.code for question in asked] == [events.LATE]
    assert len(said(bench)) == revisions
    row = await row_of(small)
    assert row.status == "forgotten"
    assert (row.settle_due, row.final_due, row.asked_due) == (None, None, None)
    worked = await bench.processors[0].work_off_due(lambda _key: 0, bench.offsets, "test", 1000)
    assert worked == 0


# ------------------------------------------------------------------ a visit of two patients


async def test_a_visit_of_two_patients_is_looked_at_ever_later_and_grows_old(small: Ledger) -> None:
    """The gaps between two looks double, up to a day.

    The row's time of change stays the same, so that retention forgets the visit in the end.
    """
    bench = await claimed(small)
    two = [GOOD, given("CEFAZOLIN", "1000 mg", "1100", "1130", patient="ZZ2")]
    await bench.feed(keyed(two))
    row = await row_of(small)
    gaps: list[timedelta] = []
    while len(gaps) < 20:
        assert row.asked_due is not None
        bench.now = row.asked_due
        await bench.later(minutes=0)
        next_row = await row_of(small)
        assert next_row.updated_at == row.updated_at == NOW
        assert next_row.asked_due is not None
        gaps.append(next_row.asked_due - bench.now)
        row = next_row
    assert all(one <= other for one, other in pairwise(gaps))
    assert gaps[-1] == LOOK_AGAIN_MOST
    bounds = {"record_before": bench.now, "parked_before": bench.now}
    assert (await small.forget(bench.now, **bounds)).visits == 1


# ------------------------------------------------------------------ prices and metrics


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """One sample of a scrape, 0 if there is none."""
    return metrics.registry.get_sample_value(name, labels) or 0.0


async def gauged(ledger: Ledger, now: datetime) -> Metrics:
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    show_counts(metrics, await ledger.counts(), now, priced=True)
    return metrics


async def test_what_waits_for_an_answer_is_told_in_cents_until_it_is_answered(
    small: Ledger,
) -> None:
    """A stop is missing: the metrics give units times cents of the provisional lines, and the age
    of the question. Both are 0 once the stop is charted.
    """
    bench = await claimed(small)
    bench.processors[0].maker.prices = {"96374": 500, "J3373": 11}
    await bench.feed(keyed([ordered("VANCOMYCIN", "1000 mg", minutes=60), OPEN]))
    (draft,) = (await bench.drafts()).values()
    lines = [line for encounter in draft.encounters for line in encounter.lines if line.provisional]
    prices = bench.processors[0].maker.prices
    wanted = sum(line.units * prices.get(line.code, 0) for line in lines)
    row = await row_of(small)
    assert (row.stake_cents, row.waits_for) == (wanted, "discharge")
    assert row.waiting_cents >= wanted > 0
    metrics = await gauged(small, NOW + timedelta(hours=2))
    assert value(metrics, "chargeline_money_at_stake_cents") == wanted
    assert value(metrics, "chargeline_waiting_visits", waits_for="discharge") == 1
    assert value(metrics, "chargeline_waiting_cents", waits_for="discharge") == row.waiting_cents
    assert value(metrics, "chargeline_open_questions", question="stop.missing") == 1
    assert (
        value(metrics, "chargeline_oldest_open_question_age_seconds", question="stop.missing")
        == 7200
    )
    stopped = given("VANCOMYCIN", "1000 mg", "0900", "1000", status="U", sent="1900")
    await bench.feed(keyed([stopped]))
    assert (await row_of(small)).stake_cents == 0
    metrics = await gauged(small, NOW)
    assert value(metrics, "chargeline_money_at_stake_cents") == 0
    assert value(metrics, "chargeline_open_questions", question="stop.missing") == 0


@pytest.mark.parametrize("settle", [0, 5])
async def test_each_message_is_timed_once_when_its_visit_is_drafted(
    small: Ledger, settle: int
) -> None:
    """Two messages give two times since they were sent, and two since they were queued.

    A duplicate, a nudge and a later look add none.
    """
    bench = await claimed(small, settle)
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    bench.processors[0]._tell = count_drafted(metrics, lambda: bench.now)
    messages: Sequence[bytes] = [GOOD, given("CEFAZOLIN", "1000 mg", "1100", "1130")]
    name = "chargeline_message_to_draft_seconds_count"
    await bench.feed(keyed([*messages, GOOD]))
    assert value(metrics, name, since="queued") == (0 if settle else 2)
    await bench.later(minutes=1)
    await bench.feed([("ZEBRA|V1", b"", {"chargeline-nudge": "1"})])
    await bench.later(minutes=10)
    assert [value(metrics, name, since=since) for since in ("sent", "queued")] == [2, 2]


async def test_a_withheld_service_is_counted_once(small: Ledger) -> None:
    """A dose that was not given is withheld in two revisions, and counted in the first only."""
    bench = await claimed(small)
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    bench.processors[0]._tell = count_drafted(metrics, lambda: bench.now)
    await bench.feed(keyed([given("CEFAZOLIN", "1000 mg", "1200", "1300", refused="X")]))
    text = metrics.exposition()[1].decode()
    first = re.findall(r"^chargeline_withheld_services_total\{.*", text, re.MULTILINE)
    assert first
    await bench.feed(keyed([GOOD]))
    assert len(said(bench)) == 2
    text = metrics.exposition()[1].decode()
    assert re.findall(r"^chargeline_withheld_services_total\{.*", text, re.MULTILINE) == first


def test_every_metric_is_set_somewhere() -> None:
    """The code of some program sets each metric; `Metrics` itself sets `up` and `build`."""
    folder = Path(commands.__file__).parents[1]
    code = "\n".join(path.read_text() for path in folder.rglob("*.py") if path.name != "metrics.py")
    declared = [
        name
        for area in AREAS["serve"]
        for name, metric in vars(area).items()
        if hasattr(metric, "definition")
    ]
    assert len(declared) > 20
    unset = [
        name
        for name in declared
        if not re.search(rf"\bmetrics\.{name}\.(add|set|observe|replace|tell|raise_to)\(", code)
    ]
    assert unset == ["up", "build"]
