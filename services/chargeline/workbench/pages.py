"""Makes pages of templates, and says what a page is told besides its own values.

It owns the templates' folder, the filters and the address of a static file, which has a hash of
the file in it so that a browser may keep the file for ever. Jinja escapes every value.
"""

from collections.abc import Collection, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from chargeline.engine import printable
from chargeline.version import VERSION
from chargeline.workbench import addresses, wording
from chargeline.workbench.people import Person
from chargeline.workbench.rights import Right
from chargeline.workbench.visit.words import dollars

STATIC_FILES = Path(__file__).parent / "static"
HTMX = "htmx-2.0.11.min.js"


class Screen(NamedTuple):
    """A screen: its name, its address, the key that leads to it, and the right that shows it."""

    name: str
    address: str
    key: str
    right: Right


# In the order of the navigation.
SCREENS: tuple[Screen, ...] = (
    Screen("Work", "/work", "w", "work.see"),
    Screen("Running now", "/running", "b", "running.see"),
    Screen("Reports", "/reports", "r", "reports.see"),
    Screen("Compare", "/compare", "c", "reports.see"),
    Screen("Operations", "/operations", "o", "operations.see"),
    Screen("Try", "/try", "t", "visit.see"),
)
HOME = SCREENS[0].address


def home_of(rights: Collection[Right]) -> str:
    """The first screen that somebody with some rights may see."""
    return next((screen.address for screen in SCREENS if screen.right in rights), HOME)


@cache
def static(name: str) -> str:
    """The address of a static file."""
    digest = sha256((STATIC_FILES / name).read_bytes()).hexdigest()
    return f"/static/{name}?{digest[:12]}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("chargeline.workbench", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.filters |= {
        "dollars": dollars,
        "how_long": wording.length,
        "day": wording.day,
        "clock_time": wording.clock_time,
        "hour": wording.hour,
        "seconds": wording.seconds,
    }
    environment.globals |= {
        "static": static,
        "name_of": addresses.name_of,
        "version": VERSION,
        "htmx": HTMX,
    }
    return environment


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template with its values, as text."""
    return _environment().get_template(template).render(values)


def page(
    request: Request,
    template: str,
    person: Person | None,
    values: Mapping[str, Any],
    *,
    status: int = 200,
) -> HTMLResponse:
    """A page for a person, None for somebody who is not logged in."""
    rights = person.rights if person is not None else frozenset[Right]()
    common = {
        "person": person,
        "rights": rights,
        "csrf": person.csrf if person is not None else "",
        "screens": [screen for screen in SCREENS if screen.right in rights],
        "home": home_of(rights),
        "here": request.url.path,
        "development": request.app.state.bench.settings.workbench_login == "development",
    }
    return HTMLResponse(render(template, {**common, **values}), status)
