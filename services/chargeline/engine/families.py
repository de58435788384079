"""The charge families, as one literal table, and the vocabulary of rules that they make together.

It owns the list of families, and knows nothing of what a family does inside. Code that treats lines
of families differently looks up the family's name here, and never compares the name of a role. A
new family is a folder with a function `propose`, a row of this table, its concerns in the list
below, and its name in words.py.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chargeline.engine import drugs, encounters, infusions, modifiers, office_visits, radiation
from chargeline.engine.again import SavedWork
from chargeline.engine.authorizations import deadlines, needed
from chargeline.engine.body import BODY
from chargeline.engine.codes import CODE
from chargeline.engine.drugs import concerns as drug_concerns
from chargeline.engine.edits import claim_concerns
from chargeline.engine.edits import concerns as edit_concerns
from chargeline.engine.encounters import Assessment
from chargeline.engine.infusions import concerns as infusion_concerns
from chargeline.engine.office_visits import concerns as visit_concerns
from chargeline.engine.radiation import concerns as radiation_concerns
from chargeline.engine.rules import Concern
from chargeline.engine.services import concerns as service_concerns
from chargeline.engine.shapes import by_keyword
from chargeline.engine.timeline.running import BAG_CHANGE
from chargeline.engine.trace import ChargeLine, InShort, Proposal
from chargeline.engine.words import FamilyName


class Family(NamedTuple):
    """One charge family.

    `propose` drafts an encounter. `in_short` says how a policy ends each administration; None where
    all policies end the encounter alike. `rests_on_services`: what an administration is by itself
    decides its lines. `beside_stay`: it judges also what lies in a stay that is paid as a whole.
    `reason_in_short` is the one sentence that a page shows of a line.
    """

    propose: Callable[[Assessment, SavedWork], Proposal]
    in_short: Callable[[Assessment, SavedWork], InShort | None]
    reason_in_short: Callable[[ChargeLine], str]
    rests_on_services: bool
    beside_stay: bool


_new_family = by_keyword(Family)

FAMILIES: Mapping[FamilyName, Family] = {
    "infusions": _new_family(
        propose=infusions.propose,
        in_short=infusions.in_short,
        reason_in_short=infusions.reason_in_short,
        rests_on_services=True,
        beside_stay=False,
    ),
    "drugs": _new_family(
        propose=drugs.propose,
        in_short=drugs.in_short,
        reason_in_short=drugs.reason_in_short,
        rests_on_services=False,
        beside_stay=False,
    ),
    "office_visits": _new_family(
        propose=office_visits.propose,
        in_short=office_visits.in_short,
        reason_in_short=office_visits.reason_in_short,
        rests_on_services=False,
        beside_stay=True,
    ),
    "radiation": _new_family(
        propose=radiation.propose,
        in_short=radiation.in_short,
        reason_in_short=radiation.reason_in_short,
        rests_on_services=False,
        beside_stay=True,
    ),
}

# In the order in which the engine asks, from timeline to line.
_CONCERNS: tuple[Concern[Any, Any], ...] = (
    BAG_CHANGE,
    BODY,
    *encounters.CONCERNS,
    *service_concerns.CONCERNS,
    *infusion_concerns.CONCERNS,
    *drug_concerns.CONCERNS,
    *visit_concerns.CONCERNS,
    *radiation_concerns.CONCERNS,
    CODE,
    *modifiers.CONCERNS,
    *edit_concerns.CONCERNS,
    *claim_concerns.CONCERNS,
    *needed.CONCERNS,
    *deadlines.CONCERNS,
)
CONCERNS: Mapping[str, Concern[Any, Any]] = {concern.name: concern for concern in _CONCERNS}
"""Every concern that rules may decide, by name."""
BASE_ONLY = frozenset({BAG_CHANGE.name, BODY.name})
"""Concerns that only the base layer may decide: what was given does not depend on who pays."""
