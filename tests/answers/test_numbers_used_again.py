"""A number of a course that comes again after a long silence: the same course, or a new one."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from chargeline.coding.run import Run
from chargeline.engine import Draft, contributions_of, courses_standing
from chargeline.published.answers import GivenAnswer
from tests.answers.given import EVENING, answer, asked_of, run_after
from tests.engine import rulebook
from tests.golden.sessions import examined, fraction

GUIDE = "guide-2026"
CODE = "radiation.resumed"
MARCH = ["0302", "0303", "0304", "0305", "0306", "0309", "0310", "0311"]
JUNE = ["0601", "0602", "0603", "0604", "0605", "0608", "0609", "0610"]


def eight(days: Sequence[str], *visits: str, technique: str = "3D") -> list[bytes]:
    """Fractions 1 to 8 of a course of eight that ends, the first and last four under one visit
    each, with an examination for each unit.
    """
    first, last = visits[0], visits[-1]
    sent = [
        fraction(
            n,
            f"2026{day}1000",
            technique=technique,
            planned=str(len(days)),
            visit=first if n < 5 else last,
        )
        for n, day in enumerate(days, 1)
    ]
    return [
        *sent,
        examined(f"2026{days[0]}1100", visit=first),
        examined(f"2026{days[-1]}1100", visit=last),
    ]


FEED = [*eight(MARCH, "V1"), *eight(JUNE, "V2", "V3")]


def run(folder: Path, *answers: GivenAnswer, feed: Sequence[bytes] = FEED) -> Run:
    return run_after(folder, [data.decode() for data in feed], *answers, policy=GUIDE)


def said(run: Run, visit: str, choice: str) -> GivenAnswer:
    """An answer to the question of a visit."""
    return answer(run, CODE, choice, visit=visit)


def units(run: Run, code: str = "77427") -> dict[str, list[str]]:
    """For each visit with lines of a code the questions on which they rest."""
    of_visits = {
        visit.timeline.key.visit: [
            line.provisional for line in visit.draft.lines if line.code == code
        ]
        for visit in run.visits
    }
    return {visit: lines for visit, lines in of_visits.items() if lines}


def test_each_visit_of_the_later_sessions_asks_once(tmp_path: Path) -> None:
    """None of its lines is firm, and what was drafted before stays as it was."""
    before = run(tmp_path)
    assert asked_of(before) == [("V2", CODE), ("V3", CODE)]
    assert units(before) == {"V1": ["", ""], "V3": [CODE, CODE]}
    assert units(before, "77407") == {"V1": [""] * 8, "V2": [CODE] * 4, "V3": [CODE] * 4}


@pytest.mark.parametrize("visit", ["V2", "V3"])
@pytest.mark.parametrize(
    ("choice", "later", "deliveries"),
    [("new_course", ["", ""], [""] * 4), ("by_hand", None, None)],
)
def test_one_word_holds_for_all_later_visits(
    tmp_path: Path, visit: str, choice: str, later: list[str] | None, deliveries: list[str] | None
) -> None:
    """Four units where it is a new course; by hand, none of its lines is left."""
    after = run(tmp_path, said(run(tmp_path), visit, choice))
    assert asked_of(after) == []
    assert units(after).get("V1") == ["", ""] and units(after).get("V3") == later
    assert units(after, "77407").get("V2") == deliveries


def test_what_is_billed_by_hand_asks_for_no_examination(tmp_path: Path) -> None:
    """Of the sessions in June no note tells of one."""
    feed = [*eight(MARCH, "V1"), *eight(JUNE, "V2", "V3")[:-2]]
    before = run(tmp_path, feed=feed)
    assert ("V3", "radiation.examination") in asked_of(before)
    after = run(tmp_path, said(before, "V3", "by_hand"), feed=feed)
    assert asked_of(after) == []


@pytest.mark.parametrize("visit", ["V2", "V3"])
def test_the_same_course_is_settled_against_the_total(tmp_path: Path, visit: str) -> None:
    """Sixteen sessions of eight are three units; beyond the plan is one question, on which the unit
    of the fifteenth rests, and no number is twice.
    """
    after = run(tmp_path, said(run(tmp_path), visit, "same_course"))
    assert sorted({*asked_of(after)}) == [
        ("V2", "radiation.beyond_plan"),
        ("V3", "radiation.beyond_plan"),
    ]
    assert len(asked_of(after)) == 2
    assert units(after) == {"V1": ["", ""], "V3": ["radiation.beyond_plan"]}
    assert sum(len(lines) for lines in units(after, "77407").values()) == 16


def test_of_two_words_the_last_one_counts(tmp_path: Path) -> None:
    """Whichever visit each was given under; one that bills nothing counts before both."""
    before = run(tmp_path)
    same = said(before, "V2", "same_course")
    later = EVENING.replace(hour=21)
    new = said(before, "V3", "new_course").model_copy(update={"at": later})
    assert units(run(tmp_path, same, new))["V3"] == ["", ""]
    by_hand = said(before, "V2", "by_hand")
    assert "V3" not in units(run(tmp_path, by_hand, new))


def test_a_report_within_the_silence_makes_it_another_one(tmp_path: Path) -> None:
    """Less than thirty days on either side: still its numbers begin again in June."""
    late = [fraction(n, f"2026{day}1000", visit="V1") for n, day in ((9, "0408"), (10, "0506"))]
    asked = asked_of(run(tmp_path, feed=[*FEED, *late]))
    assert {visit for visit, code in asked if code == CODE} == {"V2", "V3"}
    assert "radiation.number_twice" not in {code for _visit, code in asked}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("choice", ["same_course", "new_course", ""])
def test_order_and_copies_change_nothing(tmp_path: Path, seed: int, choice: str) -> None:
    """The drafts of all visits, before and after the word."""
    answers = [said(run(tmp_path), "V2", choice)] if choice else []
    chance = Random(seed)
    mixed = chance.sample([*FEED, *FEED[:9]], len(FEED) + 9)

    def drafts(feed: Sequence[bytes]) -> dict[str, Draft]:
        return {v.timeline.key.visit: v.draft for v in run(tmp_path, *answers, feed=feed).visits}

    assert repr(sorted(drafts(mixed).items())) == repr(sorted(drafts(FEED).items()))


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        ("", [("C1", 8, 0), ("C1 from 2026-06-01", 8, 8)]),
        ("new_course", [("C1", 8, 0), ("C1 from 2026-06-01", 8, 8)]),
        ("same_course", [("C1", 16, 8)]),
    ],
)
def test_the_table_has_a_row_for_each_course(
    tmp_path: Path, choice: str, rows: list[tuple[str, int, int]]
) -> None:
    """One number and one visit: two courses until a person says that they are one."""
    feed = [*eight(MARCH, "V1"), *eight(JUNE, "V1")]
    answers = [said(run(tmp_path, feed=feed), "V1", choice)] if choice else []
    (coded,) = run(tmp_path, *answers, feed=feed).visits
    record = frozenset(contributions_of(coded.timeline, coded.draft))
    rules = rulebook().policies[GUIDE].on(coded.timeline.days[-1].day)
    shown = courses_standing(coded.timeline.key, record, rules, "")
    assert [(row.course, row.sessions) for row in shown] == [row[:2] for row in rows]


def test_a_short_course_stays_as_it_was_till_somebody_says(tmp_path: Path) -> None:
    """Two fractions in March are 77431; with three in June under the number both rest on the word,
    and as one course of five they are 77427.
    """
    feed = [*eight(MARCH[:2], "V1"), *eight(JUNE[:3], "V2")]
    alone = run(tmp_path, feed=feed[:4])
    assert units(alone, "77431") == {"V1": [""]}
    before = run(tmp_path, feed=feed)
    assert units(before, "77431") == {"V1": [CODE]} and units(before) == {"V2": [CODE]}
    assert asked_of(before) == [("V1", CODE), ("V2", CODE)]
    same = run(tmp_path, said(before, "V1", "same_course"), feed=feed)
    assert units(same, "77431") == {} and len(units(same)["V2"]) == 1
    new = run(tmp_path, said(before, "V2", "new_course"), feed=feed)
    assert units(new, "77431") == {"V1": [""]} and units(new) == {"V2": [""]}


def row(first: int, last: int, *, day: int, planned: int, visit: str = "V1") -> list[bytes]:
    """Fractions of March, one a day, with an examination on the first of each five."""
    sent = []
    for place, number in enumerate(range(first, last + 1)):
        when = f"202603{day + place:02}"
        sent.append(
            fraction(number, f"{when}1000", technique="3D", planned=str(planned), visit=visit)
        )
        if place % 5 == 0:
            sent.append(examined(f"{when}1100", visit=visit))
    return sent


@pytest.mark.parametrize(("first", "planned"), [(1, 25), (1, 8), (2, 25), (2, 8)])
def test_numbers_that_begin_again_in_an_open_course_are_one_question(
    tmp_path: Path, first: int, planned: int
) -> None:
    """Eight of 25 and the same numbers once more, with a first report or without: another course,
    or the same one, and nobody is asked for each fraction.
    """
    sent = [*row(1, 8, day=1, planned=25), *row(first, 8, day=12, planned=planned)]
    before = run(tmp_path, feed=sent)
    codes = [code for _visit, code in asked_of(before)]
    assert codes.count(CODE) == 1 and "radiation.number_twice" not in codes
    many = 17 - first
    assert len(units(before, "77407")["V1"]) == many
    apart = 2 if planned == 25 else 3
    for choice, of_units in (("new_course", [""] * apart), ("same_course", [""] * 3)):
        after = run(tmp_path, said(before, "V1", choice), feed=sent)
        left = {code for _visit, code in asked_of(after)}
        assert left <= {"radiation.missing"} and len(units(after, "77407")["V1"]) == many
        if not left:
            assert units(after)["V1"] == of_units


@pytest.mark.parametrize("choice", ["new_course", "same_course"])
def test_a_first_fraction_that_is_not_here_is_missed_in_either_course(
    tmp_path: Path, choice: str
) -> None:
    """Numbers that begin again with the second."""
    sent = [*row(1, 8, day=1, planned=25), *row(2, 8, day=12, planned=8)]
    after = run(tmp_path, said(run(tmp_path, feed=sent), "V1", choice), feed=sent)
    assert [code for _visit, code in asked_of(after)] == ["radiation.missing"]


def test_a_part_with_a_plan_of_its_own_is_held_against_that(tmp_path: Path) -> None:
    """Ten of ten and a boost of four under the number: one course of fourteen, and nobody is asked
    about the eleventh of four, or about two plans; a fifth of the four is beyond it.
    """
    sent = [*row(1, 10, day=1, planned=10), *row(1, 4, day=11, planned=4)]
    same = said(run(tmp_path, feed=sent), "V1", "same_course")
    after = run(tmp_path, same, feed=sent)
    assert asked_of(after) == []
    assert units(after)["V1"] == [""] * 3 and len(units(after, "77407")["V1"]) == 14
    more = [*sent, *row(5, 5, day=15, planned=4)]
    assert asked_of(run(tmp_path, same, feed=more)) == [("V1", "radiation.beyond_plan")]


def test_numbers_told_twice_while_the_course_goes_on_are_no_other_course(tmp_path: Path) -> None:
    """Two of eight once more, and then the ninth: they are asked about together."""
    sent = [
        *row(1, 8, day=1, planned=25),
        *row(3, 4, day=9, planned=25),
        *row(9, 9, day=11, planned=25),
    ]
    before = run(tmp_path, feed=sent)
    codes = [code for _visit, code in asked_of(before)]
    assert codes.count("radiation.number_twice") == 1 and CODE not in codes
    confirmed = answer(before, "radiation.number_twice", "confirm")
    assert len(units(run(tmp_path, confirmed, feed=sent), "77407")["V1"]) == 11


def test_an_ended_course_that_begins_again_soon_is_asked_about(tmp_path: Path) -> None:
    """1 to 8 of eight, and 1 to 8 again from the next Monday on: another course, or the same."""
    soon = ["0316", "0317", "0318", "0319", "0320", "0323", "0324", "0325"]
    sent = [*eight(MARCH, "V1"), *eight(soon, "V2", "V3")]
    assert asked_of(run(tmp_path, feed=sent)) == [("V2", CODE), ("V3", CODE)]
