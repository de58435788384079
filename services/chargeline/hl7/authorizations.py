"""What a message says of prior authorizations: AUT with PR1, IN3, and Z segments of the profile.

This module owns these fields. Which of a sender's status words means which of ours stands in the
interface profile. A message about no visit (REF, RPA) is kept under a visit of its own, which is
named for the authorization: so all that holds for visits holds for it. It does not know what an
authorization covers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from chargeline.engine import (
    Authorization,
    Event,
    FindingCode,
    MessageRef,
    authorization_words,
    by_keyword,
    local_day,
)
from chargeline.hl7.delimiters import NULL, Delimiters, text_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.moments import day_at
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import Row, field, first_of_all, is_number
from chargeline.hl7.unreadable import unreadable

_new_authorization = by_keyword(Authorization)
_Word = TypeVar("_Word", authorization_words.AuthorizationStatus, authorization_words.UnitBasis)

REFERRALS: Mapping[str, frozenset[str]] = {
    "REF": frozenset({"I12", "I13", "I14", "I15", ""}),
    "RPA": frozenset({"I08", "I09", "I10", "I11", ""}),
}
"""The messages about an authorization alone, by type."""
_GRANTING: frozenset[authorization_words.StatusCharted] = frozenset({"approved", "modified", ""})
_CANCELS = "I14"  # cancels a referral
_VISIT = "AUTH."


def _grouped(rows: Iterable[Row]) -> list[tuple[list[Row], Row]]:
    """Each AUT with the PR1 right before it, as the group of a procedure has them.

    An AUT in the head of a message has none: it is of the referral as a whole. Where several PR1
    stand before one AUT, it is of all of them together.
    """
    groups: list[tuple[list[Row], Row]] = []
    before: list[Row] = []
    for row in rows:
        if row[0] == "PR1":
            before.append(row)
        elif row[0] == "AUT":
            groups.append((before, row))
            before = []
    return groups


def visit_named_for(message: Message) -> str:
    """The visit under which a message about an authorization alone is kept; "" for any other.

    It is named for the first number of an authorization in the message (AUT-6, else RF1-6).
    """
    if message.type not in REFERRALS:
        return ""
    for name, number in (("AUT", 6), ("RF1", 6)):
        for row in message.rows:
            text = text_at(field(row, number), 1, message.delimiters)
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
        texts = [text_at(field(row, number), 1, self.delimiters) for row in rows]
        return tuple(dict.fromkeys([text for text in texts if text]))

    def _text(self, row: Row, *numbers: int) -> str:
        texts = [text_at(field(row, number), 1, self.delimiters) for number in numbers]
        return next((text for text in texts if text), "")

    def of_aut(self) -> Iterator[Event]:
        """One for each AUT: of the codes of the PR1 right before it, else of all that have none."""
        groups = _grouped(self.message.rows)
        taken = {id(row) for procedures, _aut in groups for row in procedures}
        free = [row for row in self.message.rows if row[0] == "PR1" and id(row) not in taken]
        for ordinal, (procedures, row) in enumerate(groups, start=1):
            codes = self._codes(procedures or free)
            item = ",".join(codes) if procedures else ""
            try:
                yield self._aut(row, f"AUT[{ordinal}]", item, codes)
            except Hl7Error as error:
                yield unreadable(self.reference, error)

    def _codes(self, procedures: Sequence[Row]) -> tuple[str, ...]:
        return tuple(dict.fromkeys([code for row in procedures if (code := self._text(row, 3))]))

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
        count = next((place for place in (18, 9) if self._text(row, place)), 9)
        granted, unreadable_units = _units(self._text(row, count))
        status = self._status(self._text(row, 14), f"{address}-14")
        status = status or self._status(self._text(self.heads.get("RF1", ["RF1"]), 1), "RF1-1")
        is_answer = self.message.type == "RPA"
        if not status and self.message.type == "REF":
            status = "expired" if self.message.trigger == _CANCELS else "requested"
        missing: dict[authorization_words.Unsaid, bool] = {
            "status": is_answer and not status,
            "codes": is_answer and not codes and status in _GRANTING,
            "units": unreadable_units,
        }
        sent = self.reference.sent
        decided = self.profile.clock.read_if_valued(self._text(row, 10), f"{address}-10")
        starts = day_at(field(row, 4), f"{address}-4", self.profile)
        until = day_at(field(row, 5), f"{address}-5", self.profile)
        return _new_authorization(
            message=self.reference,
            number=number,
            item=item,
            payer=self._payer() or self._text(row, 2),
            codes=codes,
            diagnoses=self.diagnoses if self.message.type in REFERRALS else (),
            starts=starts,
            until=until,
            units=granted,
            basis=self._basis(row, count if granted is not None else 8, address),
            provider=self._provider(row),
            site=self._site(row),
            status=status,
            requested=sent if status == "requested" else None,
            decided=(decided or sent) if status != "requested" else None,
            unsaid=tuple([name for name, is_missing in missing.items() if is_missing]),
            since=self._since(status, decided or sent, starts, until),
            address=f"{address}-6",
        )

    def _since(
        self,
        status: authorization_words.StatusCharted,
        told: datetime | None,
        starts: date | None,
        until: date | None,
    ) -> date | None:
        """The local day from which a status counts: on which it was told, or the first it says."""
        day = local_day(told, self.profile.zone) if told is not None else None
        if status == "modified" and starts is not None:
            return starts
        if status == "expired" and until is not None:
            over = until + timedelta(days=1)
            return min(day, over) if day is not None else over
        return day

    def _payer(self) -> str:
        """The payer of the message: IN1-3, else IN1-2."""
        return self._text(self.heads.get("IN1", ["IN1"]), 3, 2)

    def _basis(self, row: Row, number: int, address: str) -> authorization_words.BasisCharted:
        """What is counted, from the unit of a quantity (CQ.2). Raises Hl7Error."""
        word = text_at(field(row, number), 2, self.delimiters)
        return self._basis_of(word, f"{address}-{number}.2")

    def _basis_of(self, word: str, where: str) -> authorization_words.BasisCharted:
        table = self.profile.authorization_units
        return _meant(word, table, "authorization_units", where, code="authorization.basis") or ""

    def _provider(self, row: Row) -> str:
        """The professional of AUT-24, else the number of the provider that is referred to."""
        return self._text(row, 24) or self._text(self._referred_to(), 7)

    def _site(self, row: Row) -> str:
        """The organization of AUT-23, else where the provider is that is referred to (PRD-4)."""
        place = field(self._referred_to(), 4)
        parts = [text_at(place, part, self.delimiters) for part in (4, 1, 9)]
        return self._text(row, 23) or next((part for part in parts if part), "")

    def _referred_to(self) -> Row:
        """The PRD of the provider that is referred to (RT), else the first one of no other role.

        Who refers (RP) and who is the patient's own (PP, PI) give nothing of it.
        """
        providers = [row for row in self.message.rows if row[0] == "PRD"]
        for role in ("RT", ""):
            for row in providers:
                if self._text(row, 1).upper() == role:
                    return row
        return ["PRD"]

    def _status(self, word: str, where: str) -> authorization_words.StatusCharted:
        """The status of a sender's word. Raises Hl7Error for one that the profile does not know."""
        table = self.profile.authorization_states
        return _meant(word, table, "authorization_states", where, code="status.unknown") or ""

    def of_in3(self) -> Iterator[Event]:
        """One for each IN3 with a certification number; it is of the payer of the IN1 before it.

        Registration says the number and its days. It does not say whether the payer has decided,
        and what REF or RPA say of that is not undone by it.
        """
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
        starts = day_at(self._place("from", row), name, self.profile)
        until = day_at(self._place("until", row), name, self.profile)
        status = self._status(self._place("status", row), name)
        units, unreadable_units = _units(self._place("units", row))
        code = self._place("code", row)
        return _new_authorization(
            message=self.reference,
            number=self._place("number", row),
            item=code,
            payer=self._place("payer", row),
            codes=(code,) if code else (),
            starts=starts,
            until=until,
            units=units,
            unsaid=("units",) if unreadable_units else (),
            basis=self._basis_of(self._place("basis", row), name),
            provider=self._place("provider", row),
            site=self._place("site", row),
            status=status,
            since=self._since(status, self.reference.sent, starts, until) if status else None,
            address=name,
        )


def _units(text: str) -> tuple[Decimal | None, bool]:
    """The units that a text says, and whether it says some that are none: a word, or below 0."""
    text = text.strip()
    if not text or text == NULL:
        return None, False
    if not is_number(text) or Decimal(text) < 0:
        return None, True
    return Decimal(text), False


def _meant(
    word: str, table: Mapping[str, _Word], name: str, where: str, *, code: FindingCode
) -> _Word | None:
    """What a sender's word means by a table of the profile; None where there is no word.

    Raises Hl7Error with a code for a word that the table lacks.
    """
    if not word:
        return None
    meant = table.get(word.upper())
    if meant is None:
        raise Hl7Error(
            code,
            expected=f"a word of [{name}]",
            found="another word",
            where=where,
            do=f"add the word to [{name}] of the interface profile",
        )
    return meant
