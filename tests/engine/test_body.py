"""Doses by kilogram or square metre: which measure counts, and what the trace says of the sum."""

from decimal import Decimal
from math import ceil

import pytest

from chargeline.engine import Draft, Feed, VisitKey, draft, explain
from chargeline.engine.body import PerBody, per_body
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from tests.engine import profile, rulebook
from tests.golden.messages import message, orc, rxa, rxr, segment

KEY = VisitKey("ZEBRA", "V1")
GIVEN = message("RAS^O17", orc(), rxa("docetaxel", "75 mg/m2", "0900", "1000"), rxr("IV"))


def measured(value: str, unit: str, *, code: str = "3140-1", at: str = "202603020830") -> bytes:
    """An ORU with one measure of the body."""
    obx = segment("OBX", {1: "1", 2: "NM", 3: code, 5: value, 6: unit, 11: "F", 14: at})
    return message("ORU^R01", segment("OBR", {1: "1", 3: f"R{at}"}), obx, sent="0835")


def drafted(*messages: bytes) -> Draft:
    """The draft of visit V1 after some messages."""
    feed = Feed(rulebook().base)
    for data in messages:
        feed.add(read_events(read_message(data), profile()))
    return draft(feed[KEY], rulebook())


def test_the_line_shows_the_sum_and_where_the_measure_stands() -> None:
    """A coder can check the dose: factor, body surface, its day, and the field of each."""
    (line,) = [
        line for line in drafted(GIVEN, measured("1.82", "m2")).lines if line.code == "J9171"
    ]
    assert line.units == 137
    text = explain(line)
    assert "75 mg/m2 x 1.82 m2 = 136.5 mg (body surface of 2026-03-02)" in text
    assert "OBX[1]-5" in text


def test_a_measure_in_a_unit_that_is_none_is_asked_about() -> None:
    """A body surface in kg is no body surface."""
    encounter = drafted(GIVEN, measured("1.82", "kg")).encounters[0]
    (question,) = [q for q in encounter.questions if q.finding.code == "dose.measure"]
    assert question.finding.found == "a body surface that cannot be"


def test_a_measure_that_comes_later_makes_the_line() -> None:
    """The order of arrival does not matter."""
    before = drafted(measured("1.82", "m2"), GIVEN)
    assert drafted(GIVEN, measured("1.82", "m2")) == before


@pytest.mark.parametrize(
    ("unit", "parts"),
    [
        ("mg/m2", PerBody("mg", "body_surface")),
        ("mg/m^2", PerBody("mg", "body_surface")),
        ("mcg/kg", PerBody("mcg", "weight")),
        ("units/kg", PerBody("units", "weight")),
        ("mg", None),
        ("mg/mL", None),
        ("mcg/kg/min", None),
        ("drops/kg", None),
    ],
)
def test_units_by_body_are_told_from_others(unit: str, parts: PerBody | None) -> None:
    """A rate and a strength are no dose by body."""
    assert per_body(unit) == parts


@pytest.mark.parametrize(("pounds", "units"), [("154.324", 71), ("154.32358", 70)])
def test_pounds_are_exact_until_the_end(pounds: str, units: int) -> None:
    """A pound is 0.45359237 kg; the sum is rounded once, up to whole units."""
    weight = measured(pounds, "[lb_av]", code="29463-7")
    given = message("RAS^O17", orc(), rxa("docetaxel", "1 mg/kg", "0900", "1000"), rxr("IV"))
    (line,) = [line for line in drafted(given, weight).lines if line.code == "J9171"]
    assert line.units == units == ceil(Decimal(pounds) * Decimal("0.45359237"))
