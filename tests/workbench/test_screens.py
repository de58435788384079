"""Running now, Reports, Compare and Operations in a real browser: legible in both themes, whole at
any width.
"""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, BrowserContext

from tests.answers.test_answers import open_infusion
from tests.operate.test_parked import unknown_status
from tests.trials.test_doubts import given, order

from .asking import Standing
from .chromium import without_faults
from .test_compare_page import FACILITY, POSTED, hear, posted, three_visits
from .test_operations_page import parked
from .test_reports_page import NOW as REPORTED
from .test_reports_page import filled
from .test_running_page import START, at, in_unit, left

WIDTHS = [1280, 640]


async def logged_in(browser: Browser, address: str, role: str, **how: object) -> BrowserContext:
    """A browser in which somebody with a role has logged in."""
    context = await browser.new_context(**how)  # type: ignore[arg-type]
    form = {"name": "Z. Zebu", "role": role}
    answer = await context.request.post(f"{address}/login", form=form)
    assert answer.status == 200, await answer.text()
    return context


async def board(standing: Standing) -> None:
    """Three that run, one of them past its end by far, and one patient who left."""
    await at(standing, 1)
    await standing.hear(*in_unit(open_infusion()))
    await standing.hear(*in_unit(open_infusion(), "V2"), left("1010", "V2"), visit="V2")
    for visit, minutes in (("V3", 30), ("V4", 120)):
        bag = [given("oxaliplatin", "0900", "150 mg"), order("oxaliplatin", "150 mg", minutes)]
        await standing.hear(*in_unit(bag, visit), visit=visit)
    await at(standing, 85)


async def objections(context: BrowserContext, address: str) -> None:
    """Fail where axe objects, or the page scrolls sideways, at each width."""
    for width in WIDTHS:
        screen = await context.new_page()
        await screen.set_viewport_size({"width": width, "height": 900})
        await screen.goto(address)
        await without_faults(screen, address)
        await screen.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_object_to_the_board(
    standing: Standing, browser: Browser, address: str, scheme: str
) -> None:
    """Filled, with the form of a row open, and empty by a filter."""
    await board(standing)
    context = await logged_in(browser, address, "nurse", color_scheme=scheme)
    await objections(context, f"{address}/running")
    listed = await (await context.request.get(f"{address}/running.json")).json()
    number = listed["running"][0]["question_id"]
    await objections(context, f"{address}/running?say={number}")
    await objections(context, f"{address}/running?place=CLINIC")


async def test_the_board_reads_itself_again_in_place(
    standing: Standing, browser: Browser, address: str
) -> None:
    """What comes meanwhile appears without a reload, and what was focused stays so."""
    await board(standing)
    context = await logged_in(browser, address, "nurse")
    screen = await context.new_page()
    await screen.clock.install()
    await screen.goto(f"{address}/running")
    await screen.locator("#again").focus()
    standing.now = START + timedelta(minutes=100)
    await screen.clock.run_for(31_000)
    await screen.get_by_text("10:40:00 EST").wait_for()
    assert await screen.evaluate("document.activeElement.id") == "again"


