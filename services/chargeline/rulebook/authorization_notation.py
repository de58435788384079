"""The short notation for authorizations and orders in a case's `care`, and for what comes of them.

This module owns this notation, and knows no rules. A case may say `authorization A1 approved
codes=J9271 from=2026-01-01 until=2026-06-30 units=800 payer=AETNA dx=C34.90` and `ordered 200 mg
pembrolizumab 2026-03-02T09:00`. A text that cannot be read raises a ValueError that quotes it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from chargeline.engine import (
    Authorization,
    Draft,
    DrugAmount,
    MessageRef,
    NeedRow,
    OrderFact,
    authorization_words,
    words,
)

_FIELDS = (
    *("payer", "codes", "dx", "from", "until", "units", "basis", "provider", "site"),
    *("requested", "decided", "sent", "item", "unsaid", "since"),
)


def authorization_of(text: str, message: MessageRef, _first: date) -> Authorization:
    """What one message says of an authorization. Raises ValueError."""
    _word, number, *parts = [*text.split(), ""]
    said = dict(part.split("=", 1) for part in parts if "=" in part)
    plain = [part for part in parts if part and "=" not in part]
    unknown = sorted(set(said) - set(_FIELDS))
    statuses = words.words_of(authorization_words.AuthorizationStatus)
    if not number or unknown or [part for part in plain if part not in statuses]:
        allowed = ", ".join([*statuses, *[f"{name}=" for name in _FIELDS]])
        raise ValueError(f"{text!r}: expected a number and {allowed}")
    read = _ValueReader(text, said)
    sent, unsaid = read.moment("sent"), read.list("unsaid")
    status = "" if "status" in unsaid else "approved"
    return Authorization(
        message=message._replace(sent=sent) if sent is not None else message,
        number=number,
        item=said.get("item", ""),
        payer=said.get("payer", ""),
        codes=read.list("codes"),
        diagnoses=read.list("dx"),
        starts=read.day("from"),
        until=read.day("until"),
        units=read.number("units"),
        basis=cast(authorization_words.BasisCharted, said.get("basis", "")),
        provider=said.get("provider", ""),
        site=said.get("site", ""),
        status=cast(authorization_words.StatusCharted, plain[0] if plain else status),
        requested=read.moment("requested"),
        decided=read.moment("decided"),
        address="AUT-6",
        since=read.day("since"),
        unsaid=cast(tuple[authorization_words.Unsaid, ...], unsaid),
    )


def order_of(text: str, message: MessageRef, first: date) -> OrderFact:
    """An order of which nothing is charted: its dose, its drug, and when it begins.

    Raises ValueError.
    """
    _word, *parts = text.split()
    at = parts.pop() if parts and "T" in parts[-1] else f"{first.isoformat()}T09:00"
    read = _ValueReader(text, {"amount": parts[0] if parts else "", "at": at})
    amount = read.number("amount")
    if amount is None or len(parts) < 3:
        raise ValueError(f"{text!r}: expected `ordered 200 mg pembrolizumab 2026-03-02T09:00`")
    drug = DrugAmount(
        codes=(),
        text=" ".join(parts[2:]),
        amount=amount,
        unit=parts[1],
        component="",
        address="RXE-2",
    )
    return OrderFact(
        message=message,
        order=f"O-{message.digest}",
        kind="order",
        control="in_force",
        drugs=(drug,),
        route="intravenous",
        route_text="IV",
        method="",
        line="",
        device="",
        minutes=None,
        minutes_address="",
        primary=False,
        starts=read.moment("at"),
    )


_OF_VISIT = {
    "names": "authorizations",
    "not_named": "not_numbers",
    "by": "practitioners",
    "at": "place",
}


def visit_of(texts: Sequence[str]) -> dict[str, Any]:
    """What is known of a visit: `names A1` (IN1-14), `by 1234567893` (its NPI), `at TOWER`.

    `not_named NONE` is a word in place of a number. Raises ValueError.
    """
    said: dict[str, list[str]] = {}
    for text in texts:
        word, _blank, value = text.partition(" ")
        if word not in _OF_VISIT or not value:
            raise ValueError(f"{text!r}: expected `names A1`, `by 1234567893` or `at TOWER`")
        said.setdefault(_OF_VISIT[word], []).append(value)
    return {name: values[-1] if name == "place" else tuple(values) for name, values in said.items()}


class _ValueReader:
    """Reads the values of one text."""

    def __init__(self, text: str, said: Mapping[str, str]) -> None:
        self._text = text
        self._said = said

    def _read(self, name: str, reading: Any, example: str) -> Any:
        value = self._said.get(name, "")
        try:
            return reading(value) if value else None
        except (ValueError, InvalidOperation):
            raise ValueError(f"{self._text!r}: expected {name}={example}, found {value}") from None

    def list(self, name: str) -> tuple[str, ...]:
        return tuple(self._said[name].split(",")) if name in self._said else ()

    def day(self, name: str) -> date | None:
        return cast(date | None, self._read(name, date.fromisoformat, "2026-03-02"))

    def number(self, name: str) -> Decimal | None:
        return cast(Decimal | None, self._read(name, Decimal, "800"))

    def moment(self, name: str) -> datetime | None:
        read = cast(datetime | None, self._read(name, datetime.fromisoformat, "2026-03-02T09:00"))
        return read.replace(tzinfo=UTC) if read is not None else None


def needs_in(texts: Sequence[str], day: date) -> tuple[list[NeedRow], list[str]]:
    """The rows of base/authorizations.csv that a case makes up, and its other rows of tables.

    `authorization AETNA J9271 checkpoint_inhibitor`: the payer wants one from the day of the case
    on. Raises ValueError.
    """
    rows, others = [], []
    for text in texts:
        word, *parts = text.split()
        if word != "authorization":
            others.append(text)
            continue
        if len(parts) != 3 or parts[2] not in words.words_of(authorization_words.EvidenceClass):
            raise ValueError(f"{text!r}: expected `authorization PAYER CODE EVIDENCE-CLASS`")
        evidence = cast(authorization_words.EvidenceClass, parts[2])
        rows.append(
            NeedRow(
                payer=parts[0],
                code=parts[1],
                starts=day,
                ends=None,
                evidence=evidence,
                cite="the case",
            )
        )
    return rows, others


# ------------------------------------------------------------------ what comes of them


_EDITS = "authorization."


def authorized_in_short(drafted: Draft) -> list[str]:
    """The authorizations of lines, sorted: `J9271 A1`, or what is to be said of a line's.

    That is the edit and what it found: `J9271 expired: A1, until 2026-06-30`.
    """
    said = [f"{line.code} {line.authorization}" for line in drafted.lines if line.authorization]
    codes = {line.line_id: line.code for line in drafted.lines}
    for edit in drafted.edits:
        if edit.edit.startswith(_EDITS):
            code = codes[edit.lines[0]] if edit.lines else "none"
            said.append(f"{code} {edit.edit.removeprefix(_EDITS)}: {edit.finding.found}")
    return sorted(said)


def needed_in_short(drafted: Draft) -> list[str]:
    """Each authorization that an order lacks, with what its request lacks and the last day to ask.

    Sorted: `J9271 x200, missing pd_l1 stage, ask by 2026-03-02`.
    """
    needed = []
    for need in drafted.needed:
        missing = " ".join(sorted([shown.evidence for shown in need.evidence if not shown.says]))
        by = f", ask by {need.ask_by.isoformat()}" if need.ask_by is not None else ""
        if need.ask_expedited_by is not None:
            by += f", expedited by {need.ask_expedited_by.isoformat()}"
        lacks = f", missing {missing}" if missing else ""
        needed.append(f"{need.code} x{need.units}{lacks}{by}")
    return sorted(needed)
