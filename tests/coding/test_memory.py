"""Claims about memory: what is wrong with a message is remembered, and not the message's frames."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chargeline.coding.assembly import Assembly
from chargeline.files import FeedFile
from tests.engine import profile, rulebook
from tests.trials import message, rxa

GOOD = message("ORC|RE||R1", rxa("carboplatin", "0900-1030", "450 mg"), "RXR|IV")
BAD = {
    "the time of the message": GOOD.replace("|202603021801|", "|Mar 2 2026|"),
    "the time of the row": GOOD.replace("|202603020900|", "|Mar 2 2026|"),
    "the record status": GOOD.replace("|CP|A", "|CP|Q"),
    "the time of charting": GOOD.replace("|CP|A", "|CP|A|soon"),
    "the amount": GOOD.replace("|450|", "|some|"),
    "the discarded amount": GOOD + "OBX|1|NM|WASTED-AMOUNT^^L||some|mg\r",
    "the action": GOOD.replace("|CP|A", "|Not Done|A"),
    "the kind": GOOD.replace("RAS^O17", "RAS^O99"),
    "the visit": GOOD.replace("|V1\r", "|\r"),
    "the delimiters": GOOD.replace("^~\\&", "^^^^"),
    "the header": GOOD.replace("MSH|", "MSX|"),
    "the cancellation": GOOD.replace("ORC|RE||R1", "ORC|CA||R1||||||soon"),
    "nothing": GOOD,
}


@contextmanager
def without_collector() -> Iterator[None]:
    """As `chargeline code` runs: what forms a cycle stays until the program ends."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("what", BAD)
def test_a_bad_message_leaves_no_cycle_behind(what: str) -> None:
    """After 20 messages of a kind the collector, run at last, has nothing to free."""
    data = [BAD[what].replace("|M1|", f"|M{n}|").replace("R1", f"R{n}") for n in range(20)]
    run = Assembly(rulebook(), profile())
    run.add(FeedFile("warm", BAD[what].encode()))
    with without_collector():
        for number, text in enumerate(data):
            run.add(FeedFile(f"file {number}", text.encode()))
        assert gc.collect() == 0
