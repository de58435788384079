"""What a new quarter changes, in the words of a pharmacist and a coder.

It owns the sentences of `refdata diff`. Each compares what a look-up says on the last day of one
quarter with what it says on the last day of another, so a change within a quarter is told as well.
It says which tables cannot be compared, and decides nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from chargeline.engine import (
    Crosswalk,
    CrosswalkRow,
    HcpcsDates,
    MueLimit,
    OppsStatus,
    PaymentLimit,
    PtpEdit,
    PublishedTables,
    Quarter,
    hyphenated,
    plain,
)
from chargeline.refdata.status import TableName, table_names

_DRUG_INITIALS = ("C", "J", "Q")


class Change(NamedTuple):
    """One thing that differs: the code it is about, and what happened, in words."""

    code: str
    says: str

    def __str__(self) -> str:
        return f"{self.code}: {self.says}"


def differences(tables: PublishedTables, old: Quarter, new: Quarter) -> Iterator[str]:
    """The changes from one quarter to another, a heading for each table that both have."""
    for name in table_names():
        missing = [
            str(quarter)
            for quarter in (old, new)
            if tables.covers(name.table, quarter.last, name.setting or "hospital") is not None
        ]
        if len(missing) == 2:
            continue
        if missing:
            yield f"{name}: not compared, the bundle does not have {missing[0]}"
            continue
        changes = sorted(set(_COMPARED[name.table](tables, name, old, new)))
        number = "1 change" if len(changes) == 1 else f"{len(changes) or 'no'} changes"
        yield f"{name}: {number}"
        yield from [f"  {change}" for change in changes]


# ------------------------------------------------------------------ codes and packages


def _codes(
    tables: PublishedTables, _name: TableName, old: Quarter, new: Quarter
) -> Iterator[Change]:
    """Codes of drugs and of the rules that were added, ended, or are no longer listed."""
    before, after = tables.hcpcs[old], tables.hcpcs[new]
    for code in before.keys() | after.keys():
        if code.startswith(_DRUG_INITIALS) or code in tables.codes:
            says = _code_says(before.get(code), after.get(code), new)
            if says:
                yield Change(code, says)


def _code_says(before: HcpcsDates | None, after: HcpcsDates | None, new: Quarter) -> str:
    if after is None:
        return "no longer listed"
    if before is None:
        return f"new, valid from {after.added}"
    if after.ended != before.ended:
        if after.ended is None:
            return f"goes on; it was to end on {before.ended}"
        return f"{'ended' if after.ended < new.first else 'ends'} on {after.ended}"
    return f"valid from {after.added}, not {before.added}" if after.added != before.added else ""


def _packages(
    tables: PublishedTables, _name: TableName, old: Quarter, new: Quarter
) -> Iterator[Change]:
    """Packages by code. One that another list had before is not new, and one that another list
    still has is billed as it was.
    """
    before, after = (_by_package(tables.crosswalk[quarter]) for quarter in (old, new))
    for key in before.keys() | after.keys():
        was, now = before.get(key, {}), after.get(key, {})
        if was and now:
            pairs: list[tuple[CrosswalkRow | None, CrosswalkRow | None]] = [
                (was[listed], now[listed]) for listed in was.keys() & now.keys()
            ]
        else:
            pairs = [(next(iter(was.values()), None), next(iter(now.values()), None))]
        for one, other in pairs:
            row = other or one
            assert row is not None, "a package is in one of the two quarters"
            package = f"{hyphenated(row.ndc)} {row.drug_name}"
            for says in _package_says(one, other):
                yield Change(row.hcpcs or "no code of its own", f"{package}: {says}")


def _by_package(crosswalk: Crosswalk) -> dict[tuple[str, str], dict[str, CrosswalkRow]]:
    """The rows of a quarter by NDC and code, and there by the list in which they stand."""
    packages: dict[tuple[str, str], dict[str, CrosswalkRow]] = {}
    for rows in crosswalk.by_ndc.values():
        for row in rows:
            packages.setdefault((row.ndc, row.hcpcs), {}).update(dict.fromkeys(row.lists, row))
    return packages


def _package_says(was: CrosswalkRow | None, now: CrosswalkRow | None) -> Iterator[str]:
    if now is None:
        yield "no longer billed under this code"
    elif was is None:
        yield f"new, {_units(now.package_units)} a package, one unit is {now.dosage}"
    else:
        if was.dosage.upper() != now.dosage.upper():
            yield f"one unit is {now.dosage}, not {was.dosage}"
        if was.units_of_piece != now.units_of_piece:
            yield f"{_maybe(now.units_of_piece)} units a vial, not {_maybe(was.units_of_piece)}"
        if was.package_units != now.package_units:
            yield f"{_units(now.package_units)} a package, not {plain(was.package_units)}"


def _units(units: Decimal) -> str:
    return f"{plain(units)} unit" + ("" if units == 1 else "s")


def _maybe(units: Decimal | None) -> str:
    return "unclear" if units is None else plain(units)


# ------------------------------------------------------------------ limits by code


def _by_code(
    before: Mapping[str, Any], after: Mapping[str, Any], says: Callable[[Any, Any], str]
) -> Iterator[Change]:
    for code in before.keys() | after.keys():
        text = says(before.get(code), after.get(code))
        if text:
            yield Change(code, text)


def _limits(
    tables: PublishedTables, _name: TableName, old: Quarter, new: Quarter
) -> Iterator[Change]:
    return _by_code(tables.payment_limits[old], tables.payment_limits[new], _limit_says)


def _limit_says(was: PaymentLimit | None, now: PaymentLimit | None) -> str:
    if now is None:
        return "no payment limit any more"
    if was is None:
        return f"new, {_dollars(now.dollars)} for {now.dosage}"
    if was.dosage.upper() != now.dosage.upper():
        return f"one unit is {now.dosage}, not {was.dosage}; {_dollars(now.dollars)} for it"
    if was.dollars == now.dollars:
        return ""
    percent = ""
    if was.dollars and now.dollars is not None:
        change = ((now.dollars / was.dollars - 1) * 100).quantize(Decimal("0.1"))
        percent = f" ({'+' if change > 0 else ''}{change} %)"
    return f"{_dollars(now.dollars)} for {now.dosage}, not {_dollars(was.dollars)}{percent}"


def _dollars(amount: Decimal | None) -> str:
    return "no limit" if amount is None else f"{plain(amount)} dollars"


def _statuses(
    tables: PublishedTables, _name: TableName, old: Quarter, new: Quarter
) -> Iterator[Change]:
    return _by_code(tables.status_indicators[old], tables.status_indicators[new], _status_says)


_STATUSES = {"G": "pass-through, paid apart", "K": "paid apart", "N": "packaged, not paid apart"}


def _status_says(was: OppsStatus | None, now: OppsStatus | None) -> str:
    if now is None:
        return "no longer in Addendum B"
    if was is None:
        return f"new, {_status(now)}"
    if was.indicator != now.indicator:
        return f"{_status(now)}, not {_status(was)}"
    if was.dollars != now.dollars:
        return f"{_dollars(now.dollars)}, not {_dollars(was.dollars)}"
    return ""


def _status(status: OppsStatus) -> str:
    meaning = _STATUSES.get(status.indicator, "")
    return f"status {status.indicator}" + (f" ({meaning})" if meaning else "")


def _mues(tables: PublishedTables, name: TableName, old: Quarter, new: Quarter) -> Iterator[Change]:
    quarters = tables.mues[name.setting or "hospital"]
    return _by_code(quarters[old], quarters[new], _mue_says)


def _mue_says(was: MueLimit | None, now: MueLimit | None) -> str:
    if now is None:
        return "no limit of units any more"
    if was is None:
        return f"new, at most {_most(now)}"
    if was.units != now.units:
        verb = "raised" if now.units > was.units else "lowered"
        return f"{verb} to {_most(now)}, from {was.units}"
    if was.indicator != now.indicator:
        return f"{_most(now)}, now of indicator {now.indicator}"
    return ""


def _most(limit: MueLimit) -> str:
    return f"{_units(Decimal(limit.units))} a {'line' if limit.indicator == 1 else 'day'}"


# ------------------------------------------------------------------ pairs of codes


def _edits(
    tables: PublishedTables, name: TableName, old: Quarter, new: Quarter
) -> Iterator[Change]:
    """The edits that bind on the last day of one of the two quarters, and not alike on both."""
    for pair in tables.ptps[name.setting or "hospital"].pairs.values():
        was, now = (_binding(pair, quarter) for quarter in (old, new))
        if now is not None and was is None:
            yield Change(now.column2, f"not paid beside {now.column1} from {now.starts}{_but(now)}")
        elif was is not None and now is None:
            yield Change(was.column2, f"may stand beside {was.column1} after {was.ends}")
        elif was is not None and now is not None and was != now:
            yield Change(now.column2, f"beside {now.column1}: not paid{_but(now)}")


def _binding(edits: Iterable[PtpEdit], quarter: Quarter) -> PtpEdit | None:
    day = quarter.last
    return next((e for e in edits if e.starts <= day and (e.ends is None or day <= e.ends)), None)


def _but(edit: PtpEdit) -> str:
    return ", whatever the modifier" if edit.indicator == "0" else ", unless a modifier says so"


def _add_ons(
    tables: PublishedTables, _name: TableName, old: Quarter, new: Quarter
) -> Iterator[Change]:
    assert tables.add_ons is not None, "only tables that answer are compared"
    for code, pairs in tables.add_ons.pairs.items():
        was, now = (
            {p.primary for p in pairs if p.starts <= day and (p.ends is None or day <= p.ends)}
            for day in (old.last, new.last)
        )
        for primary in now - was:
            yield Change(code, f"may stand beside {primary or 'what the contractor names'}")
        for primary in was - now:
            yield Change(code, f"no longer beside {primary or 'what the contractor names'}")


_COMPARED: Mapping[
    str, Callable[[PublishedTables, TableName, Quarter, Quarter], Iterator[Change]]
] = {
    "crosswalk": _packages,
    "payment_limits": _limits,
    "status_indicators": _statuses,
    "hcpcs": _codes,
    "mue": _mues,
    "ptp": _edits,
    "add_on": _add_ons,
}
