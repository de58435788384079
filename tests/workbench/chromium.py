"""Debian's Chromium for tests of pages: how somebody logs in, and what every page must hold."""

import shutil
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.live.servers import ServerError, can_install, install_with_apt

PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


def how_to_launch() -> dict[str, Any]:
    """What Playwright launches Chromium with. Root installs it where it is not there.

    Raises ServerError where it is not, and we may not install it.
    """
    path = shutil.which("chromium")
    if path is None and can_install():
        install_with_apt("chromium", lambda: shutil.which("chromium"))
        path = shutil.which("chromium")
    if path is None:
        raise ServerError(
            "Chromium: expected the program `chromium` on PATH, found none. Install Debian's "
            "package of that name, or run the tests as root, who installs it."
        )
    return {"executable_path": path, "args": ["--no-sandbox"]}


async def without_faults(page: Page, state: str) -> None:
    """Fail where axe-core objects to a page, or something is cut at its right."""
    results = await Axe().run(page)
    assert results.violations_count == 0, f"{state}: {results.generate_report()}"
    beyond = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert beyond <= 0, state


async def logged_in(
    browser: Browser, address: str, name: str = "O. Okapi", *, script: bool = True
) -> Page:
    """The first screen of one of the invented staff, with cookies of its own."""
    context = await browser.new_context(base_url=address, java_script_enabled=script)
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("button", name=name).click()
    await expect(page.get_by_text(f"{name} ·")).to_be_visible()
    return page
