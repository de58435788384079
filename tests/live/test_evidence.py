"""Claims about the comparison at the end of `make chaos`: it reports each mistake and nothing else.

The evidence here comes from processors without Kafka. Each test alters one event of it.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.drafting.test_processor import Bench, bench, keyed
from tests.golden.messages import given

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
    drafts, questions = announced(bench)
    evidence = Evidence(drafts, questions, [], as_ledger(drafts))
    return evidence, drafted_by_code(feed.written, tmp_path)


def announced(bench: Bench) -> tuple[list[Event], list[Event]]:
    """The drafts and the questions that the processors published."""
    drafts, questions = (
        [
            Event(e.event_id, 0, n, e.payload)
            for n, e in enumerate(bench.published)
            if e.topic == topic
        ]
        for topic in ("charge.draft", "documentation.question")
    )
    return drafts, questions


def as_ledger(drafts: Iterable[Event]) -> dict[tuple[str, str, int], str]:
    """A ledger that holds the revisions that these events announced."""
    return {
        (body["facility"], body["visit"], body["revision"]): event.raw.decode()
        for event, body in ((event, event.body) for event in drafts)
    }


VOIDED = ("ZEBRA", "V1")


@pytest.fixture
async def voided(bench: Bench, tmp_path: Path) -> Case:
    """A visit whose one dose was charted and taken back, beside one that keeps its dose."""
    dose = given("VANCOMYCIN", "1000 mg", "0900", "1000", sent="1100")
    kept = given("VANCOMYCIN", "1000 mg", "0900", "1000", visit="V2", patient="ZZ2")
    taken_back = given("VANCOMYCIN", "1000 mg", "0900", "1000", status="D", sent="1130")
    for message in (dose, kept, taken_back):
        await bench.feed(keyed([message]))
        await bench.later(minutes=2)
    drafts, questions = announced(bench)
    evidence = Evidence(drafts, questions, [], as_ledger(drafts))
    return evidence, drafted_by_code([dose, kept, taken_back], tmp_path)


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


def drafts_of(evidence: Evidence, visit: tuple[str, str]) -> list[int]:
    """The places of the drafts of a visit, the last revision at the end."""
    bodies = [event.body for event in evidence.drafts]
    return [n for n, body in enumerate(bodies) if (body["facility"], body["visit"]) == visit]


def with_drafts(evidence: Evidence, drafts: list[Event]) -> Evidence:
    """The evidence of other drafts, which the ledger holds as well."""
    return evidence._replace(drafts=drafts, ledger=as_ledger(drafts))


def test_a_visit_whose_doses_were_all_voided_is_right_without_a_line(voided: Case) -> None:
    """It had a line and was credited; `code` drafts the other visit alone."""
    evidence, wanted = voided
    first, *_between, last = [evidence.drafts[n].body for n in drafts_of(evidence, VOIDED)]
    assert [line["code"] for line in first["encounters"][0]["lines"]] == ["96365", "J3373"]
    assert len(last["changes"]["removed"]) == 2 and last["encounters"] == []
    assert list(wanted) == [("ZEBRA", "V2")]
    assert differences(evidence, wanted) == []


def test_a_voided_dose_that_still_has_a_line_is_found(voided: Case) -> None:
    """The last revision repeats the lines of the first, and nothing else about it is wrong."""
    evidence, wanted = voided
    first, *_between, last = drafts_of(evidence, VOIDED)
    billed = evidence.drafts[first].body["encounters"]
    nothing: dict[str, list[Any]] = {"added": [], "changed": [], "removed": []}
    drafts = list(evidence.drafts)
    drafts[last] = altered(
        drafts[last], lambda body: body.update(encounters=billed, changes=nothing)
    )
    (problem,) = differences(with_drafts(evidence, drafts), wanted)
    assert problem.startswith(f"{VOIDED}: `code` drafts no such visit")


def test_a_voided_dose_whose_credit_was_never_announced_is_found(voided: Case) -> None:
    """The revision that takes the lines back is neither on the topic nor in the ledger."""
    evidence, wanted = voided
    *_before, last = drafts_of(evidence, VOIDED)
    drafts = [event for n, event in enumerate(evidence.drafts) if n != last]
    problems = differences(with_drafts(evidence, drafts), wanted)
    assert any(problem.startswith(f"{VOIDED}: `code` drafts no such") for problem in problems)


def test_a_voided_visit_that_code_still_drafts_is_found(voided: Case) -> None:
    """`code` has the dose, and the service credited it."""
    evidence, wanted = voided
    too_many = {**wanted, VOIDED: wanted["ZEBRA", "V2"]}
    (problem,) = differences(evidence, too_many)
    assert problem.startswith(f"{VOIDED}: revision ")
