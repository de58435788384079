"""Which patient numbers stand in a message, for whoever must find all that a patient has.

This module owns the fields: PID-2, PID-3, PID-4 and MRG-1. It reads bytes and no profile, because
it must also find the patient in a message that nothing else can read. It takes every number of
these fields, whatever its type.
"""

import re

_SEGMENT = re.compile(rb"(?:^|[\r\n\x0b])(PID|MRG)([^\r\nA-Za-z0-9])([^\r\n]*)")
_FIELDS = {b"PID": slice(1, 4), b"MRG": slice(0, 1)}  # PID-2 to 4, MRG-1
_DELIMITERS = re.compile(rb"MSH(.)(.)(.)", re.DOTALL)


def patient_numbers(raw: bytes) -> frozenset[str]:
    """The patient numbers of a message, without their check digits, authorities and types.

    `PID|1||4711^^^ZEBRA^MR~0815` gives 4711 and 0815.
    """
    header = _DELIMITERS.search(raw)
    parts, repeats = (header[2], header[3]) if header else (b"^", b"~")
    numbers = {
        number.partition(parts)[0].strip()
        for name, separator, rest in _SEGMENT.findall(raw)
        for field in rest.split(separator)[_FIELDS[name]]
        for number in field.split(repeats)
    }
    return frozenset(number.decode("utf-8", "replace") for number in numbers - {b"", b'""'})
