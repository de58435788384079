"""What a visit adds to its patient's record of authorizations and of units, and how it is read.

It owns the text of these facts. It counts nothing. All authorizations of a patient and all uses of
them share one topic, because one authorization may count the units of several codes together, and
one of all codes counts whatever is billed. A use does not name the authorization that it counts
against: that may change when another authorization arrives, and every reader works it out in the
same way from the same facts (used.py).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, cast

from chargeline.engine.authorization_words import BasisCharted, StatusCharted, Unsaid
from chargeline.engine.authorizations.facts import TERMS, Authorization, EarlierState, put_together
from chargeline.engine.events import BEGINNING, MessageRef, VisitKey
from chargeline.engine.quantities import plain
from chargeline.engine.record import APART, PLANNED, Contribution, Fact, History, Slot
from chargeline.engine.timeline.records import VisitContext

_EVERY = "*"  # the topic of all of a patient's authorizations


class Use(NamedTuple):
    """Units of a code on a day that need an authorization: billed ones, or those of an order.

    `payer` is in capitals, `numbers` are those that the visit names (IN1-14), `diagnoses` those of
    the visit. `not_numbers` are words that it has in place of a number. `planned` are the units of
    an order that is not given yet; `units` are then 0. `when` puts uses of a day into an order.
    """

    visit: VisitKey
    code: str
    day: date
    units: int
    payer: str
    numbers: tuple[str, ...]
    diagnoses: tuple[str, ...]
    planned: int = 0
    order: str = ""
    not_numbers: tuple[str, ...] = ()

    @property
    def when(self) -> tuple[date, VisitKey, str]:
        """Sorts uses by day; those of one day by visit, because their minutes do not matter."""
        return (self.day, self.visit, self.code)


def use_of(
    visit: VisitKey, context: VisitContext, code: str, day: date, *, units: int, planned: int = 0
) -> Use:
    """A use by a visit of which this is known."""
    return Use(
        visit=visit,
        code=code,
        day=day,
        units=units,
        payer=context.payer.upper(),
        numbers=context.authorizations,
        diagnoses=context.diagnoses,
        planned=planned,
        not_numbers=context.not_numbers,
    )


# ------------------------------------------------------------------ to the record


def use_fact(use: Use) -> Fact:
    """A use as a fact of the record."""
    parts = [_EVERY, use.code, use.day.isoformat()]
    if use.order:
        parts += [PLANNED, _escaped(use.order)]
    said = {
        "units": str(use.units),
        "planned": str(use.planned) if use.planned else "",
        "payer": _escaped(use.payer),
        "numbers": _joined(use.numbers),
        "dx": _joined(use.diagnoses),
    }
    return Fact(Slot("authorized_units", APART.join(parts)), _noon(use.day), _text(said))


def authorization_fact(authorization: Authorization) -> Fact:
    """An authorization as a fact of the record; it is kept by its last day."""
    about = APART.join([_EVERY, _escaped(authorization.number), _escaped(authorization.item)])
    until, sent = authorization.until, authorization.message.sent
    said = {
        "payer": _escaped(authorization.payer),
        "codes": _joined(authorization.codes),
        "dx": _joined(authorization.diagnoses),
        "from": _iso(authorization.starts),
        "until": _iso(until),
        "units": plain(authorization.units) if authorization.units is not None else "",
        "basis": authorization.basis,
        "provider": _escaped(authorization.provider),
        "site": _escaped(authorization.site),
        "status": authorization.status,
        "requested": _iso(authorization.requested),
        "decided": _iso(authorization.decided),
        "sent": _iso(sent),
        "unsaid": ",".join(authorization.unclear),
        "since": _iso(authorization.since),
        "earlier": _joined([_state_text(state) for state in authorization.earlier]),
    }
    at = _noon(until) if until is not None else sent or BEGINNING
    return Fact(Slot("authorization", about), at, _text(said))


# ------------------------------------------------------------------ from the record


def uses_in(history: History) -> list[Use]:
    """The uses of a patient's other visits."""
    return [_use(other) for other in history if other.slot.kind == "authorized_units"]


def authorizations_in(history: History, own: Iterable[Authorization]) -> list[Authorization]:
    """Each authorization once, from what the visit itself and the others know of it.

    What was sent last counts, field by field. `own` are those of the visit.
    """
    versions: dict[tuple[str, str], list[tuple[datetime, str, Authorization]]] = {}
    for authorization in own:
        sent = authorization.message.sent or BEGINNING
        slot = authorization.slot
        versions.setdefault(slot, []).append((sent, "", authorization))
    for other in history:
        if other.slot.kind == "authorization":
            read = _authorization(other)
            sent = read.message.sent or BEGINNING
            entry = (sent, authorization_fact(read).value, read)
            versions.setdefault(read.slot, []).append(entry)
    return [
        put_together([version for _sent, _text, version in sorted(of_slot, key=_by_time)])
        for _slot, of_slot in sorted(versions.items())
    ]


