"""Claims about the courses of radiation of a visit, on its page and in its reasons."""

from pathlib import Path

import pytest

import chargeline
from tests.cli import feed, inside
from tests.golden.sessions import appointment, examined, fraction

Capsys = pytest.CaptureFixture[str]


def day(number: int) -> str:
    """The time of a fraction: one a day, weekends too, from 2 March 2026 on."""
    return f"202603{1 + number:02}1000"


def delivered(first: int, last: int, **more: str) -> list[bytes]:
    """The reports of some fractions of a course, by number."""
    return [fraction(n, day(n), technique="3D", **more) for n in range(first, last + 1)]


def courses_shown(capsys: Capsys, tmp_path: Path, visit: str, *messages: bytes) -> list[str]:
    """The rows of the courses on a visit's page, below its last encounter."""
    printed = "\n" + inside(capsys, "code", feed(tmp_path, *messages), COLUMNS="160").out
    parts = [part for part in printed.split("\nVisit ") if part.startswith(f"{visit} ·")]
    lines = [" ".join(line.split()) for line in [*parts[-1].splitlines(), ""]]
    head = lines.index("course sessions management next unit stands this visit")
    return lines[head + 1 : lines.index("", head)]


def row_of(capsys: Capsys, tmp_path: Path, visit: str, *messages: bytes) -> str:
    return courses_shown(capsys, tmp_path, visit, *messages)[0]


def test_each_visit_shows_the_whole_course_and_its_own_part(tmp_path: Path, capsys: Capsys) -> None:
    """Seven of thirty sessions in two visits: one unit is earned, and the next at the tenth."""
    told = [*delivered(1, 4, planned="30"), *delivered(5, 7, planned="30", visit="V2")]
    row = "C1 7 of 30 1 x 77427 in 3 sessions open {here}"
    assert row_of(capsys, tmp_path, "V1", *told) == row.format(here="1 to 4")
    assert row_of(capsys, tmp_path, "V2", *told) == row.format(here="5 to 7")


@pytest.mark.parametrize(
    ("planned", "last", "row"),
    [
        ("8", 4, "C1 4 of 8 0 x 77427 in 1 session open 1 to 4"),
        ("8", 5, "C1 5 of 8 1 x 77427 in 3 sessions open 1 to 5"),  # a rest of three at the end
        ("8", 8, "C1 8 of 8 2 x 77427 none to come ended 1 to 8"),
        ("7", 5, "C1 5 of 7 1 x 77427 none to come open 1 to 5"),  # a rest of two is no unit
        ("2", 1, "C1 1 of 2 0 x 77427 in 1 session open 1"),  # then it is a short course
        ("2", 2, "C1 2 of 2 1 x 77431 none to come ended 1 to 2"),
        ("", 6, "C1 6 1 x 77427 in 4 sessions open 1 to 6"),
        ("8", 9, "C1 9 of 8 2 x 77427 in 6 sessions open 1 to 9"),  # goes on after its plan
    ],
)
def test_what_remains_to_the_next_unit_follows_from_the_plan(
    tmp_path: Path, capsys: Capsys, planned: str, last: int, row: str
) -> None:
    """The arithmetic of the drafts, some sessions ahead."""
    told = delivered(1, last, planned=planned) if planned else delivered(1, last)
    assert row_of(capsys, tmp_path, "V1", *told) == row


@pytest.mark.parametrize(("sessions", "planned"), [(5, 8), (7, 8), (12, 30), (29, 30), (4, 30)])
def test_the_next_unit_comes_with_the_session_that_the_page_names(
    tmp_path: Path, capsys: Capsys, sessions: int, planned: int
) -> None:
    """So many more sessions draft one more unit, and one session fewer does not."""

    def units(last: int) -> int:
        path = feed(tmp_path, *delivered(1, last, planned=str(planned)))
        records = inside(capsys, "code", path, "--json").records
        return sum(
            line["units"] for rec in records for line in rec["lines"] if line["code"] == "77427"
        )

    row = row_of(capsys, tmp_path, "V1", *delivered(1, sessions, planned=str(planned)))
    before, _in, rest = row.partition(" in ")
    more = int(rest.split()[0])
    assert before.endswith(f"{units(sessions)} x 77427")
    assert [units(sessions + n) - units(sessions) for n in (more - 1, more)] == [0, 1]


