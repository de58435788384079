"""Trials about one sender's way of writing: what a profile can say, and what it cannot."""

from pathlib import Path
from shutil import copytree

import pytest

import chargeline
from chargeline.coding.run import Run
from chargeline.hl7.errors import Hl7Error
from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.location import rules_directory
from tests.trials import charges, message, questions, run_of, rxa

IV = "RXR|IV"
STOP_IN_OBX = """
extends = "standard"
name = "zmar"

[administration]
start = ["OBX:INF-START"]
stop = ["OBX:INF-STOP", "ZTM-2"]
action = ["OBX:INF-ACTION", "RXA-20.1"]

[actions]
STARTED = "start"
ENDED = "stop"
"""


def run_by(folder: Path, profile: str, *messages: str) -> Run:
    """The run of some messages by the rules of chargeline and a site's own profile."""
    copytree(rules_directory(), folder / "rules")
    (folder / "rules/interfaces/zmar").mkdir()
    (folder / "rules/interfaces/zmar/profile.toml").write_text(profile)
    (folder / "feed.hl7").write_text("".join(messages))
    return chargeline.code(folder / "feed.hl7", rules=folder / "rules", interface="zmar")


@pytest.mark.parametrize(
    "beside",
    [
        ["OBX|1|TS|INF-STOP^^L||202603021030"],
        ["OBX|1|TS|INF-START^^L||202603020900", "OBX|2|TS|INF-STOP^^L||202603021030"],
        ["ZTM|1|202603021030"],
    ],
)
def test_a_stop_may_stand_beside_the_row(tmp_path: Path, beside: list[str]) -> None:
    """90 minutes of paclitaxel, which were a push; the line says where its stop stands."""
    run = run_by(tmp_path, STOP_IN_OBX, message(rxa("paclitaxel", "0900", "300 mg"), IV, *beside))
    assert (charges(run), questions(run)) == (["96413 x1", "96415 x1", "J9267 x300"], [])
    (interval,) = run.visits[0].timeline.administrations[0].intervals
    assert interval.stop_source is not None
    assert interval.stop_source.address in ("RXA[1]/OBX[1]-5", "RXA[1]/OBX[2]-5", "RXA[1]/ZTM-2")


def test_an_action_may_stand_in_an_observation(tmp_path: Path) -> None:
    """STARTED at 09:00 with 300 mg, ENDED at 10:30: one infusion of 300 mg."""
    rows = (("0900", "300 mg", "STARTED"), ("1030", "", "ENDED"))
    feed = [
        message(
            "ORC|RE||R1",
            rxa("paclitaxel", time, dose, done=""),
            IV,
            f"OBX|1|ST|INF-ACTION^^L||{word}",
            number=n,
        )
        for n, (time, dose, word) in enumerate(rows, start=1)
    ]
    run = run_by(tmp_path, STOP_IN_OBX, *feed)
    assert (charges(run), questions(run)) == (["96413 x1", "96415 x1", "J9267 x300"], [])


def test_an_unreadable_stop_is_named_by_its_place(tmp_path: Path) -> None:
    """The observation holds a word."""
    run = run_by(
        tmp_path,
        STOP_IN_OBX,
        message(rxa("paclitaxel", "0900", "300 mg"), IV, "OBX|1|ST|INF-STOP^^L||noon"),
    )
    (question,) = run.visits[0].draft.questions
    assert question.finding.where == "RXA[1]/OBX[1]-5"


@pytest.mark.parametrize(
    "line", ['stop = ["PV1-45"]', 'action = ["MSH-9"]', 'local_number = ["OBX:X"]']
)
def test_an_address_that_is_never_read_is_a_mistake(tmp_path: Path, line: str) -> None:
    """A profile that names a field which is not looked at would be silent for ever."""
    profile = f'extends = "standard"\nname = "zmar"\n[administration]\n{line}\n'
    with pytest.raises(Hl7Error, match="cannot be read, expected"):
        run_by(tmp_path, profile, message(rxa("paclitaxel", "0900", "300 mg"), IV))


@pytest.mark.parametrize("base", ["zmar", "nobody", "action-stream"])
def test_a_profile_extends_a_shipped_one_that_extends_none(tmp_path: Path, base: str) -> None:
    """Itself, one that is not there, and one that extends another are refused by name."""
    with pytest.raises(RulebookError, match="standard"):
        run_by(tmp_path, f'extends = "{base}"\nname = "zmar"\n', message("ORC|RE||R1"))


def test_a_mistake_in_toml_names_the_file(tmp_path: Path) -> None:
    """Every profile is called profile.toml; the folder tells them apart."""
    with pytest.raises(RulebookError, match=r"zmar/profile.toml.*line 2"):
        run_by(tmp_path, 'extends = "standard"\nname = zmar\n', message("ORC|RE||R1"))


@pytest.mark.parametrize(
    ("mode", "taken", "used"),
    [("P", "", True), ("T", "", True), ("D", "", False), ("", "", True), ("T", '["P"]', False),
     ("P^A", '["P"]', True), ("d", '["D"]', True), ("D", "[]", True)],
)  # fmt: skip
def test_a_message_that_is_not_about_care_is_set_aside(
    tmp_path: Path, mode: str, taken: str, used: bool
) -> None:
    """MSH-11, against `processing_ids` of the profile."""
    row = rxa("carboplatin", "0900-1030", "450 mg")
    feed = message(row, IV).replace("|T|2.5.1", f"|{mode}|2.5.1")
    profile = 'extends = "standard"\nname = "zmar"\n'
    profile += f"processing_ids = {taken}\n" if taken else ""
    run = run_by(tmp_path, profile, feed)
    assert bool(charges(run)) == used
    assert [entry.finding.code for entry in run.set_aside] == (
        [] if used else ["message.processing"]
    )


def test_the_shipped_action_stream_runs_on_without_a_stop(tmp_path: Path) -> None:
    """It extends `standard`, and an empty RXA-4 means that the drug runs."""
    row = rxa("carboplatin", "0900", "450 mg", note="New Bag^^L", done="")
    assert questions(run_of(tmp_path, message(row, IV), interface="action-stream")) == [
        "stop.missing"
    ]


@pytest.mark.parametrize("named", ['name = "standard"', ""])
def test_a_profile_has_the_name_of_its_folder(tmp_path: Path, named: str) -> None:
    """A copy that keeps the old name would have its messages read by the profile of that name."""
    with pytest.raises(RulebookError, match='expected name = "zmar", the name of the folder'):
        run_by(tmp_path, f'extends = "standard"\n{named}\n', message(rxa("paclitaxel", "0900")))
