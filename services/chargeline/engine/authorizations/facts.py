"""What a feed says of one authorization, and one authorization put together from all of it.

It owns the event and the way in which later messages count before earlier ones. It does not know
fields, nor whether an authorization covers anything. Each field of the message that was sent last
and says something counts: an answer that approves 800 units leaves the codes of the request.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from chargeline.engine.authorization_words import BasisCharted, StatusCharted, Unsaid
from chargeline.engine.events import BEGINNING, MessageRef, Source

ALL_CODES = "*"
"""The code of an authorization that covers whatever the payer asks one for."""
REFUSED: frozenset[StatusCharted] = frozenset({"denied", "appealed"})
ENDED: frozenset[StatusCharted] = frozenset({"expired", "cancelled"})
WAITING: frozenset[StatusCharted] = frozenset({"requested", "pended"})


class EarlierState(NamedTuple):
    """How an authorization stood on the days before a day, from which the payer said otherwise.

    `terms` are its codes, days, units and basis then; None where they are those of now. `unsaid` is
    what nobody had said then: such a state covered nothing.
    """

    before: date
    status: StatusCharted
    terms: tuple[Any, ...] | None = None
    unsaid: tuple[Unsaid, ...] = ()

    @property
    def is_renewed(self) -> bool:
        """Whether its last day lies before the day on which the next approval begins."""
        until = dict(zip(TERMS, self.terms, strict=True))["until"] if self.terms else None
        return until is not None and until < self.before


class Authorization(NamedTuple):
    """What one message says of one authorization; "", () and None say nothing.

    `number` is the payer's. `item` is the code of the part that it is about where one number has a
    count of units for each code, else "". `codes` are HCPCS and CPT codes, or ALL_CODES. `starts`
    and `until` are local days, both included. `units` counts what `basis` says. `provider` and
    `site` are as the sender names them. `requested` is when the payer got the request, `decided`
    since when the status is what it is. `disputed` names what two messages of one time say
    otherwise; one message by itself disputes nothing. `unsaid` names what an answer of the payer
    had to say and did not, and `unusable` what of that is there, and cannot be used. `since` is the
    local day from which the status counts, and `earlier` how it stood before, the oldest first:
    what a payer granted holds until it says otherwise.
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
    unsaid: tuple[Unsaid, ...] = ()
    unusable: tuple[Unsaid, ...] = ()
    since: date | None = None
    earlier: tuple[EarlierState, ...] = ()

    def as_of(self, day: date) -> "Authorization":
        """How it stood on a day: one that expired in December was approved in October."""
        before: EarlierState | None = None
        for state in reversed(self.earlier):
            if day >= state.before:
                break
            before = state
        if before is None:
            return self
        terms = dict(zip(TERMS, before.terms, strict=True)) if before.terms is not None else {}
        unsaid = (*before.unsaid, *[name for name in self.unsaid if name == "patient"])
        return self._replace(status=before.status, decided=None, unsaid=unsaid, **terms)

    @property
    def unclear(self) -> tuple[Unsaid, ...]:
        """What had to be said, and no message said since: such a one covers nothing.

        For which codes and how much matters only of what the payer may have granted. Whose it is,
        only the sender or a merge of patients can say.
        """
        may_be_granted = not self.status or self.status in _GRANTED
        is_open: Mapping[Unsaid, bool] = {
            "status": not self.status,
            "codes": not self.codes and may_be_granted,
            "units": self.units is None and may_be_granted,
            "patient": True,
        }
        return tuple([name for name in self.unsaid if is_open[name]])

    @property
    def slot(self) -> tuple[str, str]:
        """What makes two messages tell of one authorization: its number, and the part of it."""
        return (self.number, self.item)

    @property
    def counts_since(self) -> date | None:
        """The day from which its units count anew, after the last day of an earlier approval."""
        days = [state.before for state in self.earlier if state.is_renewed]
        return max([day for day in days if day == self.starts], default=None)

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.message, self.address)

    @property
    def is_upside_down(self) -> bool:
        """Whether it ends before it begins, so that it covers no day."""
        return self.starts is not None and self.until is not None and self.until < self.starts


TERMS = ("codes", "starts", "until", "units", "basis")
"""What a payer changes that grants otherwise."""
_GRANTED: frozenset[StatusCharted] = frozenset({"approved", "modified"})
_NOTHING = ("", (), None)
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
    for version in _at_one_time(versions):
        if whole is None:
            whole = version._replace(earlier=version.earlier or _before_the_first(version))
            continue
        earlier = _earlier(whole, version)
        said = {
            name: value
            for name, value in version._asdict().items()
            if name in _KEPT or value not in _NOTHING
        }
        unsaid = tuple(dict.fromkeys([*whole.unsaid, *version.unsaid]))
        whole = whole._replace(
            **{**_taken_back(version), **said, "unsaid": unsaid, "earlier": earlier}
        )
    assert whole is not None, "an authorization has at least one version"
    return whole


