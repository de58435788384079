"""A person can close a question: what each answer drafts, and when it holds no longer."""

from datetime import timedelta
from pathlib import Path

import pytest

from chargeline.engine import answer_words, words
from chargeline.engine.answers.applying import EFFECTS, SETTLES, change_nothing
from tests.answers.given import EVENING, answer, asked, run_after
from tests.trials import charges, message, provisional, questions, rxa
from tests.trials.test_doubts import given, order

IV, PUSH = "RXR|IV", "RXR|IV|||IVP"


def open_infusion() -> list[str]:
    """Carboplatin from 09:00 without a stop, for an order of 60 minutes."""
    return [given("carboplatin", "0900", "450 mg"), order("carboplatin", "450 mg", 60)]


# ------------------------------------------------------------------ what each answer drafts


def test_a_stop_that_a_person_gives_is_billed(tmp_path: Path) -> None:
    """65 minutes: an infusion in place of the push of a missing stop, and nothing is open."""
    before = run_after(tmp_path, open_infusion())
    assert questions(before) == ["stop.missing"] and "96409 x1" in charges(before)
    stop = answer(before, "stop.missing", "stop", "2026-03-02T10:05-05:00")
    after = run_after(tmp_path, open_infusion(), stop)
    assert charges(after) == ["96413 x1", "J9045 x9"]
    assert questions(after) == [] and provisional(after) == []


def test_the_line_says_who_answered(tmp_path: Path) -> None:
    """The stop's source is the answer, and a step names question, choice, person and reason."""
    before = run_after(tmp_path, open_infusion())
    stop = answer(before, "stop.missing", "stop", "2026-03-02T10:05-05:00")
    after = run_after(tmp_path, open_infusion(), stop)
    (line,) = [each for each in after.visits[0].draft.encounters[0].lines if each.code == "96413"]
    text = after.explain(line)
    assert "answered: stop; value: 2026-03-02T10:05-05:00; by: ZN1; because: I was there" in text
    assert "the answer" in text


def test_nobody_can_say_makes_the_fall_back_firm(tmp_path: Path) -> None:
    """The push that a missing stop is worth stands, and is provisional no more."""
    before = run_after(tmp_path, open_infusion())
    assert "96409" in provisional(before)
    after = run_after(tmp_path, open_infusion(), answer(before, "stop.missing", "unknown"))
    assert "96409 x1" in charges(after)
    assert questions(after) == [] and provisional(after) == []


def test_a_drug_that_was_not_given_is_withheld(tmp_path: Path) -> None:
    """Neither the giving nor the drug is billed, and the reason is the answer."""
    before = run_after(tmp_path, open_infusion())
    after = run_after(tmp_path, open_infusion(), answer(before, "stop.missing", "not_given"))
    assert charges(after) == []
    assert [each.reason for each in after.visits[0].draft.encounters[0].withheld] == [
        "answer.not_given"
    ]


CONFIRMED = [
    ("time.long", "0900-1400", "450 mg", "96415 x4"),
    ("dose.ordered", "0900-1000", "4500 mg", "J9045 x90"),
]


@pytest.mark.parametrize(("code", "times", "amount", "stands"), CONFIRMED)
def test_a_confirmed_doubt_makes_the_lines_firm(
    tmp_path: Path, code: str, times: str, amount: str, stands: str
) -> None:
    """What was doubted stands as charted."""
    messages = [order("carboplatin", "450 mg", 60), given("carboplatin", times, amount)]
    before = run_after(tmp_path, messages)
    assert code in questions(before) and provisional(before)
    after = run_after(tmp_path, messages, answer(before, code, "confirm"))
    assert stands in charges(after) and code not in questions(after)
    assert provisional(after) == []


def test_a_dose_that_a_person_gives_is_billed(tmp_path: Path) -> None:
    """450 mg in place of 4500 mg."""
    messages = [order("carboplatin", "450 mg", 60), given("carboplatin", "0900-1000", "4500 mg")]
    before = run_after(tmp_path, messages)
    after = run_after(tmp_path, messages, answer(before, "dose.ordered", "dose", "450 mg"))
    assert "J9045 x9" in charges(after) and questions(after) == []


def test_a_product_that_a_person_names_is_billed(tmp_path: Path) -> None:
    """A local name that nobody knows."""
    messages = [message(rxa("zebra mixture", "0900-1000", "450 mg"), IV)]
    before = run_after(tmp_path, messages)
    assert questions(before) == ["drug.unknown"] and charges(before) == []
    after = run_after(tmp_path, messages, answer(before, "drug.unknown", "product", "carboplatin"))
    assert charges(after) == ["96413 x1", "J9045 x9"] and questions(after) == []


