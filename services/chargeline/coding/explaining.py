"""`chargeline explain`: the reasons of one line, of one visit or of all visits, as text.

It owns which lines, withheld services and questions are shown, in which order, and what stands
above them: the visit with what was given, when and from when to when it ran. The text of an entry
comes from the engine's `explain`, because the reasons are part of the draft. The step
about the encounter, which all entries share, is told with the first.
"""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from chargeline.coding.authorization_page import authorizations_in_words
from chargeline.coding.course_page import courses_in_words
from chargeline.coding.page import given_in_words
from chargeline.coding.run import CodedVisit, Run
from chargeline.drafting.visit_record import record_of
from chargeline.engine import (
    ChargeLine,
    EncounterDraft,
    Formulary,
    Question,
    Rulebook,
    Timeline,
    Withheld,
    explain,
    printable,
    with_answers,
)


def explanations(run: Run, rulebook: Rulebook, visit: str = "", line_id: str = "") -> Iterator[str]:
    """The explanations as blocks of text: of one line, of one visit, or of everything.

    `line_id` may be the beginning of one.
    """
    for coded in run.visits:
        if not visit or coded.timeline.key.visit == visit:
            yield from reasons_of(coded, rulebook, line_id)


def reasons_of(coded: CodedVisit, rulebook: Rulebook, line_id: str = "") -> Iterator[str]:
    """The explanations of one visit, or of its lines whose id begins with `line_id`."""
    formulary, titles = rulebook.formulary, rulebook.sources
    timeline = with_answers(coded.timeline, formulary)
    if not line_id:
        for question in coded.draft.questions:
            yield explain(question, titles)
        record = record_of(coded, timeline)
        for sentence in (
            *courses_in_words(coded, record, rulebook),
            *authorizations_in_words(coded, record),
        ):
            yield printable(f"Visit {coded.timeline.key.visit}, {sentence}")
    for encounter in coded.draft.encounters:
        entries = _entries(encounter, line_id)
        if entries:
            number = printable(coded.timeline.key.visit)
            yield f"Visit {number}, encounter {encounter.encounter}, {encounter.policy}"
            yield from _given(timeline, encounter, entries, formulary)
            told: set[str] = set()
            for entry in entries:
                yield explain(entry, titles, told)


def _entries(encounter: EncounterDraft, line_id: str) -> Sequence[ChargeLine | Withheld | Question]:
    if line_id:
        return [line for line in encounter.lines if line.line_id.startswith(line_id)]
    return [*encounter.lines, *encounter.withheld, *encounter.questions]


def _given(
    timeline: Timeline,
    encounter: EncounterDraft,
    entries: Sequence[ChargeLine | Withheld | Question],
    formulary: Formulary,
) -> Iterator[str]:
    """What was given, a line for each administration that an entry is about, and its codes."""
    zone = ZoneInfo(timeline.context.zone)
    about = {key for entry in entries for key in entry.administrations}
    for item in timeline.administrations:
        if item.key in about:
            codes = [line.code for line in encounter.lines if item.key in line.administrations]
            ends = ", ".join(codes) or "no line"
            yield printable(f"  given {given_in_words(item, formulary, zone)}: {ends}")
