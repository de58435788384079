"""What reports are made of: counts by hand on a small ledger, on both databases."""

from datetime import date, timedelta

from chargeline.engine import VisitKey
from chargeline.ledger import Ledger
from chargeline.ledger.records import StoredAnswer
from chargeline.ledger.reporting import MomentSpan, ParkedOfCode, ReportPeriod
from chargeline.ledger.work_list import WorkFilter

from .rows import HOUR, MORNING, parked, question, revision, visit

NOW = MORNING + timedelta(days=10)
DAY = timedelta(days=1)
MARCH = ReportPeriod(date(2026, 3, 1), date(2026, 3, 31))
FIRST, SECOND, SOUTH, EARLIER, MERGED, UNDATED = (
    VisitKey("NORTH", "V1"),
    VisitKey("NORTH", "V2"),
    VisitKey("SOUTH", "V1"),
    VisitKey("NORTH", "V0"),
    VisitKey("NORTH", "V8"),
    VisitKey("NORTH", "V9"),
)
KEYS = (FIRST, SECOND, SOUTH, EARLIER, MERGED, UNDATED)


async def filled(ledger: Ledger) -> None:
    """Three visits of March, one of February, one that was merged, and one without a day."""
    days = ("2026-03-02", "2026-03-31", "2026-03-31", "2026-02-28", "2026-03-02", "")
    rows = [
        visit(key, revision=1, day=day, place="TOWER", asks=1, status="final")
        for key, day in zip(KEYS, days, strict=True)
    ]
    rows[4] = rows[4]._replace(status="merged")
    asked = [
        question("q1", FIRST)._replace(opened_at=NOW - 9 * DAY, stake_cents=100),
        question("q2", FIRST)._replace(opened_at=NOW - DAY, stake_cents=20),
        question("q3", SECOND, closed_at=NOW)._replace(opened_at=NOW - DAY, stake_cents=4_000),
        question("q4", SOUTH)._replace(opened_at=NOW - 2 * DAY),
        question("q5", SOUTH)._replace(opened_at=NOW - 4 * DAY, code="dose.missing"),
        *[question(f"not {key.visit}", key) for key in (EARLIER, MERGED, UNDATED)],
    ]
    async with ledger.batch() as batch:
        await batch.put_visits(rows)
        await batch.put_questions(asked)
        await batch.add_revisions([revision(1, key, f'{{"of": "{key.visit}"}}') for key in KEYS])


async def test_questions_are_counted_by_code_and_age(ledger: Ledger) -> None:
    """Of the period only; what is closed counts as put, and its stake no more."""
    await filled(ledger)
    async with ledger.view() as view:
        dose, stop = await view.reporting.questions(MARCH, NOW)
        (north,) = await view.reporting.questions(MARCH._replace(facility="NORTH"), NOW)
    assert (dose.code, dose.put, dose.open, dose.ages) == ("dose.missing", 1, 1, (0, 0, 1, 0))
    assert dose.stake_cents is None
    assert (stop.put, stop.open, stop.stake_cents) == (4, 3, 120)
    assert (stop.ages, stop.oldest) == ((1, 1, 0, 1), NOW - 9 * DAY)
    assert (north.put, north.open, north.ages) == (3, 2, (1, 0, 0, 1))


async def test_a_question_of_two_four_or_nine_days_is_in_the_older_column(ledger: Ledger) -> None:
    """And one a second younger is not."""
    async with ledger.batch() as batch:
        await batch.put_visits([visit(FIRST, revision=1, day="2026-03-02", status="final")])
        ages = [timedelta(days=days, seconds=more) for days in (2, 4, 9) for more in (-1, 0)]
        await batch.put_questions(
            [question(f"q{age}", FIRST)._replace(opened_at=NOW - age) for age in ages]
        )
    async with ledger.view() as view:
        (row,) = await view.reporting.questions(MARCH, NOW)
    assert row.ages == (1, 2, 2, 1)


