"""Every administration of a messy feed ends as a charge line, a question or withheld."""

import pytest

from chargeline.engine import Feed, Timeline, draft
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.simulator.feed import simulate

RULEBOOK = load_rulebook(rules_directory())
PROFILES = {
    name: make_profile(read_interface(rules_directory(), name))
    for name in ("standard", "action-stream")
}


@pytest.mark.parametrize("style", sorted(PROFILES))
def test_every_administration_is_charged_asked_about_or_withheld(style: str) -> None:
    """Each administration stands in at least one service line, question or withheld service.

    That holds under every policy, for the visits of a messy feed.
    """
    visits = Feed(RULEBOOK.base)
    for name, data in simulate(visits=300, seed=31, style=style, mess=0.8).messages:
        visits.add(read_events(read_message(data), PROFILES[name]))
    timelines = [visits[key] for key in visits]
    for policy in RULEBOOK.policies:
        assert sum(ended_under(policy, timeline) for timeline in timelines) > 500


def ended_under(policy: str, timeline: Timeline) -> int:
    """How many administrations of a visit ended in something; an assertion for one that did not."""
    encounters = draft(timeline, RULEBOOK, policy=policy).encounters
    keys = [item for encounter in encounters for item in encounter.administrations]
    assert sorted(keys) == sorted(item.key for item in timeline.administrations)
    for encounter in encounters:
        lines = [line for line in encounter.lines if line.family != "drugs"]
        entries = (*lines, *encounter.questions, *encounter.withheld)
        ended = {item for entry in entries for item in entry.administrations}
        assert set(encounter.administrations) <= ended, (policy, timeline.key)
    return len(keys)
