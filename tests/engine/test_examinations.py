"""Who signed a note decides whether a unit of management has its examination by the physician."""

import pytest

from tests.engine.test_schedule import drafts, of, report
from tests.golden.messages import message, segment
from tests.golden.sessions import examined

WEEK = [f"202603{day:02}1000" for day in (2, 3, 4, 5, 6)]
REPORTS = [report(n, when) for n, when in enumerate(WEEK, 1)]
CODE = "radiation.examination"


def found(*notes: bytes) -> list[str]:
    """What the question about the examination of a week of five fractions says was found."""
    drafted = of(*REPORTS, *notes)
    questions = [question for part in drafted.encounters for question in part.questions]
    assert {question.finding.code for question in questions} <= {CODE}
    units = [line.provisional for line in drafted.lines if line.code == "77427"]
    assert units == ([CODE] if questions else [""])
    return [question.finding.found.partition("; ")[2] for question in questions]


def visit_note(when: str, degree: str) -> bytes:
    """The MDM of a note of an office visit."""
    fields = {1: "1", 2: "PN", 4: when, 9: f"D9^TEST^DOC^^^^{degree}", 12: "N9", 17: "AU"}
    return message("MDM^T02", segment("TXA", fields), sent=when)


DAYS = "from 2026-03-02 to 2026-03-06"
BY_ANOTHER = f"one of a practitioner who is no physician {DAYS}"
BY_OTHER = f"one of an author who is no practitioner, or of whom nobody says the credential, {DAYS}"
NONE = f"none {DAYS}"


@pytest.mark.parametrize(
    ("degree", "said"),
    [
        ("MD", []),
        ("DO", []),
        ("NP", [BY_ANOTHER]),
        ("PA-C", [BY_ANOTHER]),
        ("RN", [BY_OTHER]),
        ("RTT", [BY_OTHER]),
        ("", [BY_OTHER]),
    ],
)
def test_the_author_of_a_note_on_radiation_is_asked_about(degree: str, said: list[str]) -> None:
    """A physician's note settles it; of any other the question says whose note there is."""
    assert found(examined("202603041100", degree=degree)) == said


@pytest.mark.parametrize(("degree", "said"), [("MD", []), ("NP", [BY_ANOTHER]), ("RN", [NONE])])
def test_the_author_of_a_note_of_a_visit_is_asked_about(degree: str, said: list[str]) -> None:
    """A practitioner bills the visit; the examination of the week is the physician's."""
    drafted = of(*REPORTS, visit_note("202603041100", degree))
    questions = [question for part in drafted.encounters for question in part.questions]
    asked = [q.finding.found.partition("; ")[2] for q in questions if q.finding.code == CODE]
    assert asked == said


def test_a_physicians_note_beside_others_settles_it() -> None:
    """Whoever else wrote."""
    notes = [examined(f"2026030{n}1100", degree=d) for n, d in enumerate(("NP", "MD", "RN"), 3)]
    assert found(*notes) == []


@pytest.mark.parametrize(("when", "said"), [("202603021100", []), ("202603011100", [NONE])])
def test_only_a_note_among_the_sessions_counts(when: str, said: list[str]) -> None:
    """One of the first day does, and one of the day before does not."""
    assert found(examined(when)) == said


@pytest.mark.parametrize(
    ("degree", "said"), [("MD", []), ("NP", [BY_ANOTHER]), ("RTT", [BY_OTHER])]
)
def test_a_note_under_another_visit_counts_the_same(degree: str, said: list[str]) -> None:
    """The patient's record says whose it was, where the visit has a session of the course."""
    elsewhere = (report(1, WEEK[0], visit="V2"), examined(WEEK[0], visit="V2", degree=degree))
    drafted = drafts(*REPORTS[1:], *elsewhere)["V1"]
    questions = [question for part in drafted.encounters for question in part.questions]
    assert [q.finding.found.partition("; ")[2] for q in questions] == said
