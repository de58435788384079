"""Tests of the engine through its public functions, and the simulated feed that they share.

Each feed is simulated once in a test run, because several modules ask for the same feed. It invents
all patients.
"""

from collections.abc import Iterable
from functools import cache

from chargeline.engine import Feed, Reading, Rulebook
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile, make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.simulator import simulate


@cache
def rulebook() -> Rulebook:
    return load_rulebook(rules_directory())


@cache
def profile(style: str = "standard") -> Profile:
    return make_profile(read_interface(rules_directory(), style))


def read(data: bytes, style: str = "standard") -> Reading:
    return read_events(read_message(data), profile(style))


def visits_of(messages: Iterable[bytes]) -> Feed:
    visits = Feed(rulebook().base)
    for data in messages:
        visits.add(read(data))
    return visits


@cache
def messy_feed(visits: int, seed: int) -> tuple[tuple[str, bytes], ...]:
    """Messages of a simulated feed in which much goes wrong, as (style, bytes)."""
    return simulate(visits=visits, seed=seed, mess=0.7).messages