def whole_of(versions: Sequence[Authorization]) -> Authorization:
    """The same, with what two of one time say otherwise; the version that counts most is last."""
    return put_together(versions)._replace(disputed=disputed_in(versions))


def _at_one_time(versions: Iterable[Authorization]) -> Iterator[Authorization]:
    """Versions in their order, of one time one: of what they say otherwise the cautious counts.

    That is less units, fewer days and the status that grants less; of anything else the last.
    """
    for _time, of_time in groupby(versions, key=_sent):
        version, *others = of_time
        for other in others:
            said = {name: value for name, value in other._asdict().items() if value not in _NOTHING}
            for name, choose in _CAUTIOUS.items():
                if name in said and getattr(version, name) not in _NOTHING:
                    said[name] = choose(getattr(version, name), said[name])
            unsaid = tuple(dict.fromkeys([*version.unsaid, *other.unsaid]))
            version = version._replace(**{**said, "unsaid": unsaid})
            version = version._replace(**_taken_back(version))
        yield version


def _more_cautious(one: StatusCharted, other: StatusCharted) -> StatusCharted:
    return min(one, other, key=_GRANTS_LESS.index)


_GRANTS_LESS: tuple[StatusCharted, ...] = (
    *("denied", "appealed", "cancelled", "expired", "pended", "requested", "modified", "approved"),
)
_CAUTIOUS: Mapping[str, Callable[[Any, Any], Any]] = {
    "units": min,
    "until": min,
    "starts": max,
    "since": min,
    "status": _more_cautious,
}


def _before_the_first(version: Authorization) -> tuple[EarlierState, ...]:
    """One that has ended with a last day was granted until then, though nobody told of it."""
    if version.status == "expired" and version.until is not None and version.since is not None:
        return (EarlierState(version.since, ""),)
    return ()


def _earlier(whole: Authorization, version: Authorization) -> tuple[EarlierState, ...]:
    """How an authorization stood before, after one more message.

    An approval counts for all its days, whenever it is told, and what is granted otherwise for the
    days from its first one on. Everything else counts from the day on which it was told. An
    approval whose days follow those granted before takes none of them back.
    """
    states, status = whole.earlier, whole.status
    if version.earlier:
        return version.earlier
    if not version.status and "status" not in version.unsaid:
        return states
    if version.status == "approved" and _is_renewal(whole, version):
        terms = tuple([getattr(whole, name) for name in TERMS])
        return (*states, EarlierState(version.starts or date.min, status, terms, whole.unclear))
    if version.status == "approved" or version.since is None:
        return ()
    if version.status == status:
        return (*states[:-1], _sooner(states[-1], version.since)) if states else states
    if status in WAITING and states:
        status, states = states[-1].status, states[:-1]
    was_granted = bool(states) or status in _GRANTED or (not status and not whole.unclear)
    if not was_granted:
        return _before_the_first(version) if not status else ()
    as_before = whole._replace(
        codes=whole.codes or version.codes, basis=whole.basis or version.basis
    )
    if version.status in ENDED and version.until is not None:
        as_before = as_before._replace(until=version.until)  # the last day that the payer now says
    terms = tuple([getattr(as_before, name) for name in TERMS])
    return (*states, EarlierState(version.since, status, terms, whole.unclear))


def _is_renewal(whole: Authorization, version: Authorization) -> bool:
    """Whether an approval begins after the last day of what was granted under its number."""
    was_granted = bool(whole.earlier) or whole.status in _GRANTED
    until, starts = whole.until, version.starts
    return was_granted and until is not None and starts is not None and until < starts


def _sooner(state: EarlierState, since: date) -> EarlierState:
    return state._replace(before=min(state.before, since))


def _taken_back(version: Authorization) -> dict[str, Any]:
    """What an answer leaves open of what was said before: what was decided, and how much.

    An answer that names no codes is for those of the request.
    """
    open_now: dict[Unsaid, Any] = {"status": "", "units": None}
    return {name: nothing for name, nothing in open_now.items() if name in version.unsaid}


def disputed_in(versions: Sequence[Authorization]) -> tuple[str, ...]:
    """What two messages of one time say otherwise, in words, if nothing later says it again.

    `versions` are those of one authorization, the one that was sent last at the end.
    """
    disputed = []
    for name, in_words in _IN_WORDS.items():
        said = [
            (_sent(version), value)
            for version in versions
            if (value := getattr(version, name)) not in _NOTHING
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
