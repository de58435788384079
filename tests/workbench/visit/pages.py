"""Visit screens of small invented feeds: as values, as HTML, and their pictures as XML.

The frame around a page is a short one of our own, so that these tests hold the screen and not the
workbench around it.
"""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as Xml

import jinja2

from chargeline.coding.run import CodedVisit, Run
from chargeline.drafting.answering import DraftedVisit
from chargeline.engine import Rulebook
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from chargeline.workbench.visit.model import ChosenOnPage, Picture, VisitPage
from chargeline.workbench.visit.page import LedgerRows, SiteSetting, visit_page
from tests.trials import message, run_of, rxa

POLICY = "guide-2026"
EVENING = datetime(2026, 3, 3, 20, 0, tzinfo=UTC)
PRICES = {"96413": 61200, "96415": 14500, "96409": 21000, "96367": 15800, "J9045": 350}
WORKBENCH = Path(__file__).parents[3] / "services/chargeline/workbench"
FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{% block title %}{% endblock %} · chargeline</title>{% block styles %}{% endblock %}</head>
<body><main id="main">{% block main %}{% endblock %}</main>
<footer>{% block keys %}{% endblock %}</footer></body></html>"""
SVG = "{http://www.w3.org/2000/svg}"


@cache
def rulebook() -> Rulebook:
    return load_rulebook(rules_directory())


def site(*, prices: dict[str, int] = PRICES) -> SiteSetting:
    return SiteSetting(rulebook(), prices, POLICY)


def drafted(visit: CodedVisit) -> DraftedVisit:
    return DraftedVisit(visit.timeline, visit.draft, visit.history)


def page_of(
    run: Run,
    *,
    place: int = 0,
    beside: LedgerRows | None = None,
    chosen: ChosenOnPage | None = None,
    now: datetime = EVENING,
    revealed: bool = False,
) -> VisitPage:
    """The screen of one visit of a run."""
    return visit_page(
        drafted(run.visits[place]),
        site(),
        now,
        beside=beside or LedgerRows(),
        chosen=chosen or ChosenOnPage(),
        revealed=revealed,
    )


def page_of_rows(folder: Path, *segments: str, chosen: ChosenOnPage | None = None) -> VisitPage:
    """The screen of one message with these segments."""
    return page_of(run_of(folder, message(*segments), policy=POLICY), chosen=chosen)


def infusion(folder: Path) -> Run:
    """Ondansetron pushed, carboplatin with a pause, dexamethasone beside it, in two lines."""
    return run_of(
        folder,
        message(
            rxa("ondansetron", "0845", "8 mg"),
            "RXR|IV|PORT||IVP",
            rxa("carboplatin", "0900-1100", "450 mg"),
            "RXR|IV|PORT",
            rxa("dexamethasone", "0930-1000", "12 mg"),
            "RXR|IV|PORT",
            rxa("acetaminophen", "0840", "650 mg"),
            "RXR|PO",
        ),
        policy=POLICY,
    )


def html_of(page: VisitPage) -> str:
    """The page as the workbench renders it."""
    loader = jinja2.ChoiceLoader(
        [
            jinja2.DictLoader({"base.html": FRAME}),
            jinja2.FileSystemLoader(WORKBENCH / "templates"),
        ]
    )
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("visit.html").render(
        page=page,
        visit_address="/visits/ZEBRA/V1",
        csrf="INVENTED",
        can_answer=True,
        static=lambda name: (WORKBENCH / "static" / name).as_uri(),
    )


def tracks(page: VisitPage) -> list[Xml.Element]:
    """The track of each picture, parsed."""
    return [Xml.fromstring(picture.track) for picture in page.pictures]


def lanes_in(picture: Picture) -> list[Xml.Element]:
    """The lanes of a picture: one group each."""
    groups = Xml.fromstring(picture.track).findall(f"{SVG}g")
    return [group for group in groups if group.get("class", "").startswith("lane")]


def bars_in(element: Xml.Element) -> list[Xml.Element]:
    """The bars and diamonds below an element."""
    shapes = [*element.iter(f"{SVG}rect"), *element.iter(f"{SVG}path")]
    return [shape for shape in shapes if "bar" in shape.get("class", "").split()]


def percent(text: str | None) -> float:
    assert text is not None and text.endswith("%")
    return float(text[:-1])
