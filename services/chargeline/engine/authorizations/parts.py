"""The authorizations of a number that is granted as a whole, in parts, or both.

It owns which codes and which count of units each part has where a payer says something of a number
and of single codes of it. How messages about one and the same part count, facts.py says.
"""

from collections.abc import Iterable
from typing import Any

from chargeline.engine.authorizations.facts import (
    ALL_CODES,
    REFUSED,
    Authorization,
    put_together,
    sent_of,
)


def with_whole(parts: Iterable[Authorization]) -> tuple[Authorization, ...]:
    """Authorizations by number and item: what the whole of a number says, its parts say as well.

    A number of which parts are known is these parts, and of the whole only the codes that no part
    has, so that nothing is counted twice. Where part and whole differ, the one that was sent later
    counts, but for codes and units: those of a part are its own.
    """
    by_number: dict[str, list[Authorization]] = {}
    for part in parts:
        by_number.setdefault(part.number, []).append(part)
    whole: list[Authorization] = []
    for number in sorted(by_number):
        items = sorted(by_number[number], key=lambda part: part.item)
        general = [part for part in items if not part.item]
        items = [part for part in items if part.item]
        whole += _of_number(general[0], items) if general and items else general or items
    return tuple(whole)


def _of_number(general: Authorization, items: list[Authorization]) -> list[Authorization]:
    """One number of which both the whole and parts are told.

    A request names two codes with a count for each, and the answer is 800 units for both: the
    answer takes in both parts. If 500 units for one of them are granted later, that one is a part
    again, and the 800 units are for the other.
    """
    taken_in = [part for part in items if _is_taken_in(part, general)]
    own = [part for part in items if part not in taken_in]
    named = _named(general) or tuple([code for part in taken_in for code in part.codes])
    elsewhere = {code for part in own for code in part.codes}
    left = tuple([code for code in named if code not in elsewhere])
    parts = [_of_part(general, part) for part in own]
    if not left:
        return parts
    together = put_together(sorted([*taken_in, general], key=sent_of))
    codes = left if own or not general.codes else general.codes
    return [*parts, together._replace(item="", codes=codes, **_count_of(general))]


def _is_taken_in(part: Authorization, general: Authorization) -> bool:
    """Whether the count of the whole holds for a part: it names the part's codes later than the
    part, or the part has no count of its own and nobody refused it.
    """
    named = _named(general)
    if general.units is None or (named and not set(part.codes) <= set(named)):
        return False
    if named and sent_of(general) > sent_of(part):
        return True
    return part.units is None and part.status not in REFUSED


def _of_part(general: Authorization, part: Authorization) -> Authorization:
    """A part with what the whole says of it: the later one counts if the whole is about it."""
    named = _named(general)
    is_about_it = not named or bool(set(part.codes) & set(named))
    in_order = sorted([general, part], key=sent_of) if is_about_it else [general, part]
    return put_together(in_order)._replace(item=part.item, codes=part.codes, **_count_of(part))


def _named(authorization: Authorization) -> tuple[str, ...]:
    """The codes that an authorization names; none where it is for all of them."""
    return () if ALL_CODES in authorization.codes else authorization.codes


def _count_of(authorization: Authorization) -> dict[str, Any]:
    return {"units": authorization.units, "basis": authorization.basis}
