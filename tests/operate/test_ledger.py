"""Claims about `chargeline ledger status`: the version of the tables, and what is counted."""

import json
from pathlib import Path

import pytest

from chargeline.ledger.store import Ledger
from chargeline.operate.ledger import migrate, status
from chargeline.settings import Settings
from tests.drafting.test_features import BROKEN, GOOD, claimed, settings, small
from tests.drafting.test_processor import keyed
from tests.golden.messages import given

__all__ = ["settings", "small"]


async def test_the_status_counts_what_the_ledger_holds(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two visits, one parked message and one unknown drug, as text and as JSON."""
    bench = await claimed(small)
    zebra = given("ZEBRASTATIN", "1 mg", "0900", "1000", visit="V2", patient="ZZ2")
    await bench.feed([BROKEN, *keyed([GOOD, zebra])])
    assert await status(as_json=True)(settings) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == told["newest"] != ""
    assert told["visits"] == {"open": 2, "final": 0, "merged": 0, "forgotten": 0}
    assert told["questions"] == {"drug.unknown": 1}
    assert (told["parked"], told["outbox"]) == (1, 0)
    assert await status()(settings) == 0
    text = capsys.readouterr().out
    assert "visits     2 open, 0 final, 0 merged, 0 forgotten\n" in text
    assert "questions  1 open: 1 drug.unknown\n" in text
    assert "parked     1, the oldest since 2027-01-01T00:00:00+00:00\n" in text


async def test_the_status_of_a_database_without_tables_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is counted, and nothing is created; after the migration the counts are 0."""
    settings = Settings.model_validate({"ledger_url": f"sqlite:///{tmp_path / 'new.sqlite'}"})
    assert await status()(settings) == 0
    assert "there are none; run `chargeline ledger migrate` for " in capsys.readouterr().out
    assert await migrate()(settings) == 0
    capsys.readouterr()
    assert await status(as_json=True)(settings) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["questions"], told["parked"], told["outbox"]) == ({}, 0, 0)
