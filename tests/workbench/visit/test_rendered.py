"""The page as HTML: several kinds of visits, hostile text, and nothing that a strict CSP forbids.

It owns the list of visits that the browser looks at too.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

import chargeline
from chargeline.coding.run import Run
from chargeline.workbench.visit.model import ChosenOnPage
from tests.answers.given import answer, run_after
from tests.answers.test_answers import TWO_LINES, open_infusion
from tests.coding.test_course_page import delivered
from tests.drafting.test_authorizations import dose, referral
from tests.drafting.test_authorizations import order as planned
from tests.golden.stories_visits import DECISION, INFUSION, note, posted
from tests.trials import message, run_of, rxa
from tests.trials.test_doubts import order
from tests.workbench.visit.pages import POLICY, html_of, infusion, page_of, tracks

VOID = {"meta", "link", "input", "br", "img", "hr"}
HOSTILE = "<script>alert(1)</script>"


class Tags(HTMLParser):
    """What a browser would see: tags with attributes, ids, and whether tags close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == [], "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes what is open"

    def values(self, name: str) -> list[str]:
        return [value or "" for attribute, value in self.attributes if attribute == name]


def answered(folder: Path) -> Run:
    before = run_after(folder, open_infusion(), policy=POLICY)
    return run_after(folder, open_infusion(), answer(before, "stop.missing", "push"), policy=POLICY)


def coded(*messages: bytes, policy: str = POLICY) -> Run:
    return chargeline.code(b"".join(messages), policy=policy)


VISITS: dict[str, Callable[[Path], Run]] = {
    "an infusion": infusion,
    "an open infusion": lambda folder: run_after(folder, open_infusion(), policy=POLICY),
    "an answer": answered,
    "two access lines": lambda folder: run_after(folder, TWO_LINES, policy=POLICY),
    "a course of radiation": lambda _folder: coded(*delivered(1, 7, planned="30")),
    "an office visit": lambda _folder: coded(INFUSION, DECISION, note("LA"), posted("99214", "25")),
    "an authorization": lambda _folder: coded(
        planned("V1", "20261005"), dose("V1", "20261005"), referral(200)
    ),
    "an order that lacks one": lambda _folder: coded(planned("V1", "20261005")),
    "an empty visit": lambda folder: run_of(folder, order("carboplatin", "450 mg"), policy=POLICY),
}
SHOWS = {
    "an infusion": "carboplatin",
    "an open infusion": "When did carboplatin stop?",
    "an answer": "Who said what",
    "two access lines": "Why was a second access line needed?",
    "a course of radiation": "7 of 30",
    "an office visit": "Visits with a practitioner",
    "an authorization": "80 of 200 units, 120 left",
    "an order that lacks one": "Authorizations to ask for",
    "an empty visit": "Nothing was given in this visit",
}


@pytest.mark.parametrize("visit", VISITS)
def test_each_kind_of_visit_has_a_whole_page(tmp_path: Path, visit: str) -> None:
    """Each question of it can be opened too."""
    run = VISITS[visit](tmp_path)
    page = page_of(run)
    html = html_of(page)
    assert SHOWS[visit] in html
    for number in ["", *[card.question_id for card in page.questions]]:
        opened = html_of(page_of(run, chosen=ChosenOnPage(question=number)))
        tags = Tags(opened)
        ids = tags.values("id")
        assert len(ids) == len(set(ids)), "an id stands once"
        within = {value[1:] for value in tags.values("href") if value.startswith("#")}
        assert within <= set(ids), "a link within the page leads somewhere"
        assert set(tags.values("aria-labelledby")) <= set(ids)
        assert ('/visits/ZEBRA/V1/answers"' in opened) == bool(number and "radio" in opened)


