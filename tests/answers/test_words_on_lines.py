"""A person holds, withholds or overrides a line; the draft keeps what it would have said."""

from pathlib import Path

from chargeline.coding.run import Run
from chargeline.drafting.answering import DraftedVisit, Speaker, without_words, word_on_line
from chargeline.engine import ChargeLine
from chargeline.published.answers import Given
from tests.answers.given import EVENING, run_after
from tests.answers.test_consequences import POLICY, RULEBOOK
from tests.trials import charges, questions
from tests.trials.test_doubts import given, order

MESSAGES = [order("carboplatin", "450 mg", 60), given("carboplatin", "0900-1000", "450 mg")]


def word(run: Run, code: str, choice: str, value: str = "") -> Given:
    """A word on the line of a code; of all lines with "" as the code."""
    (visit,) = run.visits
    plain = without_words(DraftedVisit(visit.timeline, visit.draft), RULEBOOK, POLICY)
    lines = [line for encounter in plain.draft.encounters for line in encounter.lines]
    line_id = next((line.line_id for line in lines if line.code == code), "")
    speaker = Speaker("ZC1", EVENING, "the payer's contract")
    return word_on_line(plain, line_id, choice, value=value, speaker=speaker)


def lines_of(run: Run) -> dict[str, ChargeLine]:
    return {line.code: line for line in run.visits[0].draft.encounters[0].lines}


def test_an_overridden_line_says_what_was_drafted(tmp_path: Path) -> None:
    """Code, modifiers and units are the person's; the engine's own stand beside them."""
    before = run_after(tmp_path, MESSAGES)
    after = run_after(tmp_path, MESSAGES, word(before, "96413", "override", "96409-59 x2"))
    line = lines_of(after)["96409"]
    assert (line.units, line.modifiers, line.instead_of) == (2, ("59",), "96413 x1")
    assert "drafted: 96413 x1; said: override" in after.explain(line)


def test_a_withheld_line_keeps_its_trace(tmp_path: Path) -> None:
    """It is no charge any more, and says who withheld what."""
    before = run_after(tmp_path, MESSAGES)
    after = run_after(tmp_path, MESSAGES, word(before, "J9045", "withhold"))
    assert charges(after) == ["96413 x1"]
    (entry,) = after.visits[0].draft.encounters[0].withheld
    assert (entry.reason, entry.says) == ("answer.withhold", "A person withholds J9045 x9.")
    assert {step.topic for step in entry.trace} == {"drug units", "word on the line"}


def test_an_override_lapses_when_the_line_changes(tmp_path: Path) -> None:
    """The dose is corrected: the line stands as drafted, and a person is asked."""
    before = run_after(tmp_path, MESSAGES)
    said = word(before, "J9045", "override", "J9045 x8")
    other = [MESSAGES[0], given("carboplatin", "0900-1000", "500 mg")]
    after = run_after(tmp_path, other, said)
    assert "J9045 x10" in charges(after) and questions(after) == ["answer.outdated"]


def test_a_restored_line_is_as_drafted(tmp_path: Path) -> None:
    """The last word counts, whichever comes first."""
    before = run_after(tmp_path, MESSAGES)
    first = word(before, "96413", "override", "96409 x1")
    later = word(before, "96413", "restore").model_copy(update={"at": EVENING.replace(hour=22)})
    for said in ((first, later), (later, first)):
        after = run_after(tmp_path, MESSAGES, *said)
        assert charges(after) == charges(before)


def test_a_held_line_stands_and_says_why(tmp_path: Path) -> None:
    """A hold on one line, and one on the whole visit."""
    before = run_after(tmp_path, MESSAGES)
    one = lines_of(run_after(tmp_path, MESSAGES, word(before, "96413", "hold")))
    assert (one["96413"].held, one["J9045"].held) == ("the payer's contract", "")
    whole = run_after(tmp_path, MESSAGES, word(before, "", "hold"))
    assert all(line.held for line in lines_of(whole).values())
    assert whole.visits[0].draft.held == "the payer's contract"
    assert charges(whole) == charges(before)


def test_a_word_on_a_line_that_is_gone_is_asked_about(tmp_path: Path) -> None:
    """The drug was not given after all: the override has no line, and does not go in silence."""
    before = run_after(tmp_path, MESSAGES)
    said = word(before, "J9045", "override", "J9045 x8")
    gone = [MESSAGES[0], given("carboplatin", "0900-1000", "450 mg", done="NA")]
    after = run_after(tmp_path, gone, said)
    (question,) = after.visits[0].draft.questions
    assert (question.finding.code, question.finding.found) == ("answer.outdated", "no such line")


def test_an_override_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    """As a hand may have edited it in a file of answers."""
    before = run_after(tmp_path, MESSAGES)
    said = word(before, "J9045", "override", "J9045 x8").model_copy(update={"value": "zebra"})
    after = run_after(tmp_path, MESSAGES, said)
    assert charges(after) == charges(before) and questions(after) == ["answer.outdated"]


def test_a_word_on_all_lines_is_the_last_one(tmp_path: Path) -> None:
    """A release of the visit releases a held line; a line may be let go from a held visit."""
    before = run_after(tmp_path, MESSAGES)
    later = {"at": EVENING.replace(hour=22)}
    one = word(before, "96413", "hold")
    everything = word(before, "", "release").model_copy(update=later)
    assert not any(
        line.held for line in lines_of(run_after(tmp_path, MESSAGES, one, everything)).values()
    )
    whole = word(before, "", "hold")
    let_go = word(before, "96413", "release").model_copy(update=later)
    after = lines_of(run_after(tmp_path, MESSAGES, whole, let_go))
    assert (after["96413"].held, after["J9045"].held) == ("", "the payer's contract")