async def test_a_board_that_cannot_be_read_again_says_that_it_is_old(
    standing: Standing, browser: Browser, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands there stays, with the time at which it was so."""
    await board(standing)
    context = await logged_in(browser, address, "nurse")
    screen = await context.new_page()
    await screen.clock.install()
    await screen.goto(f"{address}/running")
    await screen.route("**/running", lambda route: route.fulfill(status=503, body="away"))
    await screen.clock.run_for(31_000)
    await screen.get_by_text("This is what it was at 10:25:00 EST").wait_for()
    assert await screen.get_by_text("carboplatin").count() > 0


async def floor(standing: Standing) -> None:
    """Messages parked for several reasons, two senders, and a visit that other rules drafted."""
    await standing.hear(*open_infusion())
    await parked(standing)
    await parked(standing, unknown_status(9).decode())
    async with standing.ledger.view() as view:
        rows = await view.visits([("ZEBRA", "V1")])
    async with standing.ledger.batch() as batch:
        await batch.put_visits([row._replace(rulebook="0123456789ab") for row in rows.values()])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_object_to_operations(
    standing: Standing, browser: Browser, address: str, scheme: str
) -> None:
    """Empty, filled, with nothing left by a filter, and after a try."""
    context = await logged_in(browser, address, "operator", color_scheme=scheme)
    await objections(context, f"{address}/operations")
    await floor(standing)
    await objections(context, f"{address}/operations")
    await objections(context, f"{address}/operations?code=time.missing")
    await objections(context, f"{address}/operations?done=retried&count=2&left=1")
    screen = await context.new_page()
    await screen.goto(f"{address}/operations")
    for box in await screen.get_by_role("checkbox").all():
        await box.check()
    await screen.get_by_text("Shape of the oldest one").first.click()
    await screen.get_by_role("button", name="Try", exact=True).click()
    await screen.get_by_text("would park again: message.no_msh").wait_for()
    await without_faults(screen, "after a try")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_object_to_a_comparison(
    standing: Standing, browser: Browser, address: str, scheme: str
) -> None:
    """Before anything is chosen, refused, while it works, done, and with nothing left by a filter;
    of other rules and of posted charges. A page without script ends at the result too.
    """
    await three_visits(standing)
    await hear(standing, "V1", posted(("96413", 1), ("96409", 1)))
    paid = given("carboplatin", "0900-1130", "450 mg")
    await hear(standing, "V5", f"{paid}IN1|1|Z|ZEBRA|ZEBRA MUTUAL OF THE LONG SAVANNAH AND RIVER\r")
    context = await logged_in(browser, address, "viewer", color_scheme=scheme)
    await objections(context, f"{address}/compare")
    await objections(context, f"{address}/compare?policy=nonesuch")
    screen = await context.new_page()
    await screen.goto(f"{address}/compare?{FACILITY}")
    await screen.get_by_role("heading", name="By visit").wait_for()
    await without_faults(screen, "after the page read itself")
    await objections(context, f"{address}/compare?{FACILITY}")
    await objections(context, f"{address}/compare?{FACILITY}&rule=class.antibody&kind=units")
    plain = await logged_in(
        browser, address, "viewer", color_scheme=scheme, java_script_enabled=False
    )
    unscripted = await plain.new_page()
    await unscripted.goto(f"{address}/compare?{POSTED}")
    await unscripted.get_by_role("heading", name="By visit").wait_for()
    await objections(context, f"{address}/compare?{POSTED}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_object_to_the_reports(
    standing: Standing, browser: Browser, address: str, scheme: str
) -> None:
    """Empty, filled, each by itself, with the visits behind a row, and with nothing in the days."""
    standing.now = REPORTED
    context = await logged_in(browser, address, "lead", color_scheme=scheme)
    await objections(context, f"{address}/reports")
    await filled(standing.ledger)
    await objections(context, f"{address}/reports")
    for name in ("stops", "people"):
        await objections(context, f"{address}/reports/{name}?of=TOWER&facility=NORTH")
    await objections(context, f"{address}/reports?from=2020-01-01&to=2020-01-31")


async def test_the_days_of_reports_are_chosen_without_script(
    standing: Standing, browser: Browser, address: str
) -> None:
    """The form keeps the report that is shown, and its numbers lead to the same days."""
    standing.now = REPORTED
    await filled(standing.ledger)
    context = await logged_in(browser, address, "lead", java_script_enabled=False)
    screen = await context.new_page()
    await screen.goto(f"{address}/reports/stops")
    await screen.get_by_label("From").fill("2026-02-01")
    await screen.get_by_label("to", exact=True).fill("2026-02-28")
    await screen.get_by_role("button", name="Show").click()
    await screen.get_by_text("0 of 1", exact=True).wait_for()
    await screen.get_by_role("link", name="The last 30 days").click()
    await screen.get_by_role("link", name="2", exact=True).click()
    await screen.get_by_role("link", name="V1", exact=True).wait_for()
