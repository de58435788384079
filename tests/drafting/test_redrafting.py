"""Claims about redrafting: changed rules reach open visits by themselves, and only these."""

from functools import partial
from pathlib import Path

from chargeline.drafting.redrafting import AT_ONCE, LOOK_AGAIN_SECONDS, Redrafting
from chargeline.engine import VisitKey
from chargeline.ledger.records import StoredVisit
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import adt, given

from .test_processor import Bench, bench, keyed

__all__ = ["bench"]

ROW = (
    "id,names,hcpcs,unit_amount,unit,kind,container,from,until,cite,note\n"
    "zebramab,zebramab,J9999,10,mg,antineoplastic,SDV,2024-01-01,,site,\n"
)


def dose(visit: str, drug: str = "ZEBRAMAB") -> bytes:
    return given(drug, "100 mg", "0900", "1000", visit=visit, patient=f"ZZ{visit}")


def add_zebramab(bench: Bench, folder: Path) -> str:
    """The formulary gets the drug that the visits ask for; returns the version of the rules."""
    formulary = folder / "site.csv"
    formulary.write_text(ROW)
    for processor in bench.processors:
        processor.maker.rulebook = load_rulebook(rules_directory(), formulary)
        processor.drop()
    return bench.processors[0].maker.rulebook.version


async def redraft(bench: Bench, per_second: int = 10) -> list[list[float]]:
    """Each program goes through its visits once; returns the pauses of each."""
    pauses: list[list[float]] = []
    for place, processor in enumerate(bench.processors):
        redrafting = Redrafting(processor, per_second, lambda _count: None)
        pauses.append([])
        while LOOK_AGAIN_SECONDS not in pauses[-1]:
            ours = partial(bench._partition, place)
            pauses[-1].append(await redrafting.draft_next(ours, bench.offsets, "test"))
    await bench.drain()
    return pauses


async def visits(bench: Bench) -> dict[str, StoredVisit]:
    keys = [VisitKey(*key) for key in await bench.drafts()]
    async with bench.ledger.view() as view:
        return {key.visit: row for key, row in (await view.visits(keys)).items()}


async def test_changed_rules_reach_open_visits_and_only_these(bench: Bench, tmp_path: Path) -> None:
    """V1 gets a line for its drug, V2 comes out the same, V3 is final and stays as it is."""
    left = adt("A03", visit="V3", patient="ZZV3")
    await bench.feed(keyed([dose("V1"), dose("V2", "CARBOPLATIN"), dose("V3"), left]))
    before = await visits(bench)
    assert [before[name].status for name in ("V1", "V2", "V3")] == ["open", "open", "final"]
    version = add_zebramab(bench, tmp_path)
    bench.now = bench.now.replace(month=2)
    await redraft(bench)
    after = await visits(bench)
    assert after["V1"].revision == before["V1"].revision + 1
    assert after["V2"] == before["V2"]._replace(rulebook=version), "its age for retention stays"
    assert after["V3"] == before["V3"]
    lines = [
        line.code
        for encounter in (await bench.drafts())["ZEBRA", "V1"].encounters
        for line in encounter.lines
    ]
    assert lines == ["96413", "J9999"]


async def test_a_walk_drafts_each_visit_once_at_its_pace(bench: Bench, tmp_path: Path) -> None:
    """With 5 visits a second, 5 visits are followed by a pause of a second."""
    numbers = [f"V{n}" for n in range(3 * AT_ONCE)]
    await bench.feed(keyed([dose(number) for number in numbers]))
    version = add_zebramab(bench, tmp_path)
    pauses = await redraft(bench, per_second=5)
    assert {pause for own in pauses for pause in own[:-1]} == {1.0}
    assert {row.rulebook for row in (await visits(bench)).values()} == {version}
    assert {row.revision for row in (await visits(bench)).values()} == {2}
    assert await redraft(bench) == [[LOOK_AGAIN_SECONDS]] * len(bench.processors)


async def test_with_a_pace_of_0_no_visit_is_drafted_again(bench: Bench, tmp_path: Path) -> None:
    """Then only `chargeline redraft` has visits drafted again."""
    await bench.feed(keyed([dose("V1")]))
    before = await visits(bench)
    add_zebramab(bench, tmp_path)
    await redraft(bench, per_second=0)
    assert await visits(bench) == before
