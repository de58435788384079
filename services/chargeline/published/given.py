"""The shape of what was given: the times and doses on which the lines of a draft rest.

It owns what a reader may see of an administration. It does not know how one becomes a line.
"""

from pydantic import AwareDatetime, Field

from chargeline.engine import words
from chargeline.published.model import PublishedModel


class DrugGiven(PublishedModel):
    """One drug of an administration, as the sender names it."""

    codes: list[str]
    text: str
    amount: str | None
    """A decimal number; null if none is charted."""
    unit: str
    component: str
    """Empty for the drug itself; additive or base in a mixture."""


class Stretch(PublishedModel):
    """One stretch in which a drug ran. The gaps between stretches are pauses."""

    start: AwareDatetime
    stop: AwareDatetime | None
    """Null if no stop is charted. Equal to the start if the drug was given at one moment."""
    start_source: str
    """The field of a message, or the answer of a person, that says so."""
    stop_source: str | None


class VialGiven(PublishedModel):
    """The code of one vial, as charted."""

    ndc: str
    lot: str
    scanned: bool
    """The code stands for one vial that was opened; else it only says which product it was."""


class Discarded(PublishedModel):
    """An amount that was discarded, as charted."""

    amount: str
    unit: str


class AdministrationFacts(PublishedModel):
    """One drug, or several mixed in one bag, given once: what was charted and ordered of it."""

    key: str
    order: str
    drugs: list[DrugGiven]
    stretches: list[Stretch]
    charted: words.Charting
    """interval: with start and stop. instant: one time. open: running, or its stop is missing."""
    given: bool
    partial: bool
    """Stopped before the whole amount was given."""
    route: str
    route_text: str
    """The route as the sender writes it."""
    line: str
    """The access line, as charted."""
    method: str
    device: str
    rate: str
    ordered_minutes: int | None
    """How long the order says that the drug runs; null if the order does not say it."""
    charted_by: str
    """The number of who charted it; empty where the interface profile does not show it."""
    entered: AwareDatetime | None
    """When the nurse charted it (RXA-22); null if the sender does not say it."""
    not_bought: bool
    """A patient, a trial or a programme supplied the drug."""
    discounted: bool = False
    """The drug was bought under 340B."""
    vials: list[VialGiven] = Field(default_factory=list)
    wasted: list[Discarded] = Field(default_factory=list)
