"""What time alone decides of a visit: when a question is put to a person, and when to look again.

This module owns those moments. It does not know what a question means: the rules say how long the
answer may take (`wait_minutes`), and the site adds its grace. Most questions are put at once. A
missing stop is not, because the drug may still be running: an infusion of 60 minutes that started
at 09:00 may still get its stop. With a grace of 30 minutes its question is put at 10:30, or at
discharge if that is earlier.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chargeline.ledger.records import StoredVisit
from chargeline.published.events import AskedQuestion
from chargeline.published.shapes import DocumentationQuestion

# A visit of two patients waits for the message that joins them. We look again after 5 seconds, then
# after ever longer gaps, at most a day.
LOOK_AGAIN, LOOK_AGAIN_MOST = timedelta(seconds=5), timedelta(days=1)


def due_questions(
    questions: Sequence[AskedQuestion], *, stop_grace: timedelta, closing: bool, now: datetime
) -> tuple[list[DocumentationQuestion], datetime | None]:
    """The questions to put by now, and the time at which the next one is due.

    `closing` puts all of them: the patient has left, so no more answers come by themselves.
    """
    due: list[DocumentationQuestion] = []
    later: list[datetime] = []
    for asked in questions:
        when = None if closing else _when(asked, stop_grace)
        if when is None or when <= now:
            due.append(asked.question)
        else:
            later.append(when)
    return due, min(later, default=None)


def _when(asked: AskedQuestion, stop_grace: timedelta) -> datetime | None:
    """When to put a question, None for at once.

    The site's grace counts only where an order says how long the infusion runs.
    """
    question = asked.question
    if asked.wait_minutes is None or question.since is None:
        return None
    grace = stop_grace if question.ordered_minutes is not None else timedelta(0)
    return question.since + timedelta(minutes=asked.wait_minutes) + grace


def look_again(row: StoredVisit | None, now: datetime) -> datetime:
    """When to look again at a visit of two patients: after as long as nothing has changed.

    A visit that last changed 40 seconds ago is looked at again in 40 seconds.
    """
    quiet = now - row.updated_at if row is not None else timedelta(0)
    return now + min(max(quiet, LOOK_AGAIN), LOOK_AGAIN_MOST)
