"""Walks of the pages on money: much of it waits, questions outrun answers, drugs have no code.

No patient is real.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.golden.messages import given
from tests.live.commands import printed
from tests.serve import Served, deliver, questions, revisions, until
from tests.serve.test_redraft import ROW

from . import Walking

pytestmark = pytest.mark.live
Serving = Callable[..., Served]
MANY = 25


async def test_money_waits(served: Serving, walk: Walking, tmp_path: Path) -> None:
    """An infusion without a stop waits, by an invented price of 270,000 dollars; answered, it does
    not.
    """
    prices = tmp_path / "prices.csv"
    prices.write_text("code,cents\n96413,27000000\nJ9045,3000000\n")
    service = served(prices=str(prices))
    service.start()
    await service.ready()
    page = await walk("money-waits", service)
    await deliver([given("CARBOPLATIN", "450 mg", "0900", visit="V1")], service.port)
    await page.fires("ChargelineMoneyWaits")
    await page.shows("Open questions by kind")
    listed = (await page.run("chargeline questions list --json")).out
    (question,) = [json.loads(line) for line in listed.splitlines()]
    who = ("--by", "ZC1", "--reason", "the nurse says so")
    (choice, *value) = ("stop", "--value", "2026-03-02T10:00")
    printed(service.environment, "answer", question["question_id"], choice, *value, *who)
    await page.is_over("ChargelineMoneyWaits")


def unknown(number: int) -> bytes:
    return given("ZEBRAMAB", "100 mg", "0900", "1000", visit=f"V{number}", patient=f"ZZ{number}")


async def test_questions_outrun_answers_and_drugs_without_code(
    served: Serving, walk: Walking, tmp_path: Path
) -> None:
    """One drug that the formulary lacks opens a question in each visit; added, it closes them."""
    service = served()
    service.start()
    await service.ready()
    lacks = await walk("drugs-without-code", service)
    outrun = lacks.beside("questions-outrun-answers")
    messages = [unknown(number) for number in range(MANY)]
    await deliver(messages[:1], service.port)  # a series begins with what is counted first
    await outrun.shows("Opened against closed")
    await deliver(messages[1:], service.port)
    await lacks.fires("ChargelineDrugsWithoutCode")
    await outrun.fires("ChargelineQuestionsOutrunAnswers")
    await lacks.shows("Open questions by kind", question="drug.unknown")
    await outrun.shows("Questions by unit")
    assert "zebramab" in (await lacks.run("chargeline questions list --json")).out.lower()
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(b"".join(messages))
    surveyed = await lacks.run("chargeline survey FEED", FEED=str(feed))
    assert "zebramab" in surveyed.out.lower()
    assert await service.stop() == 0
    formulary = tmp_path / "site.csv"
    formulary.write_text(ROW)
    service.environment["CHARGELINE_FORMULARY"] = str(formulary)
    service.start()
    await service.ready()
    await until(lambda: len(revisions(service.events())) == 2 * MANY, service.said)
    assert [one.state for one in questions(service.events())].count("closed") == MANY
    await outrun.is_over("ChargelineQuestionsOutrunAnswers", as_written=True)
    await lacks.is_over("ChargelineDrugsWithoutCode")
    words = "chargeline redraft --question drug.unknown --reason TEXT"
    assert (await lacks.run(words, TEXT="r")).out.startswith("0 visits")
