"""Rows of the list as notices: each row by itself, and rows that name one authorization together.

It owns what a row must say, what two rows must not say of one number, and the suspicion that a
spreadsheet has taken leading zeros away. A row that is wrong gives no notice, and each thing that
is wrong with it is told. It reads no clock and no file.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from chargeline.engine import ALL_CODES, Finding, Needs, authorization_words
from chargeline.hl7.authorization_messages import AuthorizationNotice
from chargeline.importing.cells import RowCells
from chargeline.importing.columns import ColumnName
from chargeline.importing.sheet import SheetRow

_NUMBERS: tuple[ColumnName, ...] = ("patient", "number", "member")


class ListOptions(NamedTuple):
    """How to read a list. `now` is the facility's clock, without a zone.

    `more` holds what stands in a column where a row leaves it empty, such as the facility.
    `patient_digits`: patient numbers of digits only have so many, and a shorter one has lost its
    leading zeros; None where nobody says it. `as_written`: short numbers are no reason to ask.
    """

    now: datetime
    needs: Needs
    more: Mapping[ColumnName, str] = {}
    patient_digits: int | None = None
    as_written: bool = False


class RowNotice(NamedTuple):
    """A row of the list and what it tells. `asked` is the request that came before, None if the row
    says nothing of it.
    """

    row: int
    notice: AuthorizationNotice
    asked: AuthorizationNotice | None


class CheckedList(NamedTuple):
    """The rows of a list that can be used, what is wrong with the others, and how many there were.

    `repeated` are rows that say exactly what a row before them says.
    """

    notices: tuple[RowNotice, ...]
    wrong: tuple[Finding, ...]
    rows: int
    repeated: int


def checked(file: str, rows: Sequence[SheetRow], options: ListOptions) -> CheckedList:
    """The rows of a file as notices; `file` names the file in what is said."""
    cells = [RowCells(file, row, options.more) for row in rows]
    read = [(row, _notice(row, options)) for row in cells]
    if not options.as_written:
        _suspect_lost_zeros(cells, options)
    usable = [RowNotice(row.row.number, *told) for row, told in read if told is not None]
    _compare(usable, {row.row.number: row for row in cells})
    wrong = {row.row.number: row.wrong for row in cells if row.wrong}
    sound = [notice for notice in usable if notice.row not in wrong]
    once = {(entry.notice, entry.asked): entry for entry in reversed(sound)}
    return CheckedList(
        notices=tuple(sorted(once.values(), key=lambda entry: entry.row)),
        wrong=tuple([finding for findings in wrong.values() for finding in findings]),
        rows=len(rows),
        repeated=len(sound) - len(once),
    )


# ------------------------------------------------------------------ one row


def _notice(
    cells: RowCells, options: ListOptions
) -> tuple[AuthorizationNotice, AuthorizationNotice | None] | None:
    """What a row tells, and the request before it; None where a cell cannot be read."""
    status = cells.one_of("status", authorization_words.AuthorizationStatus)
    received, requested = cells.moment("received"), cells.moment("requested")
    decided = cells.moment("decided")
    notice = AuthorizationNotice(
        facility=cells.name("facility"),
        payer=cells.text("payer"),
        patient=_patient(cells, options.patient_digits),
        member=cells.name("member"),
        number=cells.name("number"),
        status=cast(authorization_words.AuthorizationStatus, status),
        received=received or options.now,
        codes=_codes(cells, options, received),
        diagnoses=cells.diagnoses("diagnosis"),
        starts=cells.day("from"),
        until=cells.day("until"),
        units=cells.count("units"),
        basis=cast(
            authorization_words.BasisCharted, cells.one_of("basis", authorization_words.UnitBasis)
        ),
        provider=cells.npi("provider"),
        site=cells.text("site"),
        decided=decided,
    )
    if not cells.text("facility"):
        cells.objection("facility", "the facility", "fill the column, or say it with --facility")
    _check_times(cells, notice, requested, options.now)
    _check_count(cells, notice)
    if cells.wrong:
        return None
    before = requested if requested != notice.received else None
    asked = None
    if before is not None and notice.status != "requested":
        asked = notice._replace(status="requested", received=before, decided=None)
    return notice, asked


def _patient(cells: RowCells, digits: int | None) -> str:
    number = cells.name("patient")
    if digits is None or not number.isdecimal():
        return number
    if len(number) > digits:
        cells.objection("patient", f"at most {digits} digits", "correct it, or --patient-digits")
    return number.zfill(digits)


def _codes(cells: RowCells, options: ListOptions, received: datetime | None) -> tuple[str, ...]:
    """The codes of a row: written, or those that the payer's rows have of a class."""
    codes = cells.code_list("codes")
    kind = cells.one_of("class", authorization_words.EvidenceClass)
    if bool(codes) == bool(kind):
        if not cells.text("codes") or kind:
            filled = "both" if codes else "neither"
            expected = "codes, * for all codes, or a class in column class"
            cells.objection("codes", expected, "fill one of the two columns", filled)
        return codes
    if codes:
        return codes
    day = cells.day("from") or (received or options.now).date()
    payers = (cells.text("payer").upper(), "*")
    rows = [row for row in options.needs.rows if row.evidence == kind and row.payer in payers]
    of_class = tuple(sorted({row.code for row in rows if row.in_force(day)}))
    if not of_class:
        expected = f"a class of which base/authorizations.csv has codes for this payer on {day}"
        cells.objection("class", expected, "add rows to that table (--rules), or write the codes")
    return of_class