def visits_telling(
    authorization: Authorization, record: Iterable[Contribution]
) -> tuple[VisitKey, ...]:
    """The visits whose messages tell of an authorization's number, sorted."""
    telling = {
        other.visit
        for other in record
        if other.slot.kind == "authorization"
        and _authorization(other).number == authorization.number
    }
    return tuple(sorted(telling))


def _by_time(version: tuple[datetime, str, Authorization]) -> tuple[datetime, str]:
    """Sorts versions by time; of two of one time any fixed order will do."""
    return (version[0], version[1] or authorization_fact(version[2]).value)


@lru_cache(maxsize=20_000)
def _use(other: Contribution) -> Use:
    _every, code, day, *planned = other.slot.about.split(APART)
    said = _read(other.value)
    return Use(
        visit=other.visit,
        code=code,
        day=date.fromisoformat(day),
        units=int(said.get("units", "0")),
        payer=_word(said, "payer"),
        numbers=_list(said, "numbers"),
        diagnoses=_list(said, "dx"),
        planned=int(said.get("planned", "0")),
        order=_unescaped(planned[1]) if len(planned) > 1 else "",
    )


@lru_cache(maxsize=20_000)
def _authorization(other: Contribution) -> Authorization:
    _every, number, item = other.slot.about.split(APART, 2)
    said = _read(other.value)
    sent = _moment(said, "sent")
    return Authorization(
        message=MessageRef("", "", "record", sent),
        number=_unescaped(number),
        item=_unescaped(item),
        payer=_word(said, "payer"),
        codes=_list(said, "codes"),
        diagnoses=_list(said, "dx"),
        starts=_day(said, "from"),
        until=_day(said, "until"),
        units=_units(said),
        basis=cast(BasisCharted, said.get("basis", "")),
        provider=_word(said, "provider"),
        site=_word(said, "site"),
        status=cast(StatusCharted, said.get("status", "")),
        requested=_moment(said, "requested"),
        decided=_moment(said, "decided"),
        unsaid=cast(tuple[Unsaid, ...], _list(said, "unsaid")),
        since=_day(said, "since"),
        earlier=tuple(map(_state, _list(said, "earlier"))),
    )


def _state_text(state: EarlierState) -> str:
    """An earlier state on a line of its own, such as before=2026-10-03&status=approved."""
    said = {"before": _iso(state.before), "status": state.status}
    said["unsaid"] = ",".join(state.unsaid)
    said["decided"] = _iso(state.decided)
    if state.terms is not None:
        of = dict(zip(TERMS, state.terms, strict=True))
        said |= {"terms": "yes", "codes": _joined(of["codes"]), "basis": of["basis"]}
        said |= {"from": _iso(of["starts"]), "until": _iso(of["until"])}
        said["units"] = plain(of["units"]) if of["units"] is not None else ""
    return _text(said)


def _state(text: str) -> EarlierState:
    said = _read(text)
    terms = (_list(said, "codes"), _day(said, "from"), _day(said, "until"), _units(said))
    return EarlierState(
        date.fromisoformat(said["before"]),
        cast(StatusCharted, said.get("status", "")),
        (*terms, said.get("basis", "")) if "terms" in said else None,
        cast(tuple[Unsaid, ...], _list(said, "unsaid")),
        decided=_moment(said, "decided"),
    )


def _units(said: Mapping[str, str]) -> Decimal | None:
    return Decimal(said["units"]) if "units" in said else None


# ------------------------------------------------------------------ texts


_ESCAPES = (("%", "%25"), ("&", "%26"), ("=", "%3D"), (",", "%2C"), (APART, "%7C"))


def _text(said: Mapping[str, str]) -> str:
    """Names and values in one line, such as payer=AETNA&units=800; what is empty is left out.

    Values are escaped before they come here; items of a list stand between commas.
    """
    return "&".join([f"{name}={value}" for name, value in said.items() if value])


def _read(text: str) -> dict[str, str]:
    """The values of a line by name, still escaped."""
    return dict([pair.split("=", 1) for pair in text.split("&") if "=" in pair])


def _escaped(text: str) -> str:
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text


def _unescaped(text: str) -> str:
    for character, escape in reversed(_ESCAPES):
        text = text.replace(escape, character)
    return text


def _joined(items: Iterable[str]) -> str:
    return ",".join([_escaped(item) for item in items])


def _list(said: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(map(_unescaped, said[name].split(","))) if name in said else ()


def _word(said: Mapping[str, str], name: str) -> str:
    return _unescaped(said.get(name, ""))


def _iso(value: date | datetime | None) -> str:
    return value.isoformat() if value is not None else ""


def _day(said: Mapping[str, str], name: str) -> date | None:
    return date.fromisoformat(said[name]) if name in said else None


def _moment(said: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(said[name]) if name in said else None


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
