"""From timelines to revisions: what is new in a visit's draft, and who is told.

It owns when a draft is final, when a question is put to a person, and that nothing is announced twice
for one content. It writes nothing: rows and announcements go out as values.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from chargeline.bus import events
from chargeline.engine.builder import Memory
from chargeline.engine.draft import Rulebook, draft
from chargeline.engine.events import VisitKey
from chargeline.engine.timeline import Administration, Timeline
from chargeline.engine.trace import Draft
from chargeline.ledger.records import Announcement, StoredQuestion, StoredRevision, StoredVisit

MISSING_STOP = "stop.missing"
# Where no order says how long an infusion runs, its stop is asked for after half a day.
UNORDERED = timedelta(hours=12)
LOOK_AGAIN = timedelta(minutes=1)


class Outcome(NamedTuple):
    """What a round of drafting changes."""

    revisions: Sequence[StoredRevision]
    announcements: Sequence[Announcement]
    seconds: float
    visits: Sequence[StoredVisit] = ()
    questions: Sequence[StoredQuestion] = ()
    said: Sequence[events.DraftRevision] = ()
    asked: Sequence[events.DocumentationQuestion] = ()


class Topics(NamedTuple):
    """Where drafts and questions go."""

    drafts: str
    questions: str


class Known(NamedTuple):
    """What was last said of a visit."""

    revision: events.DraftRevision

    @classmethod
    def of(cls, stored: StoredRevision) -> "Known":
        """From the ledger's row."""
        return cls(events.DraftRevision.model_validate_json(stored.body))

    @property
    def lines(self) -> list[events.Line]:
        """All lines of the revision."""
        return [line for encounter in self.revision.encounters for line in encounter.lines]


