"""What a list of the ledger leaves out: rows that cannot be read.

It owns how they are told on standard error, and the exit code of a list that is not complete. It
shows where a row is, and nothing of what the row says.
"""

from collections.abc import Iterable

from chargeline.engine import printable
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.unreadable import counted, named
from chargeline.operate.running import NOT_COMPLETE, OK, say


def say_left_out(errors: Iterable[UnreadableRow]) -> int:
    """Name the rows that a list lacks, each once, and say what to do; returns the exit code."""
    closed = list({error.place: error for error in errors}.values())
    if not closed:
        return OK
    for place in named(closed):
        say(printable(f"left out: {place}"), NOT_COMPLETE)
    finding = closed[0].finding._replace(
        expected="to read every row",
        found=", ".join(f"{count} of {table}" for table, count in counted(closed).items())
        + " that cannot be read",
        where="",
        do="what depends on them is missing here: restore them from a backup; `chargeline ledger "
        "verify` says what else was changed, and `chargeline parked list --code visit.unreadable` "
        "which visits wait for them",
    )
    return say(f"NOT COMPLETE: {finding}", NOT_COMPLETE)
