"""What a site may set from outside, for every program.

It owns the settings, their checks and their pages. It starts nothing and connects to nothing.
"""

from chargeline.settings.checks import SettingsError, load
from chargeline.settings.page import describe
from chargeline.settings.values import Settings, variable

__all__ = ["Settings", "SettingsError", "describe", "load", "variable"]
