"""Several courses under one number, in any sizes and plans, against a count that was written apart.

The count knows which series of fractions a feed was made of, and what a person says of each: that
it is another course, or the same one. One report of some feeds is lost.
"""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from chargeline.coding.run import Run
from chargeline.engine import asked_in
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer_to, run_after
from tests.golden.sessions import examined, fraction

BEGINS = date(2026, 3, 2)


class Row(NamedTuple):
    """Fractions 1 to `many` of a plan, one a day; None for no plan. `is_new` is what a person says
    of it: another course than the row before it.
    """

    begins: date
    many: int
    planned: int | None
    is_new: bool

    @property
    def has_ended(self) -> bool:
        """Whether its last fraction is the last one of its plan."""
        return self.many == self.planned


def rows_of(chance: Random) -> list[Row]:
    """Two or three rows, one behind the other."""
    rows, day = [], BEGINS
    for place in range(chance.choice([2, 2, 3])):
        planned = chance.choice([5, 6, 8, 10, 13, None])
        most = planned or 12
        many = chance.choice([most, chance.randint(3, most)])
        day += timedelta(days=chance.choice([0, 1, 4, 14, 34]) if place else 0)
        rows.append(Row(day, many, planned, is_new=chance.random() < 0.5))
        day += timedelta(days=many)
    return rows


def units(rows: list[Row]) -> int:
    """The units of management: one for each five sessions of a course, and one for three or four
    that are left when it ends.
    """
    courses: list[list[Row]] = []
    for row in rows:
        if not courses or row.is_new:
            courses.append([])
        courses[-1].append(row)
    total = 0
    for course in courses:
        full = earned = 0
        for row in course:
            full += row.many
            earned = max(earned, full // 5 + (row.has_ended and full % 5 >= 3))
        total += earned
    return total


def sent_of(rows: list[Row], lost: tuple[int, int] | None) -> list[str]:
    """The reports with an examination on each day, but for a fraction of a row that is lost."""
    sent = []
    for place, row in enumerate(rows):
        said = {"planned": str(row.planned)} if row.planned else {}
        for number in range(1, row.many + 1):
            if (place, number) != lost:
                day = f"{row.begins + timedelta(days=number - 1):%Y%m%d}"
                sent.append(fraction(number, f"{day}1000", technique="3D", **said))
                sent.append(examined(f"{day}1700"))
    return [message.decode() for message in sent]


def worked(folder: Path, rows: list[Row], lost: tuple[int, int] | None) -> tuple[Run, Counter[str]]:
    """The draft after a person said what is true of each question, and how often which was asked.

    Raises AssertionError where another course is asked about on a day on which none begins.
    """
    begin = {
        (row.begins + timedelta(days=int((place, 1) == lost))).isoformat(): row
        for place, row in enumerate(rows)
    }
    answers: list[GivenAnswer] = []
    counts: Counter[str] = Counter()
    while True:
        run = run_after(folder, sent_of(rows, lost), *answers, policy="guide-2026")
        (visit,) = run.visits
        left = asked_in(visit.draft, {})
        if not left:
            return run, counts
        finding, choice = left[0].question.finding, "confirm"
        code, found = finding.code, finding.found
        counts[code] += 1
        assert counts.total() < 20, counts
        if code == "radiation.resumed":
            day = found.partition(" on ")[2][:10]
            assert day in begin, f"{found} in {rows}"
            choice = "new_course" if begin[day].is_new else "same_course"
        answers.append(answer_to(visit, left[0], choice))


@pytest.mark.parametrize("seed", range(16))
def test_each_course_is_counted_by_itself(tmp_path: Path, seed: int) -> None:
    """Every session is delivered once, and nobody is asked whether fractions were told twice."""
    rows = rows_of(Random(seed))
    run, counts = worked(tmp_path, rows, None)
    billed = Counter(line.code for line in run.visits[0].draft.lines for _unit in range(line.units))
    assert billed["77407"] == sum(row.many for row in rows), rows
    assert billed["77427"] == units(rows), rows
    assert counts["radiation.number_twice"] == 0, rows


@pytest.mark.parametrize("seed", range(16, 32))
def test_a_lost_report_is_missed_and_hides_no_course(tmp_path: Path, seed: int) -> None:
    """Whichever it is, but for the last one of a row, of which nobody can know."""
    chance = Random(seed)
    rows = rows_of(chance)
    place = chance.randrange(len(rows))
    lost = (place, chance.randint(1, rows[place].many - 1))
    _run, counts = worked(tmp_path, rows, lost)
    assert counts["radiation.missing"] >= 1, (rows, lost)
    assert counts["radiation.number_twice"] == 0, (rows, lost)
