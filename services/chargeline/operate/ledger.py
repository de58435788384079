"""`chargeline ledger migrate` and `chargeline config`: the ledger's schema, and the settings in
force.

It owns what these commands print. Secrets are hidden.
"""

from chargeline import settings as configuration
from chargeline.ledger.store import Ledger
from chargeline.operate.running import OK
from chargeline.settings import Settings


async def migrate(settings: Settings) -> int:
    """`chargeline ledger migrate`."""
    ledger = await Ledger.open(settings.ledger_url.get_secret_value(), accept_old=True)
    try:
        await ledger.migrate()
    finally:
        await ledger.close()
    print("the ledger is at the newest schema")
    return OK


async def show_configuration(settings: Settings) -> int:
    """`chargeline config`."""
    for each in configuration.describe(settings):
        print(f"{each.variable:<44} {each.value:<40} {each.meaning}")
    return OK