class Drafting:
    """Makes revisions. `grace`: how long after discharge a draft stays open."""

    def __init__(
        self, rulebook: Rulebook, policy: str, topics: Topics, grace: timedelta, stop_grace: timedelta
    ) -> None:
        self.rulebook = rulebook
        self.policy = policy
        self.topics = topics
        self.grace = grace
        self.stop_grace = stop_grace

    def revise(
        self,
        timelines: Mapping[VisitKey, Timeline | None],
        last: Mapping[VisitKey, Known | None],
        asked: Mapping[VisitKey, Sequence[StoredQuestion]],
        memories: dict[VisitKey, Memory],
        surviving: Callable[[VisitKey], VisitKey],
        second: Mapping[VisitKey, frozenset[date]],
        now: datetime,
    ) -> Outcome:
        """What is new in these visits. A timeline that is None was merged into another visit's."""
        rounds = [
            self._merged(key, surviving(key), last.get(key), asked[key], now)
            if timeline is None
            else self._one(key, timeline, last.get(key), asked[key], memories, second[key], now)
            for key, timeline in timelines.items()
        ]
        return Outcome(
            revisions=[each for one in rounds for each in one.revisions],
            announcements=[each for one in rounds for each in one.announcements],
            seconds=0.0,
            visits=[each for one in rounds for each in one.visits],
            questions=[each for one in rounds for each in one.questions],
            said=[each for one in rounds for each in one.said],
            asked=[each for one in rounds for each in one.asked],
        )

    def _one(
        self,
        key: VisitKey,
        timeline: Timeline,
        known: Known | None,
        asked: Sequence[StoredQuestion],
        memories: dict[VisitKey, Memory],
        second: frozenset[date],
        now: datetime,
    ) -> Outcome:
        made = self.draft(timeline, second, memories)
        discharged = timeline.context.discharged
        final_due = discharged + self.grace if discharged is not None else None
        final = final_due is not None and now >= final_due
        number = (known.revision.revision if known else 0) + 1
        revision = events.revision_of(
            made,
            revision=number,
            final=final,
            incomplete=bool(timeline.problems),
            before=known.lines if known else [],
        )
        new = _is_new(revision, known)
        if not new:
            number -= 1
        questions, next_question = self._due_questions(made, timeline, max(number, 1), final, now)
        changed = list(events.question_changes(_open(asked), questions, max(number, 1)))
        if len(timeline.patients) > 1:
            next_question = now + LOOK_AGAIN  # the merge may come through another partition
        visit = StoredVisit(
            key.facility, key.visit, "final" if final else "open", number, None,
            None if final else final_due, next_question, discharged, bool(timeline.problems), now,
        )  # fmt: skip
        return self._outcome(revision if new else None, changed, asked, visit, now)

    def draft(self, timeline: Timeline, second: frozenset[date], memories: dict[VisitKey, Memory]) -> Draft:
        """The draft of a visit; `second` are the days on which the patient was somewhere else before."""
        memory = memories.setdefault(timeline.key, Memory())
        return draft(timeline, self.rulebook, self.policy, second_encounters=second, memory=memory)

    def _merged(
        self,
        key: VisitKey,
        survivor: VisitKey,
        known: Known | None,
        asked: Sequence[StoredQuestion],
        now: datetime,
    ) -> Outcome:
        """A visit whose services belong to another now: every line is removed, every question closed."""
        number = known.revision.revision if known else 0
        visit = StoredVisit(key.facility, key.visit, "merged", number, None, None, None, None, False, now)
        if known is None or known.revision.status == "merged" or survivor == key:
            return self._outcome(None, [], asked, visit, now)
        empty = Draft(key, known.revision.policy, self.rulebook.version, (), ())
        revision = events.revision_of(
            empty,
            revision=number + 1,
            final=False,
            incomplete=False,
            before=known.lines,
            merged_into=survivor.visit,
        )
        closed = list(events.question_changes(_open(asked), [], number + 1))
        return self._outcome(revision, closed, asked, visit._replace(revision=number + 1), now)

    # ------------------------------------------------------------------ questions

    def _due_questions(
        self, made: Draft, timeline: Timeline, revision: int, final: bool, now: datetime
    ) -> tuple[list[events.DocumentationQuestion], datetime | None]:
        """Questions to put now, and when the next one may be due.

        A missing stop is a question only when the infusion should be over: until then it runs.
        """
        by_key: dict[str, Administration] = {item.key: item for item in timeline.administrations}
        due: list[events.DocumentationQuestion] = []
        later: list[datetime] = []
        for question in events.questions_of(made, revision, by_key):
            when = self._when(question)
            if final or timeline.context.discharged is not None or when is None or when <= now:
                due.append(question)
            else:
                later.append(when)
        return due, min(later, default=None)

    def _when(self, question: events.DocumentationQuestion) -> datetime | None:
        if question.code != MISSING_STOP or question.since is None:
            return None
        if question.ordered_minutes is None:
            return question.since + UNORDERED
        return question.since + timedelta(minutes=question.ordered_minutes) + self.stop_grace

    # ------------------------------------------------------------------ rows and announcements

    def _outcome(
        self,
        revision: events.DraftRevision | None,
        questions: Sequence[events.DocumentationQuestion],
        asked: Sequence[StoredQuestion],
        visit: StoredVisit,
        now: datetime,
    ) -> Outcome:
        stored = []
        announcements = []
        if revision is not None:
            stored.append(_stored(revision, now))
            announcements.append(announcement(self.topics.drafts, revision, now))
        opened = {each.question_id: each for each in asked}
        rows = []
        for question in questions:
            announcements.append(announcement(self.topics.questions, question, now))
            before = opened.get(question.question_id)
            rows.append(
                StoredQuestion(
                    visit.facility, visit.visit, question.question_id, question.code,
                    before.opened_at if before else now, now if question.state == "closed" else None,
                    question.model_dump_json(),
                )
            )  # fmt: skip
        said = [revision] if revision is not None else []
        return Outcome(stored, announcements, 0.0, [visit], rows, said, questions)


def _is_new(revision: events.DraftRevision, known: Known | None) -> bool:
    """Whether a revision says anything else than the last one; the first of an empty visit says nothing."""
    if known is None:
        return bool(revision.encounters or revision.questions)
    same = {"revision", "changes"}
    return revision.model_dump(exclude=same) != known.revision.model_dump(exclude=same)


def _open(asked: Sequence[StoredQuestion]) -> list[events.DocumentationQuestion]:
    return [events.DocumentationQuestion.model_validate_json(each.body) for each in asked]


def _stored(revision: events.DraftRevision, now: datetime) -> StoredRevision:
    return StoredRevision(
        revision.facility, revision.visit, revision.revision, revision.status, revision.policy,
        revision.rulebook, now, revision.model_dump_json(), revision.changes.model_dump_json(),
    )  # fmt: skip


def announcement(topic: str, data: events.Data, now: datetime) -> Announcement:
    """An event as a row of the outbox."""
    key, headers, value = events.to_kafka(events.Announcement(data, now))
    named = {name: text.decode() for name, text in headers}
    return Announcement(topic, key.decode(), named["ce_id"], json.dumps(named), value, now)
