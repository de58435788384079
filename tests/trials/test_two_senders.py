"""Trials about rows of two senders: nobody changes the rows of another one without the right to."""

from itertools import permutations
from pathlib import Path
from shutil import copytree

import pytest

import chargeline
from chargeline.coding.run import Run
from chargeline.rulebook.location import rules_directory
from tests.trials import DAY, charges, message, provisional, questions, run_of, rxa

IV = "RXR|IV"
WHOLE = ["96413 x1", "J9045 x9"]


def row(amount: str, number: int, *, status: str = "A", sender: str = "MAR", own: str = "") -> str:
    """Carboplatin of order R1, from a sender; `own` is the sender's number of the row."""
    charted = rxa("carboplatin", "0900-1000", amount).removesuffix("|A") + f"|{status}"
    own_number = [f"ZRX|{own}"] if own else []
    sent = message("ORC|RE||R1", charted, IV, *own_number, number=number)
    return sent.replace("|MAR|", f"|{sender}|", 1)


def run_with(folder: Path, line: str, *messages: str) -> Run:
    """The run of messages by the standard profile with one more line at its top."""
    rules = folder / "rules"
    copytree(rules_directory(), rules, dirs_exist_ok=True)
    profile = rules / "interfaces" / "zebra" / "profile.toml"
    profile.parent.mkdir(exist_ok=True)
    profile.write_text(
        f'extends = "standard"\nname = "zebra"\n{line}\n'
        '[administration]\nlocal_number = ["ZRX-1"]\n'
    )
    path = folder / "trial.hl7"
    path.write_bytes("".join(messages).encode())
    return chargeline.code(path, rules=rules, interface="zebra")


@pytest.mark.parametrize(
    "second", [row("450 mg", 2, status="D", sender="PRINTER"),
               row("10 mg", 2, status="U", sender="PRINTER")],
)  # fmt: skip
def test_another_sender_changes_nothing_until_somebody_says_so(tmp_path: Path, second: str) -> None:
    """A void and a correction from another MSH-3: the charge stands, provisional, with a question,
    whatever came first.
    """
    for arrived in permutations((row("450 mg", 1), second)):
        run = run_of(tmp_path, *arrived)
        assert (charges(run), questions(run)) == (WHOLE, ["correction.other_sender"])
        assert "J9045" in provisional(run)


def test_a_sender_corrects_and_voids_its_own_rows(tmp_path: Path) -> None:
    """The same MSH-3, in other letters and with a universal id: no question."""
    other = row("400 mg", 2, status="U", sender="mar^1.2.3^ISO")
    run = run_of(tmp_path, row("450 mg", 1), other)
    assert (charges(run), questions(run)) == (["96413 x1", "J9045 x8"], [])
    assert charges(run_of(tmp_path, row("450 mg", 1), row("450 mg", 2, status="D"))) == []


@pytest.mark.parametrize("right", ['["MAR"]', '["mar", "ADT"]', '["*"]'])
def test_one_line_of_the_profile_gives_the_right(tmp_path: Path, right: str) -> None:
    """The order system voids what the MAR charted, by its name or as one that may all."""
    line = f"may_correct = {right}"
    for own in ("", "77"):
        void = row("450 mg", 2, status="D", sender="ORDERS", own=own)
        run = run_with(tmp_path, line, row("450 mg", 1, own=own), void)
        assert (charges(run), questions(run)) == ([], [])


def test_a_right_over_another_sender_is_none_over_this_one(tmp_path: Path) -> None:
    """The profile names the pump, and the row is of the MAR."""
    void = row("450 mg", 2, status="D", sender="ORDERS")
    run = run_with(tmp_path, 'may_correct = ["PUMP"]', row("450 mg", 1), void)
    assert (charges(run), questions(run)) == (WHOLE, ["correction.other_sender"])


@pytest.mark.parametrize(
    ("status", "left"),
    [("A", ["96413 x1", "J9045 x10"]), ("U", WHOLE), ("D", WHOLE)],
)
def test_the_number_of_a_row_gives_no_right(tmp_path: Path, status: str, left: list[str]) -> None:
    """Another sender uses the number of the row, for 50 mg: the row of the first one stands as it
    was. What is no correction stands beside it.
    """
    first = row("450 mg", 1, own="77")
    other = row("50 mg", 2, status=status, sender="X", own="77")
    run = run_with(tmp_path, "", first, other)
    assert (charges(run), set(questions(run)) - {"dose.twice"}) == (
        left,
        {"correction.other_sender"},
    )
    assert "J9045" in provisional(run)


def test_a_void_that_is_sent_again_changes_nothing_either(tmp_path: Path) -> None:
    """The queue of the other sender is replayed an hour later."""
    void = row("450 mg", 2, status="D", sender="PRINTER")
    again = void.replace(f"|{DAY}1802|", f"|{DAY}1902|").replace("|M2|", "|M3|")
    run = run_of(tmp_path, row("450 mg", 1), void, again)
    assert charges(run) == WHOLE and "correction.other_sender" in questions(run)
