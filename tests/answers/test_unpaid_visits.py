"""A visit of which nobody says who pays: what it passes over is asked, and the answer counts."""

import itertools
from decimal import Decimal
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.drafting.answering import (
    AnswerError,
    DraftedVisit,
    Speaker,
    answer_to,
    questions_of_visit,
)
from chargeline.engine import (
    AuthorizationBalance,
    Formulary,
    balance_of,
    contributions_of,
    with_answers,
)
from chargeline.published.answers import GivenAnswer
from tests.answers.given import EVENING, asked, asked_of, run_after
from tests.answers.test_authorization_answers import dosed, lines
from tests.drafting.test_authorizations import PAYER, dose, order, referral
from tests.drafting.test_processor import RULEBOOK

CODE = "authorization.no_payer"


def unpaid(visit: str, day: str) -> list[str]:
    """The order and the dose of a visit without IN1."""
    return [order(visit, day).decode().replace(PAYER, ""), dose(visit, day).decode()]


def granted(units: int = 800) -> str:
    return referral(units).decode()


def answered(
    run: Run, choice: str = "this_payer", *, value: str = "", visit: str = "V1"
) -> GivenAnswer:
    """A person's answer, by the way that the command goes: nobody has to write the payer again."""
    (one,) = [v for v in run.visits if v.draft.key.visit == visit]
    drafted = DraftedVisit(one.timeline, one.draft, one.history)
    (question,) = [q for q in questions_of_visit(drafted) if q.question.finding.code == CODE]
    speaker = Speaker("ZC1", EVENING, "the card of the patient")
    return answer_to(drafted, question, Formulary(()), choice, value=value, speaker=speaker)


def balance(run: Run) -> AuthorizationBalance:
    """How A77 stands by what all visits contribute to the record."""
    record = frozenset(
        [
            item
            for v in run.visits
            for item in contributions_of(with_answers(v.timeline, RULEBOOK.formulary), v.draft)
        ]
    )
    (one,) = balance_of((), record, ()).balances
    return one


def numbers_of(run: Run) -> dict[str, str]:
    """The authorization of each visit's drug line."""
    lines_of = [(v, line) for v in run.visits for line in v.draft.lines]
    return {v.draft.key.visit: x.authorization for v, x in lines_of if x.code == "J2860"}


def test_it_is_asked_which_authorization_is_passed_over_and_why(tmp_path: Path) -> None:
    """The words name the number, its payer, the code, the day and what is lacking."""
    question = asked(run_after(tmp_path, [*unpaid("V1", "20261005"), granted()]), CODE, "V1")
    finding = question.question.finding
    assert finding.expected == "who pays the visit (IN1-3, else IN1-2)"
    assert finding.found == (
        "nobody says it; A77 of UNITEDHEALTHCARE is passed over: it covers J2860 on 2026-10-05"
    )
    assert "answer whether UNITEDHEALTHCARE pays" in finding.do
    assert [o.choice for o in question.offers] == ["this_payer", "other_payer", "by_hand"]


@pytest.mark.parametrize("arrival", [*itertools.permutations(range(3))])
@pytest.mark.parametrize(
    ("choice", "after", "used"),
    [("this_payer", "A77", 80), ("other_payer", "", 0), ("by_hand", "", 0)],
)
def test_the_answer_has_effect_in_every_order_of_arrival(
    tmp_path: Path, arrival: tuple[int, ...], choice: str, after: str, used: int
) -> None:
    """Counted only where a person says that the payer of the authorization pays."""
    feed = [*unpaid("V1", "20261005"), granted()]
    feed = [feed[place] for place in arrival]
    before = run_after(tmp_path, feed)
    assert (asked_of(before), balance(before).used) == ([("V1", CODE)], Decimal(0))
    run = run_after(tmp_path, feed, answered(before, choice))
    (line,) = [x for v in run.visits for x in v.draft.lines if x.code == "J2860"]
    assert (line.authorization, asked_of(run), balance(run).used) == (after, [], Decimal(used))
    assert "answer" in [step.topic for step in line.trace]


