"""Claims about the reasons of a draft: each line leads back to rules and to fields of messages.

The claims are tried on a simulated messy feed. The wording of single lines is tested where a user
reads it (tests/cli/test_explain.py).
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from math import ceil

import pytest

from chargeline.engine import ChargeLine, EncounterDraft, Feed, Question, Withheld, draft, explain
from chargeline.hl7.reader import read_message
from tests.engine import messy_feed, read, rulebook, visits_of
from tests.golden.messages import given

FIELD = re.compile(
    r"\b(?:RXA\[\d+\](?:/(?:RXC|OBX)\[\d+\])?|RXC\[\d+\]|RXE|RXD|RXG|RXO)-\d+"
    r" of message \S+ \((?:RAS|RDE|RDS|RGV)\^O\d\d\)"
)


@cache
def encounters() -> tuple[EncounterDraft, ...]:
    visits = Feed(rulebook().base)
    for style, data in messy_feed(40, 5):
        visits.add(read(data, style))
    drafts = [
        draft(visits[key], rulebook(), policy=policy)
        for key in visits
        for policy in rulebook().policies
    ]
    return tuple(encounter for of_visit in drafts for encounter in of_visit.encounters)


def lines(*, drugs: bool) -> Iterator[ChargeLine]:
    for encounter in encounters():
        yield from (line for line in encounter.lines if (line.family == "drugs") is drugs)


def told(entry: ChargeLine | Withheld | Question) -> str:
    return explain(entry, rulebook().sources)


def test_the_feed_has_all_that_is_to_be_explained() -> None:
    """Services, drugs, questions, withheld services, provisional lines and modifiers all occur."""
    assert len(list(lines(drugs=False))) > 300
    assert len(list(lines(drugs=True))) > 200
    assert any(encounter.questions for encounter in encounters())
    assert any(encounter.withheld for encounter in encounters())
    assert any(line.provisional for line in lines(drugs=False))


def test_every_service_names_its_rules_with_reason_and_source() -> None:
    """Class, technique, place and code each have a rule that says why and is cited by a title."""
    for line in lines(drugs=False):
        text = told(line)
        topics = [step.topic for step in line.trace]
        assert {"drug class", "technique", "place", "code"} <= set(topics)
        for step in line.trace:
            if step.decision is None:
                continue
            rule = step.decision.rule
            assert rule is not None, (step.topic, text)
            assert rule.why in text
            assert rule.cite
            cited = "; ".join(rulebook().sources[key] for key in rule.cite)
            assert f"rule {rule.id}, {cited}" in text


def test_every_service_shows_its_minutes() -> None:
    """The running minutes stand among the facts, and in the first line of a timed service."""
    for line in lines(drugs=False):
        text = told(line)
        assert re.search(r"running minutes: \d+", text)
        if line.minutes is not None:
            assert f", {line.minutes} minutes" in text.splitlines()[0]


def test_every_further_hour_shows_its_sum() -> None:
    """A reader can work out the units of further hours from the minutes written beside them."""
    seen = 0
    for line in lines(drugs=False):
        if not line.role.endswith(("infusion.additional_hour", "subcutaneous.additional_hour")):
            continue
        counted = re.search(r"further hour counts from (\d+) min: (\d+) further", told(line))
        assert counted is not None
        assert line.minutes is not None
        threshold, beyond = int(counted[1]), int(counted[2])
        assert beyond == (line.minutes - threshold) // 60
        seen += 1
    assert seen > 20


def test_every_drug_shows_its_dose() -> None:
    """Dose and billing unit are written out; the result is the units of all NDCs of the day."""
    units: Counter[tuple[int, str, date, str]] = Counter()
    for place, encounter in enumerate(encounters()):
        for line in encounter.lines:
            if line.role == "drug":
                written = r"arithmetic: .* / [\d.]+ \S+ a unit = (?:.* to )?(\d+);"
                sum_of_doses = re.search(written, told(line))
                assert sum_of_doses is not None
                units[place, line.drug, line.service_date, sum_of_doses[1]] += line.units
    assert {slot: int(slot[3]) for slot in units} == units


def test_every_line_of_waste_shows_its_sum() -> None:
    """A reader can work out what is billed of a rest: the units opened, less those given."""
    wasted = [line for line in lines(drugs=True) if line.role == "drug.discarded"]
    assert wasted
    for line in wasted:
        written = re.search(r"a unit = ([\d.]+), less (\d+) given", told(line))
        assert written is not None
        assert ceil(Decimal(written[1])) - int(written[2]) == line.units


def test_every_line_names_a_field_of_a_message() -> None:
    """The text names segment, field, control number and type of the message behind the line."""
    for line in (*lines(drugs=False), *lines(drugs=True)):
        assert FIELD.search(told(line)), told(line)


def test_every_question_says_what_to_do() -> None:
    """Three rows say what was expected, what was found, and what to do; none is empty."""
    for encounter in encounters():
        for question in encounter.questions:
            rows = told(question).splitlines()
            assert rows[0].endswith(f"[{question.finding.code}]")
            for row, word in zip(rows[1:4], ("expected", "found", "do"), strict=True):
                assert re.fullmatch(rf"  {word} +\S.*", row)


def test_every_withheld_service_gives_its_reason() -> None:
    """The first row ends with the rule's id or a fixed reason; the second is a sentence."""
    for encounter in encounters():
        for entry in encounter.withheld:
            rows = told(entry).splitlines()
            assert rows[0].startswith("withheld  ")
            assert rows[0].endswith(f"[{entry.reason}]")
            assert re.fullmatch(r"  \S.*[.)]", rows[1]), rows[1]


def test_no_explanation_names_the_patient() -> None:
    """No explanation holds a name or a number of any PID segment of the feed."""
    secrets = set()
    for _style, data in messy_feed(40, 5):
        for row in read_message(data).rows:
            if row[0] == "PID":
                secrets |= {name for name in re.split(r"[\^~]", row[5]) if len(name) > 2}
                secrets |= {number.split("^")[0] for number in row[3].split("~")}
    assert len(secrets) > 40
    words = set()
    for encounter in encounters():
        for entry in (*encounter.lines, *encounter.withheld, *encounter.questions):
            words |= set(re.findall(r"[\w-]+", told(entry)))
    assert not {secret for secret in secrets if secret in words}


@pytest.mark.parametrize(
    ("policy", "minutes", "difference"),
    [
        (
            "guide-2026",
            "1030",
            "cms-facility-2026 would not bill this line (rule hours.more_than_thirty)",
        ),
        (
            "cms-facility-2026",
            "1030",
            "guide-2026 would also give 96415 x1 (rule guide.hours.thirty_or_more)",
        ),
    ],
)
def test_a_difference_between_policies_names_the_rule_that_makes_it(
    policy: str, minutes: str, difference: str
) -> None:
    """30 minutes past the hour are enough for the guide, too few for CPT; that rule is named."""
    visits = visits_of([given("CARBOPLATIN", "450 mg", "0900", minutes)])
    (key,) = visits
    (encounter,) = draft(visits[key], rulebook(), policy=policy).encounters
    assert difference in "\n".join(map(told, encounter.lines))


def test_equal_policies_are_not_mentioned() -> None:
    """60 minutes of carboplatin are 96413 everywhere: no policy differs."""
    visits = visits_of([given("CARBOPLATIN", "450 mg", "0900", "1000")])
    (key,) = visits
    (encounter,) = draft(visits[key], rulebook()).encounters
    assert [line.other_policies for line in encounter.lines] == [(), ()]
    assert "would give" not in told(encounter.lines[0])
