"""What a program holds of a visit besides its messages: the last revision, open questions, record.

This module owns the shapes only. The cache of visits (`visit_cache.py`) loads a state from the
ledger, `revisions.py` compares a new draft with it, and `same_patient.py` writes the patient's
record into it. A state can always be loaded again, so a failed transaction may throw it away.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from chargeline.engine import NO_HISTORY, Contribution, Draft, History, Timeline
from chargeline.ledger.records import StoredQuestion
from chargeline.published.drafts import RevisionDigest
from chargeline.published.events import AskedQuestion


class UndraftedMessage(NamedTuple):
    """A message that is stored and in no draft yet.

    `sent` is MSH-7, and `queued` the time at which Kafka or the intake had the message.
    """

    sent: datetime | None
    queued: datetime


class LastRevision(NamedTuple):
    """The revision of a visit that was published last.

    `draft` is the draft from which it was written, None if it was read back from the ledger.
    `questions` are all questions of that draft, those that are not due yet among them, and
    `timeline` is what was drafted, after what people answered.
    """

    digest: RevisionDigest
    draft: Draft | None = None
    questions: Sequence[AskedQuestion] = ()
    timeline: Timeline | None = None


class VisitState(NamedTuple):
    """What the ledger holds of a visit besides its messages.

    Only the program that owns the visit's partition changes it. `asked` are the open questions by
    id. `contributed` is what the visit adds to its patient's record, and `history` what the
    patient's other visits add to the same slots. `parked` says that a message of the visit waits
    for a person, and `settled` that a person has seen to one. `dropped` are the digests of the
    messages that a person has given up: what could not be read of them is asked about no more.
    `beside_forgotten`: a merge named the visit beside one whose messages were removed.
    """

    last: LastRevision | None = None
    asked: Mapping[str, StoredQuestion] = {}
    contributed: frozenset[Contribution] = frozenset()
    history: History = NO_HISTORY
    parked: bool = False
    settled: bool = False
    dropped: frozenset[str] = frozenset()
    beside_forgotten: bool = False

    def without_dropped(self, timeline: Timeline) -> Timeline:
        """A timeline without what could not be read of messages that a person has dropped."""
        if not self.dropped:
            return timeline
        problems = [
            problem
            for problem in timeline.problems
            if problem.source.message.digest not in self.dropped
        ]
        return timeline._replace(problems=tuple(problems))
