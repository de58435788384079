"""How drafts and posted charges of one visit differ: one word for each, and the rule behind it."""

from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.engine import Draft, Rulebook, draft_differences, posted_differences
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from tests.trials import message, run_of, rxa
from tests.trials.test_doubts import given
from tests.workbench.test_compare_page import posted

HOURS = given("carboplatin", "0900-1130", "450 mg")
Short = tuple[str, list[str], list[str]]


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return load_rulebook(rules_directory())


def drafted(folder: Path, *messages: str, policy: str = "guide-2026") -> Draft:
    (visit,) = run_of(folder, *messages, policy=policy).visits
    return visit.draft


def between(before: Draft, after: Draft) -> list[Short]:
    """Each difference as its kind, and the codes with units of both sides."""
    return [
        (
            one.kind,
            [f"{charge.code} x{charge.units}" for charge in one.before],
            [f"{charge.code} x{charge.units}" for charge in one.after],
        )
        for one in draft_differences(before, after)
    ]


def test_equal_drafts_differ_in_nothing(tmp_path: Path) -> None:
    """Whatever the policy, where it ends the visit alike."""
    first = drafted(tmp_path, given("carboplatin", "0900-1000", "450 mg"))
    medicare = drafted(
        tmp_path, given("carboplatin", "0900-1000", "450 mg"), policy="cms-facility-2026"
    )
    assert draft_differences(first, first) == draft_differences(first, medicare) == []


def test_what_only_one_bills_is_dropped_or_added(tmp_path: Path) -> None:
    """The second report takes the drug back; the other way round it is added."""
    taken_back = message(rxa("carboplatin", "0900-1130", "450 mg", done="NA"), "RXR|IV")
    here, gone = drafted(tmp_path, HOURS), drafted(tmp_path, taken_back)
    dropped = between(here, gone)
    assert ("dropped", ["J9045 x9"], []) in dropped
    assert {kind for kind, _before, _after in dropped} == {"dropped"}
    assert {kind for kind, _before, _after in between(gone, here)} == {"added"}


def test_what_a_person_is_asked_first_is_no_loss(tmp_path: Path) -> None:
    """Without an amount the drug is a question, and the question is named in place of a rule."""
    (one,) = draft_differences(
        drafted(tmp_path, HOURS), drafted(tmp_path, given("carboplatin", "0900-1130", ""))
    )
    assert (one.kind, one.rule, one.after) == ("asked", "dose.missing", ())


def test_charges_of_one_administration_belong_together(tmp_path: Path) -> None:
    """Both hours of the antibody change at once: 96365 and 96366 become 96413 and 96415."""
    antibody = given("pembrolizumab", "0900-1040", "200 mg")
    before = drafted(tmp_path, antibody)
    after = drafted(tmp_path, antibody, policy="cms-facility-2026")
    assert between(before, after) == [("code", ["96365 x1", "96366 x1"], ["96413 x1", "96415 x1"])]
    (one,) = draft_differences(before, after)
    assert one.rule == "class.antibody"
    assert one.line_id in {line.line_id for line in before.lines}


def beside(run: Run, rulebook: Rulebook) -> list[Short]:
    """What was posted beside what is drafted, as `between` has it."""
    (visit,) = run.visits
    return [
        (
            one.kind,
            [f"{charge.code} x{charge.units}" for charge in one.before],
            [f"{charge.code} x{charge.units}" for charge in one.after],
        )
        for one in posted_differences(visit.draft, visit.timeline, rulebook).differences
    ]


def test_nothing_posted_is_no_difference(tmp_path: Path, rulebook: Rulebook) -> None:
    """All of it may still come; a blood count says nothing of an infusion."""
    assert beside(run_of(tmp_path, HOURS), rulebook) == []
    assert beside(run_of(tmp_path, HOURS, posted(("85025", 1))), rulebook) == []


def test_another_code_of_the_same_drug_is_one_difference(
    tmp_path: Path, rulebook: Rulebook
) -> None:
    """Darbepoetin has a code of its own for patients on dialysis; nobody charted dialysis."""
    shot = message(rxa("darbepoetin alfa", "0900", "100 mcg"), "RXR|SC")
    run = run_of(tmp_path, shot, posted(("J0882", 100), ("96372", 1)))
    assert beside(run, rulebook) == [("code", ["J0882 x100"], ["J0881 x100"])]


def test_a_credit_takes_back_what_was_posted(tmp_path: Path, rulebook: Rulebook) -> None:
    """The charge of a further hour was credited, so that it is missed."""
    charges = posted(("96413", 1), ("96415", 2), ("J9045", 9))
    credit = posted(("96415", 2)).replace("||CG|", "||CD|").replace("|D20260302|", "|D2|")
    run = run_of(tmp_path, HOURS, charges, credit)
    assert beside(run, rulebook) == [("added", [], ["96415 x2"])]
