"""Claims about the chain of revisions: billing can check it with the lines of the page."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from chargeline.published.drafts import WrittenRevision

from .test_events import line, visits, written

PAGE = Path(__file__).parents[2] / "docs/live-service.md"


def checked(value: bytes, last: str) -> tuple[bool, bool]:
    """What the Python lines of the page say of a record: whole, and follows."""
    (lines,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(lines.splitlines()) == 3
    names = {"value": value, "last": last, "json": json, "sha256": sha256}
    exec(lines, names)  # the lines are ours, and this is what they are for
    return bool(names["whole"]), bool(names["follows"])


def three() -> list[WrittenRevision]:
    """Three revisions of a visit, each behind the one before."""
    draft, revisions = visits()[0].draft, list[WrittenRevision]()
    for number in (1, 2, 3):
        before = revisions[-1].digest.chain if revisions else ""
        billed = [line("a", units=number)] if revisions else []
        revisions.append(
            written(draft, revision=number, before=billed, final=number > 1, chain_before=before)
        )
    return revisions


def test_each_revision_follows_the_one_before() -> None:
    """From the first, before which there is no chain."""
    last = ""
    for revision in three():
        assert checked(revision.value, last) == (True, True)
        last = json.loads(revision.value)["chain"]
        assert last == revision.digest.chain


def test_a_revision_that_was_left_out_or_repeated_does_not_follow() -> None:
    """It is whole by itself all the same."""
    first, second, third = three()
    assert checked(third.value, first.digest.chain) == (True, False)
    assert checked(second.value, second.digest.chain) == (True, False)


@pytest.mark.parametrize("step", range(7))
def test_a_byte_that_was_changed_is_seen(step: int) -> None:
    """Anywhere in the record, as long as it is still JSON; else it cannot be read at all."""
    first, second, _third = three()
    for place in range(step, len(second.value), 7):
        value = bytearray(second.value)
        value[place] ^= 1
        try:
            seen = checked(bytes(value), first.digest.chain)
        except (ValueError, KeyError):
            continue
        assert seen[1] is False, f"byte {place}"
