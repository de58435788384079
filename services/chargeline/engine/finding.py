"""One shape for whatever is wrong: what was expected, what was found, where, and what to do.

It owns that shape and its wording; the closed list of codes is in finding_codes.py. Exceptions,
questions to a person, problems of a timeline, messages that are set aside, and mistakes in rules
and in settings all carry a `Finding`. It does not know who reads a finding. `found` gives a name, a
number, a length or a shape, and never the content of a message, because findings are logged and
published.
"""

from typing import Any, NamedTuple, NewType

from chargeline.engine.finding_codes import MEANINGS, FindingCode

RuleId = NewType("RuleId", str)
"""The id of a rule that asks a question. The code of the question is the id of the rule."""


class Finding(NamedTuple):
    """Something wrong, in words for the person who must do something about it.

    `where` is the field, the file or the variable; "" where there is no single place.
    """

    code: FindingCode | RuleId
    expected: str
    found: str
    where: str
    do: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}expected {self.expected}, found {self.found}; {self.do}"


class FindingError(Exception):
    """An error that says what was expected, found, where, and what to do; it may say several.

    `self` is declared as Any so that packages which are not compiled can derive their errors from
    this one where the engine is compiled with mypyc: a declared `self` would be checked to be of
    the compiled class itself.
    """

    findings: tuple[Finding, ...]

    def __init__(self: Any, *findings: Finding) -> None:
        assert findings, "an error has a reason"
        assert all(finding.code in MEANINGS for finding in findings), "its code is of the list"
        Exception.__init__(self, "\n".join(str(finding) for finding in findings))
        self.findings = findings

    @property
    def finding(self: Any) -> Finding:
        """The first finding, which is the only one of most errors."""
        first: Finding = self.findings[0]
        return first


EXCERPT_MOST = 60
"""So many characters of what a sender wrote into a drug, a unit or a route stand in a finding."""


def excerpt(text: str) -> str:
    """What a sender wrote, cut to 60 characters: free text may hold a patient's story.

    A text that is cut ends with an ellipsis, which is the 60th character.
    """
    return text if len(text) <= EXCERPT_MOST else f"{text[: EXCERPT_MOST - 1]}…"


def shape_of(text: str) -> str:
    """A text described without showing its content: `8 characters, digits and letters`."""
    if not text:
        return "nothing"
    different = set(text)
    kinds = [name for name, is_one in _KINDS_OF_CHARACTERS if any(map(is_one, different))]
    return f"{len(text)} character{'s' if len(text) > 1 else ''}, {' and '.join(kinds)}"


_KINDS_OF_CHARACTERS = (
    ("digits", str.isdigit),
    ("letters", str.isalpha),
    ("blanks", str.isspace),
    ("other signs", lambda c: not (c.isdigit() or c.isalpha() or c.isspace())),
)
