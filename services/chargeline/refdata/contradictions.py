"""Where a quarter of published tables contradicts our formulary, or itself.

It owns two comparisons, each with a sentence for whoever must act: a row of the formulary against
the tables (is its code valid, is its unit the published one, is it paid at all), and a package of
the crosswalk against its own arithmetic, strength x size x pieces / dosage. A strength stands at
most in the name of a drug. Where a name has none, only the units of a piece can be held against
those of the package.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine import (
    CrosswalkRow,
    Drug,
    Finding,
    FindingCode,
    NotLoaded,
    OppsStatus,
    PublishedTables,
    Quarter,
    convert,
    hyphenated,
    is_unit,
    plain,
    quarter_of,
)

_AMOUNT = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+)"
_UNIT = r"(mcg|mg|g|gm|gram|grams|units?|iu|i\.u\.|meq|mci|ml)"
_DOSAGE = re.compile(rf"(?:per |up to |each )?{_AMOUNT} ?{_UNIT}", re.IGNORECASE)
_STRENGTH = re.compile(
    rf"(?<![\d.,/]){_AMOUNT} ?{_UNIT}(?: ?/ ?{_AMOUNT}? ?(ml)\b)?", re.IGNORECASE
)
_NOT_BILLABLE = {
    "B": "it is billed under another code in a hospital",
    "E1": "Medicare does not cover it",
    "E2": "Medicare has no price for it, and does not pay it",
    "M": "it is not billable to the contractor",
}


class Contradictions(NamedTuple):
    """What contradicts, what is packaged (not paid apart, and no mistake), and what was unsaid.

    `unsaid` are the tables that the bundle does not have, each said once.
    """

    findings: tuple[Finding, ...]
    packaged: tuple[str, ...]
    unsaid: tuple[str, ...]
    unread_packages: int


def contradictions(
    tables: PublishedTables, drugs: Iterable[Drug], quarter: Quarter
) -> Contradictions:
    """Every row of the formulary, and every package, that a quarter contradicts.

    A row is asked about on the first day of the quarter on which it is in force.
    """
    findings: list[Finding] = []
    packaged: set[str] = set()
    unsaid: dict[str, None] = {}
    for drug in drugs:
        day = max(drug.starts, quarter.first)
        if not drug.hcpcs or not drug.in_force(day) or quarter_of(day) != quarter:
            continue
        findings += _of_code(tables, drug, day, unsaid)
        findings += _of_unit(tables, drug, day, unsaid)
        status = tables.status_indicator(drug.hcpcs, day)
        if isinstance(status, NotLoaded):
            unsaid[str(status)] = None
        elif status is not None:
            findings += _of_status(drug, status)
            if status.indicator == "N" and not drug.is_fluid:
                packaged.add(drug.hcpcs)
    packages, unread = _of_packages(tables, quarter)
    return Contradictions(
        (*findings, *packages), tuple(sorted(packaged)), tuple(unsaid), unread_packages=unread
    )


# ------------------------------------------------------------------ the formulary


def _wrong(
    where: str, expected: str, found: str, do: str, code: FindingCode = "refdata.formulary"
) -> Finding:  # fmt: skip
    return Finding(code, expected=expected, found=found, where=where, do=do)


def _of_code(
    tables: PublishedTables, drug: Drug, day: date, unsaid: dict[str, None]
) -> Iterator[Finding]:
    validity = tables.valid(drug.hcpcs, day)
    if isinstance(validity, NotLoaded):
        if not drug.hcpcs[0].isdigit():
            unsaid[str(validity)] = None
        return
    says = {
        "not_yet": "a code that is valid from a later day",
        "ended": "a code that has ended",
        "unlisted": "a code that the list of the quarter does not have",
    }
    if validity != "valid":
        yield _wrong(
            drug.id,
            f"{drug.hcpcs} to be valid on {day}",
            says[validity],
            "end the row, and begin one with the code that replaces it",
        )


def _of_unit(
    tables: PublishedTables, drug: Drug, day: date, unsaid: dict[str, None]
) -> Iterator[Finding]:
    """A finding for each published dosage that is another unit than the row's."""
    rows = tables.ndcs_of(drug.hcpcs, day)
    limit = tables.payment_limit(drug.hcpcs, day)
    for missing in (rows, limit):
        if isinstance(missing, NotLoaded):
            unsaid[str(missing)] = None
    dosages = [] if isinstance(rows, NotLoaded) else [row.dosage for row in rows]
    if not isinstance(limit, NotLoaded) and limit is not None:
        dosages.append(limit.dosage)
    for dosage in dict.fromkeys(dosage.upper() for dosage in dosages):
        amount = _in_unit(dosage, drug.unit)
        if amount is not None and amount != drug.unit_amount:
            yield _wrong(
                drug.id,
                f"one unit of {drug.hcpcs} to be {plain(drug.unit_amount)} {drug.unit}",
                dosage,
                "correct unit_amount and unit of the row; every dose of it is billed wrongly",
            )


