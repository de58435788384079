"""What the feed says of a visit on one day, gathered from reports, notes and posted charges.

It owns which of it can be used as it stands, and what cannot be: minutes in another unit, a word
that nobody mapped, two reports that disagree. Those parts are left out, or the lower of them is
taken, and each is told, so that a question can be asked. It asks no rule and knows no code.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from chargeline.engine.care import Care, Observation, PostedCharge, observes
from chargeline.engine.care_words import (
    OBSERVED_OF,
    Level,
    LevelFact,
    Observed,
    PatientStatus,
    PatientStatusFact,
)
from chargeline.engine.events import Source
from chargeline.engine.finding import excerpt
from chargeline.engine.quantities import plain

LEVELS: Mapping[str, Level] = {
    "straightforward": "straightforward",
    "low": "low",
    "moderate": "moderate",
    "high": "high",
}
"""The levels, the lowest first, by their words."""
RANKS: Mapping[LevelFact, int] = {
    "unlevelled": 0,
    "nurse": 0,
    **{level: rank for rank, level in enumerate(LEVELS.values(), start=1)},
}
"""The order of levels; a word that is none is an error."""
_STATUSES: Mapping[str, PatientStatus] = {"new": "new", "established": "established"}
_MINUTES = frozenset({"", "min", "mins", "minute", "minutes"})
_CONTINUING = {"yes": True, "no": False}
_Value = TypeVar("_Value", int, Level)
ELEMENTS: tuple[Observed, ...] = ("problems", "data", "risk")


class Unusable(NamedTuple):
    """A part of what was said that cannot be used as it stands: what it is, and where it stood."""

    about: Observed
    found: str
    sources: tuple[Source, ...]


class Disagreement(NamedTuple):
    """One thing of which two values are said; the lower one is taken until somebody answers.

    `together` is the sum of minutes, one value of each report; "" for what is not added.
    """

    about: Observed
    lower: str
    higher: str
    sources: tuple[Source, ...]
    together: str = ""


class VisitFacts(NamedTuple):
    """What is said of a visit on a day.

    `minutes` is None, and an element of decision making is missing, where nobody says it in a
    usable way. `statuses` are all words that are said of whether the patient is new, as written
    where nobody mapped them, and `said` is unknown where they differ. `continuing` is whether the
    practitioner goes on caring for the patient; None where what is said cannot be read. `sources`
    are those of each thing.
    """

    day: date
    minutes: int | None
    elements: dict[Observed, Level]
    said: PatientStatusFact
    statuses: tuple[str, ...]
    continuing: bool | None
    posted: tuple[PostedCharge, ...]
    unusable: tuple[Unusable, ...]
    disagreements: tuple[Disagreement, ...]
    sources: dict[str, tuple[Source, ...]]

    @property
    def are_told(self) -> bool:
        """Whether any report tells minutes, or anything of decision making."""
        return not {"visit_minutes", *ELEMENTS}.isdisjoint(self.sources)


def is_about_a_visit(care: Care) -> bool:
    """Whether anything that was said of a day may tell of a visit with a practitioner."""
    return (
        bool(care.posted)
        or observes(care, "visit")
        or any(note.kind == "visit" for note in care.notes)
    )


def facts_of(day: date, care: Care, posted: Sequence[PostedCharge]) -> VisitFacts:
    """What is said of a visit on a day; `care` is everything that was said of the day, and `posted`
    the charges of it that stand.
    """
    by_word: dict[Observed, list[Observation]] = {}
    for part in care.observations:
        if OBSERVED_OF[part.about] == "visit":
            by_word.setdefault(part.about, []).append(part)
    gathered = _Gathered(by_word)
    minutes = gathered.minutes()
    elements = {about: level for about in ELEMENTS if (level := gathered.level(about)) is not None}
    return VisitFacts(
        day,
        minutes=minutes,
        elements=elements,
        said=gathered.status(),
        statuses=gathered.statuses(),
        continuing=gathered.continuing(),
        posted=tuple(posted),
        unusable=tuple(gathered.unusable),
        disagreements=tuple(gathered.disagreements),
        sources={about: _sources(parts) for about, parts in by_word.items()},
    )


class _Gathered:
    """The observations of a visit by word, and what of them cannot be used."""

    def __init__(self, by_word: dict[Observed, list[Observation]]) -> None:
        self._by_word = by_word
        self.unusable: list[Unusable] = []
        self.disagreements: list[Disagreement] = []

    def minutes(self) -> int | None:
        """Whole minutes; of several that are said the fewest."""
        usable: list[tuple[str, int]] = []
        for part in self._by_word.get("visit_minutes", []):
            if part.amount is None or part.amount <= 0 or part.unit.casefold() not in _MINUTES:
                self._leave_out(part)
            else:
                usable.append((part.group, int(part.amount)))
        ascending = sorted({minutes for _, minutes in usable})
        together = _together(usable)
        if len(ascending) == 1 and together != ascending[0]:  # two reports, equally long
            ascending *= 2
        return self._lower("visit_minutes", ascending, str(together))

    def level(self, about: Observed) -> Level | None:
        """The level of one element of decision making; of several the lowest."""
        usable: set[Level] = set()
        for part in self._by_word.get(about, []):
            if part.value in LEVELS:
                usable.add(LEVELS[part.value])
            else:
                self._leave_out(part)
        return self._lower(about, [level for level in LEVELS.values() if level in usable])

    def status(self) -> PatientStatusFact:
        """Whether the patient is said to be new; unknown where words differ or cannot be read."""
        parts = self._by_word.get("patient_status", [])
        said = {part.value for part in parts}
        usable = [_STATUSES[value] for value in said if value in _STATUSES]
        return usable[0] if len(said) == len(usable) == 1 else "unknown"

    def statuses(self) -> tuple[str, ...]:
        """Every word that is said of whether the patient is new, each once."""
        words = {part.value for part in self._by_word.get("patient_status", [])}
        return tuple(sorted([excerpt(word) or "nothing" for word in words]))

    def continuing(self) -> bool | None:
        """Whether care goes on; None where it is said in a word that nobody mapped, or in two."""
        said = {part.value for part in self._by_word.get("continuing_care", [])}
        if not said:
            return False
        return _CONTINUING.get(" and ".join(sorted(said)))

    def _lower(
        self, about: Observed, ascending: Sequence[_Value], together: str = ""
    ) -> _Value | None:
        if len(ascending) > 1:
            lower, higher = str(ascending[0]), str(ascending[-1])
            sources = _sources(self._by_word[about])
            self.disagreements.append(
                Disagreement(about, lower, higher, sources=sources, together=together)
            )
        return ascending[0] if ascending else None

    def _leave_out(self, part: Observation) -> None:
        value = excerpt(part.value) or "nothing"
        text = f"{plain(part.amount) if part.amount is not None else value} {part.unit}".rstrip()
        self.unusable.append(Unusable(part.about, text, _sources([part])))


def _together(usable: Sequence[tuple[str, int]]) -> int:
    """The minutes of all reports, of each the fewest; of a single report all that differ."""
    reports = {report for report, _ in usable}
    if len(reports) < 2:
        return sum({minutes for _, minutes in usable})
    return sum([min([of for name, of in usable if name == report]) for report in reports])


def _sources(parts: Iterable[Observation]) -> tuple[Source, ...]:
    return tuple([part.source for part in parts])
