"""What a site may set in the environment, for every program of the live service.

It owns the settings, their checks, and the pages that describe them. It starts nothing and connects
to nothing, so a program can check all settings before it begins.
"""

from chargeline.settings.checks import CheckedSettings, SettingsError, load, look
from chargeline.settings.kinds import variable
from chargeline.settings.page import describe
from chargeline.settings.values import Settings

__all__ = ["CheckedSettings", "Settings", "SettingsError", "describe", "load", "look", "variable"]
