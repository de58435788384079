"""What `serve` leaves in the audit trail, and a ledger that is whole while it runs."""

import json
from collections.abc import Callable

from tests.golden.messages import given
from tests.live.commands import printed

from . import Served, deliver, revisions, until


async def test_each_start_is_an_act_and_the_ledger_is_whole(served: Callable[..., Served]) -> None:
    """The first start makes the tables. Each start has the hash of its settings; the second has
    another one.
    """
    service = served()
    service.start()
    await service.ready()
    await deliver([given("CARBOPLATIN", "450 mg", "0900", "1000", visit="V1")], service.port)
    await until(lambda: len(revisions(service.events())) == 1, service.said)
    whole = printed(service.environment, "ledger", "verify")
    assert whole.count("whole, head ") == 5 and "BROKEN" not in whole
    assert await service.stop() == 0
    service.environment["CHARGELINE_SETTLE_SECONDS"] = "1"
    service.start()
    await service.ready()
    assert await service.stop() == 0
    listed = printed(service.environment, "audit", "list", "--json").splitlines()
    acts = [json.loads(line) for line in listed]
    assert [(act["did"], act["record"]) for act in acts] == [
        ("ledger.migrate", "tables"),
        ("program.start", "serve"),
        ("program.start", "serve"),
    ]
    one, two = [act["details"] for act in acts[1:]]
    assert one["rulebook"] == two["rulebook"] and one["settings"] != two["settings"]
