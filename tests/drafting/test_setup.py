"""Claims about the setup of the drafting floor: which setting goes where."""

import pytest

from chargeline.drafting.setup import load_rules
from chargeline.engine import VisitContext
from chargeline.rulebook.errors import RulebookError
from chargeline.settings import Settings


def test_the_default_policy_is_for_payers_that_the_table_does_not_name() -> None:
    """A payer of payers.toml keeps its policy, and every other payer gets the one of the settings.

    Without the setting those get the default of payers.toml.
    """
    for chosen, expected in (("cms-physician-2026", "cms-physician-2026"), ("", "guide-2026")):
        rulebook, _folder = load_rules(Settings(default_policy=chosen))
        rulebook = rulebook._replace(payers={"ZEBRAMEDICARE": "cms-facility-2026"})
        assert rulebook.policy_for(VisitContext(payer="ZebraMedicare")) == "cms-facility-2026"
        assert rulebook.policy_for(VisitContext(payer="ZEBRACARE")) == expected


def test_a_default_policy_that_does_not_exist_is_refused_at_the_start() -> None:
    """The error names the variable and the policies that there are."""
    with pytest.raises(RulebookError, match="CHARGELINE_DEFAULT_POLICY: expected one of cms-"):
        load_rules(Settings(default_policy="nope"))
