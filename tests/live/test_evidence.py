"""Claims about the comparison at the end of `make chaos`: it reports each mistake and nothing else.

The evidence here comes from processors without Kafka. Each test alters one event of it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.drafting.test_processor import Bench, bench, keyed

from .chaos.evidence import Event, Evidence, differences, drafted_by_code
from .chaos.feed import messy_feed

__all__ = ["bench"]

Case = tuple[Evidence, dict[tuple[str, str], Any]]


@pytest.fixture
async def case(bench: Bench, tmp_path: Path) -> Case:
    """What the processors announced of a messy feed, and what `chargeline code` drafts of it."""
    apart = len(bench.processors) > 1
    if apart not in _cases:
        _cases[apart] = await evidence_of(bench, tmp_path)
    return _cases[apart]


_cases: dict[bool, Case] = {}


async def evidence_of(bench: Bench, tmp_path: Path) -> Case:
    feed = messy_feed(visits=12, count=200, seed=31)
    await bench.feed(keyed(feed.arriving), lot=20)
    for _ in range(2):
        await bench.later(minutes=2)
    drafts, questions = (
        [
            Event(e.event_id, 0, n, e.payload)
            for n, e in enumerate(bench.published)
            if e.topic == topic
        ]
        for topic in ("charge.draft", "documentation.question")
    )
    ledger = {
        (body["facility"], body["visit"], body["revision"]): event.raw.decode()
        for event, body in ((event, event.body) for event in drafts)
    }
    return Evidence(drafts, questions, [], ledger), drafted_by_code(feed.written, tmp_path)


def altered(event: Event, alter: Callable[[Any], None], name: str = "") -> Event:
    """The event with altered content, and under another id if one is given."""
    body = event.body
    alter(body)
    return event._replace(raw=json.dumps(body).encode(), id=name or event.id)


def with_lines(evidence: Evidence) -> int:
    """The place of the last draft that has lines."""
    places = [
        n
        for n, event in enumerate(evidence.drafts)
        if any(e["lines"] for e in event.body["encounters"])
    ]
    return places[-1]


def test_nothing_is_found_where_all_is_right(case: Case) -> None:
    """A run without a fault has no differences, nor has the same run with each event twice."""
    evidence, wanted = case
    assert len(wanted) == 12
    assert differences(evidence, wanted) == []
    twice = evidence._replace(drafts=evidence.drafts * 2, questions=evidence.questions * 2)
    assert differences(twice, wanted) == []


@pytest.mark.parametrize("kind", ["drafts", "questions"])
def test_an_event_that_is_missing_is_found(case: Case, kind: str) -> None:
    """Each draft and each question is left out in its turn, and a difference is reported."""
    evidence, wanted = case
    events = getattr(evidence, kind)
    assert events
    for place in range(len(events)):
        assert differences(
            evidence._replace(**{kind: events[:place] + events[place + 1 :]}), wanted
        )


def test_a_visit_or_a_revision_too_many_is_found(case: Case) -> None:
    """A visit that `code` does not have, and a revision that comes twice with other content."""
    evidence, wanted = case
    place = with_lines(evidence)
    event = evidence.drafts[place]
    stranger = altered(event, lambda body: body.update(visit="V0"), "other")
    assert differences(evidence._replace(drafts=[*evidence.drafts, stranger]), wanted)
    again = altered(event, lambda body: body.update(incomplete=not body["incomplete"]), "other")
    assert differences(evidence._replace(drafts=[*evidence.drafts, again]), wanted)


@pytest.mark.parametrize(
    "field", ["code", "units", "modifiers", "drug", "trace", "minutes", "provisional"]
)
def test_a_line_that_differs_in_any_field_is_found(case: Case, field: str) -> None:
    """One field of one line of the last revision is altered, and a difference is reported."""
    evidence, wanted = case
    place = with_lines(evidence)

    def alter(body: Any) -> None:
        line = next(line for encounter in body["encounters"] for line in encounter["lines"])
        line[field] = ["other"]

    drafts = list(evidence.drafts)
    drafts[place] = altered(drafts[place], alter)
    assert differences(evidence._replace(drafts=drafts), wanted)


def test_revisions_out_of_order_are_found(case: Case) -> None:
    """The drafts of the topic, the last one first, are reported."""
    evidence, wanted = case
    assert differences(evidence._replace(drafts=evidence.drafts[::-1]), wanted)


def test_changes_that_do_not_add_up_are_found(case: Case) -> None:
    """A revision whose changes leave out a line that the revision added is reported."""
    evidence, wanted = case
    place = next(n for n, event in enumerate(evidence.drafts) if event.body["changes"]["added"])
    drafts = list(evidence.drafts)
    drafts[place] = altered(drafts[place], lambda body: body["changes"]["added"].pop())
    problems = differences(evidence._replace(drafts=drafts), wanted)
    assert any("do not add up" in problem for problem in problems)
