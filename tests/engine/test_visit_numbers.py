"""A practitioner's visit of a day that two visit numbers of the patient tell of is billed once."""

from collections.abc import Sequence

import pytest

from chargeline.engine import (
    Answer,
    Contribution,
    Timeline,
    VisitKey,
    asked_in,
    consequences,
    contributions_of,
    draft,
    histories,
)
from chargeline.engine.answer_words import AnswerChoice
from chargeline.rulebook.cases import question_codes, service_codes, withheld_reasons
from tests.engine import rulebook
from tests.engine.short import FACILITY, PHYSICIAN
from tests.engine.visits import ESTABLISHED, answer_to, visit

MINUTES = "visit_minutes 32 min"
Drafted = dict[str, tuple[list[str], list[str], list[str]]]


def under(number: str, *care: str) -> Timeline:
    """What one visit number tells of the day."""
    timeline = visit(*care, ESTABLISHED)
    return timeline._replace(key=VisitKey("ZEBRA", number))


MORNING = under("V1", "note visit practitioner signed 10:10 by=D1 number=N1", f"{MINUTES} of=R1")
AFTERNOON = under("V2", "note visit practitioner signed 15:00 by=D1 number=N2", f"{MINUTES} of=R2")


def drafted(timelines: Sequence[Timeline], policy: str = PHYSICIAN) -> Drafted:
    """Codes, questions and reasons of each number, drafted one by one until nothing changes."""
    record: dict[VisitKey, tuple[Contribution, ...]] = {}
    results: Drafted = {}
    for _round in range(4):
        before = dict(record), dict(results)
        for timeline in timelines:
            others = [fact for facts in record.values() for fact in facts]
            history = histories(others)
            now = draft(timeline, rulebook(), history.get(timeline.key, frozenset()), policy=policy)
            record[timeline.key] = contributions_of(timeline, now)
            results[timeline.key.visit] = (
                service_codes(now), question_codes(now), withheld_reasons(now),
            )  # fmt: skip
    assert before == (record, results), "four rounds do not settle it"
    return results


def answered(
    timeline: Timeline, other: Timeline, choice: AnswerChoice, policy: str = PHYSICIAN
) -> Timeline:
    """The timeline after an answer to the question which number holds the visit."""
    told = contributions_of(other, draft(other, rulebook(), policy=policy))
    before = draft(timeline, rulebook(), frozenset(told), policy=policy)
    (asked,) = asked_in(before, {})
    answer: Answer = answer_to(asked, choice)
    return timeline._replace(answers=(answer,))


@pytest.mark.parametrize("timelines", [(MORNING, AFTERNOON), (AFTERNOON, MORNING)], ids=["", "2"])
def test_one_practitioner_under_two_numbers_is_billed_once(timelines: Sequence[Timeline]) -> None:
    """The first number has the visit, whichever message came first; the other one asks."""
    assert drafted(timelines) == {
        "V1": (["99214"], [], []),
        "V2": ([], ["visit.other_account"], []),
    }


ANSWERS: dict[AnswerChoice, Drafted] = {
    "this_account": {"V1": ([], [], ["answer.other_account"]), "V2": (["99214"], [], [])},
    "other_account": {"V1": (["99214"], [], []), "V2": ([], [], ["answer.other_account"])},
    "two_visits": {"V1": (["99214"], [], []), "V2": (["99214"], [], [])},
    "by_hand": {"V1": (["99214"], [], []), "V2": ([], [], ["answer.by_hand"])},
}


@pytest.mark.parametrize("choice", ANSWERS)
def test_a_person_says_which_number_holds_it(choice: AnswerChoice) -> None:
    """Both numbers follow the answer, in whatever order they are drafted."""
    second = answered(AFTERNOON, MORNING, choice)
    assert drafted([MORNING, second]) == ANSWERS[choice]
    assert drafted([second, MORNING]) == ANSWERS[choice]


def test_the_choices_say_what_they_would_draft() -> None:
    """Only the choice of this number has a line here."""
    told = frozenset(contributions_of(MORNING, draft(MORNING, rulebook(), policy=PHYSICIAN)))
    (asked,) = asked_in(draft(AFTERNOON, rulebook(), told, policy=PHYSICIAN), {})
    tried = consequences(AFTERNOON, asked, rulebook(), told, policy=PHYSICIAN)
    assert {
        entry.offer.choice: [change.after for change in entry.changes or ()] for entry in tried
    } == {
        "this_account": ["99214 x1"],
        "other_account": [],
        "two_visits": ["99214 x1"],
        "by_hand": [],
    }


def test_what_was_told_twice_is_counted_once() -> None:
    """The same note and the same report under two numbers are one visit, and nobody is asked."""
    again = MORNING._replace(key=VisitKey("ZEBRA", "V2"))
    assert drafted([again, MORNING]) == {
        "V1": (["99214"], [], []),
        "V2": ([], [], ["visit.elsewhere.told_twice"]),
    }


