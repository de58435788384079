"""Claims about `chargeline simulate`: the same seed gives the same files, and they can be coded.

What the messages hold is tested with the simulator.
"""

import json
from pathlib import Path

import pytest

from tests.cli import command, inside

Capsys = pytest.CaptureFixture[str]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def simulated(capsys: Capsys, folder: Path, *options: str, seed: int = 7) -> dict[str, bytes]:
    wanted = ("--visits", "6", "--seed", str(seed), "--mess", "0.5", "--out", str(folder))
    assert inside(capsys, "simulate", *wanted, *options).code == 0
    return files(folder)


def test_the_same_seed_gives_the_same_bytes_in_any_process(tmp_path: Path, capsys: Capsys) -> None:
    """Two processes with different hash seeds write the same files as the process of the test."""
    ours = simulated(capsys, tmp_path / "ours")
    for number in ("1", "2"):
        wanted = ("--visits", "6", "--seed", "7", "--mess", "0.5", "--out", tmp_path / number)
        assert command("simulate", *wanted, PYTHONHASHSEED=number).code == 0
        assert files(tmp_path / number) == ours


def test_another_seed_gives_other_bytes(tmp_path: Path, capsys: Capsys) -> None:
    """Seed 8 gives other files than seed 7."""
    assert simulated(capsys, tmp_path / "a", seed=7) != simulated(capsys, tmp_path / "b", seed=8)


def test_a_style_writes_its_own_file(tmp_path: Path, capsys: Capsys) -> None:
    """Each style has a file of its own; mixed writes both, and an older file is removed."""
    assert sorted(simulated(capsys, tmp_path)) == [
        "action-stream.hl7",
        "standard.hl7",
        "truth.json",
    ]
    assert sorted(simulated(capsys, tmp_path, "--style", "standard")) == [
        "standard.hl7",
        "truth.json",
    ]


def test_the_truth_lists_every_visit(tmp_path: Path, capsys: Capsys) -> None:
    """For --visits 6 the truth has six visits, not counting cancelled registrations."""
    truth = json.loads(simulated(capsys, tmp_path)["truth.json"])
    assert truth["seed"] == 7
    assert len([visit for visit in truth["visits"] if not visit.get("cancelled")]) == 6


def test_the_printed_commands_work(tmp_path: Path, capsys: Capsys) -> None:
    """The commands that simulate prints can be run as they stand."""
    said = inside(capsys, "simulate", "--visits", "4", "--seed", "1", "--out", tmp_path / "out").out
    proposed = [line.split()[1:] for line in said.splitlines() if line.startswith("  chargeline ")]
    assert len(proposed) == 2
    for words in proposed:
        outcome = inside(capsys, *words)
        assert outcome.code == 0
        assert "Visit V" in outcome.out


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--visits", "0", "expected a whole number from 1, found '0'"),
        ("--visits", "few", "expected a whole number from 1, found 'few'"),
        ("--mess", "2", "expected a number from 0 to 1, found '2'"),
        ("--mess", "nan", "expected a number from 0 to 1, found 'nan'"),
        ("--style", "zebra", "'zebra'"),
        ("--seed", "red", "'red'"),
    ],
)
def test_a_wrong_value_is_explained(
    option: str, value: str, said: str, tmp_path: Path, capsys: Capsys
) -> None:
    """The command ends with 2, names the option, and writes nothing."""
    asked = {"--visits": "2", "--seed": "1", "--mess": "0", "--style": "mixed"} | {option: value}
    words = [word for pair in asked.items() for word in pair]
    outcome = inside(capsys, "simulate", *words, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert f"argument {option}: " in outcome.err
    assert said in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_wrong_use(tmp_path: Path, capsys: Capsys) -> None:
    """If a file stands where the folder should be, the command ends with 2 and names the file."""
    (tmp_path / "out").write_text("a file")
    outcome = inside(capsys, "simulate", "--visits", "1", "--seed", "1", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert str(tmp_path / "out") in outcome.err
