"""What published drafts say for the reports, counted by hand."""

import json
from typing import Any

import pytest

from chargeline.ledger.reporting import DraftToRead
from chargeline.workbench.reports.read_drafts import (
    DraftTallies,
    VisitBehind,
    differences_in,
    stops_in,
    waste_in,
)

NINE, TEN = "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z"
CHARTED = "RXA[1]-4 of message M1 (RAS^O17)"
SAID_ID = "a1b2c3d4e5f6"


def fact(
    key: str,
    stop: str | None = TEN,
    source: str | None = CHARTED,
    charted: str = "interval",
    given: bool = True,
) -> dict[str, Any]:
    stretch = {"start": NINE, "stop": stop, "start_source": CHARTED, "stop_source": source}
    return {"key": key, "given": given, "charted": charted, "stretches": [stretch]}


def stop_question(key: str) -> dict[str, Any]:
    return {"code": "stop.missing", "question_id": f"q{key}", "administrations": [key]}


def answered(choice: str, code: str = "stop.missing", holds: bool = True) -> dict[str, Any]:
    return {"answer_id": SAID_ID, "code": code, "choice": choice, "holds": holds}


def draft(*facts: dict[str, Any], status: str = "final", **more: Any) -> dict[str, Any]:
    part = {"lines": [], "withheld": [], "questions": [], "administrations": [*facts], "edits": []}
    part |= {name: more.pop(name) for name in ("lines", "questions", "edits") if name in more}
    return {"policy": "guide-2026", "status": status, "encounters": [part], "said": [], **more}


def test_each_infusion_is_counted_once_by_how_its_stop_is_documented() -> None:
    """Of nine doses six ran as infusions: a push, a dose not given and one that runs are none."""
    whole = draft(
        fact("charted"),
        fact("answered", source=f"the answer {SAID_ID}"),
        fact("elsewhere", source=None),
        fact("asked", stop=None, source=None, charted="open"),
        fact("runs", stop=None, source=None, charted="open"),
        fact("pushed", stop=NINE, charted="instant"),
        fact("not given", given=False),
        status="open",
        questions=[stop_question("asked"), stop_question("runs")],
        said=[answered("stop")],
    )
    stops = stops_in(whole, frozenset({"qasked"}))
    assert stops == {"charted": 1, "by_answer": 1, "other_visit": 1, "waiting": 1}


def test_what_nobody_knows_stays_missing_and_a_push_by_answer_too() -> None:
    """The chart held neither stop; an answer that holds no more counts for nothing."""
    unknown = draft(fact("a", stop=None, source=None, charted="open"), said=[answered("unknown")])
    assert stops_in(unknown, frozenset()) == {"nobody_knows": 1}
    pushed = draft(fact("a", stop=NINE, charted="instant"), said=[answered("push")])
    assert stops_in(pushed, frozenset()) == {"by_answer": 1}
    old = draft(fact("a"), said=[answered("push", holds=False)])
    assert stops_in(old, frozenset()) == {"charted": 1}
    other = draft(fact("a"), said=[answered("push", code="time.one_moment")])
    assert stops_in(other, frozenset()) == {"charted": 1}


def test_a_stop_that_no_question_asks_for_is_missing_once_the_visit_is_final() -> None:
    """While the visit is open it may still run."""
    item = fact("a", stop=None, source=None, charted="open")
    assert stops_in(draft(item), frozenset()) == {"waiting": 1}
    assert stops_in(draft(item, status="open"), frozenset()) == {}


def line(code: str, units: int = 1, *modifiers: str, role: str = "drug", **more: Any) -> Any:
    plain = {"administrations": ["a"], "drug": "trastuzumab", "other_policies": []}
    return {"code": code, "units": units, "modifiers": [*modifiers], "role": role, **plain, **more}


def test_waste_is_the_units_of_jw_with_their_money() -> None:
    """642 mg given as 65 units and 10 units discarded; a service line is no drug."""
    lines = [
        line("J9355", 65),
        line("J9355", 10, "JW", role="drug.discarded"),
        line("96413", role="chemo.infusion.initial"),
        line("J9271", 200, "JZ"),
    ]
    key = ("J9355", "trastuzumab")
    assert list(waste_in(lines, {"J9355": 9_630})) == [
        (key, {"units": 65}),
        (key, {"jw_lines": 1, "jw_units": 10, "cents": 96_300}),
        (("J9271", "trastuzumab"), {"units": 200, "jz_lines": 1}),
    ]
    assert list(waste_in(lines[1:2], {})) == [(key, {"jw_lines": 1, "jw_units": 10, "unpriced": 1})]


