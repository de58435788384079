"""Finds the rules folder.

This module owns the one search order. If a caller names a folder, only that folder counts; else the
rules of the checkout that the code runs from, else the copy inside the installed package. It does
not read the rules. If there is no folder, the error names the places that were tried.
"""

from pathlib import Path

from chargeline.engine import Finding
from chargeline.rulebook.errors import RulebookError

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "_rules"
_CHECKOUT = _PACKAGE.parents[1] / "rules"


def rules_directory(asked: Path | None = None) -> Path:
    """The folder with sources.toml, base/, policies/, formulary/ and interfaces/.

    Raises RulebookError `rules.absent`.
    """
    tried = [asked] if asked is not None else [_CHECKOUT, _INSTALLED]
    for folder in tried:
        if (folder / "sources.toml").is_file():
            return folder
    raise RulebookError(
        Finding(
            "rules.absent",
            expected="a rules folder with a file sources.toml",
            found="none",
            where=" or ".join(str(folder) for folder in tried),
            do="name the folder that has them (--rules), or reinstall chargeline with its rules",
        )
    )


def is_shipped(folder: Path) -> bool:
    """Whether these are the rules that chargeline brings, and not a folder of a site's own."""
    return folder in (_CHECKOUT, _INSTALLED)
