"""Each choice says beforehand what it would draft, and it drafts just that."""

from pathlib import Path
from typing import get_args

import pytest

from chargeline.coding.run import Run
from chargeline.drafting.answering import DraftedVisit, money_moved, would_draft
from chargeline.engine import Consequence, consequences
from chargeline.engine.answer_words import ValueKind
from chargeline.engine.answers.consequences import _OF_A_VISIT, _OF_THE_QUESTION, _PROPOSALS
from chargeline.engine.finding_codes import MEANINGS
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from tests.answers.given import answer, asked, run_after
from tests.answers.test_answers import TWO_LINES, open_infusion
from tests.golden.messages import DAY, observed, orc, rxa, rxr, segment
from tests.golden.messages import message as whole
from tests.trials import charges
from tests.trials.test_doubts import given, order

RULEBOOK = load_rulebook(rules_directory())
POLICY = "cms-facility-2026"


def consequences_of(run: Run, code: str) -> list[Consequence]:
    """What each choice of the one question of a code would draft."""
    (visit,) = run.visits
    drafted = DraftedVisit(visit.timeline, visit.draft, visit.history)
    return list(would_draft(drafted, asked(run, code), RULEBOOK, POLICY))


def short(run: Run, code: str) -> dict[str, list[str]]:
    """What each choice would change, in short."""
    return {
        consequence.offer.choice: [
            f"{change.before or '-'} > {change.after or '-'}"
            for change in consequence.changes or ()
        ]
        for consequence in consequences_of(run, code)
    }


def test_the_choices_of_a_missing_stop_say_what_they_draft(tmp_path: Path) -> None:
    """The ordered end is tried for the stop: 60 minutes are an infusion."""
    assert short(run_after(tmp_path, open_infusion()), "stop.missing") == {
        "stop": ["96409 x1 ? > -", "J9045 x9 ? > J9045 x9", "- > 96413 x1"],
        "push": ["96409 x1 ? > 96409 x1", "J9045 x9 ? > J9045 x9"],
        "unknown": ["96409 x1 ? > 96409 x1", "J9045 x9 ? > J9045 x9"],
        "not_given": ["96409 x1 ? > -", "J9045 x9 ? > -"],
    }


MESSAGES = {
    "stop.missing": open_infusion(),
    "initial.second_line": TWO_LINES,
    "dose.ordered": [
        order("carboplatin", "450 mg", 60),
        given("carboplatin", "0900-1000", "4500 mg"),
    ],
    "time.long": [order("carboplatin", "450 mg", 60), given("carboplatin", "0900-1400", "450 mg")],
}


@pytest.mark.parametrize("code", MESSAGES)
def test_an_answer_drafts_what_its_choice_said(tmp_path: Path, code: str) -> None:
    """For each choice: the lines that were shown are the lines that are drafted."""
    messages = MESSAGES[code]
    before = run_after(tmp_path, messages)
    for consequence in consequences_of(before, code):
        if consequence.changes is None:
            continue
        said = answer(before, code, consequence.offer.choice, consequence.value)
        after = run_after(tmp_path, messages, said)
        drafted = sorted(
            f"{'-'.join([line.code, *line.modifiers])} x{line.units}" for line in consequence.lines
        )
        assert charges(after) == drafted, consequence.offer.choice


def test_a_choice_whose_value_nobody_can_guess_says_so(tmp_path: Path) -> None:
    """Without an order there is no end to try."""
    (stop, *_others) = consequences_of(
        run_after(tmp_path, [given("carboplatin", "0900", "450 mg")[:-1] + "\r"]), "time.one_moment"
    )
    assert (stop.offer.choice, stop.value, stop.changes) == ("stop", "", None)


def test_the_money_that_a_choice_moves(tmp_path: Path) -> None:
    """Nine units of 10.00 and a push of 100.00 would go."""
    run = run_after(tmp_path, open_infusion())
    (visit,) = run.visits
    drafted = DraftedVisit(visit.timeline, visit.draft)
    by_choice = {each.offer.choice: each for each in consequences_of(run, "stop.missing")}
    prices = {"J9045": 1_000, "96409": 10_000, "96413": 15_000}
    assert money_moved(drafted, by_choice["not_given"], prices) == -19_000
    assert money_moved(drafted, by_choice["stop"], prices) == 5_000
    assert money_moved(drafted, by_choice["stop"], {}) is None


def test_every_kind_of_value_has_a_way_to_be_proposed() -> None:
    """A new kind of value that nobody proposes would break the question that offers it."""
    assert {"", *_PROPOSALS, *_OF_A_VISIT, *_OF_THE_QUESTION} == set(get_args(ValueKind))


def test_every_choice_of_every_question_says_what_it_would_draft(tmp_path: Path) -> None:
    """Whatever is asked of an infusion, each choice that is offered can be tried."""
    run = run_after(tmp_path, open_infusion())
    (visit,) = run.visits
    question = asked(run, "stop.missing")
    for code in MEANINGS:
        finding = question.question.finding._replace(code=code)
        of_code = question._replace(question=question.question._replace(finding=finding))
        told = consequences(visit.timeline, of_code, RULEBOOK, visit.history, policy=POLICY)
        assert {each.offer for each in told} == set(of_code.offers), code


def test_the_ndc_of_a_vial_is_proposed_from_what_was_handed_out(tmp_path: Path) -> None:
    """A code that is no NDC was scanned, and the pharmacy names the one that it handed out."""
    messages = [
        whole(
            "RDS^O13",
            orc(),
            segment(
                "RXD",
                {1: "1", 2: "50242-0132-01^x^NDC", 3: f"{DAY}0800", 4: "3", 5: "vial", 7: "1"},
            ),
            sent="0800",
        ),
        whole(
            "RAS^O17",
            orc(),
            rxa("TRASTUZUMAB", "450 mg", "0900", "1030"),
            rxr("IV"),
            observed("VIAL-NDC", "5024201320"),
        ),
    ]
    run = run_after(tmp_path, [each.decode() for each in messages])
    values = {each.offer.choice: each.value for each in consequences_of(run, "ndc.unreadable")}
    assert values == {"ndc": "50242013201", "by_hand": ""}
