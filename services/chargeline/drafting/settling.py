"""How long a visit waits for more messages before it is drafted.

It owns the wait of a large visit. A draft looks at the whole encounter, so a draft of 1,000 rows
costs some twenty times as much as one of 50. If each message were drafted, one visit could take the
whole program. A large visit therefore waits for 10 ms a row: with 1,000 rows, the messages of 10
seconds share one draft of about 0.1 seconds. Whatever its size, a visit takes a few hundredths
of the time at most (decision 0032).
"""

from datetime import timedelta

ROWS_AT_ONCE = 150
"""A visit of so many charted rows is not large: its draft costs at most three times one of 50."""
_WAIT_FOR_A_ROW = timedelta(milliseconds=10)


def wait_of(rows: int, settle: timedelta) -> timedelta:
    """The time from the first new message of a visit to its draft.

    `rows` is how many rows are charted, and `settle` what the site lets every visit wait.
    """
    return settle if rows <= ROWS_AT_ONCE else max(settle, rows * _WAIT_FOR_A_ROW)
