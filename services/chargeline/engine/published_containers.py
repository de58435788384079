"""What a vial holds, as the crosswalk of a quarter says it: units of its code, and a volume.

It owns the step from a published row to a container. What the site's own table says of an NDC goes
first, since a pharmacist read that label. The crosswalk does not say whether something is dry: a
size other than 1 is millilitres, and of a size of 1 nobody can tell (decision 0084).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from chargeline.engine.containers import Container, Containers
from chargeline.engine.formulary import Drug
from chargeline.engine.tables import CrosswalkRow, PublishedTables

_ONE = Decimal(1)
CITE = "CMS-ASP"


def published_containers(
    tables: PublishedTables, drugs: Iterable[Drug], own: Containers
) -> tuple[Container, ...]:
    """The containers of all crosswalks that `own` has no row for, by the latest quarter.

    A row that contradicts itself, a package of several codes of different amounts, and a code that
    the formulary lacks give none.
    """
    ours = {row.ndc for row in own.rows}
    by_hcpcs: dict[str, list[Drug]] = {}
    for drug in drugs:
        if drug.hcpcs:
            by_hcpcs.setdefault(drug.hcpcs, []).append(drug)
    rows: dict[str, tuple[CrosswalkRow, ...]] = {}
    for quarter in sorted(tables.crosswalk):
        rows.update(tables.crosswalk[quarter].by_ndc)
    built = [_container(ndc, rows[ndc], by_hcpcs) for ndc in sorted(rows) if ndc not in ours]
    return tuple([container for container in built if container is not None])


def _container(
    ndc: str, rows: Iterable[CrosswalkRow], by_hcpcs: Mapping[str, list[Drug]]
) -> Container | None:
    held: set[tuple[Decimal, str, Decimal]] = set()
    ids: list[str] = []
    for row in rows:
        units = row.units_of_piece
        of_code = by_hcpcs.get(row.hcpcs, ())
        if units is None and of_code:
            return None
        for drug in of_code:
            held.add(((units or _ONE) * drug.unit_amount, drug.unit, row.package_size))
            ids.append(drug.id)
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
        cite=CITE,
        is_stocked=False,
    )
