"""What a vial holds, as the crosswalk of a quarter says it: units of its code, and a volume.

It owns the step from a published row to a container. What the site's own table says of an NDC goes
first, since a pharmacist read that label. The crosswalk does not say whether something is dry: a
size other than 1 is millilitres, and of a size of 1 nobody can tell (decision 0084).
"""

from collections.abc import Iterable
from decimal import Decimal

from chargeline.engine.containers import Container
from chargeline.engine.formulary import Formulary
from chargeline.engine.tables import CrosswalkRow, PublishedTables, Quarter

_ONE = Decimal(1)


def published_containers(tables: PublishedTables, formulary: Formulary) -> tuple[Container, ...]:
    """The containers of all crosswalks that the formulary has no row for, each with its quarters.

    A row that contradicts itself, a package of several codes of different amounts, and a code that
    the formulary lacks give none. What a package held in the first loaded quarter it held before,
    and what it held in the last one that lists it, it holds after.
    """
    ours = {row.ndc for row in formulary.containers.rows}
    held: dict[str, list[Container]] = {}
    for quarter in sorted(tables.crosswalk):
        for ndc, rows in tables.crosswalk[quarter].by_ndc.items():
            container = _container(ndc, rows, formulary) if ndc not in ours else None
            if container is not None:
                _note(held.setdefault(ndc, []), container, quarter)
    return tuple([container for ndc in sorted(held) for container in held[ndc]])


def _note(before: list[Container], container: Container, quarter: Quarter) -> None:
    """Note what a package holds in a quarter, beside what it held in the quarters before."""
    if not before:
        before.append(container)
        return
    last = before[-1]
    if last == container._replace(starts=last.starts):
        return
    before[-1] = last._replace(ends=quarter.first)
    before.append(container._replace(starts=quarter.first))


def _container(ndc: str, rows: Iterable[CrosswalkRow], formulary: Formulary) -> Container | None:
    held: set[tuple[Decimal, str, Decimal]] = set()
    ids: list[str] = []
    rounding = Decimal(0)
    for row in rows:
        drugs = formulary.of_code(row.hcpcs)
        if not drugs:
            continue
        units = row.units_of_piece
        if units is None:
            return None
        rounding = max(rounding, *[_rounded_off(row) * drug.unit_amount for drug in drugs])
        held |= {(units * drug.unit_amount, drug.unit, row.package_size) for drug in drugs}
        ids += [drug.id for drug in drugs]
    if len(held) != 1:
        return None
    ((amount, unit, size),) = held
    return Container(
        ndc=ndc,
        drugs=tuple(dict.fromkeys(ids)),
        amount=amount,
        unit=unit,
        millilitres=size if size != _ONE else None,
        form="liquid" if size != _ONE else "",
        use="unknown",
        starts=None,
        ends=None,
        cite="CMS-ASP",
        is_stocked=False,
        rounding=rounding,
    )


def _rounded_off(row: CrosswalkRow) -> Decimal:
    """How many units the rounding of a row may hide: half of the last decimal that it writes.

    Whole numbers of units, and tenths, are exact.
    """
    exponent = row.billing_units.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -1:
        return Decimal(0)
    return Decimal(5).scaleb(exponent - 1)
