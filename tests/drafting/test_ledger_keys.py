"""Claims about the keys of the ledger: from a file or a command, and never shown."""

import sys
from base64 import b64encode
from pathlib import Path

import pytest

from chargeline.drafting import ledger_keys as module
from chargeline.drafting.ledger_keys import ledger_keys
from chargeline.ledger import KeyUnusable
from chargeline.ledger.encrypting import read_keys
from chargeline.settings import Settings

KEY = b64encode(b"zebra key, thirty-two bytes long").decode()
BOM = b"\xef\xbb\xbf"
NO_KEY_IN_IT = "QUITE_A_SECRET"


async def test_a_file_and_a_command_give_the_same_keys(tmp_path: Path) -> None:
    """The command is run without a shell; without a setting there is no key."""
    file = tmp_path / "keys with a blank"
    file.write_text(f"# of the pharmacy\n{KEY}\n")
    program = f"import pathlib; print(pathlib.Path({str(file)!r}).read_text())"
    (expected,) = read_keys(KEY)
    for settings in (
        Settings(ledger_key_file=file),
        Settings(ledger_key_command=f'{sys.executable} -c "{program}"'),
    ):
        (key,) = await ledger_keys(settings)
        assert key.id == expected.id
    assert await ledger_keys(Settings()) == []


@pytest.mark.parametrize(
    ("program", "found"),
    [
        (f"print('{NO_KEY_IN_IT}')", "a line that is not base64"),
        (f"print('{NO_KEY_IN_IT}'); raise SystemExit(3)", "the exit code 3"),
        ("", "none"),
        ("import time; time.sleep(600)", "no end after 0.2 seconds"),
    ],
)
async def test_a_command_that_gives_no_key_is_told_without_its_output(
    program: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key, a failure, nothing at all, and a command that hangs."""
    if "sleep" in program:
        monkeypatch.setattr(module, "COMMAND_SECONDS", 0.2)
    settings = Settings(ledger_key_command=f'{sys.executable} -c "{program}"')
    with pytest.raises(KeyUnusable) as refused:
        await ledger_keys(settings)
    assert f"found {found}" in str(refused.value)
    assert NO_KEY_IN_IT not in str(refused.value)


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The name of the command is not shown: somebody may have put a secret into it."""
    for command in (f"{tmp_path}/no-such-program --secret {NO_KEY_IN_IT}", "'unfinished"):
        with pytest.raises(KeyUnusable) as refused:
            await ledger_keys(Settings(ledger_key_command=command))
        assert NO_KEY_IN_IT not in str(refused.value)


async def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Thirty-two raw bytes in place of base64."""
    file = tmp_path / "raw"
    file.write_bytes(bytes(range(200, 232)))
    with pytest.raises(KeyUnusable, match="CHARGELINE_LEDGER_KEY_FILE"):
        await ledger_keys(Settings(ledger_key_file=file))


async def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    """An editor of Windows puts one at the beginning of the file."""
    file = tmp_path / "keys"
    file.write_bytes(BOM + KEY.encode())
    printing = f"import sys; sys.stdout.buffer.write(open({str(file)!r}, 'rb').read())"
    (expected,) = read_keys(KEY)
    for settings in (
        Settings(ledger_key_file=file),
        Settings(ledger_key_command=f'{sys.executable} -c "{printing}"'),
    ):
        assert [key.id for key in await ledger_keys(settings)] == [expected.id]
