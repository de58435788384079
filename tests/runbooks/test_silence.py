"""The walk of the page on a silent sender. Prometheus is given the week before, in which it wrote.

No patient is real.
"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chargeline.mllp.client import MllpClient
from tests.golden.messages import message
from tests.live.prometheus import program
from tests.serve import HOST, Served, code_of
from tests.serve.test_keys import dose

from . import Walking

pytestmark = pytest.mark.live
SENDER = """\
[[sender]]
name = "mar-zebra"
addresses = ["127.0.0.1/32"]
types = ["RAS"]
"""
HOUR = 3600.0
HEARD = {
    "chargeline_gateway_sender_last_message_timestamp_seconds": 'sender="mar-zebra"',
    "chargeline_interface_last_message_timestamp_seconds": 'interface="standard"',
}
COUNTED = {
    "chargeline_gateway_sender_messages": 'sender="mar-zebra"',
    "chargeline_interface_messages": 'interface="standard",outcome="used"',
}


def last_week(folder: Path, instance: str, now: float) -> None:
    """Give a Prometheus that is not started yet a week: a message each minute at this hour of last
    week, and the last one half an hour ago.
    """
    lines: list[str] = []
    where = f'job="serve",instance="{instance}"'
    for name, labels in COUNTED.items():
        lines.append(f"# TYPE {name} counter")
        for minute in range(121):
            then = now - 168 * HOUR + 60 * minute
            lines.append(f"{name}_total{{{labels},{where}}} {minute} {then:.3f}")
    for name, labels in HEARD.items():
        lines.append(f"# TYPE {name} gauge")
        lines.append(f"{name}{{{labels},{where}}} {now - HOUR / 2:.3f} {now - HOUR / 2:.3f}")
    told = folder / "week.txt"
    told.write_text("\n".join([*lines, "# EOF"]) + "\n")
    make = ["tsdb", "create-blocks-from", "openmetrics", str(told), str(folder / "tsdb")]
    done = subprocess.run(
        [program("promtool"), *make], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_sender_silent(served: Callable[..., Served], walk: Walking, tmp_path: Path) -> None:
    """The sender tries and is refused, since it now writes messages that it may not send; when it
    writes its own again, the alert ends.
    """
    senders = tmp_path / "senders.toml"
    senders.write_text(SENDER)
    service = served(senders=str(senders))
    service.start()
    await service.ready()
    last_week(tmp_path, f"{HOST}:{service.page_port}", time.time())
    page = await walk("sender-silent", service)
    async with await MllpClient.connect(HOST, service.port) as client:
        assert code_of(await client.send(message("ADT^A08"))) == "AR"
        (silent,) = await page.fires("ChargelineSenderSilent")
        assert silent["metric"]["sender"] == "mar-zebra"
        (interface,) = await page.fires("ChargelineInterfaceSilent")
        assert interface["metric"]["interface"] == "standard"
        assert (await page.logs("message.refused"))["host"] == HOST
        await page.shows("Connections")
        await page.shows("Refused connections and handshakes")
        assert code_of(await client.send(dose("V1"))) == "AA"
    await page.is_over("ChargelineSenderSilent", as_written=True)
    await page.is_over("ChargelineInterfaceSilent", as_written=True)
