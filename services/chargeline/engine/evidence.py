"""Chains of evidence: bytes that show whether what was kept is still what was written.

This module owns the rules by which every chain of the house is made: how values become bytes
(`canonical`), how a row is bound to the row before (`link`), and which part of a published revision
its chain is over (`parted`). It does not know what is kept, or
where. Rows in the field were made by these rules, so neither may ever change its meaning.
"""

from collections.abc import Iterable
from hashlib import sha256

Kept = None | int | str | bytes


def canonical(values: Iterable[Kept]) -> bytes:
    """Values as bytes, such that no two lists of values give the same bytes.

    A text is `t`, the number of its bytes in UTF-8, `:` and these bytes; bytes are the same with
    `b`; a whole number is the same with `i` and its decimal digits; no value is `n`. So
    `("V1", 7, None)` becomes `t2:V1i1:7n`. A time is given as a text.
    """
    parts: list[bytes] = []
    for value in values:
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogatepass")
            size = len(data)
            parts += (_TEXT[size] if size < _SHORT else b"t%d:" % size, data)
        elif isinstance(value, int):
            data = b"%d" % value
            parts += (b"i%d:" % len(data), data)
        elif value is None:
            parts.append(b"n")
        else:
            parts += (b"b%d:" % len(value), value)
    return b"".join(parts)


_SHORT = 256
_TEXT = [b"t%d:" % size for size in range(_SHORT)]  # a batch writes thousands of short texts


def link(before: str, body: bytes) -> str:
    """The chain of a row: SHA-256 over the chain of the row before and the body of this one.

    A chain is 64 hexadecimal digits, and is hashed as these digits in ASCII. The first row of a
    chain has "" before it, so that its chain is the SHA-256 of its body.
    """
    digest = sha256(before.encode())
    digest.update(body)
    return digest.hexdigest()


def parted(value: bytes) -> tuple[bytes, str]:
    """The part of a published revision that its chain is over, and the chain that stands in it.

    A revision ends with `,"chain":"…"}`. One of an older chargeline does not: its chain is over all
    of its bytes, and "" is given in place of the chain.
    """
    start = len(value) - len(_TAIL) - _CHAIN_DIGITS - len(_END)
    if start >= 0 and value[start : start + len(_TAIL)] == _TAIL and value.endswith(_END):
        return value[:start], value[start + len(_TAIL) : -len(_END)].decode("ascii", "replace")
    return value, ""


_TAIL, _END, _CHAIN_DIGITS = b',"chain":"', b'"}', 64
