"""The one exception of this package: it says what is wrong with a message or a profile.

This module also owns the two findings that several modules make. No finding shows a patient: what
was found is told as a length, a name, a delimiter or a shape ("5 characters, letters"), never as
content of a message.
"""

from chargeline.engine import Finding, FindingCode, FindingError


class Hl7Error(FindingError, ValueError):
    """Input that cannot be used, with a finding that says why. It never holds patient data."""

    def __init__(
        self, code: FindingCode, *, expected: str, found: str, where: str, do: str
    ) -> None:
        super().__init__(Finding(code, expected=expected, found=found, where=where, do=do))


def no_msh(found: str, where: str) -> Hl7Error:
    """The error for bytes that should be a message and do not begin with MSH."""
    return Hl7Error(
        "message.no_msh",
        expected="a message that begins with MSH",
        found=found,
        where=where,
        do="check that the source is HL7 v2 with field separators, and which program wrote it",
    )


def cut_off(expected: str, found: str) -> Hl7Error:
    """The error for a message whose end is missing."""
    return Hl7Error(
        "message.cut_off",
        expected=expected,
        found=found,
        where="the end of the message",
        do="have the message sent again, and look for a size or time limit between sender and us",
    )
