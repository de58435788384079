"""Every story holds: its messages end in the codes that its sentence claims.

It owns the way from bytes to codes and nothing else; the stories stand in stories*.py. A story with
`any_order` is tried in every order of arrival, and each must give the same codes.
"""

from functools import cache
from itertools import permutations

import pytest

from chargeline.engine import (
    NO_HISTORY,
    Draft,
    Feed,
    Rulebook,
    VisitKey,
    contributions_of,
    draft,
    fold,
    histories,
)
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile, make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.cases import drug_codes, question_codes, service_codes, withheld_reasons
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden import messages as m
from tests.golden.stories import STORIES
from tests.golden.story import Story


@cache
def rulebook() -> Rulebook:
    return load_rulebook(rules_directory())


@cache
def interface(name: str) -> Profile:
    return make_profile(read_interface(rules_directory(), name))


def drafts(story: Story, arrival: tuple[bytes, ...]) -> dict[str, Draft]:
    """The draft of every visit after all messages, by visit number.

    A draft knows what the patient's other visits contribute to the record.
    """
    readings = [read_events(read_message(data), interface(story.interface)) for data in arrival]
    feed = fold(readings, rulebook().base)
    alone = {key: draft(feed[key], rulebook(), policy=story.policy) for key in feed}
    record = [each for key in feed for each in contributions_of(feed[key], alone[key])]
    history = histories(record)
    return {
        key.visit: draft(feed[key], rulebook(), history.get(key, NO_HISTORY), policy=story.policy)
        for key in feed
    }


def arrivals(story: Story) -> list[tuple[bytes, ...]]:
    return list(permutations(story.messages)) if story.any_order else [story.messages]


@pytest.mark.parametrize("story", STORIES, ids=[each.says for each in STORIES])
def test_story(story: Story) -> None:
    """The drafts of all visits are what the sentence says, in each order of arrival."""
    for arrival in arrivals(story):
        drafted = drafts(story, arrival)
        codes = {visit: service_codes(of_visit) for visit, of_visit in drafted.items()}
        assert codes == {visit: sorted(says) for visit, says in story.expect.items()}, story.says
        first = drafted.get("V1")
        if first is None:
            continue
        for expected, actual in (
            (story.drugs, drug_codes(first)),
            (story.withheld, withheld_reasons(first)),
            (story.asks, question_codes(first)),
        ):
            assert expected is None or sorted(expected) == actual, story.says


def test_there_are_at_least_45_stories_each_with_its_own_sentence() -> None:
    """No two stories have the same sentence, and there are at least 45 of them."""
    assert len({each.says for each in STORIES}) == len(STORIES) >= 45


def test_a_message_without_any_visit_number_is_set_aside() -> None:
    """Without PV1-19 and PID-18 no visit is guessed; the finding's code says what is missing."""
    reading = read_events(
        read_message(m.given("CARBOPLATIN", "450 mg", "0900", "1000", visit="")),
        interface("standard"),
    )
    assert reading.set_aside is not None
    assert (reading.set_aside.finding.code, reading.events) == ("visit.missing", ())


def test_a_duplicate_changes_no_visit() -> None:
    """A resend under another MSH-10 touches no visit, so no visit is drafted again."""
    visits = Feed(rulebook().base)
    first = m.given("CARBOPLATIN", "450 mg", "0900", "1000", control="A1")
    again = m.given("CARBOPLATIN", "450 mg", "0900", "1000", control="A2", sent="1900")
    touched = [
        visits.add(read_events(read_message(data), interface("standard")))
        for data in (first, again)
    ]
    assert touched == [{VisitKey("ZEBRA", "V1")}, set()]
    assert visits.duplicates == 1
