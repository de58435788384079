"""Claims about the limit on parked messages. The test moves the clock by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from chargeline.drafting.parked_limit import ParkedLimit, TooManyParkedError

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
CODE, USED = "message.no_msh", ""


class Clock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def parked(count: int) -> list[str]:
    return [CODE] * count


def test_so_many_in_a_row_are_borne_and_one_more_is_not() -> None:
    """The limit is 3: two, then one more pass, and the fourth raises.

    The error says how many were expected and found, and what to do.
    """
    limit = ParkedLimit(3, 1000, Clock())
    limit.count(parked(2))
    limit.count(parked(1))
    with pytest.raises(
        TooManyParkedError, match=r"expected at most 3 .* in a row, found 4, .*no_msh; see `char"
    ):
        limit.count(parked(1))


def test_a_message_that_is_used_begins_a_new_row() -> None:
    """Also in the middle of a batch: three before it and three after it are two rows."""
    limit = ParkedLimit(3, 1000, Clock())
    for _ in range(5):
        limit.count([*parked(3), USED, *parked(2)])
        limit.count([*parked(1), USED])
    with pytest.raises(TooManyParkedError, match="in a row, found 4"):
        limit.count([USED, *parked(4)])


def test_so_many_a_minute_are_borne_however_many_are_used_between() -> None:
    """A feed in which every other message is bad is stopped too.

    The limit is 10 a minute: five every 40 seconds pass. Six more at the next step make 11.
    """
    clock = Clock()
    limit = ParkedLimit(1000, 10, clock)
    for _ in range(4):
        limit.count([CODE, USED] * 5)
        clock.now += timedelta(seconds=40)
    with pytest.raises(TooManyParkedError, match=r"expected at most 10 .* in a minute, found 11"):
        limit.count([CODE, USED] * 6)


def test_duplicates_do_not_end_a_row() -> None:
    """A batch that holds only duplicates used none, so the row goes on after it."""
    limit = ParkedLimit(3, 1000, Clock())
    limit.count(parked(3))
    limit.count([])
    with pytest.raises(TooManyParkedError):
        limit.count(parked(1))


@pytest.mark.parametrize("size", [1, 7, 60, 1000])
def test_which_limit_speaks_does_not_depend_on_the_size_of_a_batch(size: int) -> None:
    """1,000 bad messages and a good one at the end: the 51st in a row, however they are polled."""
    limit = ParkedLimit(50, 500, Clock())
    course = [*parked(1000), USED]
    with pytest.raises(TooManyParkedError, match=r"expected at most 50 .* in a row, found 51"):
        for first in range(0, len(course), size):
            limit.count(course[first : first + size])
