"""What a run over a feed comes to: visits with their drafts, and an account of every message.

It owns the shapes that the programs print and that `chargeline.code` returns, and the flat rows for
those who work with data frames. The values in it are the engine's own: nothing is worded anew.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal, NamedTuple, TypedDict

from chargeline.engine import (
    FAMILIES,
    NO_HISTORY,
    ChargeLine,
    Draft,
    Finding,
    History,
    Question,
    Timeline,
    VisitKey,
    Withheld,
    differences_in_words,
    explain,
)

Outcome = Literal["line", "question", "withheld"]


class DraftRow(TypedDict):
    """One charge line, question or withheld service; the keys that do not apply to it are None.

    `facility` and `visit` name the visit, `encounter` is its first day (YYYY-MM-DD). `minutes` are
    the running minutes that count. `modifiers`, `administrations` and `other_policies` are joined
    by blanks, blanks and semicolons. `reason` is the role of a line (`chemo.infusion.initial`), the
    code of a question or the reason for which a service is withheld; `why` is that in one sentence.
    `ndc` is as a claim says it, such as N450242013201 UN3.
    """

    facility: str
    visit: str
    encounter: str | None
    policy: str
    outcome: Outcome
    code: str | None
    units: int | None
    modifiers: str | None
    service_date: date | None
    drug: str
    minutes: int | None
    reason: str
    why: str
    provisional: str | None
    line_id: str | None
    administrations: str
    other_policies: str | None
    ndc: str | None


class SetAside(NamedTuple):
    """A message, or a part of a message, that was not used, and the reason.

    `place` names the file and the position in it: "feed.hl7, message 2". `visit` is None if the
    visit is not known.
    """

    place: str
    control_id: str
    visit: VisitKey | None
    finding: Finding


class Oddity(NamedTuple):
    """Something that the reader tolerated in `messages` messages; `places` names the first of them.

    `code` is one of `hl7.message.WARNINGS`, and `says` is that in words.
    """

    code: str
    says: str
    messages: int
    places: tuple[str, ...]


class CodedVisit(NamedTuple):
    """One visit with its timeline, its draft, and what its patient's other visits contribute."""

    timeline: Timeline
    draft: Draft
    history: History = NO_HISTORY


class Run(NamedTuple):
    """The drafts of a feed, and the count of its messages.

    `used` counts the messages that were not set aside as a whole, duplicates included. `duplicates`
    counts the repeated messages: three copies of one message are 3 read, 3 used, 2 duplicates.
    `titles` gives the title of each source that a rule cites, by its key. `oddities` are what the
    reader tolerated, the most frequent first.
    """

    visits: tuple[CodedVisit, ...]
    read: int
    used: int
    duplicates: int
    set_aside: tuple[SetAside, ...]
    titles: Mapping[str, str]
    oddities: tuple[Oddity, ...] = ()

    def explain(self, entry: ChargeLine | Withheld | Question) -> str:
        """The reasons of an entry as text: each step with its rule, sources, facts and fields."""
        return explain(entry, self.titles)

    def to_rows(self) -> list[DraftRow]:
        """A row for each charge line, question and withheld service, as a data frame takes them.

        `pandas.DataFrame(run.to_rows())` has the keys of `DraftRow` as its columns. The visits come
        in the order of the run. Of a visit the questions about it as a whole come first, and then
        its encounters, each with its lines, its questions and what is withheld.
        """
        return [row for visit in self.visits for row in _rows_of(visit.draft)]


def _rows_of(draft: Draft) -> Iterator[DraftRow]:
    for question in draft.questions:
        yield _row_of_question(draft, None, question)
    for encounter in draft.encounters:
        for line in encounter.lines:
            yield _row_of_line(draft, encounter.encounter, line)
        for question in encounter.questions:
            yield _row_of_question(draft, encounter.encounter, question)
        for withheld in encounter.withheld:
            yield _row_of_withheld(draft, encounter.encounter, withheld)


def _row(
    draft: Draft,
    encounter: str | None,
    entry: ChargeLine | Withheld | Question,
    *,
    outcome: Outcome,
    reason: str,
    why: str,
) -> DraftRow:
    """A row with what all entries have; None for what only some have."""
    return DraftRow(
        facility=draft.key.facility,
        visit=draft.key.visit,
        encounter=encounter,
        policy=draft.policy,
        outcome=outcome,
        code=None,
        units=None,
        modifiers=None,
        service_date=None,
        drug=entry.drug,
        minutes=None,
        reason=reason,
        why=why,
        provisional=None,
        line_id=None,
        administrations=" ".join(entry.administrations),
        other_policies=None,
        ndc=None,
    )


def _row_of_line(draft: Draft, encounter: str, line: ChargeLine) -> DraftRow:
    why = FAMILIES[line.family].reason_in_short(line)
    row = _row(draft, encounter, line, outcome="line", reason=line.role, why=why)
    return {
        **row,
        "code": line.code,
        "units": line.units,
        "modifiers": " ".join(line.modifiers),
        "service_date": line.service_date,
        "minutes": line.minutes,
        "provisional": line.provisional,
        "line_id": line.line_id,
        "other_policies": _other_policies(line),
        "ndc": line.ndc.in_full if line.ndc is not None else None,
    }


def _row_of_withheld(draft: Draft, encounter: str, withheld: Withheld) -> DraftRow:
    row = _row(
        draft,
        encounter,
        withheld,
        outcome="withheld",
        reason=withheld.reason,
        why=withheld.says,
    )
    return {**row, "minutes": withheld.minutes, "other_policies": _other_policies(withheld)}


def _row_of_question(draft: Draft, encounter: str | None, question: Question) -> DraftRow:
    finding = question.finding
    return _row(
        draft, encounter, question, outcome="question", reason=finding.code, why=str(finding)
    )


def _other_policies(entry: ChargeLine | Withheld) -> str:
    return "; ".join(differences_in_words(entry))
