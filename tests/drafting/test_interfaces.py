"""Two senders of one facility: each message is read as its gateway says in the header."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import make_profile
from chargeline.ledger.store import Ledger
from chargeline.operate.parked import parked_retry
from chargeline.published.inbound import INTERFACE
from chargeline.published.shapes import Line
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.settings import Settings
from tests.drafting.test_processor import Bench
from tests.golden.messages import given
from tests.ledger import with_tables

STREAM = make_profile(read_interface(rules_directory(), "action-stream"))
OPEN_END = given("VANCOMYCIN", "1000 mg", "0900")
LATER = given("ONDANSETRON", "8 mg", "1100", method="PUSH", order="R2")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
async def bench(url: str) -> AsyncIterator[Bench]:
    """A bench that has the interface `action-stream` beside its default."""
    ledger = await Ledger.open(await with_tables(url))
    bench = Bench(ledger)
    bench.processors[0].interfaces = {"action-stream": STREAM}
    await bench.claim()
    yield bench
    await ledger.close()


async def vancomycin(bench: Bench) -> Line:
    """The administration line of vancomycin in the one draft."""
    ((_key, draft),) = (await bench.drafts()).items()
    lines = [line for encounter in draft.encounters for line in encounter.lines]
    (found,) = [line for line in lines if line.drug == "vancomycin" and line.role != "drug"]
    return found


@pytest.mark.parametrize(
    ("headers", "provisional"),
    [({INTERFACE: "action-stream"}, "stop.missing"), ({INTERFACE: ""}, ""), ({}, "")],
    ids=["the other interface", "a header that names none", "no header"],
)
async def test_a_message_is_read_as_its_gateway_says(
    bench: Bench, headers: dict[str, str], provisional: str
) -> None:
    """An empty RXA-4 is a running drug for one sender, and one moment for the other.

    The second message loads the visit anew, so that the stored one is read again, in the same way.
    """
    await bench.feed([("ZEBRA|V1", OPEN_END, headers)])
    bench.processors[0].drop()
    await bench.feed([("ZEBRA|V1", LATER, {})])
    assert ((await vancomycin(bench)).provisional or "") == provisional


async def test_a_message_of_an_interface_that_we_lack_is_parked(bench: Bench) -> None:
    """It is not read by the default interface; its visit is incomplete meanwhile."""
    await bench.feed([("ZEBRA|V1", LATER, {}), ("ZEBRA|V1", OPEN_END, {INTERFACE: "zebra"})])
    (row,) = await bench.ledger.parked()
    assert (row.code, row.visit, row.found) == ("interface.unknown", "V1", "'zebra'")
    assert "CHARGELINE_INTERFACE of the gateway" in row.do
    ((_key, draft),) = (await bench.drafts()).items()
    assert draft.incomplete
    assert {line.drug for item in draft.encounters for line in item.lines} == {"ondansetron"}


async def test_a_header_that_is_no_name_is_not_repeated(bench: Bench) -> None:
    """A program that writes to the topic may put anything there, and findings are published."""
    await bench.feed([("ZEBRA|V1", OPEN_END, {INTERFACE: "TESTPATIENT, ZEBRA"})])
    (row,) = await bench.ledger.parked()
    assert row.found == "18 characters, letters and blanks and other signs"


async def test_a_retry_reads_by_the_interface_that_has_come_meanwhile(
    bench: Bench, url: str
) -> None:
    """The retried message keeps the header of its gateway."""
    bench.processors[0].interfaces = {}
    await bench.feed([("ZEBRA|V1", OPEN_END, {INTERFACE: "action-stream"})])
    assert await bench.drafts() == {}
    bench.processors[0].interfaces = {"action-stream": STREAM}
    settings = Settings.model_validate({"ledger_url": url})
    assert await parked_retry(everything=True)(settings) == 0
    await bench.feed(await bench.drain())
    assert (await vancomycin(bench)).provisional == "stop.missing"


async def test_a_kept_message_whose_interface_is_gone_stops_the_work(bench: Bench) -> None:
    """Read otherwise or left out, it would change a draft that may be billed already."""
    await bench.feed([("ZEBRA|V1", OPEN_END, {INTERFACE: "action-stream"})])
    before = json.dumps((await bench.drafts())["ZEBRA", "V1"].model_dump(mode="json"))
    bench.processors[0].interfaces = {}
    bench.processors[0].drop()
    with pytest.raises(Hl7Error, match="found 'action-stream'"):
        await bench.feed([("ZEBRA|V1", LATER, {})])
    assert json.dumps((await bench.drafts())["ZEBRA", "V1"].model_dump(mode="json")) == before
