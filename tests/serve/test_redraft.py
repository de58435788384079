"""A mended formulary reaches visits that were drafted before."""

from collections.abc import Callable
from pathlib import Path

from tests.golden.messages import given
from tests.live.commands import printed

from . import Served, deliver, revisions, until

ROW = (
    "id,names,hcpcs,unit_amount,unit,kind,container,from,until,cite,note\n"
    "zebramab,zebramab,J9999,10,mg,antineoplastic,SDV,2024-01-01,,site,\n"
)


async def test_a_drug_that_was_added_reaches_the_visits_that_asked_for_it(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    """The question is closed by `redraft`, without a message; other visits get no revision."""
    service = served()
    service.start()
    await service.ready()
    unknown = given("ZEBRAMAB", "100 mg", "0900", "1000", visit="V1")
    other = given("CARBOPLATIN", "450 mg", "0900", "1000", visit="V2", patient="ZZ2")
    await deliver([unknown, other], service.port)
    await until(lambda: len(revisions(service.events())) == 2, service.said)
    assert await service.stop() == 0
    formulary = tmp_path / "site.csv"
    formulary.write_text(ROW)
    service.environment["CHARGELINE_FORMULARY"] = str(formulary)
    service.environment["CHARGELINE_REDRAFT_PER_SECOND"] = "0"
    said = printed(service.environment, "redraft", "--question", "drug.unknown")
    assert said == "1 visit is drafted again as soon as `chargeline capture` or `serve` runs\n"
    service.start()
    await until(lambda: len(revisions(service.events())) > 2, service.said)
    assert await service.stop() == 0
    last = revisions(service.events())[-1]
    assert (last.visit, last.revision) == ("V1", 2)
    lines = [line for encounter in last.encounters for line in encounter.lines]
    assert [line.code for line in lines] == ["96413", "J9999"]


async def test_open_visits_are_drafted_by_the_new_rules_without_a_message(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    """A person adds the drug and starts the program again; nothing else is needed."""
    service = served()
    service.start()
    await service.ready()
    await deliver([given("ZEBRAMAB", "100 mg", "0900", "1000", visit="V1")], service.port)
    await until(lambda: len(revisions(service.events())) == 1, service.said)
    assert await service.stop() == 0
    formulary = tmp_path / "site.csv"
    formulary.write_text(ROW)
    service.environment["CHARGELINE_FORMULARY"] = str(formulary)
    service.start()
    await until(lambda: len(revisions(service.events())) == 2, service.said)
    assert await service.stop() == 0
    last = revisions(service.events())[-1]
    lines = [line for encounter in last.encounters for line in encounter.lines]
    assert [line.code for line in lines] == ["96413", "J9999"]


async def test_all_and_one_are_counted(served: Callable[..., Served]) -> None:
    """`--all` names every visit with a draft, `--visit` the one of that number."""
    service = served()
    service.start()
    await service.ready()
    doses = [given("CARBOPLATIN", "450 mg", "0900", "1000", visit=f"V{n}") for n in range(3)]
    await deliver(doses, service.port)
    await until(lambda: len(revisions(service.events())) == 3, service.said)
    assert await service.stop() == 0
    assert printed(service.environment, "redraft", "--all").startswith("3 visits are drafted again")
    assert printed(service.environment, "redraft", "--visit", "V1").startswith(
        "1 visit is drafted again"
    )
