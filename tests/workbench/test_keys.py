"""Single keys in a real browser: what the foot of a page names is done, and can be turned off."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.answers.test_answers import open_infusion

from .asking import Standing
from .test_running_page import at, in_unit
from .test_screens import logged_in

KEPT = "JSON.stringify(Object.values(sessionStorage))"
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


async def two_visits(standing: Standing, browser: Browser, at: str, role: str = "coder") -> Page:
    """The work list with two visits that ask when an infusion stopped."""
    for visit in ("V1", "V2"):
        messages = [text.replace("|V1", f"|{visit}") for text in open_infusion()]
        await standing.hear(*messages, visit=visit)
    page = await (await logged_in(browser, at, role)).new_page()
    await page.goto(f"{at}/work")
    await ready(page, "Work")
    return page


async def ready(page: Page, heading: str) -> None:
    """Wait for a page, for its script, which shows the button that turns keys off, and till it is
    painted: Chromium drops what is pressed before that.
    """
    await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
    await expect(page.get_by_role("button", name="Turn keys off")).to_be_visible()
    await page.evaluate(TWO_FRAMES)


async def test_a_list_is_worked_by_keys(standing: Standing, browser: Browser, address: str) -> None:
    """Choose and assign, open, hold, and go to the visit beside it; nobody is assigned by a letter
    that is written into a field.
    """
    page = await two_visits(standing, browser, address)
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("X")
    await expect(page.locator("input[name=visit]:checked")).to_have_count(2)
    await page.keyboard.press("a")
    await expect(page.locator("td[data-label=Owner]").filter(has_text="Z. Zebu")).to_have_count(2)
    await ready(page, "Work")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await ready(page, "Visit")
    first = page.url.partition("?")[0]
    await page.keyboard.press("h")
    await expect(page.locator("#hold-reason")).to_be_focused()
    await page.keyboard.type("waits for the auditor")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Kept with your name and the time.")).to_be_visible()
    await ready(page, "Visit")
    assert [act.why for act in await standing.acts("line")] == ["waits for the auditor"]
    await page.keyboard.press("]")
    await page.wait_for_url(lambda url: "/visits/" in url and first not in url)
    await ready(page, "Visit")
    await page.keyboard.press("u")
    await expect(page.get_by_text("unit asked 0 min ago")).to_be_visible()
    await ready(page, "Visit")
    await page.keyboard.press("[")
    await page.wait_for_url(first)
    await ready(page, "Visit")
    await page.keyboard.press("Backspace")
    await ready(page, "Work")
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await page.wait_for_url(f"{address}/reports")


async def test_a_reason_that_is_written_on_the_list_holds_and_assigns_nobody(
    standing: Standing, browser: Browser, address: str
) -> None:
    """Enter presses Hold; with the boxes chosen by mouse, X chooses from there on alone."""
    page = await two_visits(standing, browser, address)
    await page.locator("input[name=visit]").nth(1).click()
    await page.keyboard.press("X")
    await expect(page.locator("input[name=visit]:checked")).to_have_count(1)
    await page.keyboard.press("h")
    await page.keyboard.type("waits for pharmacy")
    await page.keyboard.press("Enter")
    await ready(page, "Work")
    assert [act.why for act in await standing.acts("line")] == ["waits for pharmacy"]
    assert await standing.acts("work.assign") == []


async def test_keys_of_rows_act_in_the_row_with_the_focus(
    standing: Standing, browser: Browser, address: str
) -> None:
    """On the board `u` and `s` do nothing before a row is gone to; `s` then leads to the field, and
    what is written there is no key.
    """
    await at(standing, 10)
    await standing.hear(*in_unit(open_infusion()))
    page = await (await logged_in(browser, address, "nurse")).new_page()
    await page.goto(f"{address}/running")
    await ready(page, "Running now")
    await page.keyboard.press("u")
    await page.keyboard.press("s")
    await page.keyboard.press("j")
    await page.keyboard.press("s")
    await page.wait_for_url("**say=**")
    await ready(page, "Running now")
    await expect(page.get_by_label("How do you know?")).to_be_focused()
    await page.keyboard.type("unit says so")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url(lambda url: "say=" not in url)
    await ready(page, "Running now")
    assert [act.why for act in await standing.acts("running.say")] == ["unit says so"]
    assert await standing.acts("work.ask") == []


async def test_keys_are_turned_off_and_stay_so(
    standing: Standing,
    browser: Browser,
    address: str,
) -> None:
    """On every page of this browser, until they are turned on; a field is still recorded."""
    page = await two_visits(standing, browser, address)
    await page.get_by_role("button", name="Turn keys off").click()
    await page.goto(f"{address}/work")
    await expect(page.get_by_text("choose, to here")).to_be_hidden()
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.matches('a.first')") is False
    await page.get_by_role("button", name="Turn keys on").click()
    await page.keyboard.press("j")
    await expect(page.locator("a.first").first).to_be_focused()


async def test_who_may_only_look_is_offered_no_key_that_says_something(
    standing: Standing,
    browser: Browser,
    address: str,
) -> None:
    """A viewer has no boxes to choose rows by, and no buttons on a visit."""
    page = await two_visits(standing, browser, address, "viewer")
    await expect(page.locator("input[name=visit]")).to_have_count(0)
    await expect(page.locator("footer")).not_to_contain_text("assign")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await ready(page, "Visit")
    await expect(page.locator(".visit-head button")).to_have_count(0)


@pytest.mark.parametrize("ends", ["by logging out", "by idling"])
async def test_the_list_goes_with_the_session(
    standing: Standing, browser: Browser, address: str, ends: str
) -> None:
    """The page that asks who it is leaves no visit of it in the browser."""
    page = await two_visits(standing, browser, address)
    assert "/visits/ZEBRA/V2" in await page.evaluate(KEPT)
    if ends == "by idling":
        standing.now += timedelta(minutes=standing.bench.settings.workbench_idle_minutes + 1)
        await page.reload()
    else:
        await page.get_by_role("button", name="Log out").click()
    await ready(page, "Log in")
    assert "/visits/" not in await page.evaluate(KEPT)


async def test_another_person_does_not_find_the_list_in_another_tab(
    standing: Standing, browser: Browser, address: str
) -> None:
    """A tab that stayed open forgets it with the first page of whoever logged in since."""
    page = await two_visits(standing, browser, address)
    other = await page.context.new_page()
    await other.goto(f"{address}/reports")
    await other.get_by_role("button", name="Log out").click()
    await other.get_by_role("button", name="V. Vole").click()
    await expect(other.get_by_text("V. Vole ·")).to_be_visible()
    await page.goto(f"{address}/visits/ZEBRA/V1")
    await ready(page, "Visit")
    assert "/V2" not in await page.evaluate(KEPT)
    assert await page.get_by_role("link", name="Work").last.get_attribute("href") == "/work"
