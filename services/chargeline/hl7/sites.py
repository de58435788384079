"""Where a drug goes in: route and method, access line, device, and the mark of the primary service.

This module reads them from RXR and OBX and translates them into the words of the interface profile.
It does not decide whether a route can be billed; the rules do.
"""

from functools import lru_cache
from typing import NamedTuple

from chargeline.engine import words
from chargeline.hl7.delimiters import Delimiters, component, unescape
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import Row, field, first_of_all


class RouteWords(NamedTuple):
    """Route and method in words of the profile; `text` is the route as the sender wrote it."""

    route: words.RouteCharted
    text: str
    method: words.MethodCharted


_NO = frozenset({"", "N", "NO", "F", "FALSE", "0"})
"""Values of an observation that say no; every other value says yes."""
NO_ROUTE = RouteWords("", "", "")


def route_of(row: Row | None, profile: Profile, delimiters: Delimiters) -> RouteWords:
    """Route (RXR-1) and method (RXR-4, else RXR-1) in words of the profile.

    Of each field the code counts, then its text, the alternate code and the alternate text.

    Some senders write the method into RXR-1: `IVP` there is the vein and a push.
    """
    if row is None:
        return NO_ROUTE
    return _route_words(field(row, 1), field(row, 4), profile, delimiters)


@lru_cache(maxsize=2048)
def _route_words(route: str, method: str, profile: Profile, delimiters: Delimiters) -> RouteWords:
    of_route = [component(route, n, delimiters).strip().upper() for n in _CODED]
    of_method = [component(method, n, delimiters).strip().upper() for n in _CODED]
    routes = [profile.routes[word] for word in of_route if word in profile.routes]
    ways = [profile.methods[word] for word in of_method if word in profile.methods]
    return RouteWords(
        route=routes[0] if routes else "",
        text=next((word for word in of_route if word), ""),
        method=ways[0] if ways else profile.methods.get(of_route[0], ""),
    )


_CODED = (1, 2, 4, 5)
"""Components of a coded value (CWE): code, text, alternate code, alternate text."""


def observed(rows: list[Row], codes: frozenset[str], delimiters: Delimiters) -> str:
    """The value (OBX-5.1) of the first observation with one of these codes; "" if there is none."""
    for row in rows:
        if component(field(row, 3), 1, delimiters) in codes:
            return unescape(component(field(row, 5), 1, delimiters).strip(), delimiters)
    return ""


class Site(NamedTuple):
    """Access line and device. `primary`: the sender marks this as what the patient came for."""

    line: str
    device: words.DeviceCharted
    primary: bool


def site_of(
    sources: tuple[Row | None, ...], rows: list[Row], profile: Profile, delimiters: Delimiters
) -> Site:
    """Line, device and mark of the primary service: from an observation, else from `sources`."""
    line = device = ""
    primary = False
    if rows:
        line = observed(rows, profile.line_observations, delimiters)
        device = observed(rows, profile.device_observations, delimiters)
        primary = observed(rows, profile.primary_observations, delimiters).upper() not in _NO
    line = line or first_of_all(sources, profile.line, delimiters)
    device = device or first_of_all(sources, profile.device, delimiters)
    return _site_words(line, device, primary, profile)


@lru_cache(maxsize=4096)
def _site_words(line: str, device: str, primary: bool, profile: Profile) -> Site:
    """The site in the profile's words.

    `PICC-distal` and `PICC RED` are both the line PICC, and `LEFT ARM` is the line LA.
    """
    name = line.upper().replace("-", " ").replace("_", " ")
    if profile.lumens is not None:
        name = profile.lumens.sub(" ", name)
    name = " ".join(name.split()) or line.upper()
    name = profile.lines.get(name, name)
    return Site(name, profile.devices.get(device.upper(), ""), primary)
