"""Each role's first minute, over a real Kafka, PostgreSQL and captures, in a real browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.answers.test_answers import open_infusion
from tests.workbench.chromium import logged_in
from tests.workbench.conftest import browser

from .records import Record
from .servers import free_port
from .service import Service, service

__all__ = ["browser", "service"]

VISIT = "When did carboplatin stop?"
DROPPED = "a test of the interface"


@pytest.fixture
async def address(service: Service) -> AsyncIterator[str]:
    """Where the pages are, over two captures and a visit whose infusion has no stop."""
    await service.prepare()
    for _capture in range(2):
        service.start()
    port = str(free_port())
    pages = service.start(
        "workbench", CHARGELINE_WORKBENCH_LOGIN="development", CHARGELINE_WORKBENCH_PORT=port
    )
    await service.ready(pages)
    await service.deliver([message.encode() for message in open_infusion()])
    await service.deliver_records([Record(b"no HL7 at all", b"x")])
    await service.until(service.drained, "the visit to be drafted")
    yield f"http://127.0.0.1:{port}"


async def test_a_message_becomes_a_draft_over_the_workbench(
    service: Service, browser: Browser, address: str
) -> None:
    """A coder holds the visit, answers its question and releases it. The captures draft what was
    said, the draft is published, and an auditor sees who did what.
    """
    coder = await logged_in(browser, address)
    await coder.get_by_role("link", name=VISIT).click()
    await hold_or_release(coder, "Hold", "a colleague looks at it")
    await until_held(service, "a colleague looks at it")
    await coder.get_by_role("link", name="Answer").first.click()
    await coder.get_by_label("It stopped at this time.").check()
    await coder.locator("#value-stop").fill("10:05")
    await coder.get_by_label("Reason, and where it can be seen").fill("seen on the pump")
    await coder.get_by_role("button", name="Record answer").click()
    await expect(coder.get_by_text("is published")).to_be_visible()
    await hold_or_release(coder, "Release", "looked at")
    await until_held(service, "")
    wanted = {"V1": [("96413", 1, ()), ("J9045", 9, ())]}
    assert await service.settled(wanted) == wanted
    auditor = await logged_in(browser, address, "A. Aardwolf")
    await auditor.goto(coder.url.partition("?")[0])
    said = auditor.get_by_role("row").filter(has_text="O. Okapi")
    await expect(said).to_have_count(3)
    await expect(auditor.get_by_role("button", name="Hold")).to_have_count(0)


async def test_an_operator_tries_and_drops_what_is_parked(
    service: Service, browser: Browser, address: str
) -> None:
    """Trying says that the message would park again; dropping it needs a reason, which is kept."""
    operator = await logged_in(browser, address, "P. Platypus")
    await operator.get_by_role("link", name="Operations").click()
    await expect(operator.get_by_role("heading", name="Operations")).to_be_visible()
    await operator.get_by_role("checkbox").first.check()
    await operator.get_by_role("button", name="Try", exact=True).click()
    await expect(operator.get_by_text("1 would park again")).to_be_visible()
    await operator.get_by_role("checkbox").first.check()
    await operator.get_by_label("Reason").fill(DROPPED)
    await operator.get_by_role("button", name="Drop with this reason").click()
    await expect(operator.get_by_text("Nothing is parked.")).to_be_visible()
    rows = await service.ask("SELECT who, why FROM audit WHERE did LIKE '%drop%'")
    assert [tuple(row) for row in rows] == [("P. Platypus", DROPPED)]


@pytest.mark.parametrize(
    ("name", "heading", "lacks"),
    [
        ("N. Numbat", "Work", "Hold…"),
        ("V. Vole", "Work", "Reveal"),
        ("L. Lemur", "Work", ""),
        ("A. Aardwolf", "Work", "Record answer"),
    ],
)
async def test_what_a_role_sees_first(
    browser: Browser, address: str, name: str, heading: str, lacks: str
) -> None:
    """Its first screen, and on the visit nothing that it may not do."""
    page = await logged_in(browser, address, name)
    await expect(page.get_by_role("heading", name=heading)).to_be_visible()
    await page.get_by_role("link", name=VISIT).click()
    await expect(page.get_by_role("heading", name="Visit V1")).to_be_visible()
    if lacks:
        await expect(page.get_by_text(lacks, exact=True)).to_have_count(0)


async def hold_or_release(page: Page, word: str, reason: str) -> None:
    """Say it of the whole visit, as the page asks."""
    await page.get_by_text(f"{word}…", exact=True).click()
    await page.locator("#hold-reason").fill(reason)
    await page.get_by_role("button", name=word, exact=True).click()
    other = "Release" if word == "Hold" else "Hold"
    await expect(page.get_by_text(f"{other}…", exact=True)).to_be_visible()


async def until_held(service: Service, reason: str) -> None:
    """Wait until the captures have drafted the visit with the reason of its hold, or without."""

    async def is_so() -> bool:
        rows = await service.ask(
            "SELECT body FROM draft_revision WHERE visit = 'V1' ORDER BY revision DESC LIMIT 1"
        )
        return bool(rows) and (f'"held":"{reason}"' in rows[0][0].replace(": ", ":"))

    await service.until(is_so, f"a draft that is held for {reason!r}")
