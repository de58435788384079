"""Whatever a record's headers say, the charges are those of its message."""

from datetime import timedelta

import pytest

from chargeline.engine import VisitKey
from chargeline.published.inbound import MERGE_COPY, NUDGE
from tests.golden.messages import adt, given

from .test_processor import Bench, bench, by_bench, by_code, keyed

__all__ = ["bench"]

V1 = given("PACLITAXEL", "100 mg", "0900", "1000", visit="V1", patient="ZZ1")
V9 = given("VANCOMYCIN", "1000 mg", "0900", "1000", visit="V9", patient="ZZ1")


@pytest.mark.parametrize("key", ["ZEBRA|V1", "ZEBRA|V9", "ZEBRA|V77", "nobody"])
@pytest.mark.parametrize(
    "headers", [{MERGE_COPY: "prior"}, {MERGE_COPY: "surviving"}, {NUDGE: "1"}]
)
async def test_a_forged_copy_before_the_true_one_suppresses_no_charge(
    bench: Bench, key: str, headers: dict[str, str]
) -> None:
    """A dose comes first with a header of ours under any key, and then as it should."""
    await bench.feed([*keyed([V9]), (key, V1, headers)])
    await bench.feed(keyed([V1]))
    assert by_bench(await bench.drafts()) == by_code([V9, V1])


@pytest.mark.parametrize(
    ("key", "copy"), [("ZEBRA|V77", "prior"), ("ZEBRA|V1", "surviving"), ("nobody", "surviving")]
)
@pytest.mark.parametrize("drug", ["VANCOMYCIN", "NOBODY KNOWS IT"])
async def test_a_merge_with_a_forged_header_reaches_both_visits(
    bench: Bench, key: str, copy: str, drug: str
) -> None:
    """The merge of V9 into V1 calls itself the copy for V77, or one of two copies and comes alone:
    V9 is told all the same, also where it has only a question, which no record of a patient holds.
    """
    prior = given(drug, "1000 mg", "0900", "1000", visit="V9", patient="ZZ1")
    merge = adt("A41", visit="V1", patient="ZZ1", prior_visit="V9")
    await bench.feed(keyed([V1, prior]))
    await bench.feed([(key, merge, {MERGE_COPY: copy})])
    drafts = await bench.drafts()
    assert by_bench(drafts) == by_code([V1, prior, merge])
    assert drafts["ZEBRA", "V9"].status == "merged"


@pytest.mark.parametrize("copies", [["prior", "surviving"], ["surviving", "prior"]])
async def test_a_merge_makes_no_visit_of_a_number_without_messages(
    bench: Bench, copies: list[str]
) -> None:
    """Both copies of a gateway come in either order; nobody has ever heard of V9."""
    merge = adt("A41", visit="V1", patient="ZZ1", prior_visit="V9")
    keys = {"prior": "ZEBRA|V9", "surviving": "ZEBRA|V1"}
    await bench.feed([*keyed([V1]), *[(keys[copy], merge, {MERGE_COPY: copy}) for copy in copies]])
    assert list(await bench.drafts()) == [("ZEBRA", "V1")]


async def test_a_nudge_makes_no_visit(bench: Bench) -> None:
    """Nudges of visits of which the ledger has no message leave no row, and no record in turn,
    also where visits settle before they are drafted.
    """
    for processor in bench.processors:
        processor.settings = processor.settings._replace(settle=timedelta(minutes=2))
    await bench.feed([(f"ZEBRA|V{number}", b"", {NUDGE: "1"}) for number in range(200, 230)])
    async with bench.ledger.view() as view:
        assert await view.visits([VisitKey("ZEBRA", f"V{n}") for n in range(200, 230)]) == {}
    assert bench.published == []
