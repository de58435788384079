"""What the sessions of a course have in common is asked once, and one answer holds for all."""

from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.golden.sessions import examined, fraction, posted

GUIDE = "guide-2026"
DAYS = ["20260302", "20260303", "20260304", "20260305", "20260306"]
Told = list[bytes]


def told(visits: tuple[str, str], *codes: str, **more: str) -> Told:
    """Five fractions of five, the last two under the second visit, each with posted codes."""
    sent = [examined(f"{DAYS[2]}1100", visit=visits[0])]
    for n, day in enumerate(DAYS, 1):
        visit = visits[n > 3]
        said = {name: value for name, value in more.items() if value}
        sent.append(fraction(n, f"{day}1000", visit=visit, planned="5", **said))
        sent += [posted(code, f"{day}1010", visit=visit) for code in codes]
    return sent


def run(folder: Path, feed: Told, *answers: GivenAnswer) -> Run:
    return run_after(folder, [data.decode() for data in feed], *answers, policy=GUIDE)


def said(run: Run, code: str, choice: str) -> GivenAnswer:
    """An answer to the question of a code, under the last visit that asks it."""
    return answer(run, code, choice, visit=asked_of(run, code)[-1][0])


def lines(run: Run) -> list[tuple[str, str]]:
    """The code of each line, and the question on which it rests."""
    return sorted((line.code, line.provisional) for v in run.visits for line in v.draft.lines)


CAUSES = [
    ("radiation.code_ended", ("77386",), {"technique": "IMRT"}, "by_hand"),
    ("radiation.level_three", (), {"technique": "3D", "motion": "DIBH"}, "confirm"),
    ("radiation.value", (), {"technique": "3D", "isocentres": "two"}, "confirm"),
    ("radiation.differs", ("77372",), {"technique": "SRS"}, "confirm"),
    ("radiation.differs", ("77371",), {"technique": "SRS"}, "confirm"),
    ("radiation.differs", ("77387",), {"technique": "3D"}, "confirm"),
    ("radiation.delivery", (), {"technique": ""}, "by_hand"),
    ("radiation.unknown_code", ("77423",), {"technique": "3D"}, "by_hand"),
]


@pytest.mark.parametrize("visits", [("V1", "V1"), ("V1", "V2")])
@pytest.mark.parametrize(("code", "codes", "more", "choice"), CAUSES)
def test_a_cause_is_asked_about_once_in_a_visit_and_settled_in_all(
    tmp_path: Path,
    visits: tuple[str, str],
    code: str,
    codes: tuple[str, ...],
    more: dict[str, str],
    choice: str,
) -> None:
    """Under whichever visit somebody answers."""
    feed = told(visits, *codes, **more)
    if code == "radiation.level_three":
        feed = feed[1:]  # the note of the examination would document the level
    before = run(tmp_path, feed)
    assert asked_of(before, code) == [(visit, code) for visit in dict.fromkeys(visits)]
    after = run(tmp_path, feed, said(before, code, choice))
    assert asked_of(after, code) == []
    assert [line for line in lines(after) if line[1] == code] == []


def test_an_answer_holds_for_the_sessions_that_follow(tmp_path: Path) -> None:
    """Somebody answers after the first day, and the other four ask no more."""
    feed = told(("V1", "V1"), technique="3D", isocentres="two")
    first = run(tmp_path, feed[:2])
    after = run(tmp_path, feed, said(first, "radiation.value", "confirm"))
    assert asked_of(after) == []


@pytest.mark.parametrize("visits", [("V1", "V1"), ("V1", "V2")])
def test_management_hangs_on_how_a_course_was_delivered(
    tmp_path: Path, visits: tuple[str, str]
) -> None:
    """No technique and no posted code: one question, the unit rests on it, and each session says
    that it has no line; by hand nothing is left.
    """
    feed = told(visits)
    before = run(tmp_path, feed)
    code = "radiation.delivery"
    assert lines(before) == [("77427", code)]
    assert reasons(before) == [code] * 5
    assert asked_of(before) == [(visit, code) for visit in dict.fromkeys(visits)]
    after = run(tmp_path, feed, said(before, code, "by_hand"))
    assert lines(after) == [] and asked_of(after) == []
    assert reasons(after) == ["answer.by_hand"] * 6


def test_management_is_firm_once_something_says_the_beam(tmp_path: Path) -> None:
    """The posted code of one session says that all are external; the others ask how they were."""
    feed = [*told(("V1", "V1")), posted("77407", f"{DAYS[4]}1010")]
    after = run(tmp_path, feed)
    assert ("77427", "") in lines(after) and ("V1", "radiation.delivery") in asked_of(after)


def test_a_technique_that_nobody_can_read_is_asked_about_anew(tmp_path: Path) -> None:
    """The word is right as it stands, somebody says: then the question is how it was delivered."""
    feed = told(("V1", "V1"), technique="HELICAL")
    before = run(tmp_path, feed)
    assert asked_of(before) == [("V1", "radiation.value")]
    assert lines(before) == [("77427", "radiation.value")]
    after = run(tmp_path, feed, said(before, "radiation.value", "confirm"))
    assert asked_of(after) == [("V1", "radiation.delivery")]
    assert lines(after) == [("77427", "radiation.delivery")]


def reasons(run: Run) -> list[str]:
    """The reasons of what is withheld, of all visits."""
    return [e.reason for v in run.visits for part in v.draft.encounters for e in part.withheld]