def test_a_course_of_the_body_has_its_unit_with_its_end(tmp_path: Path, capsys: Capsys) -> None:
    """Three of five fractions by plan are two before the end; without a plan nobody can say."""
    told = [fraction(n, day(n), technique="SBRT", planned="5") for n in (1, 2, 3)]
    assert row_of(capsys, tmp_path, "V1", *told) == "C1 3 of 5 0 x 77435 in 2 sessions open 1 to 3"
    told = [fraction(n, day(n), technique="SBRT") for n in (1, 2, 3)]
    assert row_of(capsys, tmp_path, "V1", *told) == "C1 3 0 x 77435 with the end open 1 to 3"


def test_doubted_missing_and_booked_sessions_stand_beside_those_that_count(
    tmp_path: Path, capsys: Capsys
) -> None:
    """Fraction 2 came twice, 3 and 4 never, one appointment is to come, and another was missed."""
    told = [*delivered(1, 2), fraction(2, day(4)), fraction(5, day(5)), appointment(day(8))]
    gone = appointment(day(7), trigger="S26")
    row = row_of(capsys, tmp_path, "V1", *told, gone)
    assert row.startswith("C1 3, 1 in question, 1 booked, not here: 3 to 4 0 x 77427 in 2 sessions")


def test_courses_of_one_sitting_are_counted_together(tmp_path: Path, capsys: Capsys) -> None:
    """Five sittings of two courses are one unit, and both rows say with which it is counted."""
    beside = [
        fraction(n, f"{day(n)[:8]}1010", technique="3D", course="C2", planned="30")
        for n in range(1, 6)
    ]
    rows = courses_shown(capsys, tmp_path, "V1", *delivered(1, 5, planned="30"), *beside)
    assert rows == [
        "C1 5 of 30 1 x 77427, counted with C2 in 5 sessions open 1 to 5",
        "C2 5 of 30 1 x 77427, counted with C1 in 5 sessions open 1 to 5",
    ]


def test_the_reasons_and_a_narrow_page_have_a_sentence(tmp_path: Path, capsys: Capsys) -> None:
    """What the table says, in words."""
    path = feed(tmp_path, *delivered(1, 6, planned="30"), examined(day(3)))
    sentence = (
        "course C1: sessions 6 of 30; management 1 x 77427, the next in 4 sessions; open; "
        "this visit has 1 to 6"
    )
    said = inside(capsys, "explain", path, "--visit", "V1").out
    assert f"Visit V1, {sentence}\n" in said
    narrow = " ".join(inside(capsys, "code", path, COLUMNS="60").out.split())
    assert sentence in narrow


def test_a_visit_without_radiation_shows_no_course(tmp_path: Path, capsys: Capsys) -> None:
    """Nothing of it, also where another visit of the patient has a course."""
    note = examined(day(3), visit="V2")
    printed = "\n" + inside(capsys, "code", feed(tmp_path, *delivered(1, 3), note)).out
    assert printed.count("course sessions") + printed.count("this visit") == 1


