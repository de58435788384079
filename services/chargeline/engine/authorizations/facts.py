"""What a feed says of one authorization, and one authorization put together from all of it.

It owns the event and the way in which later messages count before earlier ones. It does not know
fields, nor whether an authorization covers anything. Each field of the message that was sent last
and says something counts: an answer that approves 800 units leaves the codes of the request.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.authorization_words import BasisCharted, StatusCharted
from chargeline.engine.events import MessageRef, Source

ALL_CODES = "*"
"""The code of an authorization that covers whatever the payer asks one for."""


class Authorization(NamedTuple):
    """What one message says of one authorization; "", () and None say nothing.

    `number` is the payer's. `item` is the code of the part that it is about where one number has a
    count of units for each code, else "". `codes` are HCPCS and CPT codes, or ALL_CODES. `starts`
    and `until` are local days, both included. `units` counts what `basis` says. `provider` and
    `site` are as the sender names them. `requested` is when the payer got the request.
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

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.message, self.address)

    @property
    def is_upside_down(self) -> bool:
        """Whether it ends before it begins, so that it covers no day."""
        return self.starts is not None and self.until is not None and self.until < self.starts


_KEPT = ("message", "address")  # always those of the later message


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


def with_whole(parts: Iterable[Authorization]) -> tuple[Authorization, ...]:
    """Authorizations by number and item; a part takes from the whole what it does not say itself.

    A number of which parts are known is these parts and not the whole beside them, so that nothing
    is counted twice.
    """
    by_number: dict[str, list[Authorization]] = {}
    for part in parts:
        by_number.setdefault(part.number, []).append(part)
    whole: list[Authorization] = []
    for number in sorted(by_number):
        of_number = sorted(by_number[number], key=lambda part: part.item)
        items = [part for part in of_number if part.item]
        general = [part for part in of_number if not part.item]
        whole += [put_together([*general, part]) for part in items] or general
    return tuple(whole)
