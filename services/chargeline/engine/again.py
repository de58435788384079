"""Work that a later draft of the same visit need not do again.

This module owns what is kept between two drafts of a visit, and knows nothing of coding. A visit is
drafted after each message, and most of the visit has not changed since the message before. The
other modules are written as if every piece of work were done each time. The table of stages below
lists the pieces that may be used again. A piece of work is a function, and its result depends on
its arguments alone. A result is used again only where all arguments are equal, so saved work
changes no character of a draft (a test drafts with saved work and without).

A long account that is billed day by day needs more. To look at each of a thousand days would take
longer than to draft the one day that changed. So `DaysDrafted` keeps all days of the last draft,
and `days_alike` finds the days that changed between the first and the last that did not.
"""

from collections.abc import Callable, Hashable
from typing import Any, Generic, NamedTuple, TypeVar, TypeVarTuple

from chargeline.engine.services.records import Service
from chargeline.engine.timeline.records import Day
from chargeline.engine.trace import EncounterDraft, Proposal, Question

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Stage(Generic[Result]):
    """One stage of drafting whose results are kept."""

    def __init__(self, name: str) -> None:
        self.name = name


# The comment behind a stage says what tells its pieces apart.
SERVICES: Stage[tuple[Service | None, ...]] = Stage("services")  # an administration
LINES_OF_PLACE: Stage[Proposal] = Stage("lines of a place")  # its first service, under a policy
LINE_OF_DRUG: Stage[Proposal] = Stage("line of a drug")  # a drug and a day, under a policy
DOUBTS: Stage[tuple[Question, ...]] = Stage("doubts")  # an administration under a policy
ENCOUNTER: Stage[EncounterDraft] = Stage("encounter")  # an encounter under a policy
AUTHORIZATIONS: Stage[EncounterDraft] = Stage("authorizations")  # an encounter, people heard


class DaysDrafted(NamedTuple):
    """The last draft of an account that is billed day by day: its days, and an encounter for each.

    `rests_on` is everything else that the draft depends on, such as the payer and the policy.
    """

    rests_on: tuple[object, ...]
    days: tuple[Day, ...]
    encounters: tuple[EncounterDraft, ...]


class SavedWork:
    """What earlier drafts of one visit worked out."""

    def __init__(self) -> None:
        self.days: DaysDrafted | None = None
        self._kept: dict[tuple[Stage[Any], Hashable], tuple[object, Any]] = {}

    def again(
        self,
        stage: Stage[Result],
        name: Hashable,
        work: Callable[[*Arguments], Result],
        *rests_on: *Arguments,
    ) -> Result:
        """The result of `work(*rests_on)`; the work is done only where an argument has changed.

        `name` tells the pieces of one stage apart. The last result of each piece is kept.
        """
        slot = (stage, name)
        kept = self._kept.get(slot)
        if kept is not None and kept[0] == rests_on:
            result: Result = kept[1]
            return result
        result = work(*rests_on)
        self._kept[slot] = (rests_on, result)
        return result


class NothingSaved(SavedWork):
    """Saved work that keeps nothing, so that every piece of work is done each time."""

    def again(
        self,
        stage: Stage[Result],
        name: Hashable,
        work: Callable[[*Arguments], Result],
        *rests_on: *Arguments,
    ) -> Result:
        """The result of `work(*rests_on)`."""
        return work(*rests_on)


def days_alike(before: tuple[Day, ...], now: tuple[Day, ...]) -> tuple[int, int]:
    """How many days at the beginning and how many at the end are the very same objects."""
    first = _common_start(before, now)
    least = min(len(before), len(now))
    last = 0
    while last < least - first and before[-1 - last] is now[-1 - last]:
        last += 1
    return first, last


def _common_start(before: tuple[Day, ...], now: tuple[Day, ...]) -> int:
    """How many days at the beginning are the same.

    The search halves the range, because Python compares two slices much faster than it loops.
    """
    low, high = 0, min(len(before), len(now))
    if before[: high - 1] == now[: high - 1]:
        low = max(0, high - 1)  # most messages change the last day only
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == now[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
