"""The rulebook for a program that codes: read, and free of clashes and gaps.

It owns one decision: whoever drafts charges starts with sound rules or not at all. Two caps that
clash would both fall away, and an infusion of 14 hours would be billed in full without a word.
`chargeline rules check` reads the same rules without this, so that it can list every mistake.
"""

from pathlib import Path

from chargeline.engine import Rulebook
from chargeline.rulebook.checking import check_rulebook
from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import is_shipped


def sound_rulebook(folder: Path, formulary: Path | None = None) -> Rulebook:
    """The rulebook of a folder. Raises RulebookError for any mistake, clashes and gaps included.

    Rules that chargeline ships are not searched again: the tests have done that, and the search
    takes a quarter of a second.
    """
    rulebook = load_rulebook(folder, formulary)
    mistakes = [] if is_shipped(folder) else check_rulebook(rulebook)
    if mistakes:
        raise RulebookError(*mistakes)
    return rulebook
