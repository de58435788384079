"""`chargeline config`: the settings, and what is wrong with them.

It owns how both are printed. settings/page.py hides the secrets, and settings/checks.py finds the
mistakes. Nothing is connected to: whoever looks for a mistake sees what is set beside it.
"""

import sys

from chargeline import settings as configuration
from chargeline.operate.running import OK, WRONG_USE, say


def show_configuration() -> int:
    """Print each setting with its value and its meaning, and then each mistake on standard error.

    Returns the exit code: that of wrong use if there is a mistake.
    """
    looked = configuration.look()
    for setting in configuration.describe(looked.settings, looked.wrong):
        print(f"{setting.variable:<44} {setting.value:<40} {setting.meaning}")
    if not looked.mistakes:
        return OK
    sys.stdout.flush()  # on a terminal the mistakes stand below
    return say(str(configuration.SettingsError(*looked.mistakes)), WRONG_USE)