def _check_times(
    cells: RowCells, notice: AuthorizationNotice, requested: datetime | None, now: datetime
) -> None:
    if notice.starts is not None and notice.until is not None and notice.until < notice.starts:
        days = f"{notice.until}, and {notice.starts} in column from"
        cells.objection("until", "a last day on or after the first one", "correct the days", days)
    times: tuple[tuple[ColumnName, datetime | None], ...] = (
        ("received", notice.received), ("requested", requested), ("decided", notice.decided),
    )  # fmt: skip
    for column, moment in times:
        if moment is not None and moment > now:
            cells.objection(column, f"a time until now, {now:%Y-%m-%d %H:%M}", "correct the time")
        elif moment is not None and moment > notice.received:
            cells.objection(column, "a time before `received`, or the same", "correct one of them")
    if notice.status == "requested":
        if requested not in (None, notice.received):
            expected = "nothing, or the same as `received`: of a request the clock runs from then"
            cells.objection("requested", expected, "empty the cell")
        if notice.decided is not None:
            cells.objection("decided", "nothing where status is requested", "correct one of them")


def _check_count(cells: RowCells, notice: AuthorizationNotice) -> None:
    if notice.units is not None and not cells.text("basis"):
        cells.objection("basis", "units or visits, beside a number in units", "say what is counted")
    if notice.basis and notice.units is None and not cells.text("units"):
        cells.objection("units", "a number beside what is counted", "fill units, or empty basis")


# ------------------------------------------------------------------ rows beside each other


def _suspect_lost_zeros(cells: Sequence[RowCells], options: ListOptions) -> None:
    """Object to numbers of digits that are shorter than others of their kind.

    A spreadsheet program that takes 00123 for a number writes 123. Numbers of one payer are of a
    kind, and so are those of all patients.
    """
    for column in _NUMBERS:
        if column == "patient" and options.patient_digits is not None:
            continue
        groups: dict[str, list[RowCells]] = {}
        for row in cells:
            if row.text(column).isdecimal():
                kind = "" if column == "patient" else row.text("payer").upper()
                groups.setdefault(kind, []).append(row)
        for group in groups.values():
            longest = max(group, key=lambda row: len(row.text(column)))
            for row in group:
                _object_if_shorter(row, longest, column)


def _object_if_shorter(row: RowCells, longest: RowCells, column: ColumnName) -> None:
    digits, own = len(longest.text(column)), len(row.text(column))
    if own == digits:
        return
    how = "say --patient-digits, or " if column == "patient" else ""
    row.objection(
        column,
        f"{digits} digits as in row {longest.row.number}, because a spreadsheet takes leading "
        "zeros away",
        f"give the column the format Text and write them again; {how}--as-written if the "
        "number is right",
        f"{own} digits",
    )


def _compare(entries: Sequence[RowNotice], cells: Mapping[int, RowCells]) -> None:
    """Object to rows that contradict an earlier row of the same number."""
    by_number: dict[tuple[str, str], list[RowNotice]] = {}
    for entry in entries:
        notice = entry.notice
        of_number = by_number.setdefault((notice.facility, notice.number), [])
        for before in of_number:
            _compare_two(before, entry, cells[entry.row])
        of_number.append(entry)


def _compare_two(before: RowNotice, entry: RowNotice, cells: RowCells) -> None:
    one, other = before.notice, entry.notice
    at = f"row {before.row}"
    same: tuple[ColumnName, ...] = ("patient", "payer")
    for column in same:
        if getattr(one, column).upper() != getattr(other, column).upper():
            expected = f"the {column} of {at}, which has the same number"
            cells.objection(column, expected, "correct one of the two rows")
    shared = set(one.codes) & set(other.codes)
    if one == other and before.asked == entry.asked:
        return
    if shared and one.received == other.received:
        expected = f"another time than {at}, which tells of {', '.join(sorted(shared))} as well"
        do = "give the row that counts a later time"
        cells.objection("received", expected, do)
    elif ALL_CODES in {*one.codes, *other.codes} and not shared:
        expected = f"no other codes beside {ALL_CODES}; {at} has the same number"
        cells.objection("codes", expected, "correct one of the two rows")
