"""Reads a folder of messages that others published, and counts why each is set aside.

It is run by hand, because the project does not hold those messages:

    python -m tests.by_hand.published_messages FOLDER

No message may crash it. Whoever runs it reads the reasons and asks of each whether it is true.
"""

import sys
from collections import Counter
from pathlib import Path

import chargeline
from chargeline.files import feed_files


def reasons(folder: Path) -> Counter[str]:
    """Each reason with the number of messages, and `used` with those that were used whole."""
    counted: Counter[str] = Counter()
    for path in feed_files(folder):
        run = chargeline.code(path)
        counted["used"] += run.read - len({entry.place for entry in run.set_aside})
        counted.update([f"{entry.finding.code}: {entry.finding}" for entry in run.set_aside])
    return counted


if __name__ == "__main__":
    for reason, count in reasons(Path(sys.argv[1])).most_common():
        print(f"{count:>5}  {reason}")
