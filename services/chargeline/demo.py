"""`make demo`: a day at an invented infusion centre, from HL7 messages to explained charges.

It owns the choice of the feed: six visits, in both styles of sender, few enough to read, the
week of a course of radiation, and two doses under an authorization. It simulates them, and prints
what `chargeline code` prints for them. It needs no server, and writes only into a temporary folder
that it removes again.
"""

import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from chargeline.cli import main
from chargeline.simulator.courses import course_messages
from chargeline.simulator.feed import simulate, write_feed

VISITS, SEED, MESS, EXAMINATIONS = 6, 800, 0.5, 0.4
# The policy of each sender's file, "" for that of the payer. Medicare pays for what is discarded.
POLICIES = {"action-stream": "cms-facility-2026", "standard": ""}

_NEXT_WEEK = datetime(2026, 3, 8, tzinfo=UTC)
_THIRD_DOSE = b"|V8000012|"  # PV1-19 of the visit of the third dose


def run() -> int:
    """Simulate a feed, code it, and say what to try next; returns an exit code."""
    with tempfile.TemporaryDirectory(prefix="chargeline-demo-") as folder:
        place = Path(folder)
        feed = simulate(
            visits=VISITS,
            seed=SEED,
            mess=MESS,
            examinations=EXAMINATIONS,
            first_day=date(2026, 3, 2),
        )
        write_feed(feed, place)
        print(
            f"A day at an invented infusion centre: {len(feed.messages)} HL7 messages.\n"
            "The policy of a visit follows its payer (rules/payers.toml). As shipped, every payer, "
            "Medicare\ntoo, follows the hospital's own guide; a line says where Medicare's rules "
            "end differently. The\nvisit of a Medicare patient in the first file is coded by "
            "Medicare's rules, as `--policy` asks.\n",
            flush=True,
        )
        worst = 0
        for path in sorted(place.glob("*.hl7")):
            options = ["--interface", path.stem]
            if POLICIES[path.stem]:
                options += ["--policy", POLICIES[path.stem]]
            worst = max(worst, _coded(path, *options))
        worst = max(worst, _week_of_a_course(place))
        worst = max(worst, _doses_under_an_authorization(place))
    print(
        "Try next:\n"
        "  .venv/bin/chargeline --help              all verbs, with examples\n"
        "  .venv/bin/chargeline code FEED.hl7       the charges of your own messages\n"
        "  .venv/bin/chargeline explain FEED.hl7    why each of these charge lines is there"
    )
    return 0 if worst in (0, 3) else worst


def _week_of_a_course(place: Path) -> int:
    """Code the first week of a course of radiation; returns an exit code."""
    ((_truth, messages),) = course_messages(1, SEED, date(2026, 3, 2))
    feed = place / "course.hl7"
    feed.write_bytes(b"".join(text for arrives, _style, text in messages if arrives < _NEXT_WEEK))
    print("The first week of a course of radiation: five fractions, and one unit of management.\n")
    return _coded(feed, "--interface", "standard")


def _doses_under_an_authorization(place: Path) -> int:
    """Code two doses of a drug that its payer grants units of; returns an exit code."""
    messages = simulate(
        visits=0, seed=SEED, style="standard", examinations=1.0, authorizations=1
    ).messages
    feed = place / "authorized.hl7"
    feed.write_bytes(b"".join([text for _style, text in messages if _THIRD_DOSE not in text]))
    print(
        "Two days with a visit, an infusion, and a payer that has granted 200 units in October: a "
        "dose takes 80\nof them, and the desk hears before the third that 40 are left.\n"
    )
    return _coded(feed, "--interface", "standard")


def _coded(feed: Path, *options: str) -> int:
    """Print the command as a person types it, and what it prints; returns its exit code."""
    print(f"$ chargeline code {feed.name} {' '.join(options)}\n", flush=True)
    code = main(["code", str(feed), *options])
    print(flush=True)
    return code


if __name__ == "__main__":
    sys.exit(run())
