"""What a feed says of one authorization, and one authorization put together from all of it.

It owns the event and the way in which later messages count before earlier ones; parts.py has those
with a count for each code. It does not know fields, nor whether an authorization covers anything.
Each field of the message that was sent last and says something counts: an answer that approves 800
units leaves the codes of the request.
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
    what nobody had said then: such a state covered nothing. `decided` is when it was told.
    """

    before: date
    status: StatusCharted
    terms: tuple[Any, ...] | None = None
    unsaid: tuple[Unsaid, ...] = ()
    decided: datetime | None = None

    @property
    def is_granted(self) -> bool:
        """Whether the payer had granted it, as far as anybody says."""
        return _is_granted(self.status, self.unsaid)

    @property
    def starts(self) -> date | None:
        """Its first day then; None where nobody says one, or it is that of now."""
        return dict(zip(TERMS, self.terms, strict=True))["starts"] if self.terms else None

    @property
    def until(self) -> date | None:
        """Its last day then; None where nobody says one, or it is that of now."""
        return dict(zip(TERMS, self.terms, strict=True))["until"] if self.terms else None

    def begins_after(self, day: date) -> bool:
        """Whether the payer granted it for days that all lie after a day."""
        return self.is_granted and self.starts is not None and day < self.starts


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
        since: date | None = None
        for state in reversed(self.earlier):
            if day >= state.before:
                since = state.before
                break
            before = state
        if before is None:
            return self
        terms = dict(zip(TERMS, before.terms, strict=True)) if before.terms is not None else {}
        unsaid = (*before.unsaid, *[name for name in self.unsaid if name == "patient"])
        return self._replace(
            status=before.status, since=since, decided=before.decided, unsaid=unsaid, **terms
        )

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
        begins = [n for n, state in enumerate(self.earlier, 1) if state.before == self.starts]
        granted = [state for state in self.earlier[: max(begins, default=0)] if state.is_granted]
        until = granted[-1].until if granted else None
        is_anew = until is not None and self.starts is not None and until < self.starts
        return self.starts if is_anew else None

    def begins_again_after(self, day: date) -> bool:
        """Whether a day lies in the gap between an earlier period of it and the one of now."""
        until, begins = self.as_of(day).until, self.counts_since
        is_granted = _is_granted(self.status, self.unsaid)
        return is_granted and begins is not None and until is not None and until < day < begins

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
        with_period = _for_days_before(whole, version)
        if with_period is not None:
            whole = with_period
            continue
        earlier = _earlier(whole, version)
        unsaid = tuple(dict.fromkeys([*whole.unsaid, *version.unsaid]))
        whole = _after(whole, version)._replace(unsaid=unsaid, earlier=earlier)
    assert whole is not None, "an authorization has at least one version"
    return whole


def _after(whole: Authorization, version: Authorization) -> Authorization:
    """What was said before, with each field that a later message says."""
    said = {
        name: value
        for name, value in version._asdict().items()
        if name in _KEPT or value not in _NOTHING
    }
    return whole._replace(**{**_taken_back(version), **said})


def whole_of(versions: Sequence[Authorization]) -> Authorization:
    """The same, with what two of one time say otherwise; the version that counts most is last."""
    return put_together(versions)._replace(disputed=disputed_in(versions))


