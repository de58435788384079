"""Heads that were kept elsewhere, and what a ledger says that ends before the newest of them.

It owns the choice of the heads that must hold, and the words for those that do not. A ledger that
was put back to a backup looks like one whose end somebody cut off: both are whole, and both lack
what the newest heads count. Which of the two it is, only the person knows who restored it. So a
head that does not hold is a failure, until that person says `--as-of`, the time to which the ledger
was put back. Heads of later times then need not hold, and are counted aloud.

One sequence, worked through. Heads were kept at 1:00, 2:00 and 3:00, and the backup is of 2:10.
After the restore the heads of 1:00 and 2:00 hold, and that of 3:00 does not: the exit code is 1,
and `verify` names 2:00 as the last that holds. With `--as-of 2:10` the exit code is 0. With
`--as-of 3:10` it is 1 again, because a ledger of 3:10 has what the head of 3:00 counts.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from chargeline.drafting.signed_heads import KeptHead, NoHeadError, heads_in, public_key_of
from chargeline.ledger.verifying import Verified


class KeptHeads(NamedTuple):
    """Heads in the order of their times: those that `must_hold`, and those of `later` times."""

    must_hold: Sequence[KeptHead] = ()
    later: Sequence[KeptHead] = ()

    @property
    def later_in_words(self) -> list[str]:
        """A line that counts the heads that are not held against the ledger, if there are any."""
        if not self.later:
            return []
        return [
            f"{_counted(self.later)} from after the time of --as-of, and not held against the "
            "ledger: what came between is not in it"
        ]


def kept_heads(file: Path, public_key: Path, as_of: datetime | None) -> KeptHeads:
    """The heads of a file, each signed by the key. Without `as_of` all of them must hold.

    Raises KeyUnusable, NoHeadError if one of them cannot be used or none must hold, and OSError.
    """
    # Of bytes that are no text, no line is a head.
    heads = heads_in(file.read_text("utf-8", "replace"), public_key_of(public_key))
    heads.sort(key=lambda head: head.at)
    if as_of is None:
        return KeptHeads(heads)
    must_hold = [head for head in heads if head.at <= as_of]
    if not must_hold:
        raise NoHeadError(f"no head of {as_of.isoformat()} or before; the first is {heads[0].at}")
    return KeptHeads(must_hold, heads[len(must_hold) :])


def end_in_words(heads: Sequence[KeptHead], walked: Sequence[Verified]) -> list[str]:
    """What the heads say together, each with what the look at it came to: nothing if all hold."""
    hold = [head for head, table in zip(heads, walked, strict=True) if table.broken is None]
    if len(hold) == len(heads):
        return []
    if not hold:
        return ["no head holds: this is another ledger, or its end was cut off before them"]
    rest = heads[len(hold) :]
    said = f"the last head that holds is of {hold[-1].at.isoformat()}"
    if hold[-1] is not heads[len(hold) - 1]:
        return [f"{said}, and older ones do not: since then another ledger was put in its place"]
    return [
        f"{said}; {_counted(rest)} not in the ledger: it was put back to a backup, or its end was "
        "cut off. If you restored it, say to which time: --as-of TIME"
    ]


def _counted(heads: Sequence[KeptHead]) -> str:
    first, last = heads[0].at.isoformat(), heads[-1].at.isoformat()
    if len(heads) == 1:
        return f"1 newer head, of {first}, is"
    return f"{len(heads)} newer heads, of {first} to {last}, are"
