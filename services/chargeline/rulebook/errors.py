"""The one exception of this package: everything that is wrong with a rulebook, at once.

It owns the wording of mistakes in rules/. A coder who edits rules sees all of them in one run, each
with file, place, what was expected, what was found and what to do.
"""

from typing import NamedTuple


class Mistake(NamedTuple):
    """One mistake in one place of rules/."""

    place: str
    expected: str
    found: str
    do: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, found {self.found}; {self.do}"


class RulebookError(ValueError):
    """The rulebook cannot be used; `mistakes` are all of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(str(each) for each in mistakes))
        self.mistakes = tuple(mistakes)
