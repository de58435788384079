"""The lanes of the timeline: each administration with its bars, before anything is drawn.

It owns what the picture and the table of times have in common, so that both show the same facts:
when a drug ran, which letter it has, which codes it drafts, and which question asks about it. It
does not know coordinates.

A bar ends where the stop is charted. Without a stop, the bar of a patient who is still here, which
began less than twelve hours ago, runs until now; else the bar is pale and goes to the ordered end,
or to the last time of the visit where no order says how long. Times that cannot be (a stop before
its start) make a bar of no length.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.drafting.given_words import drug_words, route_words
from chargeline.engine import (
    Administration,
    Asked,
    ChargeLine,
    Draft,
    Formulary,
    Timeline,
    charge_in_short,
    printable,
)
from chargeline.workbench.visit.model import Letter

_LEAST_OPEN = timedelta(minutes=15)
_LONGEST_PUSH = timedelta(minutes=15)
_LONGEST_RUNNING = timedelta(hours=12)
_LETTERS: Sequence[tuple[str, Letter]] = (("chemo.", "C"), ("hydration.", "H"), ("", "T"))
NO_LINE = "Access line not charted"
OTHER_WAY = "No access line"


class Bar(NamedTuple):
    """One stretch, in UTC. `is_open`: no stop is charted. `is_running`: it goes on now."""

    start: datetime
    stop: datetime
    is_open: bool = False
    is_running: bool = False


class Lane(NamedTuple):
    """One administration. `group` is its access line; `numbers` are those of its questions.

    `lines` are the charge lines that give it, with their ids; empty where nothing is billed.
    """

    item: Administration
    letter: Letter
    drug: str
    dose: str
    group: str
    bars: tuple[Bar, ...]
    is_push: bool
    is_initial: bool
    lines: tuple[tuple[str, str], ...]
    numbers: tuple[int, ...]

    @property
    def minutes(self) -> int:
        """The charted running minutes; a stretch without a stop counts none."""
        seconds = [(bar.stop - bar.start).total_seconds() for bar in self.bars if not bar.is_open]
        return int(sum(seconds)) // 60

    @property
    def is_open(self) -> bool:
        """Whether its last stop is missing."""
        return self.bars[-1].is_open


class About(NamedTuple):
    """What lanes are made from besides their administrations.

    `without_stop` are the keys of those whose stop is asked for. Rules may say so of a dose with
    one charted time, which looks like a push in the timeline.
    """

    formulary: Formulary
    zone: ZoneInfo
    lines: Mapping[str, Sequence[ChargeLine]]
    numbers: Mapping[str, Sequence[int]]
    without_stop: frozenset[str]
    last: datetime | None
    running_until: datetime | None


def about(
    timeline: Timeline, draft: Draft, asked: Sequence[Asked], formulary: Formulary, now: datetime
) -> About:
    """What the lanes of a visit have in common; `timeline` is that after what people answered."""
    lines: dict[str, list[ChargeLine]] = {}
    for line in draft.lines:
        for key in line.administrations:
            lines.setdefault(key, []).append(line)
    numbers: dict[str, list[int]] = {}
    for number, question in enumerate(asked, start=1):
        for key in question.question.administrations:
            numbers.setdefault(key, []).append(number)
    times = [
        moment
        for item in timeline.administrations
        for run in item.intervals
        for moment in (run.start, run.stop)
        if moment is not None
    ]
    is_here = timeline.context.discharged is None
    return About(
        formulary,
        ZoneInfo(timeline.context.zone),
        lines,
        numbers,
        without_stop=frozenset(
            [
                key
                for entry in asked
                if entry.question.finding.code == "stop.missing"
                for key in entry.question.administrations
            ]
        ),
        last=max(times, default=None),
        running_until=now if is_here else None,
    )


def lane_of(item: Administration, about: About) -> Lane:
    """The lane of one administration."""
    drawn = [line for line in about.lines.get(item.key, ()) if line.family == "infusions"]
    words = drug_words(item, about.formulary)
    drug, dose = _parted(words)
    bars = tuple([_bar(item, place, about) for place in range(len(item.intervals))])
    return Lane(
        item=item,
        letter=_letter(drawn),
        drug=printable(drug),
        dose=printable(dose),
        group=printable(_group(item)),
        bars=bars,
        is_push=_is_push(bars, drawn),
        is_initial=any(".initial" in line.role for line in drawn),
        lines=tuple([(line.line_id, _in_short(line)) for line in drawn]),
        numbers=tuple(about.numbers.get(item.key, ())),
    )


def lanes_of(items: Iterable[Administration], about: About) -> list[Lane]:
    """The lanes of some administrations, in their order."""
    return [lane_of(item, about) for item in items]


def _parted(words: str) -> tuple[str, str]:
    """The name of a drug, and the rest: amount, further drugs."""
    first, plus, others = words.partition(" + ")
    name, _blank, amount = first.partition(" ")
    return (name, f"{amount}{plus}{others}".strip()) if amount else (first, others)


def _letter(lines: Sequence[ChargeLine]) -> Letter:
    if not lines:
        return "–"
    return next(letter for start, letter in _LETTERS if lines[0].role.startswith(start))


def _in_short(line: ChargeLine) -> str:
    short = charge_in_short(line.code, line.modifiers, line.units).replace(" x", " ×")
    return f"{short} ?" if line.provisional else short


def _group(item: Administration) -> str:
    if item.line:
        return f"Access line · {item.line}"
    return NO_LINE if item.route == "intravenous" else f"{OTHER_WAY} · {route_words(item)}"


def _is_push(bars: Sequence[Bar], lines: Sequence[ChargeLine]) -> bool:
    """Whether a diamond stands for it: one moment, or a short stretch that is billed as a push."""
    (first, *others) = bars
    if others or first.is_open:
        return False
    length = first.stop - first.start
    pushed = any((".push" in line.role or ".injection" in line.role) for line in lines)
    return not length or (pushed and length <= _LONGEST_PUSH)


def _bar(item: Administration, place: int, about: About) -> Bar:
    run = item.intervals[place]
    is_asked = item.key in about.without_stop and place == len(item.intervals) - 1
    if run.stop is not None and not (is_asked and run.stop == run.start):
        return Bar(run.start, max(run.start, run.stop))
    now = about.running_until
    if now is not None and run.start < now <= run.start + _LONGEST_RUNNING:
        return Bar(run.start, now, is_open=True, is_running=True)
    if item.ordered_minutes:
        return Bar(run.start, run.start + timedelta(minutes=item.ordered_minutes), is_open=True)
    least = run.start + _LEAST_OPEN
    return Bar(run.start, max(least, about.last or least), is_open=True)
