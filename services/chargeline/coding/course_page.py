"""The courses of radiation of a visit, for a page and for the reasons in text.

It owns the words for how a course stands: as all visits of the patient tell it until now, and which
of its sessions this visit tells. What counts, the engine says. It decides nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console

from chargeline.coding.beside import courses_of
from chargeline.coding.beside_page import print_sentences, print_table
from chargeline.coding.run import CodedVisit
from chargeline.engine import (
    CourseStanding,
    History,
    ManagementStanding,
    Rulebook,
)

_HEADINGS = ("course", "sessions", "management", "next unit", "stands", "this visit")


class ShownCourse(NamedTuple):
    """One course in words; `here` are the sessions that this visit tells, "" for none."""

    course: str
    sessions: str
    management: str
    next_unit: str
    state: str
    here: str


def _rows_of(coded: CodedVisit, record: History, rulebook: Rulebook) -> list[ShownCourse]:
    return [_shown(standing) for standing in courses_of(coded, record, rulebook)]


def _shown(standing: CourseStanding) -> ShownCourse:
    planned = " or ".join(map(str, standing.planned))
    sessions = [f"{standing.sessions} of {planned}" if planned else str(standing.sessions)]
    if standing.in_question:
        sessions.append(f"{standing.in_question} in question")
    if standing.booked:
        sessions.append(f"{standing.booked} booked")
    if standing.missing:
        sessions.append(f"not here: {', '.join(standing.missing)}")
    management = [_managed_in_words(managed) for managed in standing.management]
    if standing.counted_with:
        management.append(f"counted with {', '.join(standing.counted_with)}")
    return ShownCourse(
        course=standing.course or "without a number",
        sessions=", ".join(sessions),
        management=", ".join(management),
        next_unit=", ".join(
            dict.fromkeys([_next_in_words(managed) for managed in standing.management])
        ),
        state="ended" if standing.ended else "open",
        here=_places_in_words(standing.here),
    )


def _managed_in_words(managed: ManagementStanding) -> str:
    return f"{managed.units} x {managed.code}" if managed.code else "none"


def _next_in_words(managed: ManagementStanding) -> str:
    if managed.with_the_end:
        return "with the end"
    if managed.to_next is None:
        return "none to come"
    return f"in {managed.to_next} session{'s' if managed.to_next > 1 else ''}"


def _places_in_words(places: tuple[int, ...]) -> str:
    """Places of sessions in a course, such as `1 to 3, 5`."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join([f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs])


def courses_in_words(coded: CodedVisit, record: History, rulebook: Rulebook) -> Iterator[str]:
    """How the courses of a visit stand, a sentence each, for the reasons in text."""
    for shown in _rows_of(coded, record, rulebook):
        here = f"; this visit has {shown.here}" if shown.here else ""
        yield (
            f"course {shown.course}: sessions {shown.sessions}; management {shown.management}, "
            f"the next {shown.next_unit or 'none'}; {shown.state}{here}"
        )


def print_courses(
    console: Console, coded: CodedVisit, record: History, rulebook: Rulebook, *, narrow: bool
) -> None:
    """Print the courses of a visit as a table, or a sentence for each where it has no room."""
    if narrow:
        print_sentences(console, courses_in_words(coded, record, rulebook))
    else:
        print_table(console, _HEADINGS, _rows_of(coded, record, rulebook))
