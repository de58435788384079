"""Invents encounters from a seed, with minutes close to the limits of the rules.

It owns the shapes of the visits on which oracle and engine are compared, and writes a visit in the
notation of rule cases. It knows no codes: only the kind of each drug, and the minutes that coders
argue about, such as 15 and 16, or 30 and 31.
"""

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from chargeline.engine import Timeline, VisitContext
from chargeline.rulebook.cases import PATIENT, timeline_with
from chargeline.rulebook.notation import administration_of

# drug id -> its kind, as the printed lists have it
KINDS = {
    "cisplatin": "antineoplastic",
    "gemcitabine": "antineoplastic",
    "doxorubicin": "antineoplastic",
    "fluorouracil": "antineoplastic",
    "trastuzumab": "antineoplastic_antibody",
    "infliximab": "complex_biologic",
    "pembrolizumab": "checkpoint_inhibitor",
    "nivolumab": "checkpoint_inhibitor",
    "bevacizumab": "anti_vegf_antibody",
    "ondansetron": "supportive",
    "dexamethasone": "supportive",
    "leucovorin": "supportive",
    "famotidine": "supportive",
    "pegfilgrastim": "supportive",
    "denosumab": "supportive",
    "bortezomib": "antineoplastic",
    "azacitidine": "antineoplastic",
    "nivolumab-hyaluronidase": "checkpoint_inhibitor",
    "leuprolide": "hormonal",
    "fulvestrant": "hormonal",
    "sodium-chloride-0.9": "hydration_fluid",
    "d5-half-normal-saline": "hydration_fluid",
}
_CHEMO = ("cisplatin", "gemcitabine", "doxorubicin", "fluorouracil", "trastuzumab", "infliximab")
_DISPUTED = ("pembrolizumab", "nivolumab", "bevacizumab")
_SUPPORT = ("ondansetron", "dexamethasone", "leucovorin", "famotidine")
_FLUID = ("sodium-chloride-0.9", "d5-half-normal-saline")
_SHOTS = ("pegfilgrastim", "denosumab", "bortezomib", "azacitidine", "nivolumab-hyaluronidase")
_HORMONES = ("leuprolide", "fulvestrant")

_INFUSED = (
    1,
    5,
    14,
    15,
    16,
    17,
    29,
    30,
    31,
    32,
    45,
    59,
    60,
    61,
    90,
    91,
    92,
    120,
    149,
    150,
    151,
    210,
    211,
)
_LONG = (300, 420, 480, 481, 540, 600)
_PUSHED = (1, 2, 5, 10, 14, 15, 16, 20, 40)
_FLUID_MINUTES = (10, 15, 20, 29, 30, 31, 32, 46, 60, 61, 90, 91, 92, 120, 150, 151)
_PAUSES = (1, 2, 10, 20, 30)
_APART = (0, 0, 1, 2, 5, 14, 15, 16, 17, 28, 29, 30, 31, 32, 45, 60, 61)
_LINES = (("",), ("PORT",), ("PORT", "ARM"), ("PORT", "ARM"), ("", "PORT", "ARM"), ("", "PORT"))
_OPENING, _LATEST_START, _MIDNIGHT = 7 * 60, 13 * 60, 24 * 60


class Given(NamedTuple):
    """One drug given. `pieces` are (start, stop) in minutes of the day; equal means one time."""

    drug: str
    route: str  # iv | sc | im
    method: str  # "" | push | infusion
    line: str
    order: str
    pieces: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        return self.pieces[0][0]

    @property
    def stop(self) -> int:
        return self.pieces[-1][1]

    @property
    def minutes(self) -> frozenset[int]:
        """The minutes of the day in which it ran."""
        return _minutes(self.pieces)


@cache
def _minutes(pieces: tuple[tuple[int, int], ...]) -> frozenset[int]:
    return frozenset(minute for start, stop in pieces for minute in range(start, stop))


