"""Whether a site's regular expression can keep a program busy for hours.

Python tries all ways in which a pattern may fit. Where a repeat holds something that may itself
have several lengths, as in `(\\d+,?)+`, the ways double with each sign of a note: 33 digits take
seconds, and 50 take days. This module refuses such patterns before a message is read by them. It
refuses a few that would be harmless, because nobody can tell them apart in general.
"""

import re
from collections.abc import Iterator
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

REWRITE = "a note could keep it busy for hours; write [0-9,]+ in place of ([0-9]+,?)+"
_FEW = 10  # as many repeats are tried in all ways soon enough
_REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT)


def may_take_for_ever(pattern: str) -> bool:
    """Whether a pattern repeats what may have several lengths. Raises re.error if it is none."""
    return any(_is_ambiguous(body) for body in _repeated(parser.parse(pattern, re.IGNORECASE)))


def _repeated(pattern: Any) -> Iterator[Any]:
    """What stands in each long repeat, however deep."""
    for operation, arguments in pattern:
        if operation in _REPEATS:
            _least, most, body = arguments
            if most == constants.MAXREPEAT or most > _FEW:
                yield body
        for part in _parts(arguments):
            yield from _repeated(part)


def _is_ambiguous(body: Any) -> bool:
    least, most = body.getwidth()
    return bool(least != most)


def _parts(arguments: Any) -> Iterator[Any]:
    """The patterns within the arguments of an operation."""
    if isinstance(arguments, parser.SubPattern):
        yield arguments
    elif isinstance(arguments, (list, tuple)):
        for argument in arguments:
            yield from _parts(argument)
