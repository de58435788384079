"""What is done to parked messages that somebody chose: the same for the page and for the API.

It owns how many may be chosen at once, that a drop needs a reason, and that a message is left alone
which somebody else has seen to. A try reads messages by the rules and profiles of this program, and
stores nothing but the act. What a retry and a drop do is in `drafting/parked.py`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated, NamedTuple

from pydantic import StringConstraints

from chargeline.drafting.acting import act_of
from chargeline.drafting.parked import AT_ONCE, SeeingTo, TriedMessage, see_to, sorted_out, tried
from chargeline.ledger.errors import NotFound
from chargeline.ledger.records import StoredParkedMessage
from chargeline.ledger.view import View
from chargeline.workbench.bench import Bench, NotThereError, not_valid
from chargeline.workbench.people import Person

PARKED_MOST = 1_000
"""So many parked messages are read for the groups, the oldest first, and seen to at once."""
REASON_LEAST, REASON_MOST = 3, 200
ReasonToSee = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=REASON_MOST, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
"""Why messages are seen to; a drop alone needs a reason, and blanks are none."""


class SeenTo(NamedTuple):
    """The numbers of messages that were seen to, and of those that stayed as they were: somebody
    else has seen to them, or they have no bytes that can be used.
    """

    done: list[int]
    left: list[int]


def check_numbers(chosen: Collection[int]) -> list[int]:
    """The chosen messages, each once. Raises NotValidError where it is none, or too many."""
    if 0 < len(chosen) <= PARKED_MOST:
        return sorted(set(chosen))
    raise not_valid(
        "messages",
        f"1 to {PARKED_MOST} messages",
        str(len(chosen)),
        do="choose some of those that are parked; nothing was recorded",
    )


def check_reason(reason: str) -> None:
    """Raise NotValidError where the reason of a drop is too short."""
    length = len(reason)
    if length < REASON_LEAST:
        raise not_valid(
            "reason",
            f"a reason of {REASON_LEAST} to {REASON_MOST} characters",
            f"{length} characters",
            do="say why they are given up; nothing was recorded",
        )


async def try_messages(
    bench: Bench, person: Person, chosen: Collection[int], why: str
) -> list[TriedMessage]:
    """What would become of messages that are still parked, if they came now. The trail has those
    alone: a number under which nothing is parked was not tried.

    Raises NotValidError.
    """
    numbers = check_numbers(chosen)
    async with bench.ledger.view() as view:
        messages = await _still_parked(view, numbers)
    results = await tried(messages, bench.processor.read)
    told = {
        "numbers": [result.number for result in results],
        "would_be_read": len(readable_of(results)),
        "would_park": again_of(results),
    }
    what = f"{len(results)} messages"
    act = act_of("parked.try", "parked", what, who=person.who, why=why, details=told)
    async with bench.ledger.batch() as batch:
        await batch.audit([act])
    return results


def not_tried(chosen: Collection[int], results: Sequence[TriedMessage]) -> list[int]:
    """The numbers under which nothing was parked any more, each once."""
    return sorted(set(chosen) - {result.number for result in results})


def readable_of(results: Sequence[TriedMessage]) -> list[int]:
    """The numbers of those that would be read whole."""
    return [result.number for result in results if not result.code]


def again_of(results: Sequence[TriedMessage]) -> dict[str, int]:
    """How many would park again, by code, the most frequent code first."""
    return dict(Counter(result.code for result in results if result.code).most_common())


async def see_to_messages(bench: Bench, seeing: SeeingTo, chosen: Collection[int]) -> SeenTo:
    """Retry or drop messages that are still parked; each is in the trail.

    Raises NotValidError, and NotThereError if somebody sees to one of them at this moment.
    """
    if seeing.status == "dropped":
        check_reason(seeing.why)
    numbers = check_numbers(chosen)
    async with bench.ledger.view() as view:
        messages = await _still_parked(view, numbers)
    usable = sorted_out(messages, to_send=seeing.status == "retried").usable
    try:
        await see_to(bench.ledger, bench.settings.topic_inbound, seeing, usable)
    except NotFound as error:
        raise NotThereError(*error.findings) from error
    done = {message.id for message in usable}
    return SeenTo(sorted(done), [number for number in numbers if number not in done])


async def _still_parked(view: View, numbers: Sequence[int]) -> list[StoredParkedMessage]:
    """Those of some messages that nobody has seen to, in the order of their numbers."""
    wanted, messages = set(numbers), list[StoredParkedMessage]()
    after = min(numbers) - 1
    while after < max(numbers):
        rows = await view.parked("parked", AT_ONCE, after)
        if not rows:
            break
        messages += [row for row in rows if row.id in wanted]
        after = rows[-1].id
    return messages
