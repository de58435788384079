"""The one exception of this package: it carries all mistakes of a rulebook at once.

A coder who edits rules sees every mistake in one run, each with its file and place. This module
looks for no mistakes; the modules that read and check the files do.
"""

from chargeline.engine import FindingError


class RulebookError(FindingError, ValueError):
    """The rulebook cannot be used. The error has a finding for each mistake."""
