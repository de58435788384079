"""The units that a planned dose is going to be billed with: the dose, and what containers leave.

It owns this estimate, for whoever asks a payer before the dose. 730 mg of rituximab come out of
vials of 500 and 100 mg: 73 units are given and 7 are discarded, and where the policy bills what is
discarded (JW), 80 units must be authorized. It knows no chart: what is really opened, the pharmacy
decides.
"""

from datetime import date
from decimal import Decimal

from chargeline.engine.containers import least_opened
from chargeline.engine.drugs.concerns import WASTE, WasteFacts
from chargeline.engine.drugs.opened import amount_in
from chargeline.engine.drugs.units import discarded_units, units_of
from chargeline.engine.drugs.waste import bills_waste, paid_of, use_by_formulary
from chargeline.engine.formulary import Drug, Formulary
from chargeline.engine.rules import DayRules
from chargeline.engine.tables import PublishedTables


def planned_units(
    drug: Drug,
    dose: Decimal,
    day: date,
    *,
    payer: str,
    rules: DayRules,
    formulary: Formulary,
    tables: PublishedTables,
) -> int:
    """HCPCS units of a dose in the drug's unit, with the least that its containers can leave.

    They are those of the dose alone where no size of a container is known, or rules do not bill
    what is discarded.
    """
    given = units_of(dose, drug.unit_amount)
    facts = WasteFacts(use_by_formulary(drug), payer, paid_of(drug, day, tables))
    if not bills_waste(rules.of(WASTE).decide(facts)):
        return given
    containers = formulary.containers.of_drug(drug.id, day)
    opened = least_opened(dose, [size for row in containers if (size := amount_in(drug, row))])
    if opened is None:
        return given
    return given + discarded_units(dose, opened - dose, drug.unit_amount, are_whole=True)
