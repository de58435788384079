"""One order of a regimen: its drugs, doses and running times, and a short notation to write it.

This module owns the shapes of the tables in regimens.py, and a function for each usual kind of
order (push, bag, fluid, mixture, injection), so that a table shows only what differs. It does not
know which orders belong together; regimens.py does. It knows no chance, no clock and no HL7.
"""

from typing import NamedTuple

Range = tuple[int, int]
SALINE = "sodium chloride 0.9%"
GLUCOSE = "dextrose 5%"


class DoseBasis(NamedTuple):
    """How a dose is worked out for a patient: `amount` times what `basis` says.

    basis: "m2" (body surface), "kg" (weight), "auc" (area under the curve) or "flat" (times one).
    The result is rounded to a multiple of `step`, as pharmacies round to what they can draw up.
    """

    basis: str
    amount: str
    step: str


class Part(NamedTuple):
    """One drug in a bag or syringe."""

    drug: str
    dose: DoseBasis


class RegimenStep(NamedTuple):
    """One order of a regimen and how it runs. Ranges are whole minutes; both ends are included."""

    parts: tuple[Part, ...]
    method: str  # infusion | push | injection | on_body | oral
    minutes: Range = (0, 0)
    gap: Range = (2, 9)  # after the end of what ran before
    beside: bool = False  # starts together with the step before it
    route: str = "IV"
    vehicle: str | None = None
    volume_ml: int = 0
    rates: tuple[int, ...] = ()  # mL/hr, raised every half hour
    device: str = ""
    day: int = 0
    doses: int = 1  # administrations under this order
    spacing: int = 3  # minutes from one administration to the next
    chance: int = 100  # percent of visits in which it is given


class Regimen(NamedTuple):
    """A kind of visit. `weight` is its share; one of `classes` and of `diagnoses` is chosen."""

    name: str
    weight: int
    classes: tuple[str, ...]
    diagnoses: tuple[tuple[str, ...], ...]
    steps: tuple[RegimenStep, ...]
    sexes: str = "FM"


def dose_basis(text: str) -> DoseBasis:
    """Read a dose: `85/m2:5` is 85 for each square metre, rounded to 5; `8` is a flat dose."""
    amount, _, rest = text.partition("/")
    basis, _, step = rest.partition(":")
    return DoseBasis(basis, amount, step) if rest else DoseBasis("flat", amount, amount)


def push(drug: str, dose: str, minutes: Range = (0, 4), chance: int = 100) -> RegimenStep:
    """A drug pushed into the vein within a range of minutes, in a percentage of visits."""
    return RegimenStep((Part(drug, dose_basis(dose)),), "push", minutes, chance=chance)


def bag(
    drug: str, dose: str, minutes: Range, volume_ml: int = 250, vehicle: str | None = SALINE
) -> RegimenStep:
    """One drug infused in a bag of fluid."""
    return RegimenStep(
        (Part(drug, dose_basis(dose)),), "infusion", minutes, vehicle=vehicle, volume_ml=volume_ml
    )


def fluid(drug: str, volume_ml: int, minutes: Range) -> RegimenStep:
    """Fluid infused as hydration; its dose is its volume."""
    part = Part(drug, dose_basis(str(volume_ml)))
    return RegimenStep((part,), "infusion", minutes, volume_ml=volume_ml)


def mixed(parts: dict[str, str], minutes: Range, volume_ml: int) -> RegimenStep:
    """Several drugs infused in one bag of saline. `parts` maps each drug to its dose."""
    drugs = tuple(Part(drug, dose_basis(dose)) for drug, dose in parts.items())
    return RegimenStep(drugs, "infusion", minutes, vehicle=SALINE, volume_ml=volume_ml)


def shot(drug: str, dose: str, route: str) -> RegimenStep:
    """An injection under the skin or into the muscle."""
    return RegimenStep((Part(drug, dose_basis(dose)),), "injection", route=route)