def notation(given: Given) -> str:
    """The text that a coder would write in a case."""
    times = ",".join(_clock(a) + (f"-{_clock(b)}" if b > a else "") for a, b in given.pieces)
    words = [
        given.drug,
        given.route,
        given.method,
        times,
        f"line={given.line}" if given.line else "",
    ]
    return " ".join(word for word in [*words, f"order={given.order}"] if word)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def timeline(visit: Sequence[Given]) -> Timeline:
    """The visit as the engine takes it: an outpatient without diagnoses, of no particular payer."""
    items = [
        administration_of(notation(given), number) for number, given in enumerate(visit, start=1)
    ]
    return timeline_with(items, VisitContext(patient=PATIENT, classes=((None, "outpatient"),)))


def random_visit(seed: int) -> tuple[Given, ...]:
    """The visit of a seed: one to eight administrations of one day."""
    chance = Random(f"visit:{seed}")
    palette = _palette(chance)
    lines = chance.choice(_LINES)
    visit: list[Given] = []
    for number in range(1, chance.randint(1, 8) + 1):
        visit.append(_administration(chance, palette, lines, visit, f"O{number}"))
    return tuple(visit)


def _palette(chance: Random) -> list[str]:
    """The few drugs of one visit; being few, the same drug often comes again."""
    kinds = (_CHEMO, _CHEMO, _DISPUTED, _SUPPORT, _SUPPORT, _FLUID, (*_SHOTS, *_HORMONES))
    return [chance.choice(chance.choice(kinds)) for _ in range(chance.randint(1, 5))]


def _administration(
    chance: Random,
    palette: Sequence[str],
    lines: Sequence[str],
    before: Sequence[Given],
    order: str,
) -> Given:
    drug = chance.choice(palette)
    start = _start(chance, before)
    line = chance.choice(lines)
    if drug in (*_SHOTS, *_HORMONES):
        return _injection(chance, drug, start, before, order)
    if drug in _FLUID:
        return Given(
            drug, "iv", "", line, order, _pieces(chance, start, chance.choice(_FLUID_MINUTES))
        )
    form = chance.randrange(10)
    if form == 0:
        return Given(drug, "iv", "", line, order, ((start, start),))
    if form <= 3:
        minutes = chance.choice((0, *_PUSHED))
        return Given(drug, "iv", "push", line, order, ((start, start + minutes),))
    minutes = chance.choice(_LONG) if chance.randrange(25) == 0 else chance.choice(_INFUSED)
    method = chance.choice(("", "", "infusion"))
    return Given(drug, "iv", method, line, order, _pieces(chance, start, minutes))


def _start(chance: Random, before: Sequence[Given]) -> int:
    """A start anywhere in the morning, or some minutes from the start or stop of an earlier drug.

    The minutes are those at which a rule changes its mind, such as 15, 16, 30 and 31.
    """
    if not before or chance.randrange(6) == 0:
        return chance.randint(_OPENING, _OPENING + 300)
    other = chance.choice(before)
    edge = chance.choice((other.start, other.stop, other.stop))
    return min(
        _LATEST_START, max(_OPENING, edge + chance.choice((1, 1, -1)) * chance.choice(_APART))
    )


def _pieces(chance: Random, start: int, minutes: int) -> tuple[tuple[int, int], ...]:
    if minutes < 2 or chance.randrange(6):
        return ((start, start + minutes),)
    first = chance.randint(1, minutes - 1)
    again = start + first + chance.choice(_PAUSES)
    stop = again + minutes - first
    assert stop < _MIDNIGHT, "a visit of one day"
    return ((start, start + first), (again, stop))


def _injection(chance: Random, drug: str, start: int, before: Sequence[Given], order: str) -> Given:
    """An injection, often as a further syringe of an order that the visit already has."""
    chosen = chance.choice(("sc", "sc", "im"))
    only_under_the_skin = drug in ("nivolumab-hyaluronidase", "bortezomib")
    route = "im" if drug in _HORMONES else "sc" if only_under_the_skin else chosen
    earlier = [each for each in before if each.drug == drug]
    if earlier and chance.randrange(2):
        last = chance.choice(earlier)
        start, order, route = (
            last.start + chance.choice((0, 1, 14, 15, 16, 17)),
            last.order,
            last.route,
        )
    return Given(drug, route, "", chance.choice(("", "ABD", "R-ARM")), order, ((start, start),))