def test_a_drug_that_is_billed_by_hand_is_withheld(tmp_path: Path) -> None:
    """Nothing ends in silence: the administration says that a person sees to it."""
    messages = [message(rxa("zebra mixture", "0900-1000", "450 mg"), IV)]
    before = run_after(tmp_path, messages)
    after = run_after(tmp_path, messages, answer(before, "drug.unknown", "by_hand"))
    (encounter,) = after.visits[0].draft.encounters
    assert questions(after) == []
    assert [each.reason for each in encounter.withheld] == ["answer.by_hand"]


def test_of_one_bag_in_two_records_the_second_is_withheld(tmp_path: Path) -> None:
    """Nine units in place of eighteen."""
    row = rxa("carboplatin", "0900-1000", "450 mg")
    messages = [message(row, IV, row, IV)]
    before = run_after(tmp_path, messages)
    assert "J9045 x18" in charges(before)
    after = run_after(tmp_path, messages, answer(before, "dose.twice", "one_record"))
    assert charges(after) == ["96413 x1", "J9045 x9"] and questions(after) == []
    (encounter,) = after.visits[0].draft.encounters
    assert [each.reason for each in encounter.withheld] == ["answer.one_record"]


TWO_LINES = [
    message(
        rxa("carboplatin", "0900-1000", "450 mg"),
        "RXR|IV|PORT",
        rxa("vancomycin", "0910-1015", "1000 mg"),
        "RXR|IV|LA",
    )
]


@pytest.mark.parametrize(
    ("choice", "stands", "gone"),
    [("required", "96365-59 x1", "96368 x1"), ("not_required", "96368 x1", "96365-59 x1")],
)
def test_the_reason_of_a_second_line_decides_its_code(
    tmp_path: Path, choice: str, stands: str, gone: str
) -> None:
    """Required: an initial service of its own, firm. Not required: beside the chemotherapy."""
    before = run_after(tmp_path, TWO_LINES)
    assert questions(before) == ["initial.second_line"]
    after = run_after(tmp_path, TWO_LINES, answer(before, "initial.second_line", choice))
    assert stands in charges(after) and gone not in charges(after)
    assert questions(after) == [] and provisional(after) == []


def test_what_the_patient_came_for_is_initial(tmp_path: Path) -> None:
    """In an office the saline may be the reason, although the iron is higher in rank."""
    messages = [
        message(
            rxa("iron sucrose", "0900-0905", "200 mg"),
            PUSH,
            rxa("normal saline", "0910-1010", "1000 mL"),
            IV,
        )
    ]
    before = run_after(tmp_path, messages, policy="cms-physician-2026")
    assert questions(before) == ["initial.primary_reason"]
    assert "96374 x1" in charges(before)
    _iron, saline = before.visits[0].timeline.administrations
    came = answer(before, "initial.primary_reason", "primary", saline.key)
    after = run_after(tmp_path, messages, came, policy="cms-physician-2026")
    assert "96360 x1" in charges(after) and questions(after) == []


# ------------------------------------------------------------------ when an answer holds


def test_an_answer_holds_no_longer_when_the_charting_changes(tmp_path: Path) -> None:
    """The nurse charts the stop at 10:15: 75 minutes, and no more of the 65 that were answered."""
    before = run_after(tmp_path, open_infusion())
    stop = answer(before, "stop.missing", "stop", "2026-03-02T10:05-05:00")
    charted = given("carboplatin", "0900-1015", "450 mg").replace("|A\r", "|U\r")
    messages = [*open_infusion(), charted.replace("|M1|", "|M2|").replace("0303180", "0303190")]
    after = run_after(tmp_path, messages, stop)
    (line,) = [each for each in after.visits[0].draft.encounters[0].lines if each.code == "96413"]
    assert line.minutes == 75
    assert [said.holds for said in after.visits[0].draft.said] == [False]


def test_a_question_is_open_again_when_its_facts_change(tmp_path: Path) -> None:
    """Confirmed at 4500 mg, then corrected to 4600 mg: asked anew."""
    messages = [order("carboplatin", "450 mg", 60), given("carboplatin", "0900-1000", "4500 mg")]
    before = run_after(tmp_path, messages)
    said = answer(before, "dose.ordered", "confirm")
    other = [messages[0], given("carboplatin", "0900-1000", "4600 mg")]
    after = run_after(tmp_path, other, said)
    assert "dose.ordered" in questions(after)


def test_a_resend_changes_no_fact(tmp_path: Path) -> None:
    """The same rows in another message leave the answer as it is."""
    messages = [order("carboplatin", "450 mg", 60), given("carboplatin", "0900-1000", "4500 mg")]
    before = run_after(tmp_path, messages)
    said = answer(before, "dose.ordered", "confirm")
    again = messages[1].replace("|M1|", "|M7|").replace("0303180", "0303190")
    assert questions(run_after(tmp_path, [*messages, again], said)) == []


