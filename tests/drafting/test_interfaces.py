"""Two senders of one facility: each message is read as its gateway says in the header."""

from pathlib import Path

import pytest

from chargeline.hl7.profile import make_profile
from chargeline.ledger.store import Ledger
from chargeline.published.inbound import INTERFACE
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.drafting.test_processor import Bench
from tests.golden.messages import given
from tests.ledger import with_tables

STREAM = make_profile(read_interface(rules_directory(), "action-stream"))


@pytest.mark.parametrize(
    ("headers", "provisional"),
    [({INTERFACE: "action-stream"}, "stop.missing"), ({INTERFACE: "zebra"}, ""), ({}, "")],
    ids=["the other interface", "an interface that we lack", "no header"],
)
async def test_a_message_is_read_as_its_gateway_says(
    tmp_path: Path, headers: dict[str, str], provisional: str
) -> None:
    """An empty RXA-4 is a running drug for one sender, and one moment for the other.

    The second message loads the visit anew, so that the stored one is read again, in the same way.
    """
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    try:
        bench = Bench(ledger)
        bench.processors[0].interfaces = {"action-stream": STREAM}
        await bench.claim()
        open_end = given("VANCOMYCIN", "1000 mg", "0900")
        await bench.feed([("ZEBRA|V1", open_end, headers)])
        bench.processors[0].drop()
        later = given("ONDANSETRON", "8 mg", "1100", method="PUSH", order="R2")
        await bench.feed([("ZEBRA|V1", later, {})])
        ((_key, draft),) = (await bench.drafts()).items()
    finally:
        await ledger.close()
    lines = [line for encounter in draft.encounters for line in encounter.lines]
    (vancomycin,) = [line for line in lines if line.drug == "vancomycin" and line.role != "drug"]
    assert (vancomycin.provisional or "") == provisional