def test_units_counted_are_those_of_the_visits_whose_payer_is_told(tmp_path: Path) -> None:
    """Of 100 units one visit with IN1 has 80; the unpaid one before it takes them by an answer."""
    feed = [*unpaid("V0", "20261005"), *dosed("20261026"), granted(100)]
    before = run_after(tmp_path, feed)
    assert (numbers_of(before), balance(before).used) == ({"V0": "", "V1": "A77"}, Decimal(80))
    run = run_after(tmp_path, feed, answered(before, visit="V0"))
    assert lines(run) == {"V0": "A77", "V1": "authorization.units"}
    assert (balance(run).used, balance(run).not_covered) == (Decimal(160), Decimal(80))


def test_what_registration_tells_later_counts_more_than_the_answer(tmp_path: Path) -> None:
    """IN1 of another payer: the question is gone, and the answer counts no more."""
    feed = [*unpaid("V1", "20261005"), granted()]
    said = answered(run_after(tmp_path, feed))
    other = order("V1", "20261005").decode().replace("UNITEDHEALTHCARE|UnitedHealthcare", "CIGNA|C")
    run = run_after(tmp_path, [*feed, other.replace("OV1", "OV1B")], said)
    assert (asked_of(run), balance(run).used) == ([], Decimal(0))


@pytest.mark.parametrize(
    "told",
    [
        "",
        granted().replace("20261001|20270331", "20261006|20270331"),
        granted().replace("J2860", "J9271"),
    ],
)
def test_nothing_is_asked_where_nothing_is_passed_over(tmp_path: Path, told: str) -> None:
    """None on file, one that begins the day after, one for another drug."""
    feed = [*unpaid("V1", "20261005"), *([told] if told else [])]
    assert asked_of(run_after(tmp_path, feed)) == []


def test_an_order_asks_before_the_first_dose(tmp_path: Path) -> None:
    """Of 79 units the dose of 80 finds too few; that is said once the payer is."""
    feed = [unpaid("V1", "20261005")[0], granted(79)]
    before = run_after(tmp_path, feed)
    assert asked_of(before) == [("V1", CODE)]
    run = run_after(tmp_path, feed, answered(before))
    assert asked_of(run) == [("V1", "authorization.needed")]


def test_one_answer_holds_for_all_doses_of_the_visit(tmp_path: Path) -> None:
    """A second dose of a visit that is answered is asked about no more."""
    feed = [*unpaid("V1", "20261005"), granted()]
    said = answered(run_after(tmp_path, feed))
    more = dose("V1", "20261006").decode().replace("RV1A", "RV1B").replace("PV1|", "PV1|", 1)
    run = run_after(tmp_path, [*feed, more.replace("PV1\rRXA", "PV1C\rRXA")], said)
    assert (asked_of(run, CODE), balance(run).used) == ([], Decimal(160))


def test_another_payer_than_the_one_asked_about_is_refused(tmp_path: Path) -> None:
    """What registration knows of another payer goes into IN1, and not into an answer."""
    before = run_after(tmp_path, [*unpaid("V1", "20261005"), granted()])
    assert answered(before, value=" UnitedHealthcare ").value == "UNITEDHEALTHCARE"
    with pytest.raises(AnswerError, match="UNITEDHEALTHCARE, the payer that is asked about"):
        answered(before, value="CIGNA")


@pytest.mark.parametrize("value", ["", "CIGNA", "unitedhealthcare"])
def test_a_kept_answer_without_its_payer_settles_nothing(tmp_path: Path, value: str) -> None:
    """An answer of a file that does not name the payer of its question holds no more."""
    feed = [*unpaid("V1", "20261005"), granted()]
    said = answered(run_after(tmp_path, feed)).model_copy(update={"value": value})
    run = run_after(tmp_path, feed, said)
    assert (asked_of(run), balance(run).used) == ([("V1", CODE)], Decimal(0))
