"""Debian's Chromium for tests of pages, and what every page must hold in it."""

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

LAUNCH: dict[str, Any] = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}


async def without_faults(page: Page, state: str) -> None:
    """Fail where axe-core objects to a page, or something is cut at its right."""
    results = await Axe().run(page)
    assert results.violations_count == 0, f"{state}: {results.generate_report()}"
    beyond = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert beyond <= 0, state
