"""Claims about `serve` with a bundle of published tables."""

import json
from collections.abc import Callable
from pathlib import Path

from chargeline.refdata.building import build
from chargeline.refdata.bundle import write_bundle
from tests.golden.messages import given
from tests.refdata import published

from . import Served, deliver, revisions, until


async def test_its_drafts_and_pages_name_the_bundle(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    """/version, the metrics and each revision have the version of the tables."""
    path = tmp_path / "2026Q4.refdata"
    first = build(published.everything(tmp_path), published.CODES).bundle
    write_bundle(first, path)
    service = served()
    service.environment["CHARGELINE_REFDATA"] = str(path)
    service.start()
    await service.ready()
    await deliver([given("OXALIPLATIN", "130 mg", "0900", "1000", visit="V1")], service.port)
    await until(lambda: len(revisions(service.events())) == 1, service.said)
    version = json.loads((await service.page("/version")).splitlines()[-1])
    assert version["refdata"] == first.tables.version
    assert version["rulebook"].endswith(f"+{first.tables.version}")
    assert revisions(service.events())[0].rulebook == version["rulebook"]
    shown = f'chargeline_refdata_info{{version="{first.tables.version}"}} 1.0'
    page = (await service.page("/metrics")).decode()
    assert shown in page
    assert 'chargeline_refdata_stale{table="mue hospital"} ' in page
    assert await service.stop() == 0


async def test_a_bundle_that_was_changed_ends_it_at_the_start(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    """Exit code 2 before it listens; the words name the file and say what to do."""
    path = tmp_path / "2026Q4.refdata"
    write_bundle(build(published.everything(tmp_path), published.CODES).bundle, path)
    path.write_bytes(path.read_bytes().replace(b"12.345", b"12.346"))
    service = served()
    service.environment["CHARGELINE_REFDATA"] = str(path)
    service.start()
    assert await service.ended() == 2
    assert "2026Q4.refdata: expected a bundle of `chargeline refdata build`" in service.said()
    assert "changed after it was built" in service.said()
