"""From drafts to revisions: what is new in a visit's draft, and which events say so.

This module owns when a draft becomes a revision and when it is final. It refuses to publish the
same content twice: a draft that says what the last revision said makes no revision. It writes
nothing; rows and events go out as values, and `processor.py` stores them.

An infusion is charted at 09:00 and stopped at 10:30, and the patient leaves at 11:00. The draft of
09:00 becomes revision 1, open. The stop makes revision 2, open, which credits what 1 billed and
bills the longer time. With a grace of 24 hours the draft becomes final at 11:00 on the next day:
that is revision 3, with the same lines. A copy of the stop that comes after it makes no revision.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from chargeline.drafting.announcing import announcement
from chargeline.drafting.due import due_questions, look_again
from chargeline.drafting.reading_back import question_read
from chargeline.drafting.rows import (
    asking,
    changed_row,
    given_up,
    new_visit,
    stored_question,
    stored_revision,
    told,
    waiting,
)
from chargeline.drafting.stops import StopDocumented, stops_documented
from chargeline.drafting.visit_state import LastRevision, UndraftedMessage, VisitState
from chargeline.engine import (
    Draft,
    Rulebook,
    SavedWork,
    Timeline,
    VisitKey,
    draft,
    with_answers,
)
from chargeline.ledger.records import (
    Announcement,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
)
from chargeline.published.drafts import WrittenRevision, revision_of
from chargeline.published.events import (
    NEEDED,
    AskedQuestion,
    late_question,
    merged_question,
    needed_of,
    question_changes,
    questions_of,
)
from chargeline.published.shapes import DocumentationQuestion
from chargeline.published.stakes import money
from chargeline.published.writing import VisitDraft, visit_draft


class Topics(NamedTuple):
    """The names of the topics to which drafts and questions go."""

    drafts: str
    questions: str
    authorizations: str = "authorization.needed"


class VisitToRevise(NamedTuple):
    """A visit that may need a revision.

    A visit without timeline and draft was merged into `survivor`, or, if `survivor` is the visit
    itself, no message of it can be used yet.
    """

    key: VisitKey
    timeline: Timeline | None
    draft: Draft | None
    state: VisitState
    row: StoredVisit | None
    survivor: VisitKey


class DraftingResult(NamedTuple):
    """What a round of drafting changes: rows, events, and what metrics count.

    `states` holds the state of each visit after the round. `set_aside` are the codes for which
    visits were parked. `withheld` are the reasons of services
    that were not withheld before, `drafted` the messages that are in a draft now, and `seconds`
    the time that the drafting took. `places` are the nursing units of the visits, and `stops` says
    of each infusion of a revision that became final how its stop is documented.
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
    set_aside: Sequence[str] = ()
    states: Mapping[VisitKey, VisitState] = {}
    places: Mapping[VisitKey, str] = {}
    stops: Sequence[tuple[VisitKey, StopDocumented]] = ()


