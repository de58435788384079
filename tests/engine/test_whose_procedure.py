"""Modifier 25 is for one practitioner, or for one group and specialty: whose the procedure was."""

import pytest

from chargeline.engine import explain
from chargeline.engine.answer_words import AnswerChoice
from chargeline.rulebook.cases import question_codes, withheld_reasons
from tests.engine.short import FACILITY, PHYSICIAN
from tests.engine.visits import ESTABLISHED, NOTE, answered, codes, drafted, line_of, visit

SEEN = (f"{NOTE} by=D1", ESTABLISHED, "visit_minutes 32 min")
BIOPSY = visit(*SEEN, "posted 38222 by=D2")

ANSWERS: dict[AnswerChoice, list[str]] = {
    "same_group": ["99214-25"],
    "other_group": ["99214"],
    "by_hand": [],
}


@pytest.mark.parametrize("choice", ANSWERS)
def test_a_person_says_whose_the_procedure_was(choice: AnswerChoice) -> None:
    """Until then the visit has no 25, and is not firm."""
    assert line_of(drafted(BIOPSY), "99214").provisional == "visit.performer"
    after = answered(BIOPSY, "visit.performer", choice)
    assert codes(after) == ANSWERS[choice]
    assert question_codes(drafted(after)) == []
    assert [line.provisional for line in drafted(after).lines if line.provisional] == []
    assert withheld_reasons(drafted(after)) == (["answer.by_hand"] if choice == "by_hand" else [])


FOUND = {
    "another": (SEEN, "38222 by=D2", "38222 posted for D2 (FT1-20), and the visit is by D1"),
    "nobody": (SEEN, "38222", "38222 posted for nobody (FT1-20), and the visit is by D1"),
    "one of two": (
        (*SEEN, "note visit practitioner signed 11:00 by=D3"), "38222 by=D1",
        "38222 posted for D1 (FT1-20), and the visit is by D1 and D3"),
    "no note": (SEEN[1:], "38222 by=D2",
                "38222 posted for D2 (FT1-20), and the visit is by nobody who is named"),
}  # fmt: skip


@pytest.mark.parametrize(("care", "posted", "found"), FOUND.values(), ids=FOUND)
def test_the_question_names_both(care: tuple[str, ...], posted: str, found: str) -> None:
    """For whom the procedure was posted, and whose the visit is."""
    questions = drafted(visit(*care, f"posted {posted}")).encounters[0].questions
    told = [q.finding.found for q in questions if q.finding.code == "visit.performer"]
    assert told == [found]


def test_who_posted_the_visit_counts_where_no_note_names_its_author() -> None:
    """FT1-20 of the visit and of the biopsy are one practitioner: nothing to ask."""
    draft = drafted(visit(*SEEN[1:], "posted 99214 by=D2", "posted 38222 by=D2"))
    assert "visit.performer" not in question_codes(draft)
    assert line_of(draft, "99214").modifiers == ("25",)


def test_an_answer_holds_for_the_practitioner_it_was_about_only() -> None:
    """The sender posts the biopsy for a third one: asked anew."""
    answers = answered(BIOPSY, "visit.performer", "other_group").answers
    anew = visit(*SEEN, "posted 38222 by=D3")._replace(answers=answers)
    assert "visit.performer" in question_codes(drafted(anew))


def test_of_two_kinds_the_next_one_counts_after_the_first_is_anothers() -> None:
    """The biopsy is of another specialty, and the wellness visit is the practitioner's own."""
    both = visit(*SEEN, "continuing_care yes", "posted 38222 by=D2", "posted G0439 by=D1")
    assert codes(answered(both, "visit.performer", "other_group")) == ["99214-25", "G2211"]
    assert codes(answered(both, "visit.performer", "same_group")) == ["99214-25"]


def test_continuing_care_follows_the_answer() -> None:
    """Beside another specialty's procedure the visit has no 25, so that continuing care stays."""
    asked = visit(*SEEN, "continuing_care yes", "posted 38222 by=D2")
    assert codes(answered(asked, "visit.performer", "other_group")) == ["99214", "G2211"]
    assert codes(answered(asked, "visit.performer", "same_group")) == ["99214-25"]


def test_a_hospitals_claim_does_not_ask() -> None:
    """25 belongs to a separate visit whoever did both, and the practitioner's claim asks."""
    assert codes(BIOPSY, FACILITY) == ["G0463-25"]
    assert question_codes(drafted(BIOPSY, policy=FACILITY)) == []
    assert question_codes(drafted(BIOPSY, policy=PHYSICIAN)) == ["visit.performer"]


def test_the_reason_of_the_question_stands_in_the_trace() -> None:
    """The rule that asks, the code and whose it was; after the answer who said it."""
    text = explain(line_of(drafted(answered(BIOPSY, "visit.performer", "same_group")), "99214"))
    assert "visit.performed.another" in text and "performer: another" in text
    assert "answered: same_group; by: ZN1" in text
