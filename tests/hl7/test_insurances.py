"""Claims about which insurance of a visit pays first, and what is asked where nobody can know."""

import pytest

from chargeline.engine import Feed, Timeline, VisitFact
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile, make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import adt, segment


def insurance(payer: str, set_id: str = "", priority: str = "", number: str = "") -> str:
    """An IN1 of a payer, with its name and its authorization."""
    fields = {1: set_id, 2: f"{payer}-PLAN", 3: payer, 4: f"{payer} Care", 14: number, 22: priority}
    return segment("IN1", fields)


def profile_with(**keys: object) -> Profile:
    return make_profile({**read_interface(rules_directory(), "standard"), **keys})


def message(*rows: str, sent: str = "0800") -> bytes:
    return adt("A08", sent=sent) + "".join(f"{row}\r" for row in rows).encode()


def fact(*rows: str, profile: Profile | None = None) -> VisitFact:
    reading = read_events(read_message(message(*rows)), profile or profile_with())
    (said,) = reading.events
    assert isinstance(said, VisitFact)
    return said


def pairs(*numbers: str) -> list[str]:
    """ZEBRA, YAK and so on, each with `set id/priority` and a number of its own."""
    payers = ("ZEBRA", "YAK", "GNU")[: len(numbers)]
    written = [(payer, *number.split("/")) for payer, number in zip(payers, numbers, strict=True)]
    return [insurance(payer, first, second, f"A-{payer}") for payer, first, second in written]


@pytest.mark.parametrize(
    ("numbers", "payer"),
    [
        (("1/2", "2/1"), "YAK"),
        (("1/02", "2/01"), "YAK"),
        (("2/", "1/"), "YAK"),
        (("2/1", "1/2"), "ZEBRA"),
        (("3/", "2/"), "YAK"),
        (("/", "/"), "ZEBRA"),
        (("1/3", "2/2", "3/1"), "GNU"),
        (("2/", "1/1"), "YAK"),
        (("1/1", "2/"), "ZEBRA"),
        (('1/""', '2/""'), "ZEBRA"),
        (("2/",), "ZEBRA"),
        (("X/",), "ZEBRA"),
        (("1/1",), "ZEBRA"),
    ],
)
def test_the_priority_says_who_pays_first_else_the_set_id_else_the_order(
    numbers: tuple[str, ...], payer: str
) -> None:
    """The payer, its name and its authorization come from one IN1, the one that pays first."""
    said = fact(*pairs(*numbers))
    assert (said.payer, said.payer_name) == (payer, f"{payer} Care")
    assert said.authorizations == (f"A-{payer}",)
    assert said.payer_doubt is None


@pytest.mark.parametrize(
    ("numbers", "where", "told"),
    [
        (("1/1", "2/1"), "IN1-22", "1; 1"),
        (("1/2", "2/3"), "IN1-22", "2; 3"),
        (("1/", "2/1"), "IN1-22", "empty; 1"),
        (("1/", "2/2"), "IN1-22", "empty; 2"),
        (("1/2", "2/"), "IN1-22", "2; empty"),
        (("1/P", "2/S"), "IN1-22", "1 character, letters; 1 character, letters"),
        (("1/1", "2/S"), "IN1-22", "1; 1 character, letters"),
        (("1/0", "2/1"), "IN1-22", "1 character, digits; 1"),
        (("1/2",), "IN1-22", "2"),
        (("1/", "1/"), "IN1-1", "1; 1"),
        (("X/", "1/"), "IN1-1", "1 character, letters; 1"),
        (("/", "1/"), "IN1-1", "empty; 1"),
    ],
)
def test_insurances_that_contradict_each_other_are_asked_about(
    numbers: tuple[str, ...], where: str, told: str
) -> None:
    """Nobody pays until somebody says who does, and no number of an authorization is taken."""
    said = fact(*pairs(*numbers))
    assert (said.payer, said.payer_name, said.authorizations) == ("", "", ())
    assert said.payer_doubt is not None
    assert (said.payer_doubt.code, said.payer_doubt.where) == ("payer.unclear", where)
    assert said.payer_doubt.found == f"{len(numbers)} IN1 with {where}: {told}"


def test_two_insurances_of_one_payer_are_no_contradiction() -> None:
    """Both have priority 1: who pays is known, and the numbers of both are those of the payer."""
    said = fact(insurance("ZEBRA", "1", "1", "A1"), insurance("Zebra", "2", "1", "A2"))
    assert (said.payer, said.authorizations) == ("ZEBRA", ("A1", "A2"))


def test_a_profile_says_where_the_order_stands_and_which_words_it_has() -> None:
    """Words are numbers by the profile, and a sender that misuses IN1-22 is read by IN1-1."""
    by_word = profile_with(insurance_numbers={"p": 1, "S": 2})
    assert fact(*pairs("1/S", "2/P"), profile=by_word).payer == "YAK"
    by_set_id = profile_with(insurance_order=["IN1-1.1"])
    assert fact(*pairs("1/2", "2/1"), profile=by_set_id).payer == "ZEBRA"
    by_own_field = profile_with(insurance_order=["IN1-49.1"])
    rows = [f"{row}{'|' * 27}{place}" for row, place in zip(pairs("1/2", "2/2"), "21", strict=True)]
    assert fact(*rows, profile=by_own_field).payer == "YAK"


def timeline_of(*messages: bytes) -> Timeline:
    visits = Feed(load_rulebook(rules_directory()).base)
    for data in messages:
        visits.add(read_events(read_message(data), profile_with()))
    (timeline,) = [visits[key] for key in visits]
    return timeline


def test_the_question_goes_when_registration_corrects_the_order() -> None:
    """The message that was sent last counts, in whatever order the two arrive."""
    wrong = message(*pairs("1/1", "2/1"), sent="0800")
    right = message(*pairs("1/2", "2/1"), sent="0900")
    asked = timeline_of(wrong)
    assert [problem.finding.code for problem in asked.problems] == ["payer.unclear"]
    assert asked.context.payer == ""
    for messages in ((wrong, right), (right, wrong)):
        settled = timeline_of(*messages)
        assert (settled.problems, settled.context.payer) == ((), "YAK")


def test_the_question_comes_when_a_later_message_contradicts_itself() -> None:
    """The payer of before is not kept in silence."""
    right = message(*pairs("1/1", "2/2"), sent="0800")
    wrong = message(*pairs("1/1", "2/1"), sent="0900")
    asked = timeline_of(right, wrong)
    assert [problem.finding.code for problem in asked.problems] == ["payer.unclear"]
    assert (asked.context.payer, asked.context.authorizations) == ("", ())
