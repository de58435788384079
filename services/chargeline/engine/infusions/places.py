"""What infusions, pushes and injections are while they are being placed among each other.

It owns the shapes that the steps of `place.py` hand on. A step returns what it adds, a list of
entries; who calls it decides where that goes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chargeline.engine.services.records import Service, start_seconds
from chargeline.engine.spans import Span
from chargeline.engine.trace import Question, Step
from chargeline.engine.words import DrugClass, Position, Technique

CHEMOTHERAPY: frozenset[DrugClass] = frozenset({"chemo", "hormonal"})
"""The classes that are given under the codes of chemotherapy."""


class Candidate(NamedTuple):
    """One infusion or push that competes for a place; infusions of one drug may be joined in it.

    `minutes` are those that count. `spans` are seconds since 1970, as is `start`.
    """

    services: tuple[Service, ...]
    technique: Technique
    minutes: int
    spans: tuple[Span, ...]
    start: int
    steps: tuple[Step, ...]

    @property
    def service_class(self) -> DrugClass:
        """The class of the drug."""
        return self.services[0].service_class

    @property
    def substance(self) -> str:
        """What was given."""
        return self.services[0].substance

    @property
    def presence(self) -> Sequence[Span]:
        """When it was given, also where that was one moment."""
        return self.spans or ((self.start, self.start),)


def candidate(
    services: Sequence[Service],
    *,
    minutes: int,
    spans: Iterable[Span],
    technique: Technique | None = None,
    steps: tuple[Step, ...] = (),
) -> Candidate:
    """A candidate of some services, the first of which names it; `technique` if not its own."""
    first = services[0]
    together = tuple(spans)
    own = technique or first.technique
    assert own is not None, "a service has a technique"
    return Candidate(
        services=tuple(services),
        technique=own,
        minutes=minutes,
        spans=together,
        start=together[0][0] if together else start_seconds(first),
        steps=steps,
    )


def clock_order(each: Candidate) -> tuple[int, str]:
    """The order of candidates: by start, then by key, so that it is the same for all arrivals."""
    return (each.start, each.services[0].administration.key)


class Placement(NamedTuple):
    """Services that are reported together, the first of them being the anchor, and their place.

    `technique` is how they are reported. `minutes` are those that count toward units. `distinct` is
    the modifier of a second initial service and of all further hours of its line, or "". `steps`
    are the reasons for the place.
    """

    services: tuple[Service, ...]
    technique: Technique
    position: Position
    minutes: int
    distinct: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def service_class(self) -> DrugClass:
        """The class of the drug."""
        return self.services[0].service_class


class NotReported(NamedTuple):
    """Services that the encounter as a whole keeps from being billed, and the reason."""

    services: tuple[Service, ...]
    reason: str
    says: str
    minutes: int | None
    steps: tuple[Step, ...]


Entry = Placement | NotReported | Question
"""What a step adds: services in their place, services that are not reported, or a question."""


class Places(NamedTuple):
    """Where all services of an encounter ended."""

    placements: tuple[Placement, ...]
    not_reported: tuple[NotReported, ...]
    questions: tuple[Question, ...]


def places_of(entries: Sequence[Entry]) -> Places:
    """What all steps added, by kind."""
    placements: list[Placement] = []
    not_reported: list[NotReported] = []
    questions: list[Question] = []
    for entry in entries:
        if isinstance(entry, Placement):
            placements.append(entry)
        elif isinstance(entry, NotReported):
            not_reported.append(entry)
        else:
            questions.append(entry)
    return Places(tuple(placements), tuple(not_reported), tuple(questions))


def placed(
    what: Candidate,
    position: Position,
    *,
    minutes: int | None = None,
    distinct: str = "",
    steps: tuple[Step, ...] = (),
) -> Placement:
    """A candidate in its place, for further reasons; `minutes` if not all of its own count."""
    return Placement(
        services=what.services,
        technique=what.technique,
        position=position,
        minutes=what.minutes if minutes is None else minutes,
        distinct=distinct,
        steps=(*what.steps, *steps) if what.steps else steps,
    )
