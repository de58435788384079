"""One RXA with all that is needed to read it, and the values that a profile finds beside it.

This module owns where a value stands: in the RXA, in an observation, or in a Z segment. It does not
know what a value means; administrations.py does.
"""

from collections.abc import Iterator

from chargeline.engine import Finding
from chargeline.hl7.delimiters import NULL, component
from chargeline.hl7.message import Message
from chargeline.hl7.profile import Place, Profile
from chargeline.hl7.segments import AdministrationGroup, OrderGroup, Row, field, first_of_all


class ChartedRow:
    """One RXA with all that is needed to read it. `row` is padded to every field of RXA, and
    `sender` is MSH-3.1 in capitals.

    `side_findings` are about fields that cost no administration, such as a discarded amount.
    """

    __slots__ = (
        "address",
        "administration",
        "delimiters",
        "order",
        "profile",
        "row",
        "sender",
        "side_findings",
    )

    def __init__(
        self,
        message: Message,
        profile: Profile,
        order: OrderGroup,
        administration: AdministrationGroup,
    ) -> None:
        self.row = _padded(administration.row)
        self.administration = administration
        self.order = order
        self.profile = profile
        self.delimiters = message.delimiters
        self.sender = component(message.rows[0][3], 1, message.delimiters).strip().upper()
        self.address = f"RXA[{administration.ordinal}]"
        self.side_findings: list[Finding] = []

    def notes(self) -> Iterator[tuple[str, str]]:
        """The place and the text of RXA-9 and of each note, as far as they are searched."""
        yield f"{self.address}-9", self.row[9][:LONGEST_NOTE]
        for number, row in enumerate(self.administration.notes, 1):
            yield f"{self.address}/NTE[{number}]-3", field(row, 3)[:LONGEST_NOTE]

    def text(self, number: int) -> str:
        """The first component of a field of RXA, trimmed."""
        return component(self.row[number], 1, self.delimiters).strip()


LONGEST_NOTE = 10_000  # a search for words takes longer than the rest of the message
_NO_FIELDS = [""] * 30  # RXA ends at field 29 in v2.8


def _padded(row: Row) -> Row:
    """The row with every field of RXA; "" where the sender gives none or deletes it."""
    fields = row + _NO_FIELDS[len(row) :]
    return ["" if text == NULL else text for text in fields] if NULL in fields else fields


def charted_at(
    charted: ChartedRow, codes: frozenset[str], places: tuple[Place, ...]
) -> list[tuple[str, str, str]]:
    """Place, text and unit of each observation with one of the codes, then of each valued place.

    The unit of an observation stands in OBX-6, that of a place in RXA-7.
    """
    delimiters, address, administration = (
        charted.delimiters,
        charted.address,
        charted.administration,
    )
    values = [
        (
            f"{address}/OBX[{index}]-5",
            component(field(row, 5), 1, delimiters).strip(),
            component(field(row, 6), 1, delimiters).strip(),
        )
        for index, row in enumerate(administration.observations, start=1)
        if component(field(row, 3), 1, delimiters) in codes
    ]
    for place in places:
        text = first_of_all((charted.row, *administration.others), (place,), delimiters)
        if text:
            values.append((f"{address}/{place.segment}-{place.field}", text, charted.text(7)))
    return values
