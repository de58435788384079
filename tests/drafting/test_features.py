"""Claims about parked messages, forgotten visits, questions, prices and metrics, over the
processor's bench.

What is parked makes its visit incomplete until a person has seen to it; what no ledger can keep is
parked and holds up nobody; what only time changes is looked at ever later.
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
from chargeline.telemetry.metrics import Metrics
from tests.drafting.test_processor import NOW, Bench, by_bench, keyed
from tests.golden.messages import adt, given, message, orc, ordered, rxa, rxr
from tests.ledger import conftest as ledgers
from tests.ledger import with_tables

url, ledger = ledgers.url, ledgers.ledger

V1 = VisitKey("ZEBRA", "V1")
GOOD = given("VANCOMYCIN", "1000 mg", "0900", "1000")
OPEN = given("VANCOMYCIN", "1000 mg", "0900")
# A second dose whose charted amount is no number: the visit is drafted without it.
HALF = message("RAS^O17", orc("R9"), rxa("CEFAZOLIN", "much mg", "1100", "1130"), rxr("IV"))
BROKEN = (f"{V1.facility}|{V1.visit}", b"PID|1||no header at all", {})


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A SQLite ledger."""
    made = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    yield made
    await made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of the commands, with the same ledger."""
    return Settings(ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")  # type: ignore[arg-type]


async def claimed(ledger: Ledger, settle: int = 0) -> Bench:
    bench = Bench(ledger, timedelta(seconds=settle))
    await bench.claim()
    return bench


async def row_of(ledger: Ledger, key: VisitKey = V1) -> StoredVisit:
    async with ledger.view() as view:
        return (await view.visits([key]))[key]


def said(bench: Bench, visit: str = "V1") -> list[bool]:
    """Whether each announced revision of a visit says that it is incomplete."""
    found = [
        shapes.DraftRevision.model_validate_json(each.payload)
        for each in bench.published
        if each.topic == "charge.draft"
    ]
    return [each.incomplete for each in found if each.visit == visit]


async def goes_on(bench: Bench) -> None:
    """What commands put into the outbox for the inbound topic is worked off."""
    await bench.feed(await bench.drain())


# ------------------------------------------------------------------ parked messages


@pytest.mark.parametrize("parked", [BROKEN, *keyed([HALF])], ids=["broken", "unreadable part"])
@pytest.mark.parametrize("settled", ["drop", "retry"])
async def test_what_is_parked_makes_its_visit_incomplete_until_dropped(
    small: Ledger, settings: Settings, parked: tuple[str, bytes, dict[str, str]], settled: str
) -> None:
    """A revision says so; a retry of what is still broken is parked again; a drop clears it."""
    bench = await claimed(small)
    await bench.feed([*keyed([GOOD]), parked])
    assert said(bench)[-1] is True
    assert (await row_of(small)).incomplete
    (first,) = await small.parked()
    if settled == "retry":
        assert await commands.parked_retry(first.id)(settings) == 0
        await goes_on(bench)
        (first,) = await small.parked()
        assert said(bench)[-1] is True
        assert (await row_of(small)).incomplete
    assert await commands.parked_drop(first.id)(settings) == 0
    await goes_on(bench)
    assert said(bench)[-1] is False
    assert not (await row_of(small)).incomplete
    assert await small.parked() == []


async def test_a_revision_says_incomplete_even_when_no_line_changed(small: Ledger) -> None:
    """The second revision has the lines of the first, and says that something is missing."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    before = by_bench(await bench.drafts())
    await bench.feed([BROKEN])
    assert said(bench) == [False, True]
    assert by_bench(await bench.drafts()) == before != {}


