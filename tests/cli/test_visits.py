"""Claims about `chargeline visit show`: what the ledger has of a visit, as a page and as JSON."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from chargeline.ledger.store import Ledger
from tests.cli import inside
from tests.drafting.test_features import BROKEN
from tests.drafting.test_processor import Bench, keyed
from tests.golden.messages import adt, given
from tests.ledger import with_tables

Capsys = pytest.CaptureFixture[str]
Drafted = Callable[[Sequence[bytes]], None]
DOSE = given("CARBOPLATIN", "450 mg", "0900", "1030")


@pytest.fixture
def drafted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drafted:
    """A function that has messages drafted into the ledger that the settings name."""
    path = tmp_path / "ledger.sqlite"
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", f"sqlite+aiosqlite:///{path}")

    async def work(messages: Sequence[bytes]) -> None:
        ledger = await Ledger.open(await with_tables(f"sqlite:///{path}"))
        bench = Bench(ledger)
        await bench.claim()
        await bench.feed([*keyed(messages), BROKEN])
        await ledger.close()

    return lambda messages: asyncio.run(work(messages))


def test_a_visit_is_shown_as_code_shows_it_with_where_it_stands(
    drafted: Drafted, tmp_path: Path, capsys: Capsys
) -> None:
    """Above the page stands the revision; a parked message makes the visit incomplete."""
    drafted([DOSE])
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(DOSE)
    page = inside(capsys, "code", str(feed)).out
    shown = inside(capsys, "visit", "show", "V1")
    assert shown.code == 0
    first, second, rest = shown.out.split("\n", 2)
    assert first.startswith("ZEBRA V1: open, revision 1 of ")
    assert second == "  incomplete: a message of it is parked or was not read whole"
    assert page.startswith(rest.rstrip("\n"))


def test_the_reasons_are_those_of_explain(drafted: Drafted, tmp_path: Path, capsys: Capsys) -> None:
    """`--explain` prints them below the page."""
    drafted([DOSE])
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(DOSE)
    reasons = inside(capsys, "explain", str(feed)).out
    assert inside(capsys, "visit", "show", "V1", "--explain").out.endswith(reasons)


def test_json_is_the_revision_as_it_was_published(drafted: Drafted, capsys: Capsys) -> None:
    """The last revision, whole."""
    drafted([DOSE])
    revision = json.loads(inside(capsys, "visit", "show", "V1", "--json").out)
    assert (revision["visit"], revision["revision"]) == ("V1", 1)
    codes = [line["code"] for each in revision["encounters"] for line in each["lines"]]
    assert codes == ["96413", "96415", "J9045"]


def test_a_visit_that_was_merged_away_leads_to_the_one_that_stands(
    drafted: Drafted, capsys: Capsys
) -> None:
    """V1 was merged into V2: both are shown, and only V2 has a page."""
    drafted([DOSE, adt("A41", sent="1900", visit="V2", prior_visit="V1")])
    shown = inside(capsys, "visit", "show", "V1").out
    assert "ZEBRA V1: merged" in shown
    assert "  merged into V2\n" in shown
    assert "ZEBRA V2: open" in shown
    assert shown.count("96413") == 1


def test_a_draft_that_comes_out_another_way_now_is_said(
    drafted: Drafted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    """The policy has changed since the revision was published."""
    drafted([given("PEMBROLIZUMAB", "200 mg", "0900", "0930")])
    assert "comes out another way" not in inside(capsys, "visit", "show", "V1").out
    monkeypatch.setenv("CHARGELINE_DEFAULT_POLICY", "cms-facility-2026")
    shown = inside(capsys, "visit", "show", "V1").out
    assert "  the draft below comes out another way than that revision\n" in shown
    assert "96413" in shown


@pytest.mark.parametrize("words", [["V404"], ["V1", "--facility", "SOUTH"]])
def test_a_visit_that_is_not_there_is_wrong_use(
    drafted: Drafted, words: list[str], capsys: Capsys
) -> None:
    """The line says where else to look."""
    drafted([DOSE])
    shown = inside(capsys, "visit", "show", *words)
    assert (shown.code, shown.out) == (2, "")
    assert f"expected visit {words[0]} in the ledger, found none" in shown.err
