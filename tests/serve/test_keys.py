"""Claims about a key that only some of a ledger's programs have."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from tests.golden.messages import given
from tests.live.commands import printed

from . import Served, deliver, revisions, until


def dose(visit: str) -> bytes:
    return given("CARBOPLATIN", "450 mg", "0900", "1000", visit=visit, patient=f"ZZ{visit}")


def key_file(folder: Path) -> str:
    file = folder / "key"
    file.write_bytes(b64encode(b"k" * 32))
    return str(file)


async def test_a_command_with_a_key_stops_no_service_without_one(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    """What it announces lies in the clear, as all of that ledger. The service publishes on, is
    ready, and starts again.
    """
    service = served()
    service.start()
    await service.ready()
    await deliver([dose("V1"), dose("V2")], service.port)
    await until(lambda: len(revisions(service.events())) == 2, service.said)
    keyed = {**service.environment, "CHARGELINE_LEDGER_KEY_FILE": key_file(tmp_path)}
    said = printed(keyed, "redraft", "--visit", "V2", "--reason", "r")
    assert said.startswith("1 visit is drafted again")
    await deliver([dose("V3")], service.port)
    await until(lambda: len(revisions(service.events())) == 3, service.said)
    await service.ready()
    assert '"outbox": 0' in printed(service.environment, "ledger", "status", "--json")
    assert await service.stop() == 0
    service.start()
    await service.ready()
    assert await service.stop() == 0
    assert "KeyMissing" not in service.said()


async def test_a_service_that_lacks_the_key_keeps_messages_and_is_not_ready(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    """Somebody has encrypted the ledger beside it: the page says that events wait, and for what."""
    service = served()
    service.start()
    await service.ready()
    keyed = {**service.environment, "CHARGELINE_LEDGER_KEY_FILE": key_file(tmp_path)}
    printed(keyed, "ledger", "encrypt", "--reason", "a key")
    await deliver([dose("V1")], service.port)
    await until(lambda: len(revisions(service.events())) == 1, service.said)
    printed(keyed, "redraft", "--visit", "V1", "--reason", "r")

    async def lacks() -> bool:
        return b"CHARGELINE_LEDGER_KEY_FILE" in await service.page("/readyz")

    await until(lacks, service.said)
    assert b" 503 " in (await service.page("/readyz")).partition(b"\r\n")[0]
    await deliver([dose("V2")], service.port)
    assert '"open": 2' in printed(keyed, "ledger", "status", "--json")
