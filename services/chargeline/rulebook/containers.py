"""The table of containers: what a vial, syringe or kit holds, by its NDC.

This module owns its columns and checks each row: an NDC that can be read in one way, drugs that the
formulary has, an amount, a form. `amount` and `ml` are those of one piece; a kit that is opened as
a whole says in `pieces` how many it has. A site loads the list of its pharmacy; the rows that ship
are a beginning. The module does not know what a container is used for.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import get_args

from chargeline.engine import Container, Finding, Ndc, claim_words, read_ndc
from chargeline.rulebook.files import Row, check_key, optional_days_of, read_table

_COLUMNS = ("ndc", "drugs", "amount", "unit", "ml", "form", "use", "from", "until", "cite", "note")
_CHOICES = ("pieces",)  # a table without kits leaves it out
_INTERNATIONAL_UNITS, _MILLIGRAMS = "F2", "ME"  # units of X12 355 that payers take for no NDC
_TWELVE_DIGITS_TOO = date.max
_USES: tuple[claim_words.UseFact, ...] = (*get_args(claim_words.ContainerUse), "unknown")


def parse_containers(
    path: Path, drugs: frozenset[str], sources: Mapping[str, str], mistakes: list[Finding]
) -> list[Container]:
    """The containers of one table; `drugs` are the ids of the formulary."""
    containers = []
    for row in read_table(path, _COLUMNS, mistakes):
        check_key(row.cells["cite"], row.place, sources, mistakes)
        container = _container(row, drugs, mistakes)
        if container is not None:
            containers.append(container)
    return containers


def _container(row: Row, drugs: frozenset[str], mistakes: list[Finding]) -> Container | None:
    """The container of a row; None, and mistakes, if the row is none."""
    cells = {column: row.cells.get(column, "").strip() for column in (*_COLUMNS, *_CHOICES)}
    ndc = read_ndc(cells["ndc"], _TWELVE_DIGITS_TOO)
    named = tuple([name.strip() for name in cells["drugs"].split("|") if name.strip()])
    unknown = [name for name in named if name not in drugs]
    form = next(
        (word for word in get_args(claim_words.ContainerForm) if word == cells["form"]), None
    )
    use = next((word for word in _USES if word == cells["use"]), None)
    amount, millilitres = _above_nought(cells["amount"]), _above_nought(cells["ml"])
    days = optional_days_of(row, mistakes)
    wrong: list[tuple[str, str]] = []
    if not isinstance(ndc, Ndc):
        wrong.append(("an NDC of 11 digits, or of 10 with hyphens", ndc.found))
    if unknown or not named:
        wrong.append(("ids of the formulary in drugs", ", ".join(unknown) or "none"))
    if amount is None:
        wrong.append(("amount above 0", repr(cells["amount"])))
    pieces = _above_nought(cells["pieces"] or "1")
    if pieces is None or pieces % 1:
        wrong.append(("a whole number of pieces", repr(cells["pieces"])))
    if not cells["unit"]:
        wrong.append(("a unit", "none"))
    elif cells["unit"].upper() == _MILLIGRAMS:
        wrong.append(("a unit such as mg; no payer takes an NDC in ME", repr(cells["unit"])))
    if form is None or (form == "liquid") is not (millilitres is not None):
        allowed = ", ".join(get_args(claim_words.ContainerForm))
        expected = f"form = one of {allowed}, with ml for a liquid and for nothing else"
        wrong.append((expected, f"{cells['form']!r} with ml {cells['ml']!r}"))
    if use is None:
        allowed = ", ".join(_USES)
        wrong.append((f"use = one of {allowed}", repr(cells["use"])))
    mistakes += [_wrong(row.place, expected, found) for expected, found in wrong]
    if wrong or not isinstance(ndc, Ndc) or amount is None or form is None or use is None:
        return None
    count = int(pieces or 1)
    return Container(
        ndc=ndc.digits,
        drugs=named,
        amount=amount * count,
        unit="unit" if cells["unit"].upper() == _INTERNATIONAL_UNITS else cells["unit"],
        millilitres=millilitres * count if millilitres is not None else None,
        form=form,
        use=use,
        starts=days.starts,
        ends=days.ends,
        cite=cells["cite"],
        pieces=count,
    )


def _above_nought(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 else None


def _wrong(place: str, expected: str, found: str) -> Finding:
    do = "correct the row; the label says what one container holds"
    return Finding("rules.container", expected=expected, found=found, where=place, do=do)


def container_mistakes(containers: Sequence[Container], place: str) -> list[Finding]:
    """A mistake for each NDC that stands in two rows on one day."""
    mistakes = []
    last: dict[str, Container] = {}
    for row in sorted(containers, key=lambda row: (row.ndc, row.starts or date.min)):
        before = last.get(row.ndc)
        if before is not None and (before.ends is None or before.ends > (row.starts or date.min)):
            mistakes.append(_wrong(place, "one row for an NDC on a day", f"{row.ndc} twice"))
        last[row.ndc] = row
    return mistakes
