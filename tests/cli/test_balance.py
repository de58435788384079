"""Claims about `chargeline balance` as a verb: on a feed and on the ledger it says the same."""

from pathlib import Path

import pytest

from chargeline.operate import balancing
from chargeline.simulator import simulate
from tests.cli import inside

from .test_visits import Drafted, drafted

__all__ = ["drafted"]

Capsys = pytest.CaptureFixture[str]


def test_the_ledger_has_the_balance_of_its_feed(
    drafted: Drafted, tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row, however many visits are looked up at once. A parked message is told, because
    what it says is missing.
    """
    monkeypatch.setattr(balancing, "AT_ONCE", 2)
    messages = [data for _style, data in simulate(visits=9, seed=800, style="standard").messages]
    drafted(messages)
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(b"".join(messages))
    wanted = inside(capsys, "balance", str(feed), "--csv")
    assert wanted.code == 0
    assert wanted.out.count("\n") > 10
    found = inside(capsys, "balance", "--ledger", "--csv")
    assert found.out == wanted.out
    assert found.code == 3
    assert (
        found.err == "chargeline: 1 parked and missing here; `chargeline parked list` lists them\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected a feed, or the ledger, found none"),
        (["feed.hl7", "--ledger"], "expected a feed, or the ledger, found both"),
        (["--ledger", "--policy", "guide-2026"], "expected --ledger alone, found --policy beside"),
    ],
    ids=["neither", "both", "an option of feeds"],
)
def test_one_place_is_asked_for(words: list[str], told: str, capsys: Capsys) -> None:
    """What would be left out in silence is refused."""
    ended = inside(capsys, "balance", *words)
    assert ended.code == 2
    assert told in ended.err


def test_a_period_that_ends_before_it_begins_is_wrong_use(capsys: Capsys) -> None:
    """An empty balance would look as if nothing was given; one day alone is a period."""
    ended = inside(capsys, "balance", "feed/", "--from", "2026-03-31", "--to", "2026-03-01")
    assert ended.code == 2
    assert "--to on or after --from 2026-03-31, found --to 2026-03-01" in ended.err
    alone = inside(capsys, "balance", "feed/", "--from", "2026-03-01", "--to", "2026-03-01")
    assert "--from" not in alone.err
