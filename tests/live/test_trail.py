"""Two captures on a real Kafka and PostgreSQL leave a trail, chains that follow, a whole ledger."""

import json
from hashlib import sha256

from chargeline.ledger.store import Ledger
from chargeline.published.shapes import DraftRevision
from tests.golden.messages import given

from .commands import printed
from .records import PARTITIONS
from .service import Service, service

__all__ = ["service"]


async def test_captures_leave_starts_chains_and_a_whole_ledger(service: Service) -> None:
    """Each capture is a start of the trail; the published revisions of each visit follow each
    other; the ledger is whole while both run.
    """
    visits = [f"V{number}" for number in range(PARTITIONS)]
    await service.prepare()
    for program in [service.start() for _capture in range(2)]:
        await service.ready(program)
    for hour in ("09", "11"):
        doses = [
            given("CARBOPLATIN", "450 mg", f"{hour}00", f"{hour}40", visit=visit, patient=visit)
            for visit in visits
        ]
        await service.deliver(doses)
        await service.until(service.drained, "the visits to be drafted")
    whole = printed(service.environment, "ledger", "verify")
    assert whole.count("whole, head ") == 5, whole
    listed = printed(service.environment, "audit", "list", "--json").splitlines()
    starts = [row for row in map(json.loads, listed) if row["did"] == "program.start"]
    assert [row["record"] for row in starts] == ["capture", "capture"]
    ledger = await Ledger.open(service.url)
    async with ledger.view() as view:
        for facility, visit in await view.visit_keys():
            last = ""
            for row in await view.revisions(facility, visit):
                event = DraftRevision.model_validate_json(row.body)
                said = row.body.encode()[: row.body.encode().rindex(b',"chain":')]
                assert event.chain_before == last
                assert event.chain == sha256(last.encode() + said).hexdigest() == row.chain
                last = event.chain
            assert last
    await ledger.close()
