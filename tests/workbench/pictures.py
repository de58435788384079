"""The pictures of docs/workbench.md: `python -m tests.workbench.pictures` makes them anew.

They are of the invented feed of `make workbench`, as a coder and an operator see it in Chromium.
Somebody looks at each of them before it is committed.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.workbench.chromium import how_to_launch, logged_in
from tests.workbench.stand import running

FOLDER = Path(__file__).parents[2] / "docs" / "workbench"
MARCH = "from=2026-03-01&to=2026-03-31"
SCREENS: Mapping[str, Mapping[str, str]] = {
    "O. Okapi": {
        "work": "/work",
        "reports": f"/reports?{MARCH}",
        "compare": f"/compare?policy=cms-facility-2026&{MARCH}",
    },
    "P. Platypus": {"operations": "/operations", "running": "/running"},
}
SIZE = {"width": 1280, "height": 820}
TALL = 1500  # down to the lines of a visit


async def picture(page: Page, name: str, address: str) -> None:
    """One screen; a comparison is waited for."""
    await page.goto(address)
    if name == "compare":
        await page.get_by_role("heading", name="By visit").wait_for()
    if name == "work":
        await page.screenshot(path=FOLDER / "work.png")
        await page.get_by_role("link", name="When did oxaliplatin stop?").first.click()
        await page.screenshot(path=FOLDER / "question.png")
        await page.goto(page.url.partition("?")[0])
        name = "visit"
    height = TALL if name == "visit" else SIZE["height"]
    await page.set_viewport_size({"width": SIZE["width"], "height": height})
    await page.screenshot(path=FOLDER / f"{name}.png")


async def pictures(browser: Browser, at: str) -> None:
    """All screens, each as somebody sees it who works with it."""
    for person, screens in SCREENS.items():
        page = await logged_in(browser, at, person)
        await page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        for name, address in screens.items():
            await picture(page, name, address)


async def main() -> None:
    """Make them in docs/workbench."""
    FOLDER.mkdir(exist_ok=True)
    with running() as (_served, at):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**how_to_launch())
            await pictures(browser, at)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
