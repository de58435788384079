"""A secret whose file others may read is told at the start, and ends nothing."""

from io import StringIO
from pathlib import Path

import pytest
import structlog

from chargeline.drafting.service_process import tell_open_files
from chargeline.settings import Settings
from chargeline.settings.open_files import OpenFile, open_files
from chargeline.settings.secrets import secret_of_file
from chargeline.telemetry import logs

NAMES = ["ledger_key_file", "signing_key_file", "mllp_tls_key_file", "kafka_sasl_password_file"]


def with_file(file: Path, mode: int, name: str) -> Settings:
    file.write_text("zebra")
    file.chmod(mode)
    return Settings.model_validate({name: file})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o460, 0o402])
def test_a_file_that_others_may_open_is_told(tmp_path: Path, name: str, mode: int) -> None:
    """To be read by everybody is too open, and to be written by the group."""
    settings = with_file(tmp_path / "secret", mode, name)
    expected = OpenFile(f"CHARGELINE_{name.upper()}", f"{mode:04o}")
    assert list(open_files(settings)) == [expected]


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_file_of_ours_and_our_group_is_not(tmp_path: Path, mode: int) -> None:
    """0440 is what Kubernetes makes with fsGroup."""
    assert list(open_files(with_file(tmp_path / "secret", mode, "ledger_key_file"))) == []


def test_of_a_link_the_file_counts(tmp_path: Path) -> None:
    """Kubernetes mounts each secret as a link, whose own mode is 0777."""
    with_file(tmp_path / "secret", 0o440, "ledger_key_file")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "secret")
    assert list(open_files(Settings(ledger_key_file=link))) == []


def test_the_log_says_what_to_do(tmp_path: Path) -> None:
    """One warning, with the setting and the mode, and without a path."""
    stream = StringIO()
    logs.configure("info", stream)
    try:
        settings = with_file(tmp_path / "secret", 0o644, "ledger_key_file")
        tell_open_files(settings, logs.logger("serve"))
    finally:
        structlog.reset_defaults()
    (line,) = stream.getvalue().splitlines()
    assert '"event": "secret.open"' in line and '"variable": "CHARGELINE_LEDGER_KEY_FILE"' in line
    assert '"reason": "0644"' in line and "defaultMode" in line and "dropped_keys" not in line
    assert str(tmp_path) not in line


def test_a_byte_order_mark_is_no_part_of_a_secret(tmp_path: Path) -> None:
    """An editor of Windows puts one at the beginning of the file."""
    file = tmp_path / "secret"
    file.write_bytes(b"\xef\xbb\xbfstripes\n")
    assert secret_of_file(file, "CHARGELINE_X") == "stripes"
