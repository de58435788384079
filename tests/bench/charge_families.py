"""`make bench`, the part of the families: what visits, radiation and authorizations cost.

This module owns the comparison. The same feed is drafted with all that chargeline drafts, and with
infusions and drugs alone, in turns of one run; nobody in that feed was examined or irradiated. A
feed with such visits beside the infusions is drafted too: more is asked and billed there, so its
figure says what such a message costs, and has no bound.
"""

import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import chargeline.engine
from chargeline.engine.authorizations.visit_review import VisitReview
from chargeline.engine.families import FAMILIES

ROUNDS = 7
WANTED = 1.03
_ALWAYS = ("infusions", "drugs")


def print_families(
    drafted: Callable[[Sequence[tuple[str, bytes]]], float],
    plain: Sequence[tuple[str, bytes]],
    with_more: Sequence[tuple[str, bytes]],
) -> None:
    """Print the ratios; `drafted` says how many seconds of CPU a feed takes."""
    ratios, more = [], []
    for _round in range(ROUNDS):
        with _infusions_and_drugs():
            alone = drafted(plain)
        together = drafted(plain)
        ratios.append(together / alone)
        more.append(drafted(with_more) / len(with_more) / (together / len(plain)))
    print("\nall charge families against infusions and drugs alone (CPU of one feed)")
    print(f"  {statistics.median(ratios):.3f}   {_span(ratios)}   wanted at most {WANTED}")
    print("a message of a feed with visits, courses and authorizations, against one of that feed")
    print(f"  {statistics.median(more):.3f}   {_span(more)}")


def _span(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


@contextmanager
def _infusions_and_drugs() -> Iterator[None]:
    """Draft no other family, and review no authorization."""
    module = sys.modules[f"{chargeline.engine.__name__}.draft"]  # its function hides its name
    families = {name: family for name, family in FAMILIES.items() if name in _ALWAYS}
    with ExitStack() as stack:
        stack.enter_context(patch.object(module, "FAMILIES", families))
        stack.enter_context(patch.object(module, "needs_of", lambda _lines, _assessment: ()))
        stack.enter_context(
            patch.object(module, "review_of", lambda drafts, *_rest, **_more: VisitReview(drafts))
        )
        yield
