"""Claims about the metrics that count drafts. What is counted was committed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from chargeline.coding.assembly import code_feed
from chargeline.drafting.counting import (
    count_drafted,
    count_poll,
    show_counts,
    show_records,
    show_tables,
)
from chargeline.drafting.patient_records import RecordCounts
from chargeline.drafting.polls import PollResult
from chargeline.drafting.processor import utc_now
from chargeline.drafting.revisions import DraftingResult
from chargeline.engine import NO_TABLES
from chargeline.files import FeedFile
from chargeline.hl7.message import WARNINGS
from chargeline.ledger.counting import Counts, OpenQuestions, WaitingVisits
from chargeline.published import drafts, writing
from chargeline.refdata.building import build
from chargeline.simulator.feed import simulate
from chargeline.telemetry.labels import LABELS
from chargeline.telemetry.metrics import Metrics, definitions
from tests.drafting.one_processor import bench
from tests.drafting.test_processor import NOW, PROFILE, RULEBOOK, Bench, keyed
from tests.golden.messages import given
from tests.refdata import published

__all__ = ["bench"]


def test_each_committed_line_is_counted_by_role_and_policy() -> None:
    """The sum over all roles is the number of lines. The scrape names no visit and no patient."""
    feed = simulate(visits=20, seed=6, style="standard", mess=0.3)
    data = b"".join(message for _style, message in feed.messages)
    run = code_feed([FeedFile("feed", data)], RULEBOOK, PROFILE)
    revisions = [
        drafts.revision_of(
            writing.VisitDraft(coded.draft), revision=1, final=False, incomplete=False, before={}
        )
        for coded in run.visits
    ]
    lines = sum(
        len(encounter.lines) for coded in run.visits for encounter in coded.draft.encounters
    )
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    count_drafted(metrics, utc_now)(DraftingResult(written=revisions))
    text = metrics.exposition()[1].decode()
    counted = [
        line for line in text.splitlines() if line.startswith("chargeline_draft_lines_total{")
    ]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted) == lines > 0
    assert "TESTPATIENT" not in text
    assert not any(coded.timeline.key.visit in text for coded in run.visits)


def test_the_edits_of_final_revisions_are_counted() -> None:
    """What is still open may be mended; what is final goes to the payer."""
    run = code_feed(
        [FeedFile("feed", given("TRASTUZUMAB", "450 mg", "0900", "1000"))], RULEBOOK, PROFILE
    )
    written = [
        drafts.revision_of(
            writing.VisitDraft(run.visits[0].draft), revision=number, final=final,
            incomplete=False, before={},
        )
        for number, final in ((1, False), (2, True))
    ]  # fmt: skip
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    count_drafted(metrics, utc_now)(DraftingResult(written=written))
    named = {"edit": "ndc.missing", "severity": "warns"}
    assert metrics.registry.get_sample_value("chargeline_final_edits_total", named) == 1


def test_what_the_reader_tolerates_is_counted_by_its_code() -> None:
    """Once for each message, and not again for what chargeline sends to itself."""
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    poll = PollResult(2, 2, (), {}, 0, {}, warnings=("continuation.coded", "continuation.coded"))
    count_poll(metrics, poll)
    name, label = "chargeline_message_warnings_total", {"warning": "continuation.coded"}
    assert metrics.registry.get_sample_value(name, label) == 2


def test_the_warnings_of_the_reader_are_those_of_the_metric() -> None:
    """A code that the label does not have would end the program."""
    assert LABELS["warning"] == WARNINGS


async def test_a_poll_tells_what_the_reader_tolerated(bench: Bench) -> None:
    """A message with a line behind its RXR."""
    odd = given("VANCOMYCIN", "1000 mg", "0900", "1000") + b"-- end of export --\r"
    (poll,) = await bench.feed(keyed([odd]))
    assert poll.warnings == ("continuation.coded",)


async def test_a_poll_tells_in_which_order_messages_were_parked_and_used(bench: Bench) -> None:
    """So that a good message in the middle of a poll ends a row there, and a duplicate does not."""
    good = keyed([given("VANCOMYCIN", "1000 mg", "0900", "1000")])
    bad = [("ZEBRA|V1", b"no message", {})]
    (poll,) = await bench.feed([*bad, *good, *bad, *good, *bad])
    codes = [judged.code for judged in poll.course]
    assert codes == ["message.no_msh", "", "message.no_msh", "message.no_msh"]


def test_a_published_table_without_the_quarter_of_today_is_shown_as_stale(tmp_path: Path) -> None:
    """In November no table is; in January all are but those that the bundle never had."""
    tables = build(published.everything(tmp_path), published.CODES).bundle.tables
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")

    def shown(month: int, year: int) -> dict[str, float]:
        show_tables(metrics, tables, datetime(year, month, 1, tzinfo=UTC))
        return {
            sample.labels["table"]: sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
            if sample.name == "chargeline_refdata_stale"
        }

    assert set(shown(11, 2026).values()) == {0.0}
    assert set(shown(1, 2027).values()) == {1.0}
    assert {"crosswalk", "mue hospital"} <= set(shown(1, 2027))
    assert "mue dme" not in shown(1, 2027)
    told = metrics.registry.get_sample_value
    assert told("chargeline_refdata_info", {"version": tables.version}) == 1
    show_tables(metrics, NO_TABLES, datetime(2026, 11, 1, tzinfo=UTC))
    assert told("chargeline_refdata_info", {"version": "none"}) == 1
    assert told("chargeline_refdata_stale", {"table": "crosswalk"}) is None


def test_a_gauge_of_the_ledger_says_that_it_must_not_be_summed() -> None:
    """Each capture shows what the one ledger holds: two captures would double a sum."""
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    long_ago = NOW - timedelta(days=2)
    asked = (OpenQuestions("stop.missing", 3, long_ago),)
    waiting = (WaitingVisits("discharge", 7, 7), WaitingVisits("", 7, 0))
    visits = {"open": 7}
    counts = Counts(
        7, long_ago, 7, long_ago, stake_cents=7, questions=asked, visits=visits, waiting=waiting
    )
    before = _gauges(metrics)
    show_counts(metrics, counts, NOW, priced=True)
    show_records(metrics, RecordCounts({"well": 1}, {"silent": 1}))
    after = _gauges(metrics)
    shown = {name for name in after if after[name] != before.get(name)}
    said = {metric.name for metric in definitions() if "take max, and no sum" in metric.meaning}
    assert shown == said
    assert len(shown) >= 7


def _gauges(metrics: Metrics) -> dict[str, list[float]]:
    families = text_string_to_metric_families(metrics.exposition()[1].decode())
    return {
        family.name: [sample.value for sample in family.samples]
        for family in families
        if family.name.startswith("chargeline_")  # not of the process, such as its CPU time
    }
