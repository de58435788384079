"""The keys of a site for its ledger, read where the settings say: from a file or from a command.

It owns the running of the command, such as one that asks a KMS or Vault. Nothing that the file or
the command says is ever shown. What a key is, the ledger knows (`ledger/encrypting.py`).
"""

import asyncio
import shlex
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from chargeline.ledger.encrypting import KeyEncryptionKey, read_keys
from chargeline.ledger.errors import KeyUnusable
from chargeline.settings import Settings

COMMAND_SECONDS = 30


async def usable_keys(settings: Settings) -> tuple[list[KeyEncryptionKey], KeyUnusable | None]:
    """The key-encryption keys for a look that goes on without one, and why there is none."""
    try:
        return await ledger_keys(settings), None
    except KeyUnusable as error:
        return [], error


async def ledger_keys(settings: Settings) -> list[KeyEncryptionKey]:
    """The key-encryption keys, the newest first; none if the ledger is not to be encrypted.

    Raises KeyUnusable.
    """
    if settings.ledger_key_file is not None:
        return read_keys(_text_of(settings.ledger_key_file))
    if settings.ledger_key_command:
        return read_keys(await _output_of(settings.ledger_key_command))
    return []


def ids_in_file(path: Path) -> list[str]:
    """The ids of the keys in a file, in its order; an id is no secret. Raises KeyUnusable."""
    return [key.id for key in read_keys(_text_of(path))]


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise KeyUnusable(
            expected="a key file that can be read (CHARGELINE_LEDGER_KEY_FILE or --file)",
            found=type(error).__name__,
            do="let the user of the service read it; it has a key in base64 on each line",
        ) from None


async def _output_of(command: str) -> str:
    """The standard output of a command, which no shell sees."""
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdin=DEVNULL, stdout=PIPE
        )
    except (OSError, ValueError) as error:
        raise _command_failed(type(error).__name__) from None
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            output, _nothing = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise _command_failed(f"no end after {COMMAND_SECONDS} seconds") from None
    if process.returncode:
        raise _command_failed(f"the exit code {process.returncode}")
    return output.decode("utf-8-sig", "replace")


def _command_failed(found: str) -> KeyUnusable:
    return KeyUnusable(
        expected="CHARGELINE_LEDGER_KEY_COMMAND to print keys and to end with 0",
        found=found,
        do="run the command by hand, as the user of the service; its standard error is not hidden",
    )