def _in_unit(dosage: str, unit: str) -> Decimal | None:
    """The amount of a dosage such as `PER 100 UNITS` in a unit; None where it cannot be said."""
    match = _DOSAGE.fullmatch(dosage.strip())
    if match is None or not is_unit(unit):
        return None
    return convert(_number(match[1]), match[2].replace(".", ""), unit)


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def _of_status(drug: Drug, status: OppsStatus) -> Iterator[Finding]:
    if status.indicator in _NOT_BILLABLE:
        yield _wrong(
            drug.id,
            f"{drug.hcpcs} to be billable by a hospital",
            f"status indicator {status.indicator}: {_NOT_BILLABLE[status.indicator]}",
            "give the row the code that OPPS takes, or do not bill it to Medicare",
        )


# ------------------------------------------------------------------ packages


def _of_packages(tables: PublishedTables, quarter: Quarter) -> tuple[list[Finding], int]:
    """A finding for each package whose units do not follow from its strength, and the unread."""
    crosswalk = tables.crosswalk.get(quarter)
    rows = [row for of_code in crosswalk.by_hcpcs.values() for row in of_code] if crosswalk else []
    findings, unread = [], 0
    for row in rows:
        expected = expected_units(row)
        if expected is None:
            unread += 1
        if expected is not None and abs(expected - row.package_units) >= 1:
            exact = plain(expected.quantize(Decimal("0.01")))
            findings.append(_of_package(row, f"{exact} units a package"))
        elif row.units_of_piece is None:
            of_piece = f"{plain(row.billing_units)} units a piece"
            findings.append(_of_package(row, f"the units of a package to follow from {of_piece}"))
    return findings, unread


def _of_package(row: CrosswalkRow, expected: str) -> Finding:
    size = f"size {plain(row.package_size)} x {plain(row.pieces)}, by {row.dosage}"
    return _wrong(
        f"{hyphenated(row.ndc)} under {row.hcpcs}",
        f"{expected} ({row.drug_name}, {size})",
        f"{plain(row.package_units)}",
        "take the units from the label, and write to CMS",
        code="refdata.package",
    )


def expected_units(row: CrosswalkRow) -> Decimal | None:
    """Billing units of a package by strength x size x pieces / dosage; None where unreadable.

    `100 MG/4 ML` is a strength per mL, which counts for each mL of the size; `100 MG` is that of a
    whole piece. A code that is billed by mL needs no strength. A name with several is not read.
    """
    strengths = _STRENGTH.findall(row.drug_name)
    dosage = _DOSAGE.fullmatch(row.dosage.strip())
    if dosage is None or not _number(dosage[1]):
        return None
    if dosage[2].lower() == "ml":
        return row.package_size * row.pieces / _number(dosage[1])
    if len(strengths) != 1:
        return None
    amount, unit, volume, is_by_volume = strengths[0]
    in_dosage = convert(_number(amount), unit.replace(".", ""), dosage[2].replace(".", ""))
    if in_dosage is None:
        return None
    of_piece = in_dosage
    if is_by_volume:
        of_piece = in_dosage / _number(volume or "1") * row.package_size
    return of_piece * row.pieces / _number(dosage[1])
