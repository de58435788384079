"""A message that was read: its rows, its header, and its values by address.

This module owns the address notation (`PID-3[2].4`) and the digest by which a resend is recognised.
It does not know how bytes became rows; reader.py does that. A row is split into fields only; what
is inside a field is split when somebody asks, because most fields are never asked for.
"""

import re
from functools import lru_cache
from hashlib import blake2b

from chargeline.hl7.delimiters import NULL, Delimiters, component, unescape
from chargeline.hl7.errors import Hl7Error

_ADDRESS = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:\[([0-9]{1,4})\])?"  # segment
    r"-([0-9]{1,4})(?:\[([0-9]{1,4})\])?"  # field and repetition
    r"(?:\.([0-9]{1,4}))?(?:\.([0-9]{1,4}))?"  # component and subcomponent
)


WARNINGS = (
    "delimiters.doubled",
    "delimiters.order",
    "encoding.declared",
    "encoding.doubtful",
    "terminators.mixed",
    "continuation.coded",
)
"""The codes of the oddities that the reader tolerates."""


def warning_code(warning: str) -> str:
    """The code of a warning, one of `WARNINGS`."""
    return warning.partition(":")[0]


class Message:
    """One message. Immutable by convention: nobody writes to it after `read_message`.

    rows: every segment in order, split into fields. row[0] is the segment's name and row[n] is
    field n of the standard, in MSH as well (row[1] is "|", row[2] is "^~\\&"). The text is raw: it
    is not unescaped, and only the blanks at the end of a segment are trimmed.
    encoding: the codec that decoded the bytes; "ascii" whenever ASCII was enough.
    raw: the bytes as given.
    type, trigger, control_id: MSH-9.1, 9.2 and 10, trimmed; "" if empty.
    warnings: the oddities that the reader tolerated, as "code: words" with a code of `WARNINGS`,
        without patient data.
    """

    __slots__ = (
        "_body",
        "_body_digest",
        "control_id",
        "delimiters",
        "encoding",
        "raw",
        "rows",
        "trigger",
        "type",
        "warnings",
    )

    def __init__(
        self,
        rows: list[list[str]],
        delimiters: Delimiters,
        encoding: str,
        raw: bytes,
        warnings: tuple[str, ...],
        body: str,
    ) -> None:
        header = rows[0]
        kind = header[9].split(delimiters.component, 2)
        self.rows = rows
        self.delimiters = delimiters
        self.encoding = encoding
        self.raw = raw
        self.type = kind[0].strip()
        self.trigger = kind[1].strip() if len(kind) > 1 else ""
        self.control_id = header[10].strip() if len(header) > 10 else ""
        self.warnings = warnings
        self._body = body
        self._body_digest: bytes | None = None

    @property
    def version(self) -> str:
        """MSH-12.1, trimmed; "" if empty."""
        header = self.rows[0]
        return component(header[12], 1, self.delimiters).strip() if len(header) > 12 else ""

    @property
    def body_digest(self) -> bytes:
        """16 bytes that stay the same when a sender repeats a message with a new MSH-7 or MSH-10.

        The digest is made of MSH-1 to 4 (the delimiters and the sender), MSH-9, and every segment
        after MSH. The terminators, the blanks at the end of a segment and the encoding make no
        difference.
        """
        if self._body_digest is None:
            header, field = self.rows[0], self.delimiters.field
            body = self._body or "\r".join([field.join(row) for row in self.rows[1:]])
            text = f"{field.join(header[1:5])}{field}{header[9]}\r{body}"
            self._body_digest = blake2b(text.encode(), digest_size=16).digest()
        return self._body_digest

    def first(self, name: str) -> list[str] | None:
        """The first row of that name; None if the message has no such segment."""
        for row in self.rows:
            if row[0] == name:
                return row
        return None

    def value(self, address: str) -> str | None:
        """The unescaped text at an address: `PV1-19.1`, `PID-3[2].4`, `RXA[2]-5.1`, `MSH-9.2.1`.

        The numbers in brackets count segments of that name and repetitions, and are 1 if left out:
        `RXA[2]-5.1` is the code in the second RXA. An address without a component means the whole
        repetition. An address without a subcomponent means the whole component, so an unescaped
        `L&D` stays in one piece.

        None: the value is absent, empty or only blanks. NULL: the sender wrote `""` there, or in
        the field or component around it: PID-5 being `""` makes PID-5.2 NULL. Nothing is trimmed.
        Raises Hl7Error `address.invalid`.
        """
        name, nth, number, repetition, part, subpart = _address(address)
        row = self._row(name, nth)
        repetitions = self.repetitions(row, number) if row else []
        if repetition > len(repetitions):
            return None
        text = repetitions[repetition - 1]
        for wanted, delimiter in (
            (part, self.delimiters.component),
            (subpart, self.delimiters.subcomponent),
        ):
            if text == NULL:
                return NULL
            if wanted:
                parts = text.split(delimiter) if number > 2 or name != "MSH" else [text]
                text = parts[wanted - 1] if wanted <= len(parts) else ""
        if text == NULL:
            return NULL
        if not text or text.isspace():
            return None
        return unescape(text, self.delimiters)

    def repetitions(self, row: list[str], n: int) -> list[str]:
        """The repetitions of field n of a row, raw; an empty list without a value."""
        if n >= len(row) or not row[n]:
            return []
        if n <= 2 and row[0] == "MSH":
            return [row[n]]  # MSH-1 and MSH-2 name the delimiters, which split nothing there
        return row[n].split(self.delimiters.repetition)

    def _row(self, name: str, nth: int) -> list[str] | None:
        for row in self.rows:
            if row[0] == name:
                if nth == 1:
                    return row
                nth -= 1
        return None


@lru_cache(maxsize=1024)
def _address(address: str) -> tuple[str, int, int, int, int, int]:
    """An address in its six parts, as in `_ADDRESS`; a component or subcomponent left out is 0."""
    match = _ADDRESS.fullmatch(address)
    numbers = [int(group) for group in match.groups()[1:] if group is not None] if match else [0]
    if match is None or 0 in numbers:
        raise Hl7Error(
            "address.invalid",
            expected="an address such as PV1-19.1, PID-3[2].4 or RXA[2]-5.1, counted from 1",
            found=f"{address!r}",
            where="the address",
            do="correct the address in the interface profile, or in the code that asks for it",
        )
    name, nth, number, repetition, part, subpart = match.groups()
    return name, int(nth or 1), int(number), int(repetition or 1), int(part or 0), int(subpart or 0)