def test_a_part_that_only_one_number_tells_is_no_repetition() -> None:
    """A note of its own beside the same report: asked, so that nothing is lost."""
    more = under("V2", "note visit practitioner signed 15:00 by=D1 number=N5", f"{MINUTES} of=R1")
    assert drafted([MORNING, more])["V2"] == ([], ["visit.other_account"], [])


def test_of_three_numbers_one_has_the_visit() -> None:
    """The two others each ask, and two that were each said to hold it do not both bill it."""
    third = under("V3", "note visit practitioner signed 16:00 by=D1 number=N3", f"{MINUTES} of=R3")
    codes = [entry[0] for entry in drafted([third, AFTERNOON, MORNING]).values()]
    assert sorted(codes) == [[], [], ["99214"]]
    both = [answered(AFTERNOON, MORNING, "this_account"), answered(third, MORNING, "this_account")]
    assert {number: entry[0] for number, entry in drafted([*both, MORNING]).items()} == {
        "V1": [],
        "V2": ["99214"],
        "V3": [],
    }


def test_where_there_was_no_visit_the_other_number_has_it() -> None:
    """A posted visit that a person says was none asks nobody under the other number."""
    unsigned = under("V1", "note visit practitioner unsigned 10:10 by=D1 number=N1", MINUTES)
    (asked,) = asked_in(draft(unsigned, rulebook(), policy=PHYSICIAN), {})
    none = unsigned._replace(answers=(answer_to(asked, "no_visit"),))
    assert drafted([none, AFTERNOON]) == {
        "V1": ([], [], ["answer.no_visit"]),
        "V2": (["99214"], [], []),
    }


# ------------------------------------------------------------------ two visits of one hospital

SECOND = {
    "one practitioner, asked": ("two_visits", AFTERNOON, ["G0463-27"]),
    "one visit after all": ("this_account", AFTERNOON, ["G0463"]),
    "another one without a note": (
        "two_visits", under("V2", "posted G0463 by=D2 number=T2"), ["G0463-27"]),
}  # fmt: skip


@pytest.mark.parametrize(("choice", "second", "codes"), SECOND.values(), ids=SECOND)
def test_a_second_clinic_visit_has_27_after_a_person_says_so(
    choice: AnswerChoice, second: Timeline, codes: list[str]
) -> None:
    """The first visit has none; until the answer the second one is not billed."""
    before = drafted([MORNING, second], FACILITY)
    assert (before["V1"][0], before["V2"][:2]) == (["G0463"], ([], ["visit.other_account"]))
    said = answered(second, MORNING, choice, FACILITY)
    for timelines in ([MORNING, said], [said, MORNING]):
        after = drafted(timelines, FACILITY)
        assert after["V2"][0] == codes
        assert after["V1"][0] == ([] if choice == "this_account" else ["G0463"])


OTHERS = under("V2", "note visit practitioner signed 15:00 by=D2 number=N2", f"{MINUTES} of=R2")


def test_two_documented_visits_are_told_apart_without_asking() -> None:
    """Each practitioner has a signed note: the later one has 27, whatever arrives first."""
    for timelines in ([MORNING, OTHERS], [OTHERS, MORNING]):
        assert drafted(timelines, FACILITY) == {
            "V1": (["G0463"], [], []),
            "V2": (["G0463-27"], [], []),
        }


def test_a_third_visit_has_27_as_well() -> None:
    """Three practitioners, three notes: the first alone has none."""
    third = under("V3", "note visit practitioner signed 16:00 by=D3 number=N3")
    codes = {
        number: entry[0] for number, entry in drafted([third, OTHERS, MORNING], FACILITY).items()
    }
    assert codes == {"V1": ["G0463"], "V2": ["G0463-27"], "V3": ["G0463-27"]}


def test_a_practitioners_claim_has_no_27() -> None:
    """27 is for hospitals only."""
    assert drafted([MORNING, OTHERS])["V2"][0] == ["99214"]


def test_what_another_hospital_bills_is_no_first_visit() -> None:
    """The same patient, and a hospital with claims of its own."""
    told = contributions_of(MORNING, draft(MORNING, rulebook(), policy=FACILITY))
    moved = [fact._replace(visit=VisitKey("OKAPI", "V1")) for fact in told]
    assert service_codes(draft(OTHERS, rulebook(), frozenset(moved), policy=FACILITY)) == ["G0463"]


def test_an_inpatient_visit_says_so_to_the_record() -> None:
    """The hospital bills it with the stay, so that a clinic visit after it is the first."""
    stay = MORNING._replace(context=MORNING.context._replace(classes=((None, "inpatient"),)))
    codes = {number: entry[0] for number, entry in drafted([stay, OTHERS], FACILITY).items()}
    assert codes == {"V1": [], "V2": ["G0463"]}
