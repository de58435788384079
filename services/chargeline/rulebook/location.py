"""Where rules/ is.

It owns the one search order: the folder that was asked for, the checkout that the code runs from,
the copy inside an installed package. A missing folder is an error with the places that were tried.
"""

from pathlib import Path

from chargeline.engine import Finding
from chargeline.rulebook.errors import RulebookError

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "_rules"
_CHECKOUT = _PACKAGE.parents[1] / "rules"


def rules_directory(asked: Path | None = None) -> Path:
    """The folder with sources.toml, base/, policies/, formulary/ and interfaces/."""
    tried = [asked] if asked is not None else [_CHECKOUT, _INSTALLED]
    for each in tried:
        if (each / "sources.toml").is_file():
            return each
    raise RulebookError(
        Finding(
            "rules.absent",
            expected="a rules folder with a file sources.toml",
            found="none",
            where=" or ".join(str(each) for each in tried),
            do="name the folder with --rules, or reinstall chargeline with its rules",
        )
    )
