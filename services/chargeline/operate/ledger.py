"""`chargeline ledger migrate` and `chargeline config`.

It owns what these two commands print. The steps of a migration are in ledger/migrations, and
settings/page.py hides the secrets.
"""

from chargeline import settings as configuration
from chargeline.operate.opened import opened
from chargeline.operate.running import OK
from chargeline.settings import Settings


async def migrate(settings: Settings) -> int:
    """Do `chargeline ledger migrate`: create the tables, or bring them to the newest schema."""
    async with opened(settings, accept_old=True) as ledger:
        await ledger.migrate()
    print("the ledger is at the newest schema")
    return OK


async def show_configuration(settings: Settings) -> int:
    """Do `chargeline config`: print each setting with its value and its meaning."""
    for setting in configuration.describe(settings):
        print(f"{setting.variable:<44} {setting.value:<40} {setting.meaning}")
    return OK
