"""A file that a verb is given by name and cannot use is a finding, and never a traceback."""

from pathlib import Path

import pytest
import structlog

from chargeline.cli import main
from tests.golden.messages import given

GOOD = given("VANCOMYCIN", "1000 mg", "0900", "1000")


def missing(place: Path) -> None:
    assert not place.exists()


def folder(place: Path) -> None:
    place.mkdir()


def binary(place: Path) -> None:
    place.write_bytes(b"\x80\x81\xff\x00\xfe" * 40)


def empty(place: Path) -> None:
    place.write_bytes(b"")


WRONG = {"missing": missing, "folder": folder, "binary": binary, "empty": empty}
FEED = "FOLDER/feed.hl7"
VERBS = {
    "head": "ledger verify --head FILE --public-key FOLDER/key.pem",
    "public key": "ledger verify --head FOLDER/feed.hl7 --public-key FILE",
    "formulary": f"code {FEED} --formulary FILE",
    "answers": f"code {FEED} --answers FILE",
    "bundle": f"code {FEED} --refdata FILE",
    "rules": f"code {FEED} --rules FILE",
    "kept answers": "answer Q1 yes --by ANNA --reason x --answers FILE --feed " + FEED,
    "status": "refdata status FILE",
    "diff": "refdata diff FILE 2026Q1 2026Q2",
    "build": "refdata build FILE --out FOLDER/bundle",
    "senders": "CHARGELINE_SENDERS gateway",
    "prices": "CHARGELINE_PRICES questions show Q1",
    "ledger key": "CHARGELINE_LEDGER_KEY_FILE parked list",
    "ledger address": "CHARGELINE_LEDGER_URL_FILE parked list",
    "signing key": "CHARGELINE_SIGNING_KEY_FILE ledger head --sign",
}
# An empty file is the same as none here.
FINE = {("answers", "empty"), ("formulary", "empty")}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("verb", VERBS)
def test_it_is_a_finding(
    verb: str,
    wrong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The end is 1 or 2, and the line says what was expected and found."""
    (tmp_path / "feed.hl7").write_bytes(GOOD)
    file = tmp_path / "given"
    WRONG[wrong](file)
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", f"sqlite+aiosqlite:///{tmp_path}/ledger.sqlite")
    assert main(["ledger", "migrate"]) == 0
    words = VERBS[verb].replace("FILE ", f"{file} ").split(" ")
    words = [str(file) if w == "FILE" else w.replace("FOLDER", str(tmp_path)) for w in words]
    if words[0].startswith("CHARGELINE_"):
        monkeypatch.setenv(words[0], str(file))
        if words[0] == "CHARGELINE_LEDGER_URL_FILE":
            monkeypatch.delenv("CHARGELINE_LEDGER_URL")
        words = words[1:]
    capsys.readouterr()
    structlog.reset_defaults()  # a service that did not start has turned the logs on
    code = main(words)
    structlog.reset_defaults()
    said = capsys.readouterr().err
    if (verb, wrong) in FINE:
        return
    assert code in (1, 2), said
    assert "expected" in said and "found" in said
