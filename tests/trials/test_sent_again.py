"""Trials about messages that are sent again: a resend changes nothing, a correction back does."""

from itertools import permutations
from pathlib import Path

import pytest

from tests.trials import DAY, charges, message, provisional, questions, run_of, rxa

IV = "RXR|IV"


def corrected(amount: str, sent: str, number: int, *, charted: str = "", status: str = "U") -> str:
    """Carboplatin of order R1 in some amount, sent at a time; `charted` is RXA-22."""
    row = rxa("carboplatin", "0900-1030", amount).removesuffix("|A") + f"|{status}|{charted}"
    return message("ORC|RE||R1", row, IV, number=number).replace(
        f"|{DAY}180{number % 10}|", f"|{DAY}{sent}|"
    )


def insured(payer: str, sent: str, number: int, event: str = "") -> str:
    """An A08 with a payer; `event` is an EVN segment."""
    return (
        f"MSH|^~\\&|ADT|ZEBRA|CHARGELINE|ZEBRA|{DAY}{sent}||ADT^A08|A{number}|T|2.5.1\r"
        f"{event}PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\rIN1|1||{payer}\r"
    )


def test_a_correction_that_is_corrected_back_counts_and_is_asked_about(tmp_path: Path) -> None:
    """450, 400 and 450 mg: 9 units, whatever the order of arrival, until somebody says which."""
    amounts = (("450 mg", "1200"), ("400 mg", "1210"), ("450 mg", "1220"))
    messages = [corrected(*amount, number) for number, amount in enumerate(amounts, start=1)]
    for arrived in permutations(messages):
        run = run_of(tmp_path, *arrived)
        assert charges(run) == ["96413 x1", "96415 x1", "J9045 x9"]
        assert (questions(run), "J9045" in provisional(run)) == (["correction.again"], True)


def test_rows_that_are_replaced_without_a_status_are_asked_about_as_well(tmp_path: Path) -> None:
    """A sender that writes A for each version."""
    amounts = (("450 mg", "1200"), ("400 mg", "1210"), ("450 mg", "1220"))
    messages = [corrected(*each, n, status="A") for n, each in enumerate(amounts, start=1)]
    run = run_of(tmp_path, *messages)
    assert (charges(run)[-1], questions(run)) == ("J9045 x9", ["correction.again"])


def test_a_resend_of_the_last_version_is_nothing_new(tmp_path: Path) -> None:
    """450, 400, and 400 again under another number and time."""
    amounts = (("450 mg", "1200"), ("400 mg", "1210"), ("400 mg", "1220"))
    run = run_of(tmp_path, *[corrected(*each, n) for n, each in enumerate(amounts, start=1)])
    assert (charges(run)[-1], questions(run)) == ("J9045 x8", [])


def test_a_time_of_charting_tells_a_resend_from_a_correction(tmp_path: Path) -> None:
    """With RXA-22 the row of 12:00 is known to be the older one, whenever it is sent."""
    old, new = f"{DAY}1159", f"{DAY}1209"
    feed = (
        corrected("450 mg", "1200", 1, charted=old),
        corrected("400 mg", "1210", 2, charted=new),
        corrected("450 mg", "1220", 3, charted=old),
    )
    run = run_of(tmp_path, *feed)
    assert (charges(run)[-1], questions(run)) == ("J9045 x8", [])


def test_a_row_that_was_moved_is_not_added_again_by_a_resend(tmp_path: Path) -> None:
    """The first row is sent again after a correction of its start: one dose, and a question."""
    first = corrected("450 mg", "1200", 1, status="A")
    moved = corrected("450 mg", "1210", 2).replace(f"|{DAY}0900|", f"|{DAY}0910|")
    again = corrected("450 mg", "1220", 3, status="A")
    run = run_of(tmp_path, first, moved, again)
    assert (charges(run)[-1], questions(run)) == ("J9045 x9", ["correction.again"])


@pytest.mark.parametrize(("event", "payer"), [("", "AAA"), (f"EVN|A08|{DAY}1100\r", "BBB")])
def test_a_payer_that_is_changed_back_counts(tmp_path: Path, event: str, payer: str) -> None:
    """AAA, BBB, AAA; with EVN-2 the last message is known to be a resend of the first."""
    feed = (
        insured("AAA", "1200", 1, event),
        insured("BBB", "1210", 2, f"EVN|A08|{DAY}1109\r" if event else ""),
        insured("AAA", "1220", 3, event),
    )
    for arrived in permutations(feed):
        (visit,) = run_of(tmp_path, *arrived).visits
        assert visit.timeline.context.payer == payer


def test_a_voided_row_that_is_sent_again_is_asked_about_at_the_visit(tmp_path: Path) -> None:
    """No administration of the order is left that could carry the question."""
    charted = corrected("450 mg", "1200", 1, status="A")
    voided = corrected("450 mg", "1210", 2, status="D")
    again = corrected("450 mg", "1220", 3, status="A")
    for arrived in permutations((charted, voided, again)):
        run = run_of(tmp_path, *arrived)
        (visit,) = run.visits
        assert (charges(run), visit.timeline.administrations) == ([], ())
        assert [question.finding.code for question in visit.draft.questions] == ["correction.again"]


def test_a_question_without_an_administration_ends_with_the_next_version(tmp_path: Path) -> None:
    """Voided once more, at a later time: the row is gone, and nothing is left to ask."""
    feed = (
        corrected("450 mg", "1200", 1, status="A"),
        corrected("450 mg", "1210", 2, status="D"),
        corrected("450 mg", "1200", 3, status="A"),
    )
    run = run_of(tmp_path, *feed)
    assert (charges(run), questions(run)) == ([], [])
