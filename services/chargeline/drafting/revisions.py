"""From drafts to revisions: what is new in a visit's draft, and who is told.

It owns when a draft is final, when a question is put to a person, and that nothing is announced
twice for one content. It writes nothing: rows and announcements go out as values.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from chargeline.drafting.announcing import announcement
from chargeline.engine import (
    NO_HISTORY,
    Administration,
    Contribution,
    Draft,
    History,
    Rulebook,
    SavedWork,
    Timeline,
    VisitKey,
    draft,
)
from chargeline.ledger.records import (
    Announcement,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.published.drafts import RevisionDigest, WrittenRevision, revision_of
from chargeline.published.events import AskedQuestion, late_question, question_changes, questions_of
from chargeline.published.shapes import DocumentationQuestion

# A visit of two patients waits for the message that joins them: looked at again so soon, then ever
# later.
LOOK_AGAIN, LOOK_AGAIN_MOST = timedelta(seconds=5), timedelta(days=1)
# A visit's row that would change in nothing but its time is written once in a while, for retention.
STALE = timedelta(days=1)


class UndraftedMessage(NamedTuple):
    """A message that is in the ledger and not in a draft yet: when it was sent (MSH-7) and
    queued.
    """

    sent: datetime | None
    queued: datetime


class Topics(NamedTuple):
    """Where drafts and questions go."""

    drafts: str
    questions: str


class LastRevision(NamedTuple):
    """What was last published of a visit.

    `draft` is the draft that it was written from, None where the ledger told us; `questions` are
    those of this draft, due or not.
    """

    digest: RevisionDigest
    draft: Draft | None = None
    questions: Sequence[AskedQuestion] = ()


class VisitState(NamedTuple):
    """What the ledger holds of a visit besides its messages; only the owner of its partition
    changes it.

    `asked`: open questions by id. `contributed`: what it adds to its patient's record, and
    `history`: what the patient's other visits add to the same slots. `parked`: a message of it is
    put aside; `settled`: a person has seen to one.
    """

    last: LastRevision | None = None
    asked: Mapping[str, StoredQuestion] = {}
    contributed: frozenset[Contribution] = frozenset()
    history: History = NO_HISTORY
    parked: bool = False
    settled: bool = False


class VisitToRevise(NamedTuple):
    """A visit that may need a revision. Without timeline and draft it was merged into
    `survivor`.
    """

    key: VisitKey
    timeline: Timeline | None
    draft: Draft | None
    state: VisitState
    row: StoredVisit | None
    survivor: VisitKey


class DraftingResult(NamedTuple):
    """What a round of drafting changes: rows, announcements, and what metrics count.

    `states` is what is known of each visit afterwards. `withheld`: the reasons of services newly
    withheld. `drafted`: the messages that are in a draft now. `seconds`: what the drafting took.
    """

    revisions: Sequence[StoredRevision] = ()
    announcements: Sequence[Announcement] = ()
    seconds: float = 0.0
    visits: Sequence[StoredVisit] = ()
    questions: Sequence[StoredQuestion] = ()
    written: Sequence[WrittenRevision] = ()
    asked: Sequence[DocumentationQuestion] = ()
    withheld: Sequence[str] = ()
    drafted: Sequence[UndraftedMessage] = ()
    states: Mapping[VisitKey, VisitState] = {}


class RevisionMaker:
    """Drafts visits and makes revisions of the drafts.

    `grace`: how long after discharge a draft stays open. `stop_grace`: how long after its ordered
    end an infusion may lack its stop. `prices`: cents by code.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        policy: str,
        topics: Topics,
        *,
        grace: timedelta,
        stop_grace: timedelta,
        prices: Mapping[str, int] | None = None,
    ) -> None:
        self.prices = prices or {}
        self.rulebook = rulebook
        self.policy = policy
        self.topics = topics
        self.grace = grace
        self.stop_grace = stop_grace

    def draft(
        self, timeline: Timeline, history: History, saved: dict[VisitKey, SavedWork]
    ) -> Draft:
        """The draft of a visit; `history` is what the patient's other visits contribute."""
        work = saved.setdefault(timeline.key, SavedWork())
        return draft(timeline, self.rulebook, history, policy=self.policy, saved=work)

    def revise(self, visits: Sequence[VisitToRevise], now: datetime) -> DraftingResult:
        """What is new in these visits."""
        results = [self._revise(visit, now) for visit in visits]
        return DraftingResult(
            revisions=[row for result in results for row in result.revisions],
            announcements=[event for result in results for event in result.announcements],
            visits=[row for result in results for row in result.visits],
            questions=[row for result in results for row in result.questions],
            written=[revision for result in results for revision in result.written],
            asked=[question for result in results for question in result.asked],
            withheld=[reason for result in results for reason in result.withheld],
            states={key: state for result in results for key, state in result.states.items()},
        )

    def _revise(self, visit: VisitToRevise, now: datetime) -> DraftingResult:
        if visit.row is not None and visit.row.status == "forgotten":
            return self._forgotten(visit, visit.row, now)
        if visit.draft is not None:
            return self._drafted(visit, now)
        if visit.survivor == visit.key:
            return _undrafted(visit.row, now)
        return self._merged(visit, now)

    def _drafted(self, visit: VisitToRevise, now: datetime) -> DraftingResult:
        timeline, drafted, last = visit.timeline, visit.draft, visit.state.last
        assert timeline is not None and drafted is not None
        discharged = timeline.context.discharged
        final_due = discharged + self.grace if discharged is not None else None
        final = final_due is not None and now >= final_due
        state = (
            visit.state
        )  # what a person has seen to counts no more, though it still cannot be read
        incomplete = state.parked or (bool(timeline.problems) and not state.settled)
        revision = _next_revision(drafted, last, final=final, incomplete=incomplete)
        if revision is not None:
            asked = _questions(drafted, revision.revision, timeline)
            last = LastRevision(revision.digest, drafted, asked)
        elif last is not None and last.draft != drafted:
            asked = _questions(drafted, last.digest.revision, timeline)
            last = last._replace(draft=drafted, questions=asked)
        questions: Sequence[AskedQuestion] = last.questions if last is not None else ()
        due, asked_due = self._due_questions(
            questions, closing=final or discharged is not None, now=now
        )
        if len(timeline.patients) > 1:
            again = _look_again(visit.row, now)  # the merge may come through another partition
            asked_due = min(again, asked_due or again)
        row = StoredVisit(
            facility=visit.key.facility,
            visit=visit.key.visit,
            status="final" if final else "open",
            revision=last.digest.revision if last is not None else 0,
            settle_due=None,
            final_due=None if final else final_due,
            asked_due=asked_due,
            discharged_at=discharged,
            incomplete=incomplete,
            updated_at=now,
            stake_cents=self._stake(drafted),
        )
        return self._result(visit, row, last=last, revision=revision, due=due, now=now)

    def _stake(self, drafted: Draft) -> int:
        """Cents that the lines with an open question would bring; codes without a price count
        nothing.
        """
        if not self.prices:
            return 0
        lines = [
            line for encounter in drafted.encounters for line in encounter.lines if line.provisional
        ]
        return sum(line.units * self.prices.get(line.code, 0) for line in lines)

    def _forgotten(self, visit: VisitToRevise, row: StoredVisit, now: datetime) -> DraftingResult:
        """A visit whose messages retention has removed: what came late cannot be drafted by
        itself.
        """
        question = late_question(visit.key, max(row.revision, 1))
        row = row._replace(settle_due=None)
        return self._result(
            visit, row, last=visit.state.last, revision=None, due=[question], now=now
        )

    def _merged(self, visit: VisitToRevise, now: datetime) -> DraftingResult:
        """A visit whose services belong to another now: every line is removed, every question
        closed.
        """
        key, last = visit.key, visit.state.last
        number = last.digest.revision if last is not None else 0
        revision = None
        if last is not None and last.digest.status != "merged":
            empty = Draft(
                key=key,
                policy=last.digest.policy,
                rulebook=self.rulebook.version,
                encounters=(),
                questions=(),
            )
            revision = revision_of(
                empty,
                revision=number + 1,
                final=False,
                incomplete=False,
                before=last.digest.billed,
                merged_into=visit.survivor.visit,
            )
            last = LastRevision(revision.digest)
            number += 1
        row = StoredVisit(
            facility=key.facility,
            visit=key.visit,
            status="merged",
            revision=number,
            settle_due=None,
            final_due=None,
            asked_due=None,
            discharged_at=None,
            incomplete=False,
            updated_at=now,
        )
        return self._result(visit, row, last=last, revision=revision, due=[], now=now)

    # ------------------------------------------------------------------ questions

    def _due_questions(
        self, questions: Sequence[AskedQuestion], *, closing: bool, now: datetime
    ) -> tuple[list[DocumentationQuestion], datetime | None]:
        """Questions to put now, and when the next one may be due.

        A missing stop is a question only when the infusion should be over: until then it runs.
        """
        due: list[DocumentationQuestion] = []
        later: list[datetime] = []
        for asked in questions:
            when = None if closing else self._when(asked)
            if when is None or when <= now:
                due.append(asked.question)
            else:
                later.append(when)
        return due, min(later, default=None)

    def _when(self, asked: AskedQuestion) -> datetime | None:
        """When a question is to be put, None at once; the site's grace is added to an ordered
        time.
        """
        question = asked.question
        if asked.wait_minutes is None or question.since is None:
            return None
        grace = self.stop_grace if question.ordered_minutes is not None else timedelta(0)
        return question.since + timedelta(minutes=asked.wait_minutes) + grace

    # ------------------------------------------------------------------ rows and announcements

    def _result(
        self,
        visit: VisitToRevise,
        row: StoredVisit,
        *,
        last: LastRevision | None,
        revision: WrittenRevision | None,
        due: Sequence[DocumentationQuestion],
        now: datetime,
    ) -> DraftingResult:
        announcements = []
        if revision is not None:
            announcements.append(announcement(self.topics.drafts, revision, now))
        changed = list(_question_changes(visit.state.asked, due, max(row.revision, 1)))
        questions = []
        for question in changed:
            announcements.append(announcement(self.topics.questions, question, now))
            before = visit.state.asked.get(question.question_id)
            questions.append(_stored_question(question, before, announcements[-1], now))
        asked = {**visit.state.asked, **{row.question_id: row for row in questions}}
        open_now = {
            name: question for name, question in asked.items() if question.closed_at is None
        }
        return DraftingResult(
            revisions=[_stored_revision(revision, now)] if revision is not None else [],
            announcements=announcements,
            visits=_changed_row(visit.row, row),
            questions=questions,
            written=[revision] if revision is not None else [],
            asked=changed,
            withheld=_newly_withheld(revision, visit.state.last),
            states={visit.key: visit.state._replace(last=last, asked=open_now)},
        )


