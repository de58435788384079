"""Reasons in a real browser: a field of one says itself that blanks are none; nothing goes."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.answers.test_answers import open_infusion

from .asking import Standing
from .test_keys import ready
from .test_operations_page import parked
from .test_running_page import at, in_unit
from .test_screens import logged_in

VISIT = "/visits/ZEBRA/V1"


async def opened(standing: Standing, browser: Browser, address: str, role: str) -> Page:
    """The first page of somebody, where a visit asks when an infusion stopped."""
    await standing.hear(*in_unit(open_infusion()))
    return await (await logged_in(browser, address, role)).new_page()


async def refuses_blanks(page: Page, name: str, button: str) -> None:
    """Fail where blanks leave the page, or its field does not say what is expected."""
    field = page.get_by_label(name)
    await field.fill("    ")
    before = page.url
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(field).to_be_focused()
    assert await field.evaluate("field => field.validity.patternMismatch")
    assert "at least three characters" in (await field.get_attribute("title") or "")
    assert page.url == before


@pytest.mark.parametrize(
    ("name", "button"),
    [("Hold the whole visit, because", "Hold"), ("Reveal the patient, because", "Reveal")],
)
async def test_blanks_are_no_reason_on_the_page_of_a_visit(
    standing: Standing, browser: Browser, address: str, name: str, button: str
) -> None:
    page = await opened(standing, browser, address, "coder")
    await page.goto(f"{address}{VISIT}")
    await page.get_by_text("Hold…").click()
    await refuses_blanks(page, name, button)


async def test_blanks_are_no_reason_for_an_answer_or_for_taking_it_back(
    standing: Standing, browser: Browser, address: str
) -> None:
    """A reason with blanks inside and around it is one."""
    page = await opened(standing, browser, address, "coder")
    await page.goto(f"{address}{VISIT}")
    await page.get_by_role("link", name="Answer question 1").click()
    await page.locator("#choice-unknown").check()
    await refuses_blanks(page, "Reason, and where it can be seen", "Record answer")
    await page.get_by_label("Reason, and where it can be seen").fill("  no note ")
    await page.get_by_role("button", name="Record answer").click()
    await expect(page.get_by_text("Kept with your name")).to_be_visible()
    await page.get_by_text("Take back…").click()
    await refuses_blanks(page, "Take it back, because", "Take back")
    assert [act.why for act in await standing.acts("answer")] == ["no note"]


async def test_blanks_are_no_reason_to_hold_many_and_none_is_needed_to_assign_them(
    standing: Standing, browser: Browser, address: str
) -> None:
    """An empty reason stays on the list too."""
    page = await opened(standing, browser, address, "coder")
    await page.goto(f"{address}/work")
    await page.locator("input[name=visit]").check()
    await refuses_blanks(page, "Hold them, because", "Hold")
    await page.get_by_label("Hold them, because").fill("")
    await page.get_by_role("button", name="Hold", exact=True).click()
    await expect(page.get_by_label("Hold them, because")).to_be_focused()
    await page.get_by_role("button", name="Assign", exact=True).click()
    await expect(page.locator("td[data-label=Owner]")).to_contain_text("Z. Zebu")
    assert await standing.acts("line") == []


async def test_blanks_do_not_say_that_a_drug_still_runs(
    standing: Standing, browser: Browser, address: str
) -> None:
    await at(standing, 10)
    page = await opened(standing, browser, address, "nurse")
    await page.goto(f"{address}/running")
    await page.get_by_role("link", name="Still running").click()
    await ready(page, "Running now")
    await refuses_blanks(page, "How do you know?", "Record, and look again in 15 min")


async def test_blanks_drop_no_parked_message_and_a_try_needs_no_reason(
    standing: Standing, browser: Browser, address: str
) -> None:
    await parked(standing)
    page = await (await logged_in(browser, address, "operator")).new_page()
    await page.goto(f"{address}/operations")
    await page.locator("input[name=messages]").first.check()
    await refuses_blanks(page, "Reason", "Drop with this reason")
    await page.get_by_role("button", name="Try", exact=True).click()
    await expect(page.get_by_text("Tried.", exact=True)).to_be_visible()
    assert [act.why for act in await standing.acts("parked.try")] == [""]
