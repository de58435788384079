"""What a story is: a sentence, the messages of a day, and the codes that a coder would write.

It owns the shape only. Times are of 2 March 2026 unless a story says another date. The expected
codes were worked out by hand from the sentence.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.golden.messages import given

GUIDE, FACILITY, PHYSICIAN = "guide-2026", "cms-facility-2026", "cms-physician-2026"
STREAM = "action-stream"


class Story(NamedTuple):
    """One claim. `expect` holds the service codes by visit number.

    `drugs`, `withheld` and `asks` are of the visit V1; None claims nothing of them.
    """

    says: str
    messages: tuple[bytes, ...]
    expect: Mapping[str, Sequence[str]]
    drugs: Sequence[str] | None = None
    withheld: Sequence[str] | None = None
    asks: Sequence[str] | None = None
    policy: str = GUIDE
    interface: str = "standard"
    any_order: bool = False


def story(says: str, messages: Sequence[bytes], codes: Sequence[str], **more: object) -> Story:
    """A story of the one visit V1."""
    return Story(says, tuple(messages), {"V1": codes}, **more)  # type: ignore[arg-type]


VANCOMYCIN = given("VANCOMYCIN", "1000 mg", "0900", "1000")