def _next_revision(
    drafted: Draft, last: LastRevision | None, *, final: bool, incomplete: bool
) -> WrittenRevision | None:
    """The next revision, None where it would say the same; the first of an empty visit says
    nothing.
    """
    digest = last.digest if last is not None else None
    status = ("final" if final else "open", incomplete)
    if (
        last is not None
        and last.draft == drafted
        and (last.digest.status, last.digest.incomplete) == status
    ):
        return None
    revision = revision_of(
        drafted,
        revision=digest.revision + 1 if digest is not None else 1,
        final=final,
        incomplete=incomplete,
        before=digest.billed if digest is not None else {},
    )
    if digest is None:
        return revision if drafted.encounters or drafted.questions else None
    return revision if revision.digest.content != digest.content else None


def _newly_withheld(revision: WrittenRevision | None, last: LastRevision | None) -> list[str]:
    """The reasons of what a revision withholds that the last one did not."""
    if revision is None:
        return []
    before = last.digest.withheld if last is not None else frozenset()
    return [reason for reason, *_administrations in revision.digest.withheld - before]


def _questions(drafted: Draft, revision: int, timeline: Timeline) -> Sequence[AskedQuestion]:
    """All questions of a draft, also those that are not due yet."""
    by_key: dict[str, Administration] = {item.key: item for item in timeline.administrations}
    return questions_of(drafted, revision, by_key)


