"""Claims about the setup of the drafting floor: which setting goes where."""

from pathlib import Path

import pytest

from chargeline.drafting.setup import load_rules
from chargeline.engine import NO_TABLES, VisitContext
from chargeline.refdata.building import build
from chargeline.refdata.bundle import write_bundle
from chargeline.refdata.errors import RefdataError
from chargeline.rulebook.errors import RulebookError
from chargeline.settings import Settings
from tests.refdata import published


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


def test_the_bundle_of_the_settings_is_part_of_what_drafts_are_made_from(tmp_path: Path) -> None:
    """Its version stands in that of the rulebook, so open visits are drafted again after another.

    Without the setting there are no tables, and the version is that of the rules alone.
    """
    bundle = build(published.everything(tmp_path), published.CODES).bundle
    path = tmp_path / "bundle"
    write_bundle(bundle, path)
    with_tables, _folder = load_rules(Settings(refdata=path))
    without, _folder = load_rules(Settings())
    assert with_tables.tables == bundle.tables
    assert with_tables.version == f"{without.version}+{bundle.tables.version}"
    assert without.tables is NO_TABLES


def test_a_bundle_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    """A program does not begin without the tables that it was set up with."""
    path = tmp_path / "bundle"
    path.write_text("no bundle")
    with pytest.raises(RefdataError, match="expected a bundle of `chargeline refdata build`"):
        load_rules(Settings(refdata=path))
