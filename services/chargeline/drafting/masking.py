"""A message with the shape of its values in place of the values.

It owns what of a parked message may be looked at by anybody who may list it: the names of segments,
the delimiters, what MSH-9 and MSH-12 say, and of all else only lengths and kinds of characters. It
reads the bytes as they are, because most parked messages are parked for not being readable.
"""

import re

from chargeline.hl7.reader import FREQUENT_SEGMENTS

MESSAGE_TYPE = re.compile(r"[A-Z0-9]{3}(\^[A-Z0-9_]{1,12}){0,2}")
_VERSION = re.compile(r"[0-9.]{1,8}")
_KEPT_OF_MSH = {8: MESSAGE_TYPE, 11: _VERSION}  # MSH-9 and MSH-12; MSH-1 is the separator itself
_ENVELOPE = frozenset({"FHS", "BHS", "BTS", "FTS", "DSC"})
_OF_A_SITE = re.compile(r"Z[A-Z0-9]{2}")


def masked(raw: bytes) -> list[str]:
    """The segments of a message: each letter is X or x, each digit 9, and other signs are kept.

    `PID|1||4711^^^MRN` becomes `PID|9||9999^^^XXX`. Of signs outside ASCII all are X.
    """
    text = raw.decode("utf-8", "replace")
    return [_segment(line) for line in re.split(r"[\r\n]+", text)]


def _segment(line: str) -> str:
    start = line.lstrip("\x0b \N{ZERO WIDTH NO-BREAK SPACE}")
    name, separator = start[:3], start[3:4]
    known_name = name in FREQUENT_SEGMENTS | _ENVELOPE or _OF_A_SITE.fullmatch(name)
    if not known_name or separator.isalnum() or not separator.isascii():
        return shape(line)
    if not separator:
        return start
    fields = start.split(separator)
    kept = _KEPT_OF_MSH if name == "MSH" else {}
    shapes = [
        field if number in kept and kept[number].fullmatch(field) else shape(field)
        for number, field in enumerate(fields)
    ]
    return separator.join([name, *shapes[1:]])


def shape(text: str) -> str:
    """A text with X or x for each letter, 9 for each digit, and all other ASCII signs as written.

    `Zebra 12.5` becomes `Xxxxx 99.9`.
    """
    return "".join(map(_sign, text))


def _sign(sign: str) -> str:
    if not sign.isascii():
        return "X"
    if sign.isdigit():
        return "9"
    if sign.isalpha():
        return "x" if sign.islower() else "X"
    return sign
