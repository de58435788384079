"""The one exception of this package, and the closed list of what can be wrong with its input.

It owns the codes that a parked message carries and the wording of the explanation. It refuses to
show a patient: what was found is told as lengths, names, delimiters and shapes, never as content.
"""

from types import MappingProxyType

CODES = MappingProxyType(
    {
        "message.empty": "no bytes, or nothing but blanks",
        "message.no_msh": "the text does not begin with an MSH segment",
        "message.delimiters": "MSH-1 and MSH-2 do not give usable delimiters",
        "message.cut_off": "the end of the message is missing",
        "message.encoding": "the bytes are not text in the encoding that they begin with",
        "message.type": "MSH-9 does not say what kind of message this is",
        "message.fragment": "one part of a message that was sent in several",
        "message.several": "more than one message where one was expected",
        "batch.count": "BTS-1 and the number of messages in the batch differ",
        "address.invalid": "not an address such as PV1-19.1",
        "time.impossible": "a time that no clock shows",
        "time.imprecise": "a time without minutes where minutes are billed",
        "time.missing": "no time where one must stand",
        "number.invalid": "text where a number must stand",
        "status.unknown": "a record status that the interface profile does not know",
        "message.unknown": "a message type that chargeline does not use",
        "identifier.invalid": "a number of a message, visit or patient that no ledger can keep",
        "visit.missing": "a message about a visit without its number",
        "profile.invalid": "an interface profile with a key or value that it cannot have",
    }
)


class Hl7Error(ValueError):
    """Bad input, explained: what was expected, what was found, at which place, and what to do.

    `code` is one of `CODES`. `found` never holds patient data.
    """

    def __init__(self, code: str, *, expected: str, found: str, where: str, do: str) -> None:
        assert code in CODES, code
        super().__init__(f"expected {expected}, found {found}, at {where}: {do}")
        self.code = code
        self.expected = expected
        self.found = found
        self.where = where
        self.do = do


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


def shape_of(text: str) -> str:
    """What may be said of a text without showing it: `8 characters, digits`."""
    if not text:
        return "nothing"
    kinds = [
        name
        for name, matches in (
            ("digits", str.isdigit),
            ("letters", str.isalpha),
            ("blanks", str.isspace),
            ("other", lambda c: not (c.isdigit() or c.isalpha() or c.isspace())),
        )
        if any(map(matches, text))
    ]
    return f"{len(text)} character{'s' if len(text) > 1 else ''}, {' and '.join(kinds)}"
