"""Changed rules reach open visits by themselves, on a real Kafka and PostgreSQL."""

from pathlib import Path

from tests.golden.messages import given

from .records import PARTITIONS
from .service import Service, service

__all__ = ["service"]

ROW = (
    "id,names,hcpcs,unit_amount,unit,kind,container,from,until,cite,note\n"
    "zebramab,zebramab,J9999,10,mg,antineoplastic,SDV,2024-01-01,,site,\n"
)


async def test_a_restart_with_a_mended_formulary_answers_the_open_questions(
    service: Service, tmp_path: Path
) -> None:
    """Twelve visits, spread over the partitions of two captures, ask for a drug. No message comes
    after the drug was added, and each visit gets its line.
    """
    visits = [f"V{number}" for number in range(2 * PARTITIONS)]
    await service.prepare()
    first = service.start()
    doses = [
        given("ZEBRAMAB", "100 mg", "0900", "1000", visit=visit, patient=f"ZZ{visit}")
        for visit in visits
    ]
    await service.deliver(doses)
    await service.until(service.drained, "the visits to be drafted")
    assert await service.count("question WHERE closed_at IS NULL") == len(visits)
    first.process.terminate()
    assert await first.ended() == 0, service.last_words()
    formulary = tmp_path / "site.csv"
    formulary.write_text(ROW)
    for _capture in range(2):
        service.start(CHARGELINE_FORMULARY=str(formulary))
    lines = [("96413", 1, ()), ("J9999", 10, ())]
    wanted = dict.fromkeys(visits, lines)
    assert await service.settled(wanted) == wanted
    await service.until(service.drained, "the questions to be closed")
    assert not await service.count("question WHERE closed_at IS NULL")
