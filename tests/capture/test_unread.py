"""Claims about the age of the oldest message that the ledger does not have."""

from datetime import UTC, datetime, timedelta

from aiokafka import TopicPartition

from chargeline.capture.unread import NOTES_MOST, UnreadSince

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ONE = TopicPartition("hl7.inbound", 1)
TWO = TopicPartition("hl7.inbound", 2)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_a_poll_that_is_not_committed_tells_exactly() -> None:
    """Its first record came 300 seconds ago, and the ledger stands before it."""
    unread = UnreadSince()
    unread.polled(ONE, 10, ago(300))
    assert unread.oldest({ONE: 10}, NOW) == 300
    assert unread.oldest({ONE: 11}, NOW) == 0


def test_what_was_never_polled_is_told_from_the_look_at_the_end() -> None:
    """A ledger that is away: messages come, and the first look that saw one counts."""
    unread = UnreadSince()
    unread.seen(ONE, 11, ago(60))
    unread.seen(ONE, 15, ago(30))
    assert unread.oldest({ONE: 10}, NOW) == 60
    assert unread.oldest({ONE: 12}, NOW) == 30
    assert unread.oldest({ONE: 15}, NOW) == 0


def test_the_oldest_of_our_partitions_counts() -> None:
    """One that others have now counts no more."""
    unread = UnreadSince()
    unread.polled(ONE, 0, ago(10))
    unread.polled(TWO, 0, ago(500))
    assert unread.oldest({ONE: None, TWO: None}, NOW) == 500
    assert unread.oldest({ONE: None}, NOW) == 10


def test_a_long_outage_fills_no_memory() -> None:
    """The oldest note stays, which is the one that counts."""
    unread = UnreadSince()
    for look in range(NOTES_MOST * 3):
        unread.seen(ONE, look + 1, ago(1000 - look))
    assert unread.oldest({ONE: 0}, NOW) == 1000
