"""The one exception of this package: a message that cannot be read, and why.

It owns the two findings that several modules make. It refuses to show a patient: what was found is
told as lengths, names, delimiters and shapes, never as content.
"""

from chargeline.engine import Finding, FindingCode, FindingError


class Hl7Error(FindingError, ValueError):
    """Bad input, explained. What was found never holds patient data."""

    def __init__(
        self, code: FindingCode, *, expected: str, found: str, where: str, do: str
    ) -> None:
        super().__init__(Finding(code, expected=expected, found=found, where=where, do=do))


def no_msh(found: str, where: str) -> Hl7Error:
    """What stands where a message should begin does not begin with MSH."""
    return Hl7Error(
        "message.no_msh",
        expected="a message that begins with MSH",
        found=found,
        where=where,
        do="check that the source is HL7 v2 with field separators, and what wrote these bytes",
    )


def cut_off(expected: str, found: str) -> Hl7Error:
    """The end of a message is missing."""
    return Hl7Error(
        "message.cut_off",
        expected=expected,
        found=found,
        where="the end of the message",
        do="have it sent again, and look for a size limit or a time limit on the way",
    )
