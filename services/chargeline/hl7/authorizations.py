"""What a message says of prior authorizations: AUT with PR1, IN3, and Z segments of the profile.

This module owns these fields. Which of a sender's status words means which of ours stands in the
interface profile. A message about no visit (REF, RPA) is kept under a visit of its own, which is
named for the authorization: so all that holds for visits holds for it. It does not know what an
authorization covers.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from chargeline.engine import (
    Authorization,
    Event,
    MessageRef,
    authorization_words,
    by_keyword,
)
from chargeline.hl7.care import day_at
from chargeline.hl7.delimiters import Delimiters, component
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import Row, decimal_at, field, first_of_all
from chargeline.hl7.unreadable import unreadable

_new_authorization = by_keyword(Authorization)

REFERRALS: Mapping[str, frozenset[str]] = {
    "REF": frozenset({"I12", "I13", "I14", "I15", ""}),
    "RPA": frozenset({"I08", "I09", "I10", "I11", ""}),
}
"""The messages about an authorization alone, by type."""
_VISIT = "AUTH."


def visit_named_for(message: Message) -> str:
    """The visit under which a message about an authorization alone is kept; "" for any other.

    It is named for the first number of an authorization in the message (AUT-6, else RF1-6).
    """
    if message.type not in REFERRALS:
        return ""
    for name, number in (("AUT", 6), ("RF1", 6)):
        for row in message.rows:
            text = component(field(row, number), 1, message.delimiters).strip()
            if row[0] == name and text:
                return f"{_VISIT}{text}"
    return ""


def no_number(message: Message) -> Hl7Error | None:
    """Why a message about an authorization alone cannot be used; None if it has a number."""
    if message.type not in REFERRALS or visit_named_for(message):
        return None
    return Hl7Error(
        "authorization.no_number",
        expected="the payer's number of the authorization in AUT-6 or RF1-6",
        found="neither valued",
        where="AUT-6, RF1-6",
        do="have the sender fill it; without it nobody can say which authorization is meant",
    )


def authorization_events(
    message: Message, heads: Mapping[str, Row], reference: MessageRef, profile: Profile
) -> Iterator[Event]:
    """Each authorization of a message, with Unreadable in place of one that cannot be read.

    `heads` holds the first segment of each name.
    """
    of_profile = bool(profile.authorization.get("number"))
    if not of_profile and "AUT" not in heads and "IN3" not in heads:
        return
    reader = _MessageReader(message, heads, reference, profile)
    if "AUT" in heads:
        yield from reader.of_aut()
    if "IN3" in heads:
        yield from reader.of_in3()
    if of_profile:
        yield from reader.of_profile()


class _MessageReader:
    """Reads the authorizations of one message."""

    def __init__(
        self, message: Message, heads: Mapping[str, Row], reference: MessageRef, profile: Profile
    ) -> None:
        self.message = message
        self.delimiters: Delimiters = message.delimiters
        self.heads = heads
        self.reference = reference
        self.profile = profile
        self.diagnoses = self._texts("DG1", 3)

    def _texts(self, segment: str, number: int) -> tuple[str, ...]:
        """The first components of a field in all segments of a name, each once."""
        rows = [row for row in self.message.rows if row[0] == segment]
        texts = [component(field(row, number), 1, self.delimiters).strip() for row in rows]
        return tuple(dict.fromkeys([text for text in texts if text]))

    def _text(self, row: Row, *numbers: int) -> str:
        texts = [component(field(row, number), 1, self.delimiters).strip() for number in numbers]
        return next((text for text in texts if text and text != '""'), "")

    def of_aut(self) -> Iterator[Event]:
        """One for each AUT: of the code of the PR1 before it where there are several, else all."""
        rows = self.message.rows
        several = sum([row[0] == "AUT" for row in rows]) > 1
        codes, current, ordinal = self._texts("PR1", 3), "", 0
        for row in rows:
            if row[0] == "PR1":
                current = self._text(row, 3)
            elif row[0] == "AUT":
                ordinal += 1
                item = current if several else ""
                try:
                    yield self._aut(row, f"AUT[{ordinal}]", item, (item,) if item else codes)
                except Hl7Error as error:
                    yield unreadable(self.reference, error)

    def _aut(self, row: Row, address: str, item: str, codes: tuple[str, ...]) -> Event:
        """One AUT. Raises Hl7Error where its number, days, units or status cannot be read."""
        number = self._text(row, 6) or self._text(self.heads.get("RF1", ["RF1"]), 6)
        if not number:
            raise Hl7Error(
                "authorization.no_number",
                expected="the payer's number of the authorization",
                found="none",
                where=f"{address}-6",
                do="have the sender fill it",
            )
        granted = self._units(row, address, 18)
        granted = self._units(row, address, 9) if granted is None else granted
        status = self._status(self._text(row, 14), f"{address}-14")
        status = status or self._status(self._text(self.heads.get("RF1", ["RF1"]), 1), "RF1-1")
        if not status:
            status = "requested" if granted is None and self._text(row, 8) else "approved"
        decided = self.profile.clock.read_if_valued(self._text(row, 10), f"{address}-10")
        waits = status in ("requested", "pended")
        return _new_authorization(
            message=self.reference,
            number=number,
            item=item,
            payer=self._payer() or self._text(row, 2),
            codes=codes,
            diagnoses=self.diagnoses if self.message.type in REFERRALS else (),
            starts=day_at(field(row, 4), f"{address}-4", self.profile),
            until=day_at(field(row, 5), f"{address}-5", self.profile),
            units=granted,
            provider=self._text(self.heads.get("PRD", ["PRD"]), 7),
            status=status,
            requested=self.reference.sent if status == "requested" else None,
            decided=None if waits else decided,
            address=f"{address}-6",
        )

    def _payer(self) -> str:
        """The payer of the message: IN1-3, else IN1-2."""
        return self._text(self.heads.get("IN1", ["IN1"]), 3, 2)

    def _units(self, row: Row, address: str, number: int) -> Decimal | None:
        return decimal_at(self._text(row, number), f"{address}-{number}")

    def _status(self, word: str, where: str) -> authorization_words.StatusCharted:
        """The status of a sender's word. Raises Hl7Error for one that the profile does not know."""
        if not word:
            return ""
        status = self.profile.authorization_states.get(word.upper())
        if status is None:
            raise Hl7Error(
                "status.unknown",
                expected="a word of [authorization_states]",
                found="another word",
                where=where,
                do="add the word to [authorization_states] of the interface profile",
            )
        return status

    def of_in3(self) -> Iterator[Event]:
        """One for each IN3 with a certification number; it is of the payer of the IN1 before it."""
        payer, ordinal = "", 0
        for row in self.message.rows:
            if row[0] == "IN1":
                payer = self._text(row, 3, 2)
            elif row[0] == "IN3":
                ordinal += 1
                address = f"IN3[{ordinal}]"
                number = self._text(row, 2)
                if not number:
                    continue
                try:
                    yield _new_authorization(
                        message=self.reference,
                        number=number,
                        payer=payer,
                        starts=day_at(field(row, 9), f"{address}-9", self.profile),
                        until=day_at(field(row, 10), f"{address}-10", self.profile),
                        status="approved",
                        address=f"{address}-2",
                    )
                except Hl7Error as error:
                    yield unreadable(self.reference, error)

    def of_profile(self) -> Iterator[Event]:
        """One for each Z segment in which the profile finds a number."""
        for row in self.message.rows:
            if row[0][0] != "Z" or not self._place("number", row):
                continue
            try:
                yield self._of_z(row)
            except Hl7Error as error:
                yield unreadable(self.reference, error)

    def _place(self, key: str, row: Row) -> str:
        return first_of_all((row,), self.profile.authorization.get(key, ()), self.delimiters)

    def _of_z(self, row: Row) -> Event:
        name = row[0]
        code = self._place("code", row)
        return _new_authorization(
            message=self.reference,
            number=self._place("number", row),
            item=code,
            payer=self._place("payer", row),
            codes=(code,) if code else (),
            starts=day_at(self._place("from", row), name, self.profile),
            until=day_at(self._place("until", row), name, self.profile),
            units=decimal_at(self._place("units", row), name),
            provider=self._place("provider", row),
            site=self._place("site", row),
            status=self._status(self._place("status", row), name) or "approved",
            address=name,
        )