def _question_changes(
    asked: Mapping[str, StoredQuestion], due: Sequence[DocumentationQuestion], revision: int
) -> Iterator[DocumentationQuestion]:
    """Questions newly opened, and those of `asked` that are closed in this revision."""
    now = {question.question_id for question in due}
    gone = [question for name, question in asked.items() if name not in now]
    before = [DocumentationQuestion.model_validate_json(question.body) for question in gone]
    opened = [question for question in due if question.question_id not in asked]
    return question_changes(before, opened, revision)


def _undrafted(row: StoredVisit | None, now: datetime) -> DraftingResult:
    """A visit that only a parked message or a nudge has named: there is nothing to wait for."""
    if row is None:
        return DraftingResult()
    nothing_due = row._replace(settle_due=None, final_due=None, asked_due=None, updated_at=now)
    return DraftingResult(visits=_changed_row(row, nothing_due))


def _look_again(row: StoredVisit | None, now: datetime) -> datetime:
    """Soon, then after as long again as nothing has changed."""
    quiet = now - row.updated_at if row is not None else timedelta(0)
    return now + min(max(quiet, LOOK_AGAIN), LOOK_AGAIN_MOST)


def _changed_row(before: StoredVisit | None, after: StoredVisit) -> list[StoredVisit]:
    """The row to write, none where it would say the same; looking again is not a change."""
    if before is None:
        return [after]
    if after._replace(updated_at=before.updated_at, asked_due=before.asked_due) != before:
        return [after]
    if after.updated_at - before.updated_at > STALE and after.asked_due == before.asked_due:
        return [after]
    return (
        [after._replace(updated_at=before.updated_at)]
        if after.asked_due != before.asked_due
        else []
    )


def _stored_revision(revision: WrittenRevision, now: datetime) -> StoredRevision:
    return StoredRevision(
        facility=revision.facility,
        visit=revision.visit,
        revision=revision.revision,
        status=revision.digest.status,
        policy=revision.digest.policy,
        rulebook=revision.rulebook,
        created_at=now,
        body=revision.value.decode(),
        changes=revision.changes.decode(),
    )


def _stored_question(
    question: DocumentationQuestion,
    before: StoredQuestion | None,
    announced: Announcement,
    now: datetime,
) -> StoredQuestion:
    return StoredQuestion(
        facility=question.facility,
        visit=question.visit,
        question_id=question.question_id,
        code=question.code,
        opened_at=before.opened_at if before is not None else now,
        closed_at=now if question.state == "closed" else None,
        body=announced.payload.decode(),
    )
