"""Trials about use: rules with mistakes, folders read in part, control characters, output."""

import shutil
from pathlib import Path

import pytest

from chargeline.cli import main
from chargeline.files import feed_files
from chargeline.rulebook.location import rules_directory
from tests.trials import message, rxa

IV = "RXR|IV"
CARBOPLATIN = rxa("carboplatin", "0900-1000", "450 mg")
DIPHENHYDRAMINE = rxa("diphenhydramine", "0830", "25 mg")


def site_rules(folder: Path) -> Path:
    """A copy of the shipped rules with a cap that clashes with the guide's."""
    rules = folder / "rules"
    shutil.copytree(rules_directory(), rules)
    (rules / "policies/guide-2026/zebra.toml").write_text(
        '[[rule]]\nid = "cap.zebra"\ndecides = "units.cap"\nfrom = 2026-01-01\n'
        'when = { role = "chemo.infusion.additional_hour", payer = "ZEBRAHEALTH" }\n'
        'then = { most = 4 }\nwhy = "The contract says so."\ncite = ["HOUSE"]\n'
    )
    return rules


def test_clashing_caps_stop_every_program_that_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both caps would fall away, and 14 hours would be billed in full."""
    feed = tmp_path / "feed.hl7"
    feed.write_text(message(CARBOPLATIN, IV))
    code = main(["code", str(feed), "--rules", str(site_rules(tmp_path))])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert "cap.zebra" in said.err
    assert "let one override the other" in said.err


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Half a feed must not be taken for the whole."""
    with pytest.raises(OSError, match="gone"):
        feed_files(tmp_path / "gone")


def test_the_files_that_were_left_out_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder may hold tables, notes and packed files; the run says which it did not read."""
    (tmp_path / "a.hl7").write_text(message(CARBOPLATIN, IV))
    (tmp_path / "b.hl7.gz").write_bytes(b"packed")
    (tmp_path / "notes.csv").write_text("a,b\n")
    (tmp_path / "truth.json").write_text("{}")
    assert main(["code", str(tmp_path), "--json"]) == 0
    assert capsys.readouterr().err == f"chargeline: {tmp_path}: left out 2: b.hl7.gz, notes.csv\n"


@pytest.mark.parametrize("verb", ["code", "explain"])
@pytest.mark.parametrize(
    "name",
    [
        "zebra\\X1B5B33316D\\statin",
        "zebra\\XC29B\\statin",
        "zebra\\XE280AE\\statin",
        "zebra\\X0D\\x",
    ],
    ids=["escape", "C1", "bidi", "carriage return"],
)
def test_no_control_character_reaches_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, name: str
) -> None:
    """Escapes of HL7 can hold any character, also one that rewrites the line above."""
    feed = tmp_path / "feed.hl7"
    feed.write_text(message(CARBOPLATIN, IV, visit=f"V{name}").replace("450|mg", f"450|{name}"))
    main([verb, str(feed)])
    out = capsys.readouterr().out
    assert "zebra" in out
    assert not [c for c in out if c != "\n" and not c.isprintable()]


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 140])
def test_a_page_of_any_width_breaks_no_word_and_cuts_no_title(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    """A terminal of 80 columns cut the policy and broke "diphenhydramin/e"."""
    feed = tmp_path / "feed.hl7"
    feed.write_text(message(CARBOPLATIN, IV) + message(DIPHENHYDRAMINE, IV))
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["code", str(feed)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert [line for line in lines if line != line.rstrip()] == [], "no blanks at the ends"
    words = " ".join(lines).split()
    assert words.count("diphenhydramine") >= 2
    assert "guide-2026" in words
    assert "96413" in words


def test_output_that_is_not_utf_8_falls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bars of the page become other signs; nothing ends in a traceback."""
    import io
    import sys

    feed = tmp_path / "feed.hl7"
    feed.write_text(message(CARBOPLATIN, IV))
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["code", str(feed)]) == 0
    out.flush()
    assert b"96413" in out.buffer.getvalue()  # type: ignore[attr-defined]