@pytest.mark.parametrize("visit", VISITS)
def test_the_page_needs_no_script_and_no_inline_style(tmp_path: Path, visit: str) -> None:
    tags = Tags(html_of(page_of(VISITS[visit](tmp_path))))
    assert not {"script", "style"} & set(tags.names)
    assert not [name for name, _value in tags.attributes if name == "style" or name[:2] == "on"]
    assert not [value for value in tags.values("href") if value.startswith(("http", "java"))]


def test_an_answer_posts_what_the_program_needs(tmp_path: Path) -> None:
    run = run_after(tmp_path, open_infusion(), policy=POLICY)
    card = page_of(run).questions[0]
    page = page_of(run, chosen=ChosenOnPage(question=card.question_id))
    html = html_of(page)
    assert page.panel is not None
    form = html[html.index('action="/visits/ZEBRA/V1/answers"') :]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert fields == {
        "csrf": "INVENTED",
        "question": card.question_id,
        "fingerprint": page.panel.fingerprint,
    }
    assert re.findall(r'name="choice" id="[^"]*" value="(\w+)"', form) == [
        "stop",
        "push",
        "unknown",
        "not_given",
    ]
    assert 'name="value-stop"' in form and 'name="reason"' in form
    assert "96409 ×1 ? → 96413 ×1" in form and "+$402.00" in form


def test_links_keep_what_else_is_chosen(tmp_path: Path) -> None:
    run = infusion(tmp_path)
    page = page_of(run)
    first = page.families[0].rows[0].line_id
    html = html_of(page_of(run, chosen=ChosenOnPage(line=first)))
    assert f'href="?line={first}&amp;message={page.messages[0].digest}#message"' in html


# ------------------------------------------------------------------ hostile text


NASTY = [
    HOSTILE,
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "right\u202eto left\u200f",
    "bell\x07 and \x1b[2Jescape",
    "]]></svg><a href='javascript:alert(1)'>",
    "\ud7ff\ufffe\u0000",
    "x" * 500,
]


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text_of_the_feed_is_shown_harmlessly(tmp_path: Path, text: str) -> None:
    """In a drug, a route, an access line, a nurse, a word, the payer and the visit number."""
    safe = text.replace("|", "").replace("^", "").replace("&", "")
    row = rxa("ZDRUG", "0900-1000", "450 mg", note="ZDRUG").replace("ZDRUG", safe)
    row = row.replace("zdrug", safe)
    feed = message(row, f"RXR|{safe}|{safe}", row, f"RXR|IV|{safe}", visit=safe[:40])
    run = run_of(tmp_path, feed, policy=POLICY)
    for visit in range(len(run.visits)):
        page = page_of(run, place=visit)
        html = html_of(page)
        tags = Tags(html)
        assert not {"script", "img"} & set(tags.names)
        assert not [name for name, _value in tags.attributes if name.startswith("on")]
        assert all(sign.isprintable() or sign == "\n" for sign in html)
        for picture in page.pictures:
            for part in (picture.labels, picture.codes):
                Xml.fromstring(part)
        assert len(tracks(page)) == len(page.pictures)


def test_a_name_of_tags_is_read_as_text(tmp_path: Path) -> None:
    row = rxa("ZDRUG", "0900-1000", "450 mg").replace("ZDRUG", HOSTILE)
    html = html_of(page_of(run_of(tmp_path, message(row, "RXR|IV"), policy=POLICY)))
    assert "&lt;script&gt;" in html.lower() and "<script" not in html.lower()


def test_two_thousand_administrations_make_a_page(tmp_path: Path) -> None:
    rows = [
        segment
        for minute in range(2000)
        for segment in (
            rxa("ondansetron", f"{8 + minute // 240:02}{minute % 60:02}", "8 mg"),
            "RXR|IV|PORT||IVP",
        )
    ]
    page = page_of(run_of(tmp_path, message(*rows), policy=POLICY))
    html = html_of(page)
    Tags(html)
    assert "1,940 further administrations are not drawn" in html
    assert html.count('<th scope="row"><span class="letter"') == 2000