async def test_a_message_that_is_readable_now_is_used_when_retried(
    small: Ledger, settings: Settings
) -> None:
    """Parked for a status that the interface did not know; with a corrected profile its dose is
    drafted.
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
    assert await commands.parked_retry(parked.id)(settings) == 0
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
    """Garbage of V1, which is V2 by now: V2 is incomplete, and complete again when it is
    dropped.
    """
    bench = await claimed(small)
    merge = adt("A41", sent="1900", visit="V2", prior_visit="V1")
    other = given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V2")
    await bench.feed(keyed([GOOD, other, merge]))
    assert said(bench, "V2")[-1] is False
    await bench.feed([BROKEN])
    assert said(bench, "V2")[-1] is True
    (parked,) = await small.parked()
    await commands.parked_drop(parked.id)(settings)
    await goes_on(bench)
    assert said(bench, "V2")[-1] is False


async def test_list_and_show_say_why_and_only_show_has_the_content(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Garbage, an oversized message and a readable one: each is shown with the strict reader's
    view.
    """
    bench = await claimed(small)
    await bench.feed([BROKEN, ("ZEBRA|V2", b"no HL7 " * 40_000, {}), *keyed([HALF])])
    assert await commands.parked_list(settings) == 0
    listed = capsys.readouterr().out
    assert listed.endswith("3 parked\n")
    assert "message.no_msh" in listed
    assert "no header at all" not in listed
    assert "TESTPATIENT" not in listed
    shown = {}
    for each in await small.parked():
        assert await commands.parked_show(each.id)(settings) == 0
        shown[each.code, each.visit] = capsys.readouterr().out
    assert all("  strict   " in each and "  do       " in each for each in shown.values())
    assert "no header at all" in shown["message.no_msh", "V1"]
    assert "expected at most 200,000 bytes for the strict reader" in shown["message.no_msh", "V2"]
    assert "TESTPATIENT" in shown["number.invalid", "V1"]


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
    """Its reason shows nothing of it; under any key; the visit beside it is drafted."""
    bench = await claimed(ledger)
    good = keyed([given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V7")])
    under = [keyed([bad])[0][0], "ZEBRA|V9", "nobody"]
    await bench.feed([good[0], *((key, bad, {}) for key in under)])
    found = await ledger.parked()
    assert [each.code for each in found] == ["identifier.invalid"] * 3
    for each in found:
        words = " ".join((each.expected, each.found, each.where_, each.do))
        assert "SECRET" not in words
        assert "LLLL" not in words
        assert each.raw == bad
    assert "V7" in by_bench(await bench.drafts())
    await bench.later(minutes=1)


async def test_broken_bytes_under_a_key_that_no_ledger_can_keep_are_parked(ledger: Ledger) -> None:
    """The key of the record is no visit then, with or without a time to settle."""
    for settle in (0, 5):
        bench = await claimed(ledger, settle)
        await bench.feed([(f"ZEBRA|{LONG}", b"garbage", {}), ("ZEBRA|V\0", b"garbage", {})])
        await bench.feed([(f"ZEBRA|{LONG}", b"", {"chargeline-nudge": "1"})])
        await bench.later(minutes=1)
    assert [each.visit for each in await ledger.parked()] == [None] * 4


# ------------------------------------------------------------------ forgotten visits


@pytest.mark.parametrize("settle", [0, 5])
async def test_a_forgotten_visit_is_not_drafted_from_what_came_late(
    small: Ledger, settle: int
) -> None:
    """One question, no revision, still forgotten, and nothing due that would come round again."""
    bench = await claimed(small, settle)
    await bench.feed(keyed([GOOD]))
    await bench.later(minutes=1)
    revisions = len(said(bench))
    assert revisions == 1
    assert (await small.forget(bench.now + timedelta(days=1), record_before=bench.now)).visits == 1
    bench.processors[0].drop()
    late = [given("CEFAZOLIN", "1000 mg", f"1{n}00", f"1{n}30") for n in range(3)]
    for each in late:
        await bench.feed(keyed([each]))
        await bench.later(minutes=1)
    asked = [
        shapes.DocumentationQuestion.model_validate_json(each.payload)
        for each in bench.published
        if each.topic == "documentation.question"
    ]
    assert [each.code for each in asked] == [events.LATE]
    assert len(said(bench)) == revisions
    row = await row_of(small)
    assert row.status == "forgotten"
    assert (row.settle_due, row.final_due, row.asked_due) == (None, None, None)
    worked = await bench.processors[0].work_off_due(lambda _key: 0, bench.offsets, "test", 1000)
    assert worked == 0


# ------------------------------------------------------------------ a visit of two patients


async def test_a_visit_of_two_patients_is_looked_at_ever_later_and_grows_old(small: Ledger) -> None:
    """The gaps double up to a day; its row's time of change stays, so that retention finds it."""
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
    assert (await small.forget(bench.now, record_before=bench.now)).visits == 1


# ------------------------------------------------------------------ prices and metrics


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """A sample of a scrape, 0 where there is none."""
    return metrics.registry.get_sample_value(name, labels) or 0.0


async def gauged(ledger: Ledger, now: datetime) -> Metrics:
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    show_counts(metrics, await ledger.counts(), now, priced=True)
    return metrics


async def test_what_waits_for_an_answer_is_told_in_cents_until_it_is_answered(
    small: Ledger,
) -> None:
    """A missing stop: units times cents of its provisional lines, and its age; 0 when the stop is
    charted.
    """
    bench = await claimed(small)
    bench.processors[0].maker.prices = {"96374": 500, "J3373": 11}
    await bench.feed(keyed([ordered("VANCOMYCIN", "1000 mg", minutes=60), OPEN]))
    (draft,) = (await bench.drafts()).values()
    lines = [line for encounter in draft.encounters for line in encounter.lines if line.provisional]
    prices = bench.processors[0].maker.prices
    wanted = sum(line.units * prices.get(line.code, 0) for line in lines)
    assert (await row_of(small)).stake_cents == wanted > 0
    metrics = await gauged(small, NOW + timedelta(hours=2))
    assert value(metrics, "chargeline_money_at_stake_cents") == wanted
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
    """Since it was sent and since it was queued; a duplicate, a nudge and a later look add
    nothing.
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
    assert [value(metrics, name, since=each) for each in ("sent", "queued")] == [2, 2]


async def test_a_withheld_service_is_counted_once(small: Ledger) -> None:
    """A dose that was not given is withheld in both revisions, and counted in the first."""
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
    """No definition without a place in the programs that fills it, `up` and `build` in Metrics
    itself.
    """
    folder = Path(commands.__file__).parents[1]
    code = "\n".join(path.read_text() for path in folder.rglob("*.py") if path.name != "metrics.py")
    declared = [name for name, each in vars(Metrics).items() if hasattr(each, "definition")]
    assert len(declared) > 20
    unset = [
        name
        for name in declared
        if not re.search(rf"\bmetrics\.{name}\.(add|set|observe|replace|tell)\(", code)
    ]
    assert unset == ["up", "build"]
