"""Claims about the limit on parked messages. The clock is a list of moments."""

from datetime import UTC, datetime, timedelta

import pytest

from chargeline.drafting.parked_limit import ParkedLimit, TooManyParkedError

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
CODE = "message.no_msh"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def parked(count: int) -> list[str]:
    return [CODE] * count


def test_so_many_in_a_row_are_borne_and_one_more_is_not() -> None:
    """Over several batches; the error says how many were expected and found, and what to do."""
    limit = ParkedLimit(3, 1000, Clock())
    limit.count(parked(2), used=0)
    limit.count(parked(1), used=0)
    with pytest.raises(
        TooManyParkedError, match=r"expected at most 3 .* in a row, found 4, .*no_msh; see `char"
    ):
        limit.count(parked(1), used=0)


def test_a_message_that_is_used_begins_a_new_row() -> None:
    """A batch with one is the end of the row, whatever else it holds."""
    limit = ParkedLimit(3, 1000, Clock())
    for _ in range(5):
        limit.count(parked(3), used=0)
        limit.count(parked(1), used=1)


def test_so_many_a_minute_are_borne_however_many_are_used_between() -> None:
    """A feed of which every other message is bad is stopped too; what is older than a minute is
    forgotten.
    """
    clock = Clock()
    limit = ParkedLimit(1000, 10, clock)
    for _ in range(4):
        limit.count(parked(5), used=5)
        clock.now += timedelta(seconds=40)
    with pytest.raises(TooManyParkedError, match=r"expected at most 10 .* in a minute, found 11"):
        limit.count(parked(6), used=5)


def test_duplicates_do_not_end_a_row() -> None:
    """Messages that were there before say nothing of those that come: a batch without a used one
    goes on.
    """
    limit = ParkedLimit(3, 1000, Clock())
    limit.count(parked(3), used=0)
    limit.count([], used=0)
    with pytest.raises(TooManyParkedError):
        limit.count(parked(1), used=0)
