"""Claims about what the capture tells its metrics."""

from prometheus_client import CollectorRegistry

from chargeline.coding.assembly import code_feed
from chargeline.drafting.counting import count_drafted
from chargeline.drafting.processor import utc_now
from chargeline.drafting.revisions import DraftingResult
from chargeline.files import FeedFile
from chargeline.published import drafts
from chargeline.simulator.feed import simulate
from chargeline.telemetry.metrics import Metrics
from tests.drafting.test_processor import PROFILE, RULEBOOK


def test_each_committed_line_is_counted_by_role_and_policy() -> None:
    """The sum over all roles is the number of lines, and no visit or patient stands in the
    scrape.
    """
    data = b"".join(
        each for _style, each in simulate(visits=20, seed=6, style="standard", mess=0.3).messages
    )
    run = code_feed([FeedFile("feed", data)], RULEBOOK, PROFILE)
    said = [
        drafts.revision_of(each.draft, revision=1, final=False, incomplete=False, before={})
        for each in run.visits
    ]
    lines = sum(len(encounter.lines) for each in run.visits for encounter in each.draft.encounters)
    metrics = Metrics(CollectorRegistry(), program="capture", version="test")
    count_drafted(metrics, utc_now)(DraftingResult(written=said))
    text = metrics.exposition()[1].decode()
    counted = [
        line for line in text.splitlines() if line.startswith("chargeline_draft_lines_total{")
    ]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted) == lines > 0
    assert "TESTPATIENT" not in text
    assert not any(each.timeline.key.visit in text for each in run.visits)
