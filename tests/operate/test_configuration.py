"""Claims about `chargeline config`: it shows what is set beside what is wrong with it."""

import os
from pathlib import Path

import pytest

from chargeline.cli import main
from chargeline.settings import Settings, variable

SECRET = "correct-ZEBRA-battery"
Capsys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of ours that the tests were started with."""
    for name in [name for name in os.environ if name.startswith("CHARGELINE_")]:
        monkeypatch.delenv(name)


def shown(out: str) -> dict[str, str]:
    """The value of each setting, as the command prints it."""
    return {line.split()[0]: line[44:].split("  ")[0].strip() for line in out.splitlines()}


def test_all_settings_are_shown_where_nothing_is_wrong(capsys: Capsys) -> None:
    """One line for each, no mistake, and the exit code 0."""
    assert main(["config"]) == 0
    printed = capsys.readouterr()
    assert shown(printed.out).keys() == {variable(name) for name in Settings.model_fields}
    assert printed.err == ""


def test_a_mistake_hides_no_other_setting(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A value that is none, a misspelt name, a file that is not there, two that contradict: each is
    told with its variable, what was expected and found, and what to do. The rest is shown, the
    exit code is 2, and neither a secret nor the refused value appears.
    """
    set_ = {
        "CHARGELINE_HTTP_PORT": SECRET,
        "CHARGELINE_SETTLE_SECOND": "60",
        "CHARGELINE_KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "no-such-file"),
        "CHARGELINE_KAFKA_SASL_USERNAME": "operator",
        "CHARGELINE_KAFKA_GROUP": "oncology",
        "CHARGELINE_LEDGER_URL": f"postgresql+asyncpg://zebra:{SECRET}@localhost/x",
    }
    for name, value in set_.items():
        monkeypatch.setenv(name, value)
    assert main(["config"]) == 2
    printed = capsys.readouterr()
    values = shown(printed.out)
    assert values.keys() == {variable(name) for name in Settings.model_fields}
    assert values["CHARGELINE_KAFKA_GROUP"] == "oncology"
    assert values["CHARGELINE_LEDGER_URL"] == "postgresql+asyncpg://****@localhost/x"
    refused = [name for name, value in values.items() if value == "(refused)"]
    assert refused == ["CHARGELINE_KAFKA_SASL_PASSWORD_FILE", "CHARGELINE_HTTP_PORT"]
    told = printed.err.removeprefix("chargeline: ").splitlines()
    assert len(told) == 4
    for name in (*refused, "CHARGELINE_SETTLE_SECOND", "CHARGELINE_KAFKA_SECURITY_PROTOCOL"):
        (line,) = [line for line in told if f"{name}:" in line or f"in {name}" in line]
        assert "expected " in line and ", found " in line
    assert SECRET not in printed.out + printed.err
