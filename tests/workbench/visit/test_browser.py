"""The page in a real browser: legible in both themes, reachable for everybody, nothing cut."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from chargeline.workbench.visit.model import ChosenOnPage, VisitPage
from tests.answers.given import run_after
from tests.answers.test_answers import open_infusion
from tests.workbench.chromium import how_to_launch
from tests.workbench.visit.pages import POLICY, html_of, infusion, page_of
from tests.workbench.visit.test_rendered import VISITS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**how_to_launch())
        yield chromium
        chromium.close()


def opened(folder: Path, page: VisitPage) -> str:
    """The address of a page that is written to a file."""
    path = folder / "visit.html"
    path.write_text(html_of(page), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("visit", VISITS)
def test_axe_has_nothing_to_object(
    tmp_path: Path, browser: Browser, visit: str, scheme: str
) -> None:
    """The first question is open, so that its form is looked at too."""
    run = VISITS[visit](tmp_path)
    page = page_of(run)
    chosen = ChosenOnPage(question=page.questions[0].question_id) if page.questions else None
    screen = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    screen.goto(opened(tmp_path, page_of(run, chosen=chosen)))
    results = Axe().run(screen)
    assert results.violations_count == 0, results.generate_report()
    screen.close()


@pytest.mark.parametrize("width", [1600, 1280, 640])
def test_no_text_of_the_timeline_leaves_its_lane(
    tmp_path: Path, browser: Browser, width: int
) -> None:
    """Each text of the track lies within the track, and the page itself never scrolls sideways."""
    run = run_after(tmp_path, open_infusion(), policy=POLICY)
    for page in (page_of(run), page_of(infusion(tmp_path))):
        screen = browser.new_page(viewport={"width": width, "height": 900})
        screen.goto(opened(tmp_path, page))
        assert screen.evaluate(_WITHIN) == []
        assert screen.evaluate("document.documentElement.scrollWidth <= innerWidth")
        screen.close()


_WITHIN = """() => [...document.querySelectorAll('.time > svg.track')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const at = text.getBoundingClientRect();
    return at.left < box.left - 1 || at.right > box.right + 1 || at.bottom > box.bottom + 1;
  }).map(text => text.textContent);
})"""


def test_the_page_works_without_script(tmp_path: Path, browser: Browser) -> None:
    """A line is a link: choosing it lights its row and opens its reasons."""
    run = infusion(tmp_path)
    page = page_of(run)
    further = next(row for row in page.families[0].rows if row.code == "96415")
    context = browser.new_context(java_script_enabled=False)
    screen = context.new_page()
    screen.goto(opened(tmp_path, page))
    screen.get_by_role("table", name="Charge lines by family").get_by_role(
        "link", name="96415"
    ).click()
    assert screen.url.endswith(f"?line={further.line_id}#why")
    context.close()
