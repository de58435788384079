"""`make demo`: a day at an invented infusion centre, from HL7 bytes to explained charges.

It owns a feed small enough to read, in both styles of sender, and prints what `chargeline code`
makes of it. It needs no server and writes only to a folder that it removes again.
"""

import sys
import tempfile
from datetime import date
from pathlib import Path

from chargeline.cli import main
from chargeline.simulator.feed import simulate, write_feed

VISITS, SEED, MESS = 6, 32, 0.5


def run() -> int:
    """Simulate, code and say what to try next; returns an exit code."""
    with tempfile.TemporaryDirectory(prefix="chargeline-demo-") as folder:
        place = Path(folder)
        feed = simulate(visits=VISITS, seed=SEED, mess=MESS, first_day=date(2026, 3, 2))
        write_feed(feed, place)
        print(
            f"A day at an invented infusion centre: {len(feed.messages)} HL7 messages.\n",
            flush=True,
        )
        worst = 0
        for path in sorted(place.glob("*.hl7")):
            print(f"$ chargeline code {path.name} --interface {path.stem}\n", flush=True)
            worst = max(worst, main(["code", str(path), "--interface", path.stem]))
            print(flush=True)
    print(
        "Next: .venv/bin/chargeline --help, or the reasons of every line of your own feed:\n"
        "      .venv/bin/chargeline explain FEED.hl7"
    )
    return 0 if worst in (0, 3) else worst


if __name__ == "__main__":
    sys.exit(run())
