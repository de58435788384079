"""`questions`, `answer` and `line` on a feed of files, as a person would run them."""

import json
from pathlib import Path

import pytest

from tests.answers.test_answers import open_infusion

from . import inside

Capsys = pytest.CaptureFixture[str]

POLICY = ("--policy", "cms-facility-2026")
WHO = ("--by", "ZN1", "--reason", "I was there")


@pytest.fixture
def feed(tmp_path: Path) -> str:
    path = tmp_path / "open.hl7"
    path.write_text("".join(open_infusion()))
    return str(path)


def number_of_question(feed: str, capsys: Capsys) -> str:
    text = inside(capsys, "questions", "list", "--feed", feed, *POLICY, "--json").out
    (question,) = [json.loads(line) for line in text.splitlines()]
    return str(question["question_id"])


def test_a_question_is_listed_and_shown(feed: str, capsys: Capsys) -> None:
    """The list has its number, and the page each choice with its lines."""
    number = number_of_question(feed, capsys)
    listed = inside(capsys, "questions", "list", "--feed", feed, *POLICY)
    assert listed.code == 0 and number in listed.out and "carboplatin" in listed.out
    shown = inside(capsys, "questions", "show", number, "--feed", feed, *POLICY).out
    assert "stop 2026-03-02T10:00-05:00" in shown
    assert "carboplatin: nothing -> 96413 x1" in shown
    assert f"chargeline answer {number} CHOICE" in shown


def test_an_answer_in_a_file_is_drafted(feed: str, tmp_path: Path, capsys: Capsys) -> None:
    """`answer` keeps it, `code` takes it, and `withdraw` takes it back."""
    number, said = number_of_question(feed, capsys), str(tmp_path / "said.jsonl")
    where = ("--feed", feed, *POLICY, "--answers", said)
    kept = inside(capsys, "answer", number, "stop", "--value", "10:05", *WHO, *where)
    assert kept.code == 0
    page = inside(capsys, "code", feed, *POLICY, "--answers", said).out
    assert "96413" in page and "ZN1 answered stop.missing: stop 2026-03-02T10:05-05:00." in page
    assert inside(capsys, "answer", number, "withdraw", *WHO, *where).code == 0
    assert "96409 ?" in inside(capsys, "code", feed, *POLICY, "--answers", said).out


def test_a_word_on_a_line_in_a_file_is_drafted(feed: str, tmp_path: Path, capsys: Capsys) -> None:
    """The page says what stands in place of what."""
    said = str(tmp_path / "said.jsonl")
    (record,) = inside(capsys, "code", feed, *POLICY, "--json").records
    line_id = next(line["line_id"] for line in record["lines"] if line["code"] == "J9045")
    done = inside(
        capsys, "line", "override", "V1", line_id, "--value", "J9045 x8", *WHO,
        "--feed", feed, *POLICY, "--answers", said,
    )  # fmt: skip
    assert done.code == 0
    page = " ".join(inside(capsys, "code", feed, *POLICY, "--answers", said).out.split())
    assert "A person bills this in place of J9045 x9." in page


WRONG = [
    (("nope",), "expected one of stop, push, unknown, not_given, found nope"),
    (("stop",), "expected a time after 2026-03-02T09:00-05:00"),
    (("push", "--value", "x"), "expected no value, found 'x'"),
]


@pytest.mark.parametrize(("choice", "says"), WRONG)
def test_a_wrong_answer_is_refused(
    feed: str, tmp_path: Path, capsys: Capsys, choice: tuple[str, ...], says: str
) -> None:
    """Exit 2, one line that says what was expected, and nothing is kept."""
    number, said = number_of_question(feed, capsys), tmp_path / "said.jsonl"
    refused = inside(
        capsys, "answer", number, *choice, *WHO, "--feed", feed, *POLICY, "--answers", str(said)
    )
    assert refused.code == 2 and says in refused.err and not said.exists()


def test_a_question_that_nobody_asks_is_refused(feed: str, tmp_path: Path, capsys: Capsys) -> None:
    """An old number, or one of another policy."""
    said = str(tmp_path / "said.jsonl")
    refused = inside(
        capsys, "answer", "0123456789ab", "push", *WHO, "--feed", feed, "--answers", said
    )
    assert refused.code == 2 and "which no visit asks now" in refused.err


def test_a_file_of_answers_with_mistakes_is_refused(
    feed: str, tmp_path: Path, capsys: Capsys
) -> None:
    """All mistakes at once, each with its line."""
    said = tmp_path / "said.jsonl"
    said.write_text('{"visit": "V1"}\nno JSON\n')
    refused = inside(capsys, "code", feed, "--answers", str(said))
    assert refused.code == 2
    assert f"{said}:1: expected an answer" in refused.err and f"{said}:2" in refused.err
    assert "found no JSON" in refused.err


@pytest.mark.parametrize("value", ["08:30", "09:00", "2026-03-02T08:30"])
def test_a_slip_of_the_keyboard_is_no_stop_of_the_next_day(
    feed: str, tmp_path: Path, capsys: Capsys, value: str
) -> None:
    """The start is 09:00: an earlier clock time is refused, with an example of the sender's."""
    number, said = number_of_question(feed, capsys), tmp_path / "said.jsonl"
    where = ("--feed", feed, *POLICY, "--answers", str(said))
    refused = inside(capsys, "answer", number, "stop", "--value", value, *WHO, *where)
    assert refused.code == 2 and "after 2026-03-02T09:00-05:00" in refused.err
    assert not said.exists()


def test_a_question_can_be_answered_anew(feed: str, tmp_path: Path, capsys: Capsys) -> None:
    """The last answer counts, although the first one has closed the question."""
    number, said = number_of_question(feed, capsys), str(tmp_path / "said.jsonl")
    where = ("--feed", feed, *POLICY, "--answers", said)
    for value in ("10:05", "11:35"):
        assert inside(capsys, "answer", number, "stop", "--value", value, *WHO, *where).code == 0
    assert "96415" in inside(capsys, "code", feed, *POLICY, "--answers", said).out
