"""A coder's first minute in a real browser over a running service: message in, question, answer,
new revision out. By keyboard with script, and by forms and links alone without it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.answers.test_answers import open_infusion
from tests.live.servers import free_port
from tests.serve import Served, deliver, revisions, until

from .chromium import logged_in, without_faults


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A `serve --workbench` on a fresh ledger."""
    service = Served(
        tmp_path,
        workbench_port=str(free_port()),
        workbench_login="development",
        default_policy="guide-2026",
    )
    service.start("--workbench", "--out", str(service.out))
    yield service
    service.end()


async def a_coder(served: Served, browser: Browser, *, script: bool = True) -> Page:
    """The work list of somebody who is a coder."""
    await served.ready()
    port = served.environment["CHARGELINE_WORKBENCH_PORT"]
    page = await logged_in(browser, f"http://127.0.0.1:{port}", script=script)
    await expect(page.get_by_role("heading", name="Work")).to_be_visible()
    return page


async def asked(served: Served) -> None:
    """A visit with an infusion that has no stop is drafted."""
    await deliver([message.encode() for message in open_infusion()], served.port)
    await until(lambda: bool(revisions(served.events())), served.said)


async def test_by_keyboard(served: Served, browser: Browser) -> None:
    """j, Enter, the choice, its value and the reason by Tab, Enter; the page then tells of the new
    revision by itself.
    """
    page = await a_coder(served, browser)
    await asked(served)
    await page.reload()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(
        page.get_by_role("heading", name="When did carboplatin stop?").first
    ).to_be_visible()
    first = len(revisions(served.events()))
    await focus_on(page, "#choice-stop")
    await page.keyboard.press("Space")
    await focus_on(page, "#value-stop")
    await page.keyboard.type("10:05")
    await focus_on(page, "#reason")
    await page.keyboard.type("seen on the pump")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Kept with your name and the time.")).to_be_visible()
    await until(lambda: len(revisions(served.events())) > first, served.said)
    last = revisions(served.events())[-1]
    assert [line.code for line in last.encounters[0].lines] == ["96413", "J9045"]
    assert [said.by for said in last.said] == ["O. Okapi"]
    await expect(page.get_by_text("is published")).to_be_visible()


async def focus_on(page: Page, wanted: str) -> None:
    """Press Tab until a field has the focus. Raises AssertionError if it never gets it."""
    for _press in range(80):
        if await page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {wanted}")


async def test_without_script(served: Served, browser: Browser) -> None:
    """Links and forms do the same."""
    page = await a_coder(served, browser, script=False)
    await asked(served)
    await page.reload()
    await page.get_by_role("link", name="When did carboplatin stop?").click()
    await page.get_by_label("Nobody can say").check()
    await page.get_by_label("Reason, and where it can be seen").fill("no note, no pump")
    await page.get_by_role("button", name="Record answer").click()
    await expect(page.get_by_text("Kept with your name and the time.")).to_be_visible()
    await until(lambda: len(revisions(served.events())) > 1, served.said)
    await page.get_by_role("link", name="look again").click()
    await page.goto("/work")
    await expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 640])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_object(
    served: Served, browser: Browser, scheme: str, width: int
) -> None:
    """Each state of each page, and no page scrolls sideways."""
    page = await a_coder(served, browser)
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto("/work")
    await without_faults(page, "nothing waits")
    await asked(served)
    for address in ("/work", "/work?payer=none", "/work?due=never", "/nothing", "/login"):
        await page.goto(address)
        await without_faults(page, address)
    await page.goto("/work")
    await page.get_by_role("link", name="When did carboplatin stop?").click()
    await without_faults(page, "a question")
