"""Walks of the pages on programs: none runs, one is not ready, starts again and again, or works by
other rules, tables or certificates than it should.

No patient is real.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from chargeline.refdata.building import build
from chargeline.refdata.bundle import write_bundle
from tests.gateway import make_authority, make_certificate
from tests.live.commands import printed
from tests.refdata import published
from tests.serve import Served, deliver, until
from tests.serve.test_keys import dose, key_file
from tests.serve.test_watched import REPOSITORY, scraped

from . import Walking

pytestmark = pytest.mark.live
Serving = Callable[..., Served]


async def test_absent(served: Serving, walk: Walking) -> None:
    """The program ends, and will not start with a setting that is wrong: the last line says why."""
    service = served()
    service.start()
    await service.ready()
    page = await walk("absent", service)
    await page.is_over("ChargelineAbsent")
    await service.stop()
    right = service.environment.copy()
    service.environment["CHARGELINE_SETTLE_SECONDS"] = "soon"
    service.start()
    assert await service.ended() == 2
    assert "exit code 1 needs a restart or a person, 2 is a wrong setting" in page.text
    await page.fires("ChargelineAbsent")
    last = service.said().splitlines()[-1]
    assert "CHARGELINE_SETTLE_SECONDS" in last
    assert "expected" in last and "found" in last, last
    service.environment = right
    service.start()
    await service.ready()
    assert b" 200 " in (await service.page("/healthz")).partition(b"\r\n")[0]
    await page.is_over("ChargelineAbsent")


async def test_not_ready(served: Serving, walk: Walking, tmp_path: Path) -> None:
    """Somebody has encrypted the ledger, and the program has no key: it says so and is given it."""
    service = served()
    service.start()
    await service.ready()
    page = await walk("not-ready", service)
    await page.is_over("ChargelineNotReady")
    key = key_file(tmp_path)
    keyed = {**service.environment, "CHARGELINE_LEDGER_KEY_FILE": key}
    printed(keyed, "ledger", "encrypt", "--reason", "a key")
    await deliver([dose("V1")], service.port)
    await until(lambda: service.events(), service.said)
    printed(keyed, "redraft", "--visit", "V1", "--reason", "r")
    await page.fires("ChargelineNotReady")
    (_head, _, reasons) = (await service.page("/readyz")).decode().partition("\r\n\r\n")
    assert "CHARGELINE_LEDGER_KEY_FILE" in reasons
    await service.stop()
    service.environment["CHARGELINE_LEDGER_KEY_FILE"] = key
    service.start()
    await service.ready()
    await page.is_over("ChargelineNotReady")


async def test_restarts(served: Serving, walk: Walking) -> None:
    """The program is killed four times, as for want of memory, and then left alone."""
    service = served()
    service.start()
    page = await walk("restarts", service)
    for _time in range(4):
        await service.ready()
        await scraped(page.prometheus, 1)
        assert await service.stop(signal.SIGKILL) == -9
        service.start()
    await service.ready()
    await page.fires("ChargelineRestarts")
    assert "137 out of memory" in page.text, "what a shell makes of -9"
    await page.shows("Memory, by pod", job="serve")
    await page.shows("Running since")
    await page.is_over("ChargelineRestarts")


async def test_two_rulebooks(served: Serving, walk: Walking, tmp_path: Path) -> None:
    """One of two programs has other rules; restarted with those of the first it is as the first."""
    rules = tmp_path / "rules"
    shutil.copytree(REPOSITORY / "rules", rules)
    changed = rules / "policies" / "guide-2026" / "policy.toml"
    changed.write_text(changed.read_text() + "\n# a roll-out that is stuck\n")
    (tmp_path / "second").mkdir()
    first = served()
    second = served(
        f"sqlite:///{tmp_path}/second/ledger.sqlite", rules=str(rules)
    )  # a ledger of its own
    for service in (first, second):
        service.start()
        await service.ready()
    page = await walk("two-rulebooks", first, {"one": first.page_port, "two": second.page_port})
    await page.fires("ChargelineTwoRulebooks")
    assert len({one["metric"]["version"] for one in await page.shows("Versions at work")}) > 1
    await second.stop()
    del second.environment["CHARGELINE_RULES"]
    second.start()
    await second.ready()
    await page.is_over("ChargelineTwoRulebooks")


async def test_stale_tables(served: Serving, walk: Walking, tmp_path: Path) -> None:
    """The bundle has the tables of a quarter that is over; with those of today's it is current."""
    bundle = tmp_path / "bundle.json"
    last_year = published.write(
        tmp_path,
        "section 508 version of October 2020 ASP NDC-HCPCS Crosswalk 091120.csv",
        published.asp_crosswalk(published.CROSSWALK_ROWS, year=2020),
    )
    write_bundle(build([last_year], published.CODES).bundle, bundle)
    service = served(refdata=str(bundle))
    service.start()
    await service.ready()
    page = await walk("stale-tables", service)
    (stale,) = await page.fires("ChargelineStaleTables")
    await page.shows("Published tables without this quarter", table=stale["metric"]["table"])
    said = await page.run("chargeline refdata status BUNDLE", BUNDLE=str(bundle))
    assert "2020" in said.out, said
    await service.stop()
    quarter = 3 * ((date.today().month - 1) // 3)
    month = ("January", "April", "July", "October")[quarter // 3]
    now = published.write(
        tmp_path,
        f"section 508 version of {month} {date.today():%Y} ASP NDC-HCPCS Crosswalk.csv",
        published.asp_crosswalk(published.CROSSWALK_ROWS, year=date.today().year, month=month),
    )
    write_bundle(build([last_year, now], published.CODES).bundle, bundle, force=True)
    service.start()
    await service.ready()
    await page.is_over("ChargelineStaleTables")


@pytest.mark.parametrize(
    ("alert", "days"), [("ChargelineCertificateEnds", 20), ("ChargelineCertificateEndsSoon", 2)]
)
async def test_certificate_ends(
    served: Serving, walk: Walking, tmp_path: Path, alert: str, days: int
) -> None:
    """A new certificate in the same files ends the alert, and the program was not started again."""
    make_authority(tmp_path, "hospital")
    make_certificate(tmp_path, "gateway", "hospital", days=days)
    file = tmp_path / "gateway.pem"
    service = served(
        mllp_tls_certificate_file=str(file), mllp_tls_key_file=str(tmp_path / "gateway.key")
    )
    service.start()
    await service.ready()
    page = await walk("certificate-ends", service)
    (ending,) = await page.fires(alert)
    assert ending["metric"]["certificate"] == "mllp"
    await page.shows("Certificates, days left")
    assert "`openssl x509 -enddate -noout -in FILE`" in page.text
    ask = ["openssl", "x509", "-enddate", "-noout", "-in", os.fspath(file)]
    assert subprocess.run(ask, check=True, capture_output=True).stdout.startswith(b"notAfter=")
    make_certificate(tmp_path, "gateway", "hospital", days=90)
    await page.is_over(alert)
    assert service.process is not None
    assert service.process.poll() is None
