"""What a message says of prior authorizations: AUT with PR1, IN3, and Z segments of the profile.

This module owns these fields. Which of a sender's status words means which of ours stands in the
interface profile. A message about no visit (REF, RPA) is kept under a visit of its own, which is
named for the authorization: so all that holds for visits holds for it. It does not know what an
authorization covers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, TypeVar

from chargeline.engine import (
    Authorization,
    Event,
    MessageRef,
    authorization_words,
    by_keyword,
    local_day,
)
from chargeline.hl7.delimiters import NULL, Delimiters, text_at
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.insurances import primary_of
from chargeline.hl7.message import Message
from chargeline.hl7.moments import day_at
from chargeline.hl7.profile import Profile
from chargeline.hl7.segments import Row, field, first_of_all, is_number
from chargeline.hl7.unreadable import unreadable

_new_authorization = by_keyword(Authorization)
_Day = TypeVar("_Day")

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
                yield from self._aut(row, f"AUT[{ordinal}]", item, codes)
            except Hl7Error as error:
                yield unreadable(self.reference, error)

    def _codes(self, procedures: Sequence[Row]) -> tuple[str, ...]:
        codes = [self._text(row, 3).upper() for row in procedures]
        return tuple(dict.fromkeys([code for code in codes if code]))

    def _aut(self, row: Row, address: str, item: str, codes: tuple[str, ...]) -> Iterator[Event]:
        """One AUT. Raises Hl7Error for one without a number, or a grant whose days are none.

        What says that nothing is granted counts although a day of it cannot be read, which is told
        beside it: else a refusal would be lost, and the approval before it would go on.
        """
        number = self._text(row, 6) or self._text(self.heads.get("RF1", ["RF1"]), 6)
        if not number:
            raise Hl7Error(
                "authorization.no_number",
                expected="the payer's number of the authorization",
                found="none",
                where=f"{address}-6",
                do="have the sender fill it",
            )
        status, is_known = self._status(
            self._text(row, 14) or self._text(self.heads.get("RF1", ["RF1"]), 1)
        )
        is_answer = self.message.type == "RPA"
        if is_known and not status and self.message.type == "REF":
            status = "cancelled" if self.message.trigger == _CANCELS else "requested"
        dates = self._dates(row, address)
        if dates.wrong is not None:
            yield unreadable(self.reference, dates.wrong)
            if status and status in _GRANTING:
                return
        count = self._count(row)
        missing: dict[authorization_words.Unsaid, bool] = {
            "status": not is_known or (is_answer and not status),
            "codes": is_answer and not codes and status in _GRANTING,
            "units": count.is_unusable,
        }
        sent = self.reference.sent
        yield _new_authorization(
            message=self.reference,
            number=number,
            item=item,
            payer=self._payer() or self._text(row, 2),
            codes=codes,
            diagnoses=self.diagnoses if self.message.type in REFERRALS else (),
            starts=dates.starts,
            until=dates.until,
            units=count.granted,
            basis=count.basis,
            provider=self._provider(row),
            site=self._site(row),
            status=status,
            requested=sent if status == "requested" else None,
            decided=(dates.decided or sent) if status != "requested" else None,
            unsaid=tuple([name for name, is_missing in missing.items() if is_missing]),
            unusable=_unusable(is_known, count),
            since=self._since(status, dates.decided or sent, dates.starts, dates.until),
            address=f"{address}-6",
        )

    def _dates(self, row: Row, address: str) -> "_Dates":
        """AUT-4, AUT-5 and AUT-10, each by itself, and why the first bad one cannot be read."""
        wrong: list[Hl7Error] = []

        def read(number: int, reader: Callable[[str, str], _Day]) -> _Day | None:
            try:
                return reader(field(row, number), f"{address}-{number}")
            except Hl7Error as error:
                wrong.append(error)
                return None

        def day(text: str, where: str) -> date | None:
            return day_at(text, where, self.profile)

        def moment(text: str, where: str) -> datetime | None:
            return self.profile.clock.read_if_valued(text_at(text, 1, self.delimiters), where)

        starts, until, decided = read(4, day), read(5, day), read(10, moment)
        return _Dates(starts, until, decided, wrong[0] if wrong else None)

    def _count(self, row: Row) -> "_Count":
        """How much AUT-18, else AUT-9 grants; what is counted is said by AUT-8 if neither does."""
        number = next((place for place in (18, 9) if self._text(row, place)), 9)
        text = self._text(row, number)
        counted = number if _units(text)[0] is not None else 8
        return self._counted(text, text_at(field(row, counted), 2, self.delimiters))

    def _counted(self, text: str, unit: str) -> "_Count":
        """A text of units, and what it counts; a unit that nobody knows makes it unusable."""
        granted, is_unusable = _units(text)
        basis: authorization_words.BasisCharted = self.profile.authorization_units.get(
            unit.strip().upper(), ""
        )
        if is_unusable or (unit.strip() and not basis):
            return _Count(None, "", is_unusable=True)
        return _Count(granted, basis, is_unusable=False)

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
        """The payer of the message: IN1-3, else IN1-2, of the IN1 that pays first."""
        return self._text(primary_of(self.message, self.profile).row or ["IN1"], 3, 2)

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

    def _status(self, word: str) -> tuple[authorization_words.StatusCharted, bool]:
        """The status of a sender's word, and whether the profile knows the word.

        "" is the status of no word, and of one that the profile does not know: that one is asked
        about, and grants nothing.
        """
        status: authorization_words.StatusCharted = self.profile.authorization_states.get(
            " ".join(word.split()).upper(), ""
        )
        return status, bool(status) or not word.strip()

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
        status, is_known = self._status(self._place("status", row))
        count = self._counted(self._place("units", row), self._place("basis", row))
        code = self._place("code", row).upper()
        return _new_authorization(
            message=self.reference,
            number=self._place("number", row),
            item=code,
            payer=self._place("payer", row),
            codes=(code,) if code else (),
            starts=starts,
            until=until,
            units=count.granted,
            unsaid=_unusable(is_known, count),
            unusable=_unusable(is_known, count),
            basis=count.basis,
            provider=self._place("provider", row),
            site=self._place("site", row),
            status=status,
            since=self._since(status, self.reference.sent, starts, until)
            if status or not is_known
            else None,
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


class _Dates(NamedTuple):
    """The days of an AUT and when the payer decided, and why one of them cannot be read."""

    starts: date | None
    until: date | None
    decided: datetime | None
    wrong: Hl7Error | None


class _Count(NamedTuple):
    """How much is granted; unusable is a word, a number below 0, and a unit that nobody knows."""

    granted: Decimal | None
    basis: authorization_words.BasisCharted
    is_unusable: bool


def _unusable(is_known: bool, count: _Count) -> tuple[authorization_words.Unsaid, ...]:
    """What a message says in words that cannot be used."""
    words: dict[authorization_words.Unsaid, bool] = {
        "status": not is_known,
        "units": count.is_unusable,
    }
    return tuple([name for name, is_unusable in words.items() if is_unusable])