def test_the_last_of_two_answers_counts(tmp_path: Path) -> None:
    """Also when the earlier one comes later."""
    before = run_after(tmp_path, open_infusion())
    first = answer(before, "stop.missing", "not_given")
    later = EVENING + timedelta(hours=1)
    second = answer(before, "stop.missing", "stop", "2026-03-02T10:05-05:00", at=later)
    for said in ((first, second), (second, first)):
        assert "96413 x1" in charges(run_after(tmp_path, open_infusion(), *said))


def test_an_answer_can_be_taken_back(tmp_path: Path) -> None:
    """The question is open again, as if nobody had answered."""
    before = run_after(tmp_path, open_infusion())
    said = answer(before, "stop.missing", "not_given")
    back = answer(before, "stop.missing", "withdraw", at=EVENING + timedelta(hours=1))
    after = run_after(tmp_path, open_infusion(), said, back)
    assert (charges(after), questions(after)) == (charges(before), questions(before))


@pytest.mark.parametrize("value", ["2026-03-02T08:00-05:00", "10:05", "2026-03-02T10:05", ""])
def test_a_stop_that_cannot_be_closes_nothing(tmp_path: Path, value: str) -> None:
    """Before the start, without a day, without an offset, or none at all."""
    before = run_after(tmp_path, open_infusion())
    said = answer(before, "stop.missing", "stop", value)
    after = run_after(tmp_path, open_infusion(), said)
    assert questions(after) == ["stop.missing"]
    assert [each.holds for each in after.visits[0].draft.said] == [False]


def test_each_choice_that_is_offered_has_an_effect_or_settles() -> None:
    """No choice of any question is without a meaning."""
    for choice in words.words_of(answer_words.AnswerChoice):
        settles = choice in SETTLES or choice == "withdraw"
        assert settles or EFFECTS[choice] is not change_nothing, choice  # type: ignore[index]


def test_the_choices_of_a_question_are_its_own(tmp_path: Path) -> None:
    """A missing stop can be given, was a push, cannot be known, or the drug was not given."""
    before = run_after(tmp_path, open_infusion())
    choices = [offer.choice for offer in asked(before, "stop.missing").offers]
    assert choices == ["stop", "push", "unknown", "not_given"]


def test_an_answer_fits_no_other_question(tmp_path: Path) -> None:
    """A file that was edited by hand cannot answer what nobody asked."""
    before = run_after(tmp_path, open_infusion())
    said = answer(before, "stop.missing", "unknown")
    edited = said.model_copy(
        update={"code": "technique.no_route", "choice": "route", "value": "subcutaneous"}
    )
    assert charges(run_after(tmp_path, open_infusion(), edited)) == charges(before)


@pytest.mark.parametrize("value", ["1,000 mg", "450", "4.5e2 mg", "45O mg", "450 banana", "0 mg"])
def test_an_amount_that_is_none_closes_nothing(tmp_path: Path, value: str) -> None:
    """It says a number and a unit, and nothing else."""
    messages = [order("carboplatin", "450 mg", 60), given("carboplatin", "0900-1000", "4500 mg")]
    before = run_after(tmp_path, messages)
    after = run_after(tmp_path, messages, answer(before, "dose.ordered", "dose", value))
    assert questions(after) == ["dose.ordered"]


def test_the_drug_that_was_given_under_another_order_can_be_named(tmp_path: Path) -> None:
    """Cisplatin under the order of carboplatin: it was carboplatin, or it was cisplatin."""
    messages = [order("carboplatin", "450 mg", 60), given("cisplatin", "0900-1000", "100 mg")]
    before = run_after(tmp_path, messages)
    for product, code in (("carboplatin", "J9045 x2"), ("cisplatin", "J9060 x10")):
        after = run_after(
            tmp_path, messages, answer(before, "drug.not_ordered", "product", product)
        )
        assert questions(after) == [] and code in charges(after)


def test_an_edit_goes_with_the_lines_that_a_person_bills_by_hand(tmp_path: Path) -> None:
    """No payer can deny a line that is not on the claim."""
    row = given("trastuzumab", "0900-1030", "450 mg")
    messages = [row + "OBX|1|ST|VIAL-NDC^^L||50242-0051-21||||||F\r"]
    before = run_after(tmp_path, messages)
    after = run_after(tmp_path, messages, answer(before, "ndc.contradicts", "by_hand"))
    about_vials = [
        [edit.edit for edit in run.visits[0].draft.edits if edit.edit.startswith("ndc.")]
        for run in (before, after)
    ]
    assert about_vials == [["ndc.missing"], []]
    assert all(edit.lines or edit.edit == "tables.missing" for edit in after.visits[0].draft.edits)
