"""Claims about all pages: each is walked by a test, and the panels that it names are there."""

import re
from pathlib import Path

import pytest

from chargeline.telemetry.dashboards import DASHBOARDS

from . import PAGES

WALKS = Path(__file__).parent
PANELS = {panel.title for board in DASHBOARDS for panel in board.panels}
# The names of dashboards and of their rows are in italics too.
NAMES = {board.title.rsplit(" / ", 1)[-1] for board in DASHBOARDS} | {
    row.title for board in DASHBOARDS for row in board.rows
}
ALL = sorted(path for path in PAGES.glob("*.md") if path.stem != "README")


def walked() -> set[str]:
    """The pages whose names a test has; one test may walk two, as test_ONE_and_OTHER."""
    text = "\n".join(path.read_text() for path in WALKS.glob("test_*.py"))
    names = re.findall(r"^async def test_(\w+)\(", text, re.MULTILINE)
    return {page.replace("_", "-") for name in names for page in name.split("_and_")}


def test_each_page_is_walked() -> None:
    """By a test that plays the fault."""
    assert walked() == {path.stem for path in ALL}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_page_names_panels_that_are_there(path: Path) -> None:
    """By their titles, so that a person finds them."""
    text = " ".join(path.read_text(encoding="utf-8").split())
    named = set(re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", text))
    assert named <= PANELS | NAMES
