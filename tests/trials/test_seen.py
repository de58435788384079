"""Trials about what a reader of a draft sees: who charted, where, and what other sources say."""

from pathlib import Path

import chargeline
from tests.cli import copy_of_rules
from tests.trials import message, run_of, rxa
from tests.trials.test_doubts import IV

PROFILE = """
extends = "standard"
name = "zebra"
describes = "a sender that names the nurse"
source = "invented"

[administration]
charted_by = ["RXA-10.1"]
"""


def charted(folder: Path) -> Path:
    """Carboplatin on the unit ZINF, charted by ZN1."""
    row = rxa("carboplatin", "0900-1000", "450 mg").split("|")
    row[10] = "ZN1^NURSE^ZEBRA"
    text = message("|".join(row), IV).replace("PV1|1|O|", "PV1|1|O|ZINF^4^2")
    path = folder / "feed.hl7"
    path.write_text(text)
    return path


def test_the_nurse_is_named_where_the_site_allows_it(tmp_path: Path) -> None:
    """By default no draft names one; a profile with an address shows the number."""
    feed, rules = charted(tmp_path), copy_of_rules(tmp_path)
    (visit,) = chargeline.code(feed).visits
    assert visit.timeline.administrations[0].charted_by == ""
    (rules / "interfaces/zebra").mkdir()
    (rules / "interfaces/zebra/profile.toml").write_text(PROFILE)
    (visit,) = chargeline.code(feed, rules=rules, interface="zebra").visits
    assert visit.timeline.administrations[0].charted_by == "ZN1"


def test_the_unit_is_known(tmp_path: Path) -> None:
    """PV1-3.1, without room and bed."""
    (visit,) = chargeline.code(charted(tmp_path)).visits
    assert visit.timeline.context.place == "ZINF"


def test_two_services_of_one_class_in_an_office_are_asked_about(tmp_path: Path) -> None:
    """coding A16: the iron by push may be the reason as well as the magnesium by infusion."""
    rows = [
        rxa("iron sucrose", "0900-0905", "200 mg"),
        "RXR|IV|||IVP",
        rxa("magnesium sulfate", "0910-1010", "2 g"),
        IV,
    ]
    run = run_of(tmp_path, message(*rows), policy="cms-physician-2026")
    asked = [q.finding.code for q in run.visits[0].draft.encounters[0].questions]
    assert asked == ["initial.primary_reason"]