async def test_drafts_come_by_day_and_page_by_page(ledger: Ledger) -> None:
    """The newest day first; each with the questions about a stop that are open."""
    await filled(ledger)
    pages = []
    async with ledger.view() as view:
        pages.append(await view.reporting.drafts(MARCH, 2))
        pages.append(await view.reporting.drafts(MARCH, 2, pages[0][-1]))
        south = await view.reporting.drafts(MARCH._replace(facility="SOUTH"), 9)
        counted = await view.reporting.visits(MARCH)
        facilities = await view.reporting.facilities()
    assert [[(row.facility, row.visit) for row in rows] for rows in pages] == [
        [SECOND, SOUTH],
        [FIRST],
    ]
    assert pages[1][0].body == '{"of": "V1"}'
    assert (pages[0][0].put, pages[1][0].put) == (frozenset({"q4"}), frozenset({"q1", "q2"}))
    assert [row.visit for row in south] == ["V1"]
    assert (counted.drafted, counted.undated) == (3, 1)
    assert facilities == ["NORTH", "SOUTH"]


async def test_two_visits_of_one_day_and_page_are_read_once(ledger: Ledger) -> None:
    """A page of one row each goes through all three."""
    await filled(ledger)
    seen = []
    async with ledger.view() as view:
        rows = await view.reporting.drafts(MARCH, 1)
        while rows:
            seen += [(row.facility, row.visit) for row in rows]
            rows = await view.reporting.drafts(MARCH, 1, rows[-1])
    assert seen == [SECOND, SOUTH, FIRST]


async def test_answers_come_in_order_and_each_once(ledger: Ledger) -> None:
    """Of a time: its first moment belongs to it, its last one does not."""
    said = [
        StoredAnswer(*key, f"a{number}", MORNING + number * HOUR, "{}")
        for number, key in enumerate((FIRST, SOUTH, FIRST, FIRST))
    ]
    twins = [said[2]._replace(answer_id=f"b{number}") for number in range(3)]
    async with ledger.batch() as batch:
        await batch.add_answers([*said, *twins])
    span, seen = MomentSpan(MORNING, MORNING + 3 * HOUR), list[StoredAnswer]()
    async with ledger.view() as view:
        rows = await view.reporting.answers(span, 2)
        while rows:
            seen += rows
            rows = await view.reporting.answers(span, 2, rows[-1])
        south = await view.reporting.answers(span._replace(facility="SOUTH"), 9)
    assert [row.answer_id for row in seen] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert [row.answer_id for row in south] == ["a1"]


async def test_a_question_is_looked_up_when_it_was_put(ledger: Ledger) -> None:
    """By facility and number; one that is not there is left out."""
    await filled(ledger)
    async with ledger.view() as view:
        put = await view.reporting.put_at([("NORTH", "q1"), ("SOUTH", "q1"), ("NORTH", "none")])
    assert put == {("NORTH", "q1"): NOW - 9 * DAY}


async def test_parked_messages_are_counted_by_code(ledger: Ledger) -> None:
    """One that somebody has seen to counts as parked, and waits no more."""
    rows = [
        parked(1),
        parked(2, facility="NORTH", first_seen=MORNING + HOUR),
        parked(3, code="time.missing", facility="SOUTH"),
        parked(4, first_seen=MORNING + DAY),
    ]
    async with ledger.batch() as batch:
        numbers = await batch.park(rows)
        await batch.set_status(numbers[0], "dropped")
    span = MomentSpan(MORNING, MORNING + DAY)
    async with ledger.view() as view:
        everywhere = await view.reporting.parked(span)
        north = await view.reporting.parked(span._replace(facility="NORTH"))
    assert everywhere == [ParkedOfCode("message.no_msh", 2, 1), ParkedOfCode("time.missing", 1, 1)]
    assert north == [ParkedOfCode("message.no_msh", 1, 1)]


async def test_the_work_list_is_filtered_by_days_and_facility(ledger: Ledger) -> None:
    """A visit without a day of service is in no period."""
    await filled(ledger)
    march = WorkFilter(first_day="2026-03-01", last_day="2026-03-31")
    async with ledger.view() as view:
        work = view.work_list(NOW)
        sums = [
            (await work.sums(wanted)).visits
            for wanted in (
                WorkFilter(),
                march,
                march._replace(facility="SOUTH"),
                WorkFilter(last_day="2026-03-02"),
            )
        ]
    assert sums == [6, 4, 1, 3]
