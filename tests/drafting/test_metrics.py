"""Claims about the metrics that count drafts. What is counted was committed."""

from prometheus_client import CollectorRegistry

from chargeline.coding.assembly import code_feed
from chargeline.drafting.counting import count_drafted
from chargeline.drafting.processor import utc_now
from chargeline.drafting.revisions import DraftingResult
from chargeline.files import FeedFile
from chargeline.published import drafts, writing
from chargeline.simulator.feed import simulate
from chargeline.telemetry.metrics import Metrics
from tests.drafting.test_processor import PROFILE, RULEBOOK


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
