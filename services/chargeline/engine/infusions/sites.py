"""Infusions that are counted by site: under the skin, and into an artery.

It owns one decision: rows in one site are one infusion of all their minutes, whatever drugs ran. It
does not know how often a new site is reported; a cap (`units.cap`) says so. Example: three syringes
of immune globulin run into the left arm 09:00-09:30, 09:35-10:05 and 10:10-10:41. They are one
infusion of 30 + 30 + 31 = 91 minutes. A row without a charted site belongs to the site used first.
"""

from collections.abc import Sequence

from chargeline.engine.infusions.places import Entry, Placement
from chargeline.engine.services.records import Service, clock_order, joined_spans
from chargeline.engine.spans import seconds
from chargeline.engine.words import Position, Technique

# The position of a further site: under the skin it is one more set-up of a pump, beside the first.
_FURTHER_SITE: dict[Technique, Position] = {
    "subcutaneous_infusion": "additional",
    "arterial_infusion": "initial",
}
BY_SITE = frozenset(_FURTHER_SITE)
"""The techniques that are counted by site."""


def infusions_by_site(others: Sequence[Service]) -> list[Entry]:
    """The places of these infusions: a placement is a site, the sites in the order of their use."""
    entries: list[Entry] = []
    for technique, further in _FURTHER_SITE.items():
        infusions = [service for service in others if service.technique == technique]
        for index, site in enumerate(_sites(infusions)):
            entries.append(_placed(site, technique, further if index else "initial"))
    return entries


def _sites(infusions: Sequence[Service]) -> list[list[Service]]:
    """The infusions of each site, by the clock."""
    ordered = sorted(infusions, key=clock_order)
    named = [service.administration.line for service in ordered if service.administration.line]
    first = named[0] if named else ""
    sites: dict[str, list[Service]] = {}
    for service in ordered:
        sites.setdefault(service.administration.line or first, []).append(service)
    return list(sites.values())


def _placed(site: Sequence[Service], technique: Technique, position: Position) -> Placement:
    minutes = seconds(joined_spans(site)) // 60
    return Placement(services=tuple(site), technique=technique, position=position, minutes=minutes)
