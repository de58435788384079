"""A command that names what is not there ends with an error, and one without work does not."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from chargeline.cli import main
from chargeline.engine import FindingError
from chargeline.ledger.store import Ledger
from chargeline.operate import answers, parked, redraft
from chargeline.operate.running import Command
from chargeline.settings import Settings
from tests.drafting.test_features import GOOD, claimed, settings, small
from tests.drafting.test_processor import keyed

__all__ = ["settings", "small"]


def questions(*, visit: str = "", code: str = "") -> Command:
    return answers.list_questions(argparse.Namespace(visit=visit, code=code, json=False))


BY_CODE = {
    "drop": lambda code: parked.parked_drop(code=code, why="a test"),
    "retry": lambda code: parked.parked_retry(code=code),
    "list": parked.parked_list,
    "redraft": lambda code: redraft.redraft(question=code),
    "questions": lambda code: questions(code=code),
}
BY_VISIT = {
    "redraft": redraft.redraft,
    "questions": lambda visit: questions(visit=visit),
}


@pytest.mark.parametrize("work", BY_CODE.values(), ids=BY_CODE)
async def test_a_code_that_nothing_has_is_an_error(
    small: Ledger, settings: Settings, work: Callable[[str], Command]
) -> None:
    """The code that was meant is named."""
    await claimed(small)
    with pytest.raises(FindingError, match=r"did you mean stop\.missing") as raised:
        await work("stop.mising")(settings)
    assert raised.value.finding.code == "command.not_found"


@pytest.mark.parametrize("work", BY_CODE.values(), ids=BY_CODE)
async def test_a_code_that_nothing_has_now_is_none(
    small: Ledger, settings: Settings, work: Callable[[str], Command]
) -> None:
    """To find nothing under a code that exists ends with 0."""
    await claimed(small)
    assert await work("stop.missing")(settings) == 0


async def test_a_rule_that_asks_is_a_code(small: Ledger, settings: Settings) -> None:
    """A question that nobody has now may be asked for by the id of its rule."""
    await claimed(small)
    assert await questions(code="guide.waste")(settings) == 0


@pytest.mark.parametrize("work", BY_VISIT.values(), ids=BY_VISIT)
async def test_a_visit_that_the_ledger_does_not_have_is_an_error(
    small: Ledger, settings: Settings, work: Callable[[str], Command]
) -> None:
    """The number is named, and a visit that is there passes."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    with pytest.raises(FindingError, match="expected visit NOSUCH in the ledger"):
        await work("NOSUCH")(settings)
    assert await work("V1")(settings) == 0


async def test_a_redraft_of_nothing_is_no_act(small: Ledger, settings: Settings) -> None:
    """The trail has no row of a visit that was not there."""
    await claimed(small)
    with pytest.raises(FindingError):
        await redraft.redraft("NOSUCH")(settings)
    async with small.view() as view:
        assert await view.acts(0, 10) == []


def test_a_mistake_is_a_line_and_the_code_of_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line says what was expected, and ends with 2."""
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", f"sqlite+aiosqlite:///{tmp_path}/none.sqlite")
    assert main(["parked", "drop", "--code", "nosuch", "--reason", "a test"]) == 2
    assert "expected a code of docs/findings.md" in capsys.readouterr().err


@pytest.mark.parametrize("named", ["--code=nosuch", "--visit=NOSUCH"])
def test_a_feed_is_asked_like_the_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    """`questions list --feed` with a name that is not there ends with 2."""
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(GOOD)
    assert main(["questions", "list", named, "--feed", str(feed)]) == 2
    assert "found" in capsys.readouterr().err
