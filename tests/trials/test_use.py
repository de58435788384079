"""Trials about use: rules with mistakes, folders read in part, control characters, output."""

import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from chargeline import settings
from chargeline.cli import main
from chargeline.files import feed_files
from chargeline.ledger import BadAddress
from chargeline.ledger.connecting import parse_address
from chargeline.mllp.wire import close_writer
from chargeline.rulebook.location import rules_directory
from chargeline.settings import SettingsError
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


def test_without_a_verb_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A list of the verbs helps more than "arguments are required: VERB"."""
    assert main([]) == 2
    assert "chargeline simulate" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://cl:p@ss/w0rd@host/db",
        "postgresql://cl:p?w0rd@host/db",
        "postgresql://cl:p#w0rd@host/db",
    ],
)
def test_no_part_of_a_password_is_in_the_error(url: str) -> None:
    """What stands behind an unescaped / ? or # is no server; the error says how to write it."""
    with pytest.raises(BadAddress, match="%2F") as refused:
        parse_address(url)
    assert "w0rd" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("RULES", "/nope", True),
        ("KAFKA_TLS_CA_FILE", "./nope.pem", True),
        ("LOG_LEVEL", "loud", True),
        ("RULES", "zebra", False),
        ("HTTP_PORT", "12a4", False),
    ],
)
def test_a_wrong_path_or_log_level_is_shown_and_any_other_value_is_not(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, shown: bool
) -> None:
    """A password in the wrong variable is a common mistake; a path is no password."""
    monkeypatch.setenv(f"CHARGELINE_{variable}", value)
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert (f"found {value}" in str(refused.value)) is shown


async def test_a_connection_that_closed_by_itself_is_not_cut() -> None:
    """A TLS transport that is gone has nothing to cut, and Python 3.11.2 raises for it."""

    class Gone:
        """A writer whose TLS transport is gone once it is closed."""

        transport = None

        def close(self) -> None:
            """Close it."""

        async def wait_closed(self) -> None:
            """Be closed at once."""

    await close_writer(cast(Any, Gone()))