def _at_one_time(versions: Iterable[Authorization]) -> Iterator[Authorization]:
    """Versions in their order, of one time one: of what they say otherwise the cautious counts.

    That is less units, fewer days and the status that grants less; of anything else the last.
    """
    for _time, of_time in groupby(versions, key=sent_of):
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

    An approval counts for all its days, whenever it is told, and takes back none of the days before
    its first one: those stay as they were. What is granted otherwise counts from its first day on.
    Everything else counts from the day on which it was told, or from its first day if that is
    later: a refusal of April that is told in March leaves March.

    Approved for January to June, refused on 1 March, approved for April to September: a dose of
    February is covered, one of 15 March is refused, and one of May is covered.
    """
    if version.earlier:
        return version.earlier
    if not version.status and "status" not in version.unsaid:
        return whole.earlier
    if version.status == "approved":
        return _before_approval(whole, version)
    if version.since is None:
        return ()
    day = version.since
    if version.status not in _GRANTED:
        day = max(day, version.starts or day)
        if version.status == whole.status:
            states = whole.earlier
            return (*states[:-1], _sooner(states[-1], day)) if states else states
    if not _was_granted(whole):
        return _before_the_first(version) if not whole.status else ()
    as_before = whole._replace(
        codes=whole.codes or version.codes, basis=whole.basis or version.basis
    )
    if version.status in ENDED and version.until is not None:
        as_before = as_before._replace(until=version.until)  # the last day that the payer now says
    return _cut(_with_now(as_before), day)


def _before_approval(whole: Authorization, version: Authorization) -> tuple[EarlierState, ...]:
    """How an authorization stood on the days before the first one of an approval."""
    starts = version.starts or whole.starts
    if starts is None or not _was_granted(whole):
        return ()
    states = _with_now(whole)
    if _is_moved(whole, version):
        states = states[:-1]
    states = _cut(states, starts)
    return states if any(state.is_granted for state in states) else ()


def _for_days_before(whole: Authorization, version: Authorization) -> Authorization | None:
    """One that is granted for days which all lie before those that are granted already; else None.

    Both periods stand, each for its days and with its units. Granted for April to June, and in May
    for January to March: a dose of February is covered by the second message, one of May by the
    first. A refusal, or whatever else stands after the first day of the later period, goes on.
    """
    until = version.until
    if version.status != "approved" or version.starts is None or version.earlier:
        return None
    states = _with_now(whole)
    after = [n for n, state in enumerate(states) if until and state.begins_after(until)]
    if not after or version.is_upside_down:
        return None
    later = states[after[0] :]
    begins = later[0].starts
    assert begins is not None, "it begins after a day"
    told = _after(whole, version)._replace(unsaid=version.unsaid)
    period = _as_state(told)._replace(before=begins)
    earlier = (*_cut(states[: after[0]], version.starts), period, *later[:-1])
    if whole.status in WAITING and whole.earlier:  # this is the answer to it
        terms = dict(zip(TERMS, later[-1].terms or (), strict=True))
        whole = whole._replace(status=later[-1].status, decided=later[-1].decided, **terms)
    return whole._replace(message=version.message, address=version.address, earlier=earlier)


def _is_moved(whole: Authorization, version: Authorization) -> bool:
    """Whether an approval only moves the days of one that had not begun when it was told."""
    if whole.status not in _GRANTED or None in (whole.starts, version.starts, version.since):
        return False
    assert whole.starts and version.starts and version.since, "all three are days"
    is_apart = whole.until is not None and whole.until < version.starts
    return version.since < whole.starts and not is_apart


def _with_now(whole: Authorization) -> tuple[EarlierState, ...]:
    """All states of an authorization, the one of now at the end.

    A request that waited is none of them once it is answered: what held before it goes on.
    """
    if whole.status in WAITING and whole.earlier:
        return (*whole.earlier[:-1], whole.earlier[-1]._replace(before=date.max))
    return (*whole.earlier, _as_state(whole))


def _as_state(whole: Authorization) -> EarlierState:
    """How an authorization stands now, as a state without an end."""
    terms = tuple([getattr(whole, name) for name in TERMS])
    decided = whole.decided or whole.message.sent
    return EarlierState(date.max, whole.status, terms, whole.unclear, decided=decided)


def _cut(states: Sequence[EarlierState], day: date) -> tuple[EarlierState, ...]:
    """The states of the days before a day."""
    before = [state for state in states if state.before < day]
    last = states[len(before) : len(before) + 1]
    return (*before, *[state._replace(before=day) for state in last])


def _was_granted(whole: Authorization) -> bool:
    """Whether the payer had granted it at any time, as far as anybody says."""
    return bool(whole.earlier) or _is_granted(whole.status, whole.unclear)


def _is_granted(status: StatusCharted, unclear: tuple[Unsaid, ...]) -> bool:
    return status in _GRANTED or (not status and not unclear)


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
            (sent_of(version), value)
            for version in versions
            if (value := getattr(version, name)) not in _NOTHING
        ]
        if len({value for sent, value in said if sent == said[-1][0]}) > 1:
            disputed.append(in_words)
    return tuple(disputed)


def sent_of(authorization: Authorization) -> datetime:
    """When its message was sent; before all others where nobody says it."""
    return authorization.message.sent or BEGINNING