class RevisionMaker:
    """Drafts visits, and makes revisions of the drafts.

    `grace` is how long after discharge a draft stays open, `stop_grace` how long after its ordered
    end an infusion may lack its stop. `prices` are cents by code.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        topics: Topics,
        *,
        grace: timedelta,
        stop_grace: timedelta,
        prices: Mapping[str, int] | None = None,
    ) -> None:
        self.prices = prices or {}
        self.rulebook = rulebook
        self.topics = topics
        self.grace = grace
        self.stop_grace = stop_grace

    def answered(self, timeline: Timeline) -> Timeline:
        """The timeline after what people answered."""
        return with_answers(timeline, self.rulebook.formulary)

    def draft(
        self, timeline: Timeline, state: VisitState, saved: dict[VisitKey, SavedWork]
    ) -> Draft:
        """Draft a visit, with what its state says of other visits and of dropped messages."""
        work = saved.setdefault(timeline.key, SavedWork())
        return draft(state.without_dropped(timeline), self.rulebook, state.history, saved=work)

    def revise(self, visits: Sequence[VisitToRevise], now: datetime) -> DraftingResult:
        """Find what is new in these visits."""
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
            places={visit.key: visit.timeline.context.place for visit in visits if visit.timeline},
            stops=[stop for result in results for stop in result.stops],
        )

    def _revise(self, visit: VisitToRevise, now: datetime) -> DraftingResult:
        if visit.row is not None and visit.row.status == "forgotten":
            return self._forgotten(visit, visit.row, now)
        if visit.draft is not None:
            return self._drafted(visit, now)
        if visit.survivor == visit.key:
            return _undrafted(visit.row, self.rulebook.version, now)
        return self._merged(visit, now)

    def _drafted(self, visit: VisitToRevise, now: datetime) -> DraftingResult:
        timeline, drafted = visit.timeline, visit.draft
        assert timeline is not None and drafted is not None
        discharged = timeline.context.discharged
        final_due = discharged + self.grace if discharged is not None else None
        final = final_due is not None and now >= final_due
        state = visit.state
        # A message that a person has seen to makes the visit incomplete no more, although it still
        # cannot be read.
        incomplete = state.parked or (
            bool(state.without_dropped(timeline).problems) and not state.settled
        )
        last, revision = self._next(
            drafted, timeline, state.last, final=final, incomplete=incomplete
        )
        questions: Sequence[AskedQuestion] = last.questions if last is not None else ()
        due, asked_due = due_questions(
            questions,
            stop_grace=self.stop_grace,
            closing=final or discharged is not None,
            now=now,
        )
        if state.beside_forgotten:
            due = [*due, merged_question(visit.key, max(last.digest.revision if last else 1, 1))]
        if len(timeline.patients) > 1:
            # The merge that joins the two patients may come through another partition, which does
            # not know of this visit.
            again = look_again(visit.row, now)
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
            rulebook=self.rulebook.version,
        )
        row = told(waiting(row, visit.row, revision), timeline)
        result = self._result(visit, row, last=last, revision=revision, due=due, now=now)
        if revision is None or not final:
            return result
        charted = self.answered(timeline).administrations
        stops = stops_documented(drafted, charted, self.stop_grace)
        return result._replace(stops=[(visit.key, stop) for stop in stops])

    def _next(
        self,
        drafted: Draft,
        timeline: Timeline,
        last: LastRevision | None,
        *,
        final: bool,
        incomplete: bool,
    ) -> tuple[LastRevision | None, WrittenRevision | None]:
        """What was said last of a visit after this draft, and the revision if one is to be made."""
        is_known = (
            last is not None
            and last.draft == drafted
            and _as_charted(last.timeline) == _as_charted(self.answered(timeline))
            and (last.digest.status, last.digest.incomplete)
            == ("final" if final else "open", incomplete)
        )
        if is_known:
            return last, None
        whole = visit_draft(drafted, timeline, self.rulebook.formulary)
        revision = self._next_revision(whole, last, final=final, incomplete=incomplete)
        if revision is not None:
            asked = questions_of(whole, revision.revision, self.prices)
            last = LastRevision(revision.digest, drafted, asked, whole.timeline)
        elif last is not None and last.draft != drafted:
            asked = questions_of(whole, last.digest.revision, self.prices)
            last = last._replace(draft=drafted, questions=asked, timeline=whole.timeline)
        return last, revision

    def _next_revision(
        self, visit: VisitDraft, last: LastRevision | None, *, final: bool, incomplete: bool
    ) -> WrittenRevision | None:
        """The next revision, or None if it would say what the last one said.

        A visit that never had a revision gets none as long as its draft is empty.
        """
        digest = last.digest if last is not None else None
        revision = revision_of(
            visit,
            revision=digest.revision + 1 if digest is not None else 1,
            final=final,
            incomplete=incomplete,
            before=digest.billed if digest is not None else {},
            prices=self.prices,
            chain_before=digest.chain if digest is not None else "",
        )
        if digest is None:
            return revision if visit.draft.encounters or visit.draft.questions else None
        return revision if revision.digest.content != digest.content else None

    def _stake(self, drafted: Draft) -> int:
        """The cents that the lines with an open question would bring.

        A code without a price counts nothing.
        """
        if not self.prices:
            return 0
        return money([line for line in drafted.lines if line.provisional], self.prices)

    def _forgotten(self, visit: VisitToRevise, row: StoredVisit, now: datetime) -> DraftingResult:
        """A visit whose messages were removed: a person is asked about the late message.

        The late message alone is not the whole visit, so no draft is made from it. That the row is
        incomplete tells retention that there is something to remove again.
        """
        question = late_question(visit.key, max(row.revision, 1))
        row = row._replace(settle_due=None, incomplete=True, updated_at=now)
        return self._result(
            visit, row, last=visit.state.last, revision=None, due=[question], now=now
        )

    def _merged(self, visit: VisitToRevise, now: datetime) -> DraftingResult:
        """A visit that was merged away: its lines are removed and its questions closed, because
        they are the survivor's now.
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
                VisitDraft(empty),
                revision=number + 1,
                final=False,
                incomplete=False,
                before=last.digest.billed,
                merged_into=visit.survivor.visit,
                chain_before=last.digest.chain,
            )
            last = LastRevision(revision.digest)
            number += 1
        row = new_visit(key, now)._replace(status="merged", revision=number)
        return self._result(visit, row, last=last, revision=revision, due=[], now=now)

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
        changes = list(_question_changes(visit.state.asked, due, max(row.revision, 1)))
        asked_last = last.questions if last is not None else ()
        needs = {asked.question.question_id: asked.need for asked in asked_last}
        questions = []
        for question in changes:
            announced = announcement(self.topics.questions, question, now)
            announcements.append(announced)
            if question.code == NEEDED:
                needed = needed_of(question, needs.get(question.question_id))
                announcements.append(announcement(self.topics.authorizations, needed, now))
            before = visit.state.asked.get(question.question_id)
            questions.append(stored_question(question, before, announced, now))
        asked = {**visit.state.asked, **{row.question_id: row for row in questions}}
        open_now = {name: asked[name] for name in asked if asked[name].closed_at is None}
        return DraftingResult(
            revisions=[stored_revision(revision, now)] if revision is not None else [],
            announcements=announcements,
            visits=changed_row(visit.row, asking(row, list(open_now.values()))),
            questions=questions,
            written=[revision] if revision is not None else [],
            asked=changes,
            withheld=_newly_withheld(revision, visit.state.last),
            states={visit.key: visit.state._replace(last=last, asked=open_now)},
        )


