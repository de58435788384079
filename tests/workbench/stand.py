"""`make workbench`: the workbench on invented data, on this machine, until ^C.

It owns the invented feed and prices, and the invented patients who are in the chair now, and starts
`chargeline serve --workbench` as a site would. All of it lies in a folder that goes when it ends.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.live.servers import free_port, wait_until
from tests.trials.test_doubts import given, order

SECONDS_MOST = 60.0
# Invented prices, in cents, so that the list says how much money waits.
PRICES = {
    "96365": 15_800, "96366": 7_000, "96367": 15_800, "96368": 7_400, "96372": 6_000,
    "96374": 18_800, "96375": 9_200, "96409": 26_000, "96411": 17_600, "96413": 61_200,
    "96415": 14_500, "96416": 54_000, "96417": 22_600, "96360": 9_000, "96361": 7_100,
    "99213": 13_000, "99214": 19_000, "99215": 26_000, "J9035": 7_840, "J9045": 1_200,
    "J9271": 5_800, "J9299": 3_200, "J1100": 14, "J1200": 100, "J2405": 30, "J2469": 205,
}  # fmt: skip
FEED = ("--visits", "60", "--seed", "4", "--mess", "0.3", "--faults", "0.5", "--courses", "2",
        "--examinations", "0.3", "--authorizations", "3")  # fmt: skip


# Who is in the chair when it starts: a drug that began so many minutes ago, for an order of so many
# minutes. Two run, one is due and one is overdue.
CHAIRS = (
    ("C7", "carboplatin", "450 mg", 25, 60),
    ("C2", "oxaliplatin", "150 mg", 50, 120),
    ("C4", "paclitaxel", "280 mg", 70, 60),
    ("C9", "carboplatin", "500 mg", 140, 60),
)


def main() -> int:
    """Run until ^C; returns the exit code."""
    with running() as (served, at):
        march = "from=2026-03-01&to=2026-03-31"
        print(f"\nThe workbench is at {at}/  (^C ends it)\n")
        print(f"In the chair now, invented too:\n  {at}/running\n")
        print("Its other invented visits are of March 2026:")
        print(f"  {at}/reports?{march}")
        print(f"  {at}/compare?policy=cms-facility-2026&{march}\n", flush=True)
        try:
            return served.wait()
        except KeyboardInterrupt:
            return 0


@contextmanager
def running() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The running program with the whole feed drafted, and the address of its pages."""
    with tempfile.TemporaryDirectory(prefix="chargeline-workbench-") as name:
        folder = Path(name)
        prices = folder / "prices.csv"
        prices.write_text(
            "code,cents\n" + "".join(f"{code},{cents}\n" for code, cents in PRICES.items())
        )
        mllp, health, pages = free_port(), free_port(), free_port()
        settings = {
            "CHARGELINE_LEDGER_URL": f"sqlite+aiosqlite:///{folder}/ledger.sqlite",
            "CHARGELINE_PRICES": str(prices),
            "CHARGELINE_SETTLE_SECONDS": "0",
            "CHARGELINE_MLLP_PORT": str(mllp),
            "CHARGELINE_HTTP_PORT": str(health),
            "CHARGELINE_WORKBENCH_PORT": str(pages),
            "CHARGELINE_WORKBENCH_LOGIN": "development",
            "CHARGELINE_LOG_LEVEL": "warning",
        }
        chargeline(["simulate", *FEED, "--out", str(folder / "feed")], {})
        served = subprocess.Popen(
            [*COMMAND, "serve", "--workbench", "--out", str(folder / "events.jsonl")],
            env={**os.environ, **settings},
        )
        try:
            ready = partial(is_ready, f"http://127.0.0.1:{health}/readyz", served)
            wait_until(ready, SECONDS_MOST, "serve to be ready")
            (folder / "chairs.hl7").write_text("".join(in_the_chair(datetime.now(UTC))), newline="")
            feeds = [str(folder / "feed"), str(folder / "chairs.hl7")]
            chargeline(["send", *feeds, f"127.0.0.1:{mllp}"], settings)
            yield served, f"http://127.0.0.1:{pages}"
        finally:
            served.send_signal(signal.SIGTERM)
            served.wait(SECONDS_MOST)


def in_the_chair(now: datetime) -> Iterator[str]:
    """The orders and the starts of infusions that run at a moment, which have no stop yet."""
    for place, (chair, drug, amount, ago, minutes) in enumerate(CHAIRS, 1):
        begun = now - timedelta(minutes=ago)
        for event in (order(drug, amount, minutes), given(drug, "0900", amount)):
            event = re.sub(r"202603\d{6}", f"{begun:%Y%m%d%H%M%S}+0000", event)
            event = event.replace("|V1\r", f"|ZEBRACHAIR{place}\r").replace("ZZ1^", f"ZZ9{place}^")
            yield event.replace("PV1|1|O||", f"PV1|1|O|CHAIRS^{chair}|")


COMMAND = [sys.executable, "-m", "chargeline.cli"]


def chargeline(words: list[str], settings: dict[str, str]) -> None:
    """Run a command to its end."""
    subprocess.run(
        [*COMMAND, *words],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def is_ready(address: str, served: "subprocess.Popen[bytes]") -> bool:
    """Whether a program is ready. Raises RuntimeError if it ended."""
    if served.poll() is not None:
        raise RuntimeError(f"serve ended with exit code {served.returncode}")
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