def other(*ends: str, rule: str = "class.antibody", policy: str = "cms") -> dict[str, Any]:
    return {"policy": policy, "would_give": [*ends], "rule": rule}


PRICES = {"96365": 15_800, "96366": 7_000, "96413": 61_200, "96415": 14_500}


def test_a_difference_on_two_lines_of_one_bag_is_one() -> None:
    """96365 and 96366 x2 are 298.00 dollars, 96413 and 96415 x2 would be 902.00."""
    says = [other("96413 x1", "96415 x2")]
    lines = [line("96365", other_policies=says), line("96366", 2, other_policies=says)]
    part = {"lines": lines, "withheld": []}
    money = {"here": 29_800, "would": 90_200, "priced": 1}
    assert list(differences_in(part, PRICES)) == [
        (("cms", "class.antibody"), {"differences": 1, **money})
    ]


def test_lines_of_overlapping_administrations_are_one_difference() -> None:
    """The hour of two bags together repeats what is said of the first bag."""
    lines = [
        line("96365", other_policies=[other("96413 x1", "96415 x1")]),
        line(
            "96366",
            administrations=["a", "b"],
            other_policies=[other("96413 x1", "96415 x1", "96366 x1")],
        ),
    ]
    ((_key, numbers),) = differences_in({"lines": lines, "withheld": []}, PRICES)
    assert numbers == {"differences": 1, "here": 22_800, "would": 82_700, "priced": 1}


def test_the_drug_and_its_administration_are_two_differences() -> None:
    """They share the administration and no code."""
    lines = [
        line("96365", other_policies=[other("96413 x1")]),
        line("J9355", 10, other_policies=[other("J9355-JZ x10", rule="waste")]),
    ]
    rules = [key[1] for key, _numbers in differences_in({"lines": lines, "withheld": []}, PRICES)]
    assert sorted(rules) == ["class.antibody", "waste"]


def test_what_is_withheld_here_may_be_billed_elsewhere() -> None:
    """And the other way round: nothing is given, which costs the line."""
    withheld = {"administrations": ["h"], "drug": "saline", "other_policies": [other("96366 x1")]}
    part = {"lines": [line("96365", other_policies=[other("withheld")])], "withheld": [withheld]}
    moves = [numbers["would"] - numbers["here"] for _key, numbers in differences_in(part, PRICES)]
    assert moves == [-15_800, 7_000]


@pytest.mark.parametrize("ends", [("a question",), ("99999 x1",)])
def test_without_a_price_for_each_code_no_money_is_said(ends: tuple[str, ...]) -> None:
    """A question has none either."""
    part = {"lines": [line("96365", other_policies=[other(*ends)])], "withheld": []}
    ((_key, numbers),) = differences_in(part, PRICES)
    assert numbers == {"differences": 1, "unpriced": 1}


def read(body: str, place: str = "TOWER", day: str = "2026-03-02") -> DraftToRead:
    return DraftToRead("ZEBRA", "V1", place, day, body)


def test_edits_are_counted_by_severity_and_code_with_their_money() -> None:
    """An edit of which nobody says the money makes the sum unknown."""
    edits = [
        {"code": "pair.bundled", "severity": "warns", "stake_cents": 100},
        {"code": "pair.bundled", "severity": "warns", "stake_cents": None},
        {"code": "ndc.missing", "severity": "blocks", "stake_cents": 7},
    ]
    tallies = DraftTallies({})
    tallies.add(read(json.dumps(draft(edits=edits))))
    assert tallies.edits.numbers == {
        ("warns", "pair.bundled"): {"times": 2, "cents": 100, "unpriced": 1},
        ("blocks", "ndc.missing"): {"times": 1, "cents": 7},
    }
    visits = list(tallies.edits.visits["warns", "pair.bundled"])
    assert visits == [VisitBehind("ZEBRA", "V1", "2026-03-02", "TOWER")]


def test_a_draft_that_is_no_json_or_of_an_older_shape_is_counted_as_such() -> None:
    """The others are read all the same."""
    old = draft()
    del old["encounters"][0]["administrations"], old["encounters"][0]["edits"], old["said"]
    tallies = DraftTallies({})
    for body in ("{", json.dumps(old), json.dumps(draft(fact("a")))):
        tallies.add(read(body))
    assert (tallies.read, tallies.unreadable, tallies.older_format) == (3, 1, 1)
    assert tallies.stops.numbers == {("TOWER",): {"charted": 1}}
    assert not tallies.stops.visits["TOWER",], "nothing is missing in it"
