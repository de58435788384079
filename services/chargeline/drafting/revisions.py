"""From timelines to revisions: what is new in a visit's draft, and who is told.

It owns when a draft is final, when a question is put to a person, and that nothing is announced twice
for one content. It writes nothing: rows and announcements go out as values.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

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
from chargeline.published import events
from chargeline.published.drafts import Said, WrittenRevision, revision_of
from chargeline.published.shapes import DocumentationQuestion

# A visit of two patients waits for the message that joins them: looked at again so soon, then ever later.
LOOK_AGAIN, LOOK_AGAIN_MOST = timedelta(seconds=5), timedelta(days=1)
# A visit's row that would change in nothing but its time is written once in a while, for retention.
STALE = timedelta(days=1)


class Outcome(NamedTuple):
    """What a round of drafting changes; `standings` is what is known of each visit afterwards.

    `withheld`: the reasons of services newly withheld. `waited`: the messages that are in a draft now.
    """

    revisions: Sequence[StoredRevision] = ()
    announcements: Sequence[Announcement] = ()
    seconds: float = 0.0
    visits: Sequence[StoredVisit] = ()
    questions: Sequence[StoredQuestion] = ()
    said: Sequence[WrittenRevision] = ()
    asked: Sequence[DocumentationQuestion] = ()
    withheld: Sequence[str] = ()
    waited: Sequence["Waiting"] = ()
    standings: Mapping[VisitKey, "Standing"] = {}


class Waiting(NamedTuple):
    """A message that is in the ledger and not in a draft yet: when it was sent (MSH-7) and queued."""

    sent: datetime | None
    queued: datetime


class Topics(NamedTuple):
    """Where drafts and questions go."""

    drafts: str
    questions: str


class Known(NamedTuple):
    """What was last said of a visit.

    `made` is the draft that said it, None where the ledger told us; `questions` are those of this draft,
    due or not.
    """

    said: Said
    made: Draft | None = None
    questions: Sequence[events.AskedQuestion] = ()


class Standing(NamedTuple):
    """What the ledger holds of a visit besides its messages; only the owner of its partition changes it.

    `asked`: open questions by id. `contributed`: what it adds to its patient's record, and `history`:
    what the patient's other visits add to the same slots. `parked`: a message of it is put aside;
    `settled`: a person has seen to one.
    """

    last: Known | None = None
    asked: Mapping[str, StoredQuestion] = {}
    contributed: frozenset[Contribution] = frozenset()
    history: History = NO_HISTORY
    parked: bool = False
    settled: bool = False


class OnDesk(NamedTuple):
    """A visit to draft. Timeline and draft are None for one that was merged into `survivor`."""

    key: VisitKey
    timeline: Timeline | None
    made: Draft | None
    standing: Standing
    row: StoredVisit | None
    survivor: VisitKey


class Drafting:
    """Makes revisions. `grace`: how long after discharge a draft stays open. `prices`: cents by code."""

    def __init__(
        self,
        rulebook: Rulebook,
        policy: str,
        topics: Topics,
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

    def revise(self, visits: Sequence[OnDesk], now: datetime) -> Outcome:
        """What is new in these visits."""
        rounds = [self._round(each, now) for each in visits]
        return Outcome(
            revisions=[each for one in rounds for each in one.revisions],
            announcements=[each for one in rounds for each in one.announcements],
            visits=[each for one in rounds for each in one.visits],
            questions=[each for one in rounds for each in one.questions],
            said=[each for one in rounds for each in one.said],
            asked=[each for one in rounds for each in one.asked],
            withheld=[each for one in rounds for each in one.withheld],
            standings={key: each for one in rounds for key, each in one.standings.items()},
        )

    def _round(self, visit: OnDesk, now: datetime) -> Outcome:
        if visit.row is not None and visit.row.status == "forgotten":
            return self._forgotten(visit, visit.row, now)
        if visit.made is not None:
            return self._one(visit, now)
        if visit.survivor == visit.key:
            return _undrafted(visit.row, now)
        return self._merged(visit, now)

    def draft(self, timeline: Timeline, history: History, saved: dict[VisitKey, SavedWork]) -> Draft:
        """The draft of a visit; `history` is what the patient's other visits contribute."""
        work = saved.setdefault(timeline.key, SavedWork())
        return draft(timeline, self.rulebook, history, policy=self.policy, saved=work)

    def _one(self, visit: OnDesk, now: datetime) -> Outcome:
        timeline, made, known = visit.timeline, visit.made, visit.standing.last
        assert timeline is not None and made is not None
        discharged = timeline.context.discharged
        final_due = discharged + self.grace if discharged is not None else None
        final = final_due is not None and now >= final_due
        standing = visit.standing  # what a person has seen to counts no more, though it cannot be read still
        incomplete = standing.parked or (bool(timeline.problems) and not standing.settled)
        revision = _next_revision(made, known, final=final, incomplete=incomplete)
        if revision is not None:
            known = Known(revision.said, made, _questions(made, revision.revision, timeline))
        elif known is not None and known.made != made:
            known = known._replace(made=made, questions=_questions(made, known.said.revision, timeline))
        questions: Sequence[events.AskedQuestion] = known.questions if known is not None else ()
        due, asked_due = self._due_questions(questions, closing=final or discharged is not None, now=now)
        if len(timeline.patients) > 1:
            again = _look_again(visit.row, now)  # the merge may come through another partition
            asked_due = min(again, asked_due or again)
        row = StoredVisit(
            visit.key.facility, visit.key.visit, "final" if final else "open",
            known.said.revision if known is not None else 0, None,
            None if final else final_due, asked_due, discharged, incomplete, now, self._stake(made),
        )  # fmt: skip
        return self._outcome(visit, known, revision, due, row, now)

    def _stake(self, made: Draft) -> int:
        """Cents that the lines with an open question would bring; codes without a price count nothing."""
        if not self.prices:
            return 0
        lines = [line for encounter in made.encounters for line in encounter.lines if line.provisional]
        return sum(line.units * self.prices.get(line.code, 0) for line in lines)

    def _forgotten(self, visit: OnDesk, row: StoredVisit, now: datetime) -> Outcome:
        """A visit whose messages retention has removed: what came late cannot be drafted by itself."""
        question = events.late_question(visit.key, max(row.revision, 1))
        row = row._replace(settle_due=None)
        return self._outcome(visit, visit.standing.last, None, [question], row, now)

    def _merged(self, visit: OnDesk, now: datetime) -> Outcome:
        """A visit whose services belong to another now: every line is removed, every question closed."""
        key, known = visit.key, visit.standing.last
        number = known.said.revision if known is not None else 0
        revision = None
        if known is not None and known.said.status != "merged":
            revision = revision_of(
                Draft(key, known.said.policy, self.rulebook.version, (), ()),
                revision=number + 1,
                final=False,
                incomplete=False,
                before=known.said.billed,
                merged_into=visit.survivor.visit,
            )
            known = Known(revision.said)
            number += 1
        row = StoredVisit(key.facility, key.visit, "merged", number, None, None, None, None, False, now)
        return self._outcome(visit, known, revision, [], row, now)

    # ------------------------------------------------------------------ questions

    def _due_questions(
        self, questions: Sequence[events.AskedQuestion], *, closing: bool, now: datetime
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

    def _when(self, asked: events.AskedQuestion) -> datetime | None:
        """When a question is to be put, None at once; the site's grace is added to an ordered time."""
        question = asked.question
        if asked.wait_minutes is None or question.since is None:
            return None
        grace = self.stop_grace if question.ordered_minutes is not None else timedelta(0)
        return question.since + timedelta(minutes=asked.wait_minutes) + grace

    # ------------------------------------------------------------------ rows and announcements

    def _outcome(
        self,
        visit: OnDesk,
        known: Known | None,
        revision: WrittenRevision | None,
        due: Sequence[DocumentationQuestion],
        row: StoredVisit,
        now: datetime,
    ) -> Outcome:
        said, revisions, announcements = [], [], []
        if revision is not None:
            said.append(revision)
            announcements.append(announcement(self.topics.drafts, revision, now))
            revisions.append(_stored(revision, now))
        changed = list(_question_changes(visit.standing.asked, due, max(row.revision, 1)))
        questions = []
        for question in changed:
            announcements.append(announcement(self.topics.questions, question, now))
            before = visit.standing.asked.get(question.question_id)
            questions.append(_stored_question(question, before, announcements[-1], now))
        asked = {**visit.standing.asked, **{each.question_id: each for each in questions}}
        open_now = {name: each for name, each in asked.items() if each.closed_at is None}
        return Outcome(
            revisions=revisions,
            announcements=announcements,
            visits=_changed_row(visit.row, row),
            questions=questions,
            said=said,
            asked=changed,
            withheld=_newly_withheld(revision, visit.standing.last),
            standings={visit.key: visit.standing._replace(last=known, asked=open_now)},
        )


def _next_revision(
    made: Draft, known: Known | None, *, final: bool, incomplete: bool
) -> WrittenRevision | None:
    """The next revision, None where it would say the same; the first of an empty visit says nothing."""
    said = known.said if known is not None else None
    standing = ("final" if final else "open", incomplete)
    if known is not None and known.made == made and (known.said.status, known.said.incomplete) == standing:
        return None
    revision = revision_of(
        made,
        revision=said.revision + 1 if said is not None else 1,
        final=final,
        incomplete=incomplete,
        before=said.billed if said is not None else {},
    )
    if said is None:
        return revision if made.encounters or made.questions else None
    return revision if revision.said.content != said.content else None


def _newly_withheld(revision: WrittenRevision | None, last: Known | None) -> list[str]:
    """The reasons of what a revision withholds that the last one did not."""
    if revision is None:
        return []
    before = last.said.withheld if last is not None else frozenset()
    return [reason for reason, *_administrations in revision.said.withheld - before]


def _questions(made: Draft, revision: int, timeline: Timeline) -> Sequence[events.AskedQuestion]:
    """All questions of a draft, also those that are not due yet."""
    by_key: dict[str, Administration] = {item.key: item for item in timeline.administrations}
    return events.questions_of(made, revision, by_key)


def _question_changes(
    asked: Mapping[str, StoredQuestion], due: Sequence[DocumentationQuestion], revision: int
) -> Iterator[DocumentationQuestion]:
    """Questions newly opened, and those of `asked` that are closed in this revision."""
    now = {each.question_id for each in due}
    gone = [each for name, each in asked.items() if name not in now]
    before = [DocumentationQuestion.model_validate_json(each.body) for each in gone]
    opened = [each for each in due if each.question_id not in asked]
    return events.question_changes(before, opened, revision)


def _undrafted(row: StoredVisit | None, now: datetime) -> Outcome:
    """A visit that only a parked message or a nudge has named: there is nothing to wait for."""
    if row is None:
        return Outcome()
    done = row._replace(settle_due=None, final_due=None, asked_due=None, updated_at=now)
    return Outcome(visits=_changed_row(row, done))


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
    return [after._replace(updated_at=before.updated_at)] if after.asked_due != before.asked_due else []


def _stored(revision: WrittenRevision, now: datetime) -> StoredRevision:
    return StoredRevision(
        revision.facility, revision.visit, revision.revision, revision.said.status, revision.said.policy,
        revision.rulebook, now, revision.value.decode(), revision.changes.decode(),
    )  # fmt: skip


def _stored_question(
    question: DocumentationQuestion,
    before: StoredQuestion | None,
    announced: Announcement,
    now: datetime,
) -> StoredQuestion:
    return StoredQuestion(
        question.facility, question.visit, question.question_id, question.code,
        before.opened_at if before is not None else now, now if question.state == "closed" else None,
        announced.payload.decode(),
    )  # fmt: skip


def announcement(topic: str, data: events.Event, now: datetime) -> Announcement:
    """An event as a row of the outbox."""
    key, headers, value = events.to_kafka(events.Announcement(data, now))
    return Announcement(topic, key, headers["ce_id"], json.dumps(headers), value, now)
