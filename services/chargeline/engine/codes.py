"""The code of a role on a day, for every charge family alike.

It owns the question to the rules; the answers are the rows of rules/base/codes.csv.
"""

from typing import NamedTuple

from chargeline.engine.rules import Concern


class RoleFacts(NamedTuple):
    """A service role."""

    role: str


class CodeAnswer(NamedTuple):
    """A code without its modifiers."""

    code: str


CODE = Concern(
    "role.code",
    RoleFacts,
    CodeAnswer,
    meaning="the code of a role on a day",
    may_be_silent=True,
)
