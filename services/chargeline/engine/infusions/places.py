"""The shapes of infusions, pushes and injections while they are given their places.

It owns the shapes that the steps of `place.py` hand to each other, and decides nothing. A step
returns a list of the entries that it adds, and its caller decides what becomes of them, so that no
step changes what another one has added.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chargeline.engine.services.records import Service, start_seconds
from chargeline.engine.shapes import by_keyword
from chargeline.engine.spans import Span
from chargeline.engine.trace import Question, Step
from chargeline.engine.words import DrugClass, Position, Technique

CHEMOTHERAPY: frozenset[DrugClass] = frozenset({"chemo", "hormonal"})
"""The classes of drugs that are given under the codes of chemotherapy."""


class Candidate(NamedTuple):
    """One infusion or push that competes for a place, or several infusions of one drug together.

    `minutes` are those that count. `spans` and `start` are in seconds since 1970.
    """

    services: tuple[Service, ...]
    service_class: DrugClass
    substance: str
    technique: Technique
    minutes: int
    spans: tuple[Span, ...]
    start: int
    steps: tuple[Step, ...]

    @property
    def presence(self) -> Sequence[Span]:
        """The spans, or one moment as a span without length where there is no span."""
        return self.spans or ((self.start, self.start),)


_new_candidate = by_keyword(Candidate)


def candidate(
    services: Sequence[Service],
    *,
    minutes: int,
    spans: Iterable[Span],
    technique: Technique | None = None,
    steps: tuple[Step, ...] = (),
) -> Candidate:
    """A candidate of some services, with drug, class and key of the first one.

    `technique` is given where the candidate is placed as another technique than the first service.
    """
    first = services[0]
    together = tuple(spans)
    own = technique or first.technique
    assert own is not None, "a service has a technique"
    return _new_candidate(
        services=tuple(services),
        service_class=first.service_class,
        substance=first.substance,
        technique=own,
        minutes=minutes,
        spans=together,
        start=together[0][0] if together else start_seconds(first),
        steps=steps,
    )


def clock_order(competitor: Candidate) -> tuple[int, str]:
    """Sorts candidates by start, then by key, so that arrival does not change the order."""
    return (competitor.start, competitor.services[0].administration.key)


class Placement(NamedTuple):
    """Services that are reported together, and their place; the first service names the line.

    `technique` is how the services are reported. `minutes` are those that count toward units.
    `distinct` is the modifier of a second initial service and of all further hours of its access
    line, or "". `steps` are the reasons for the place.
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


_new_placement = by_keyword(Placement)


class NotReported(NamedTuple):
    """Services that are not billed because of other services of the encounter, and the reason."""

    services: tuple[Service, ...]
    reason: str
    says: str
    minutes: int | None
    steps: tuple[Step, ...]

    @property
    def technique(self) -> Technique | None:
        """How the services were given."""
        return self.services[0].technique


Entry = Placement | NotReported | Question
"""What a step adds: services in their place, services that are not reported, or a question."""


class Places(NamedTuple):
    """The places of all services of an encounter, and the questions about them."""

    placements: tuple[Placement, ...]
    not_reported: tuple[NotReported, ...]
    questions: tuple[Question, ...]


def places_of(entries: Sequence[Entry]) -> Places:
    """The entries of all steps, sorted by kind."""
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
    """A candidate in its place.

    `minutes` is given where other minutes count than the candidate's own. `steps` are the reasons
    for the place, added to those of the candidate.
    """
    return _new_placement(
        services=what.services,
        technique=what.technique,
        position=position,
        minutes=what.minutes if minutes is None else minutes,
        distinct=distinct,
        steps=(*what.steps, *steps) if what.steps else steps,
    )