def test_a_page_says_where_policies_differ_on_a_course(tmp_path: Path, capsys: Capsys) -> None:
    """The unit of the fifth day, on the hospital's page and on that of the guide."""
    path = feed(tmp_path, *delivered(1, 5, guidance="Y", planned="30"), examined(day(3)))
    page = " ".join(inside(capsys, "code", path, COLUMNS="160").out.split())
    assert (
        "77427 1 course C1 Management of 5 sessions: 1 x 5 = 1 unit so far. Five sessions are one "
        "unit; three or four left at the end of the course are one more, one or two are none. "
        "cms-facility-2026 would withhold this line (rule facility.radiation.professional)"
    ) in page
    guided = "cms-physician-2026 would also give 77387-26 x1 (rule physician.radiation.guidance)"
    assert page.count(guided) == 5
    options = ("--policy", "cms-facility-2026")
    lines = inside(capsys, "code", path, *options, COLUMNS="160").out.splitlines()
    head = next(n for n, line in enumerate(lines) if line.lstrip().startswith("withheld"))
    assert lines[head + 1 : head + 3] == [
        "      cms-physician-2026 would give 77427 x1 (rule radiation.part.all)",
        "      guide-2026 would give 77427 x1 (rule radiation.part.all)",
    ]


def test_reasons_json_and_rows_say_where_policies_differ_on_a_course(
    tmp_path: Path, capsys: Capsys
) -> None:
    """The same of one session with pictures, as text, as JSON and as a row."""
    path = feed(tmp_path, *delivered(1, 1, guidance="Y", planned="30"))
    sentence = "cms-physician-2026 would also give 77387-26 x1 (rule physician.radiation.guidance)"
    assert f"  {sentence}\n" in inside(capsys, "explain", path).out
    (record,) = inside(capsys, "code", path, "--json").records
    assert record["lines"][0]["other_policies"] == [
        {
            "policy": "cms-physician-2026",
            "would_give": ["77407 x1", "77387-26 x1"],
            "rule": "physician.radiation.guidance",
        }
    ]
    (row,) = chargeline.code(path).to_rows()
    assert row["other_policies"] == sentence


def test_json_has_what_the_table_shows(tmp_path: Path, capsys: Capsys) -> None:
    """Seven sessions of two visits: the second one tells three of them, and has the unit."""
    told = [*delivered(1, 4, planned="30"), *delivered(5, 7, planned="30", visit="V2")]
    records = inside(capsys, "code", feed(tmp_path, *told), "--json").records
    courses = {record["visit"]: record["courses"] for record in records}
    course = {
        "course": "C1", "sessions": 7, "in_question": 0, "booked": 0, "planned": [30],
        "missing": [], "ended": False, "here": [5, 6, 7], "counted_with": [],
        "management": [
            {
                "beam": "external", "sessions": 7, "code": "77427", "units": 1, "to_next": 3,
                "with_the_end": False,
            }
        ],
    }  # fmt: skip
    assert courses == {"V1": [{**course, "here": [1, 2, 3, 4]}], "V2": [course]}


def test_each_encounter_of_a_visit_has_the_same_courses(tmp_path: Path, capsys: Capsys) -> None:
    """A course is of the visit: what stands in one record stands in all."""
    records = inside(capsys, "code", feed(tmp_path, *delivered(1, 3)), "--json").records
    assert len(records) == 3
    assert records[0]["courses"] == records[1]["courses"] == records[2]["courses"] != []


@pytest.mark.parametrize(("planned", "code"), [("5", "77431"), ("8", "77427")])
def test_the_table_has_no_unit_that_waits_for_missing_fractions(
    tmp_path: Path, capsys: Capsys, planned: str, code: str
) -> None:
    """The last fraction alone, or the last three, end the course; the draft withholds the unit."""
    first = int(planned) - (0 if code == "77431" else 2)
    told = delivered(first, int(planned), planned=planned)
    row = row_of(capsys, tmp_path, "V1", *told)
    assert f"not here: 1 to {first - 1} 0 x {code} none to come ended" in row


def test_the_hospitals_table_has_no_management(tmp_path: Path, capsys: Capsys) -> None:
    """Its claim has none, so none is to come."""
    path = feed(tmp_path, *delivered(1, 5, planned="30"), examined(day(3)))
    options = ("--policy", "cms-facility-2026")
    printed = inside(capsys, "code", path, *options, COLUMNS="160").out
    assert "C1 5 of 30 none none to come open 1 to 5" in " ".join(printed.split())
