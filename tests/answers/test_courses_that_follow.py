"""A course that begins soon after another one: both are one, such as with a boost, or two."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.golden.sessions import examined, fraction

CODE = "radiation.follows"
DAYS = [f"0{month}{day:02}" for month in (3, 4) for day in range(1, 31)]


def course(
    name: str, days: Sequence[str], visit: str, *, planned: int = 0, at: str = "1000", **more: str
) -> list[bytes]:
    """A whole course of one fraction a day, with an examination each day."""
    words = {"technique": "3D", "planned": str(planned or len(days)), **more}
    sent = [
        fraction(n, f"2026{day}{at}", course=name, visit=visit, **words)
        for n, day in enumerate(days, 1)
    ]
    return [*sent, *[examined(f"2026{day}1100", visit=visit) for day in days]]


def feed(first: int, second: int) -> list[bytes]:
    """A course of so many fractions, and one under another number from the next day on."""
    of_second = DAYS[first : first + second]
    return [*course("C1", DAYS[:first], "V1"), *course("C2", of_second, "V2")]


def run(folder: Path, *answers: GivenAnswer, sent: Sequence[bytes]) -> Run:
    return run_after(folder, [data.decode() for data in sent], *answers, policy="guide-2026")


def units(run: Run, code: str = "77427") -> list[tuple[str, str]]:
    """The lines of a code, each with its visit and the question on which it rests."""
    return [
        (visit.timeline.key.visit, line.provisional)
        for visit in run.visits
        for line in visit.draft.lines
        if line.code == code
    ]


def test_both_visits_ask_and_what_differs_is_not_firm(tmp_path: Path) -> None:
    """28 and 8 are six units and two; the sixth and those of the boost rest on the question."""
    before = run(tmp_path, sent=feed(28, 8))
    assert asked_of(before) == [("V1", CODE), ("V2", CODE)]
    assert units(before) == [*[("V1", "")] * 5, ("V1", CODE), *[("V2", CODE)] * 2]
    assert {rests_on for _visit, rests_on in units(before, "77407")} == {""}


@pytest.mark.parametrize("visit", ["V1", "V2"])
@pytest.mark.parametrize(
    ("choice", "of_first", "of_second"),
    [("new_course", 6, 2), ("same_course", 5, 2), ("by_hand", 5, 0)],
)
def test_one_word_holds_for_both_visits(
    tmp_path: Path, visit: str, choice: str, of_first: int, of_second: int
) -> None:
    """As one course, 36 sessions are seven units and a rest of one. By hand nothing is left of
    what differs.
    """
    sent = feed(28, 8)
    after = run(tmp_path, answer(run(tmp_path, sent=sent), CODE, choice, visit=visit), sent=sent)
    assert asked_of(after) == []
    assert units(after) == [*[("V1", "")] * of_first, *[("V2", "")] * of_second]


def test_a_short_boost_is_none_by_itself(tmp_path: Path) -> None:
    """25 and 2: 77431 for the two by themselves, and nothing more as the end of 27."""
    sent = feed(25, 2)
    before = run(tmp_path, sent=sent)
    assert units(before, "77431") == [("V2", CODE)]
    after = run(tmp_path, answer(before, CODE, "same_course", visit="V2"), sent=sent)
    assert units(after, "77431") == [] and len(units(after)) == 5


@pytest.mark.parametrize(("first", "second"), [(25, 8), (27, 8), (30, 3)])
def test_where_both_counts_agree_nobody_is_asked(tmp_path: Path, first: int, second: int) -> None:
    """One course or two, the units are the same."""
    assert asked_of(run(tmp_path, sent=feed(first, second))) == []


def in_a_row(*lengths: int) -> list[bytes]:
    """Courses C1, C2 and so on, each under its own visit, one after the other."""
    sent: list[bytes] = []
    first = 0
    for place, length in enumerate(lengths, 1):
        sent += course(f"C{place}", DAYS[first : first + length], f"V{place}")
        first += length
    return sent


def one_by_one(folder: Path, sent: Sequence[bytes]) -> tuple[int, int]:
    """How many units there are before anybody says anything, and after each question that is asked
    was answered that both are one course.
    """
    said: list[GivenAnswer] = []
    after = before = run(folder, sent=sent)
    while questions := asked_of(after, CODE):
        said.append(answer(after, CODE, "same_course", visit=questions[-1][0]))
        after = run(folder, *said, sent=sent)
    return len(units(before)), len(units(after))


@pytest.mark.parametrize(
    ("lengths", "apart", "together"),
    [((8, 8, 7), 5, 5), ((8, 5, 3), 4, 3), ((28, 6, 7), 8, 8), ((4, 4, 4), 3, 2)],
)
def test_three_in_a_row_are_counted_as_one_whole(
    tmp_path: Path, lengths: tuple[int, ...], apart: int, together: int
) -> None:
    """Also where each two of them have the same units either way, and three have not."""
    assert one_by_one(tmp_path, in_a_row(*lengths)) == (apart, together)


def test_another_site_between_hides_no_boost(tmp_path: Path) -> None:
    """A stereotactic fraction between two courses, and another site that ends a day later."""
    other = fraction(1, f"2026{DAYS[8]}1000", course="S", technique="SRS", planned="1", visit="VS")
    sent = [*course("C1", DAYS[:8], "V1"), other, *course("C2", DAYS[9:17], "V2")]
    assert ("V2", CODE) in asked_of(run(tmp_path, sent=sent))
    site = course("C0", DAYS[18:28], "V0", at="1700")
    sent = [*course("C1", DAYS[:28], "V1"), *site, *course("C2", DAYS[29:37], "V2")]
    assert ("V2", CODE) in asked_of(run(tmp_path, sent=sent))


def test_a_boost_may_begin_before_the_last_fraction(tmp_path: Path) -> None:
    """On its day, or where one was made up for later; a word that was given holds all the same."""
    sent = [*course("C1", DAYS[:8], "V1"), *course("C2", DAYS[7:15], "V2", at="1700")]
    assert ("V2", CODE) in asked_of(run(tmp_path, sent=sent))
    late = [*DAYS[:7], DAYS[9]]
    sent = [*course("C1", late, "V1", at="0700"), *course("C2", DAYS[8:16], "V2", at="1500")]
    before = run(tmp_path, sent=sent)
    said = answer(before, CODE, "same_course", visit="V2")
    assert (len(units(before)), len(units(run(tmp_path, said, sent=sent)))) == (4, 3)


def test_courses_at_once_are_not_asked_about(tmp_path: Path) -> None:
    """Two sites, each in sessions of its own, from the beginning on."""
    sent = [*course("C1", DAYS[:8], "V1"), *course("C2", DAYS[1:9], "V2", at="1700")]
    assert CODE not in {code for _visit, code in asked_of(run(tmp_path, sent=sent))}


def test_a_boost_that_ended_early_counts_as_it_was(tmp_path: Path) -> None:
    """8 and 3 of 5: two units and one, and as one course of eleven two."""
    sent = [*course("C1", DAYS[:8], "V1"), *course("C2", DAYS[8:11], "V2", planned=5)]
    last = fraction(
        3, f"2026{DAYS[10]}1000", course="C2", visit="V2", technique="3D", planned="5", end="YES"
    )
    sent[sent.index(course("C2", DAYS[8:11], "V2", planned=5)[2])] = last
    before = run(tmp_path, sent=sent)
    assert len(units(before)) == 3 and ("V2", CODE) in asked_of(before)


def test_an_answer_holds_after_a_further_session(tmp_path: Path) -> None:
    """A 29th of 28 that a person confirms changes the arithmetic, and not what was said."""
    sent = feed(28, 8)
    said = answer(run(tmp_path, sent=sent), CODE, "same_course", visit="V2")
    more = fraction(
        29, f"2026{DAYS[27]}1800", course="C1", technique="3D", planned="28", visit="V1"
    )
    after = run(tmp_path, said, sent=[*sent, more])
    beyond = answer(after, "radiation.beyond_plan", "confirm", visit="V1")
    assert len(units(run(tmp_path, said, beyond, sent=[*sent, more]))) == 7
