"""The ledger of the settings, open for the length of one command.

It owns that the ledger is closed whatever happens in between, and that a command encrypts only a
ledger that is encrypted. It does not know what a command does.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from chargeline.drafting.ledger_keys import ledger_keys
from chargeline.ledger.encrypting import KeyEncryptionKey
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    accept_old: bool = False,
    locked: bool = False,
    keys: Sequence[KeyEncryptionKey] = (),
    first_key: bool = False,
) -> AsyncIterator[Ledger]:
    """The ledger of CHARGELINE_LEDGER_URL, with its keys.

    `accept_old` is for a command that migrates it, `locked` for one that needs no key, because it
    reads no encrypted row: it has the given `keys` only, and works also if those of the settings
    are lost. Only a command with `first_key` makes the first data key of a ledger: the programs of
    a ledger in the clear run without a key, and could read no row that another one encrypted.
    """
    ledger = await Ledger.open(
        settings.ledger_address,
        accept_old=accept_old,
        keys=keys if locked else await ledger_keys(settings),
        keys_anew=partial(ledger_keys, settings),
        locked=locked,
        first_key=first_key,
    )
    try:
        yield ledger
    finally:
        await ledger.close()
