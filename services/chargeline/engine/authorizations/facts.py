"""What a feed says of one authorization, and one authorization put together from all of it.

It owns the event and the way in which later messages count before earlier ones. It does not know
fields, nor whether an authorization covers anything. Each field of the message that was sent last
and says something counts: an answer that approves 800 units leaves the codes of the request.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from chargeline.engine.authorization_words import BasisCharted, StatusCharted
from chargeline.engine.events import BEGINNING, MessageRef, Source

ALL_CODES = "*"
"""The code of an authorization that covers whatever the payer asks one for."""
REFUSED: frozenset[StatusCharted] = frozenset({"denied", "appealed"})
WAITING: frozenset[StatusCharted] = frozenset({"requested", "pended"})


class Authorization(NamedTuple):
    """What one message says of one authorization; "", () and None say nothing.

    `number` is the payer's. `item` is the code of the part that it is about where one number has a
    count of units for each code, else "". `codes` are HCPCS and CPT codes, or ALL_CODES. `starts`
    and `until` are local days, both included. `units` counts what `basis` says. `provider` and
    `site` are as the sender names them. `requested` is when the payer got the request, `decided`
    since when the status is what it is. `disputed` names what two messages of one time say
    otherwise; one message by itself disputes nothing.
    """

    message: MessageRef
    number: str
    item: str = ""
    payer: str = ""
    codes: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] = ()
    starts: date | None = None
    until: date | None = None
    units: Decimal | None = None
    basis: BasisCharted = ""
    provider: str = ""
    site: str = ""
    status: StatusCharted = ""
    requested: datetime | None = None
    decided: datetime | None = None
    address: str = ""
    disputed: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.message, self.address)

    @property
    def is_upside_down(self) -> bool:
        """Whether it ends before it begins, so that it covers no day."""
        return self.starts is not None and self.until is not None and self.until < self.starts


_KEPT = ("message", "address")  # always those of the later message
_IN_WORDS = {
    "payer": "payer",
    "codes": "codes",
    "starts": "first day",
    "until": "last day",
    "units": "units",
    "basis": "what is counted",
    "status": "status",
}


def put_together(versions: Iterable[Authorization]) -> Authorization:
    """One authorization from all versions of it, the one that counts most last."""
    whole: Authorization | None = None
    for version in versions:
        if whole is None:
            whole = version
            continue
        said = {
            name: value
            for name, value in version._asdict().items()
            if name in _KEPT or value not in ("", (), None)
        }
        whole = whole._replace(**said)
    assert whole is not None, "an authorization has at least one version"
    return whole


def disputed_in(versions: Sequence[Authorization]) -> tuple[str, ...]:
    """What two messages of one time say otherwise, in words, if nothing later says it again.

    `versions` are those of one authorization, the one that was sent last at the end.
    """
    disputed = []
    for name, in_words in _IN_WORDS.items():
        said = [
            (_sent(version), value)
            for version in versions
            if (value := getattr(version, name)) not in ("", (), None)
        ]
        if len({value for sent, value in said if sent == said[-1][0]}) > 1:
            disputed.append(in_words)
    return tuple(disputed)


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
    together = put_together(sorted([*taken_in, general], key=_sent))
    codes = left if own or not general.codes else general.codes
    return [*parts, together._replace(item="", codes=codes, **_count_of(general))]


def _is_taken_in(part: Authorization, general: Authorization) -> bool:
    """Whether the count of the whole holds for a part: it names the part's codes later than the
    part, or the part has no count of its own and nobody refused it.
    """
    named = _named(general)
    if general.units is None or (named and not set(part.codes) <= set(named)):
        return False
    if named and _sent(general) > _sent(part):
        return True
    return part.units is None and part.status not in REFUSED


def _of_part(general: Authorization, part: Authorization) -> Authorization:
    """A part with what the whole says of it: the later one counts if the whole is about it."""
    named = _named(general)
    is_about_it = not named or bool(set(part.codes) & set(named))
    in_order = sorted([general, part], key=_sent) if is_about_it else [general, part]
    return put_together(in_order)._replace(item=part.item, codes=part.codes, **_count_of(part))


def _named(authorization: Authorization) -> tuple[str, ...]:
    """The codes that an authorization names; none where it is for all of them."""
    return () if ALL_CODES in authorization.codes else authorization.codes


def _count_of(authorization: Authorization) -> dict[str, Any]:
    return {"units": authorization.units, "basis": authorization.basis}


def _sent(authorization: Authorization) -> datetime:
    return authorization.message.sent or BEGINNING
