"""The one exception of this package: everything that is wrong with a rulebook, at once.

A coder who edits rules sees all mistakes in one run, each with its file and place. Where a mistake
is looked for is the business of the other modules.
"""

from chargeline.engine import FindingError


class RulebookError(FindingError, ValueError):
    """The rulebook cannot be used; there is a finding for each mistake."""
