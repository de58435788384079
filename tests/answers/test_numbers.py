"""The number of a question about no administration: it stays whatever else is asked or answered."""

from datetime import datetime

from chargeline.engine import asked_in
from chargeline.engine.events import MessageRef, Source, VisitKey
from chargeline.engine.trace import Draft, EncounterDraft, Question, ask


def question(message: str, *, cause: str = "") -> Question:
    """A question about the same field of some message."""
    reference = MessageRef(message, message, "MDM^T02", datetime(2026, 3, 2, 9))
    return ask(
        "visit.note_unsigned", expected="a signature", found="none", do="ask",
        sources=(Source(reference, "TXA-17"),), cause=cause,
    )  # fmt: skip


def numbers(*questions: Question, encounter: str = "E1") -> list[str]:
    part = EncounterDraft(encounter, "guide-2026", (), questions=questions)
    draft = Draft(VisitKey("ZEBRA", "V1"), "guide-2026", "r1", (part,))
    return [asked.question_id for asked in asked_in(draft, {})]


def test_an_answer_to_one_of_two_like_questions_moves_no_other() -> None:
    """Two notes lack a signature. When the first is seen to, the second is not taken for it."""
    first, second = question("M1"), question("M2")
    both = numbers(first, second)
    assert len(set(both)) == 2
    assert numbers(second, first) == both[::-1]
    assert [*numbers(first), *numbers(second)] == both


def test_a_cause_has_one_number_wherever_it_is_asked_first() -> None:
    """A session of another encounter and day comes before: the question is the same."""
    first, earlier = question("M2", cause="course C1"), question("M1", cause="course C1")
    assert numbers(first) == numbers(earlier, encounter="E0")
    assert numbers(first) != numbers(question("M2", cause="course C2"))