def _as_charted(timeline: Timeline | None) -> Timeline | None:
    """A timeline without the orders that only wait: what a draft says of them stands in it."""
    return timeline._replace(planned=()) if timeline is not None else None


def _newly_withheld(revision: WrittenRevision | None, last: LastRevision | None) -> list[str]:
    """The reasons of the services that a revision withholds and the last one did not."""
    if revision is None:
        return []
    before = last.digest.withheld if last is not None else frozenset()
    return [reason for reason, *_administrations in revision.digest.withheld - before]


def _question_changes(
    asked: Mapping[str, StoredQuestion], due: Sequence[DocumentationQuestion], revision: int
) -> Iterator[DocumentationQuestion]:
    """The questions that this revision opens, and those of `asked` that it closes."""
    now = {question.question_id for question in due}
    gone = [question for name, question in asked.items() if name not in now]
    before = [question_read(question) for question in gone]
    opened = [question for question in due if question.question_id not in asked]
    return question_changes(before, opened, revision)


def _undrafted(row: StoredVisit | None, rulebook: str, now: datetime) -> DraftingResult:
    """A visit that only a parked message or a nudge has named: nothing of it is due."""
    if row is None:
        return DraftingResult()
    nothing_due = given_up(row, rulebook, now)._replace(incomplete=row.incomplete)
    return DraftingResult(visits=changed_row(row, nothing_due))
