"""Claims about the one way to decide, with rules of an invented concern.

It owns what a rule means whatever it says: its days, its conditions, what it beats, and which
tables and decisions are the very same. What the shipped rules say is the business of their cases.
"""

from datetime import date
from typing import Any, Literal, NamedTuple

import pytest

from chargeline.engine import (
    Concern,
    Condition,
    DayRules,
    Decision,
    Policy,
    Rule,
    SharedDecisions,
    UndecidedError,
    applies,
)
from chargeline.engine.rules import NO_FACTS, NoFacts
from tests.engine import rulebook

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
Coat = Literal["plain", "striped"]


class Animal(NamedTuple):
    """An animal at the gate: its coat, and its age in minutes."""

    coat: Coat
    minutes: int


class Stripes(NamedTuple):
    """Two numbers."""

    minutes: int
    stripes: int


class Answer(NamedTuple):
    """Which gate it takes, and why if there is more to say."""

    gate: str
    remark: str = ""


GATE = Concern("gate.choice", Animal, Answer, meaning="the gate of an animal")
STRIPES = Concern("gate.stripes", Stripes, Answer, meaning="the gate by two numbers")
WORDLESS = Concern("gate.open", NoFacts, Answer, meaning="whether it is open")


def rule(
    name: str,
    *when: Condition,
    gate: str = "north",
    starts: date = MARCH,
    ends: date | None = None,
    overrides: tuple[str, ...] = (),
    concern: Concern[Any, Any] = GATE,
) -> Rule:
    return Rule(
        name, concern, "base", starts, ends, when, (("gate", gate),), Answer(gate), "Because.",
        ("HOUSE",), overrides, (), "gates.toml",
    )  # fmt: skip


def policy(*rules: Rule, shared: SharedDecisions | None = None) -> Policy:
    return Policy("zebra-2026", "invented", rules, shared or SharedDecisions())


def decided(*rules: Rule, coat: Coat = "plain", minutes: int = 0) -> Decision[Answer]:
    return policy(*rules).on(MARCH).of(GATE).decide(Animal(coat, minutes))


STRIPED = Condition("coat", frozenset({"striped"}))
NOT_STRIPED = Condition("coat", frozenset({"striped"}), excluded=True)

# ------------------------------------------------------------------ conditions


@pytest.mark.parametrize(("minutes", "holds"), [(15, False), (16, True), (30, True), (31, False)])
def test_both_ends_of_a_range_belong_to_it(minutes: int, holds: bool) -> None:
    """From 16 to 30: 16 and 30 are in it, 15 and 31 are not."""
    assert Condition("minutes", least=16, most=30).holds(minutes) is holds


@pytest.mark.parametrize(("minutes", "holds"), [(0, False), (15, False), (16, True), (9999, True)])
def test_a_range_without_an_upper_end_goes_on(minutes: int, holds: bool) -> None:
    """16 minutes or more."""
    assert Condition("minutes", least=16).holds(minutes) is holds


@pytest.mark.parametrize(("minutes", "holds"), [(0, True), (30, True), (31, False)])
def test_a_range_without_a_lower_end_begins_at_nothing(minutes: int, holds: bool) -> None:
    """At most 30 minutes."""
    assert Condition("minutes", most=30).holds(minutes) is holds


@pytest.mark.parametrize(
    ("condition", "coat", "holds"),
    [
        (STRIPED, "striped", True),
        (STRIPED, "plain", False),
        (NOT_STRIPED, "striped", False),
        (NOT_STRIPED, "plain", True),
    ],
)
def test_a_word_is_one_of_a_list_or_any_but_those(
    condition: Condition, coat: str, holds: bool
) -> None:
    """`not` turns the list around."""
    assert condition.holds(coat) is holds


def test_a_rule_applies_when_all_its_conditions_hold() -> None:
    """Striped and of 16 minutes: one of them is not enough; a rule without any always applies."""
    both = rule("both", STRIPED, Condition("minutes", least=16))
    assert applies(both, {"coat": "striped", "minutes": 16})
    assert not applies(both, {"coat": "striped", "minutes": 15})
    assert not applies(both, {"coat": "plain", "minutes": 16})
    assert applies(rule("always"), {"coat": "plain", "minutes": 0})


# ------------------------------------------------------------------ days


def test_a_rule_holds_from_its_first_day_to_the_day_before_its_end() -> None:
    """March and the whole of April, but not the first of May."""
    spring = rule("spring", starts=MARCH, ends=MAY)
    assert [spring.in_force(day) for day in (date(2026, 2, 28), MARCH, date(2026, 4, 30), MAY)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_rule_without_an_end_is_still_in_force() -> None:
    """Ten years later too."""
    assert rule("always").in_force(date(2036, 3, 1))


def test_a_policy_names_the_days_on_which_something_changes() -> None:
    """Each first day and each end once, in order; a rule without an end adds none."""
    rules = policy(rule("a", starts=APRIL), rule("b", ends=MAY), rule("c", starts=MARCH))
    assert rules.periods() == (MARCH, APRIL, MAY)


def test_days_of_one_period_have_the_same_rules() -> None:
    """Nothing changes in April, so its first and last day share everything; May is another."""
    rules = policy(rule("a", starts=MARCH, ends=MAY), rule("b", starts=APRIL))
    april = rules.on(APRIL)
    assert rules.on(date(2026, 4, 30)) is april
    assert rules.on(date(2026, 3, 31)) is not april
    assert rules.on(MAY) is not april


def test_a_policy_keeps_its_rules_in_the_order_of_their_ids() -> None:
    """Whichever file was read first."""
    assert [each.id for each in policy(rule("b"), rule("c"), rule("a")).rules] == ["a", "b", "c"]


# ------------------------------------------------------------------ one remains


def test_the_rule_that_remains_decides() -> None:
    """It gives the answer, and nothing was passed over."""
    decision = decided(rule("north"))
    assert (decision.answer.gate, decision.rule_in_force.id) == ("north", "north")
    assert (decision.passed_over, decision.clash) == ((), ())


def test_a_rule_that_was_beaten_is_passed_over() -> None:
    """Both apply; the one that names the other remains."""
    decision = decided(rule("a", gate="north"), rule("b", gate="south", overrides=("a",)))
    assert (decision.answer.gate, [each.id for each in decision.passed_over]) == ("south", ["a"])


def test_a_rule_that_does_not_apply_beats_nothing() -> None:
    """The rule for striped animals names the other one, but this animal is plain."""
    decision = decided(rule("a"), rule("b", STRIPED, gate="south", overrides=("a",)))
    assert (decision.answer.gate, decision.passed_over) == ("north", ())


def test_two_rules_that_remain_are_a_clash() -> None:
    """They are named in the order of their ids, and neither decides."""
    decision = decided(rule("b"), rule("a"))
    assert decision.rule is None
    assert [each.id for each in decision.clash] == ["a", "b"]


def test_no_rule_that_remains_is_silence() -> None:
    """Neither a rule nor a clash."""
    decision = decided(rule("b", STRIPED))
    assert (decision.rule, decision.clash, decision.passed_over) == (None, (), ())


def test_a_clash_still_names_what_was_passed_over() -> None:
    """Two remain, the third was beaten by one of them."""
    decision = decided(rule("a", overrides=("c",)), rule("b"), rule("c"))
    assert [each.id for each in decision.clash] == ["a", "b"]
    assert [each.id for each in decision.passed_over] == ["c"]


@pytest.mark.parametrize("wanted", ["answer", "rule_in_force"])
def test_asking_for_an_answer_that_nobody_gave_names_the_question_and_the_clash(
    wanted: str,
) -> None:
    """The error says which question is undecided, and carries the rules that clash."""
    with pytest.raises(UndecidedError, match=r"^no one rule decides gate\.choice$") as caught:
        getattr(decided(rule("a"), rule("b")), wanted)
    assert caught.value.concern == "gate.choice"
    assert [each.id for each in caught.value.clash] == ["a", "b"]


# ------------------------------------------------------------------ the same twice


def test_equal_decisions_are_equal() -> None:
    """Two policies with the same rules, each by itself, decide the same."""
    assert decided(rule("a")) == decided(rule("a"))
    assert hash(decided(rule("a"))) == hash(decided(rule("a")))


@pytest.mark.parametrize(
    "other",
    [
        decided(rule("b")),
        decided(rule("a"), rule("c", gate="south"), rule("d", overrides=("a", "c"))),
        decided(),
        "a",
    ],
)
def test_decisions_that_rest_on_other_rules_differ(other: object) -> None:
    """Another rule, another one passed over, none at all; and a text is no decision."""
    assert decided(rule("a")) != other


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (
            Decision[Any]("gate.choice", rule("a"), (), ()),
            Decision[Any]("gate.open", rule("a"), (), ()),
        ),
        (
            Decision[Any]("gate.choice", rule("a"), (), ()),
            Decision[Any]("gate.choice", rule("a"), (rule("b"),), ()),
        ),
        (
            Decision[Any]("gate.choice", None, (), ()),
            Decision[Any]("gate.choice", None, (), (rule("a"), rule("b"))),
        ),
    ],
)
def test_decisions_differ_by_question_by_what_was_passed_over_and_by_clash(
    one: Decision[Any], another: Decision[Any]
) -> None:
    """Each part counts."""
    assert one != another


def test_a_decision_is_told_by_its_rules() -> None:
    """Question, rule, what was passed over, and the clash."""
    beaten = decided(rule("a"), rule("b", overrides=("a",)))
    clash = decided(rule("a"), rule("b"))
    assert repr(beaten) == "Decision(gate.choice: b, passed over ['a'], clash [])"
    assert repr(clash) == "Decision(gate.choice: None, passed over [], clash ['a', 'b'])"


def test_policies_that_say_the_same_share_table_and_decision() -> None:
    """Compared by identity: the same table, whichever order the rules were read in."""
    shared = SharedDecisions()
    one = policy(rule("a"), rule("b", STRIPED, overrides=("a",)), shared=shared).on(MARCH)
    two = policy(rule("b", STRIPED, overrides=("a",)), rule("a"), shared=shared).on(MARCH)
    assert one.of(GATE) is two.of(GATE)


def test_rules_of_a_day_are_the_same_table_in_any_order() -> None:
    """Also where nobody has sorted them."""
    shared, rules = SharedDecisions(), [rule("b", STRIPED), rule("a", NOT_STRIPED)]
    one = DayRules("zebra-2026", MARCH, rules, shared)
    two = DayRules("zebra-2026", MARCH, rules[::-1], shared)
    assert one.of(GATE) is two.of(GATE)


def test_tables_that_differ_share_the_decisions_in_which_they_agree() -> None:
    """The second policy has a rule more, for striped animals: plain ones end the very same."""
    shared = SharedDecisions()
    one = policy(rule("a"), shared=shared).on(MARCH).of(GATE)
    two = policy(rule("a"), rule("b", STRIPED, overrides=("a",)), shared=shared).on(MARCH).of(GATE)
    assert one is not two
    assert one.decide(Animal("plain", 5)) is two.decide(Animal("plain", 5))
    assert one.decide(Animal("striped", 5)) != two.decide(Animal("striped", 5))


def test_tables_of_two_questions_are_two() -> None:
    """Neither question has a rule, and still each has its own table."""
    empty = policy().on(MARCH)
    assert empty.of(GATE) is not empty.of(WORDLESS)
    assert empty.of(GATE) is empty.of(GATE)
    assert empty.of(WORDLESS).decide(NO_FACTS).concern == "gate.open"


def test_a_question_without_rules_shares_its_empty_table() -> None:
    """Two policies that are silent about it are silent alike."""
    shared = SharedDecisions()
    assert policy(shared=shared).on(MARCH).of(GATE) is policy(shared=shared).on(MARCH).of(GATE)


def test_rules_of_the_day_are_sorted_by_question() -> None:
    """A rule about opening is not asked for the gate; one that has ended is not asked at all."""
    rules = DayRules(
        "zebra-2026",
        MAY,
        [rule("a"), rule("b", concern=WORDLESS), rule("c", ends=APRIL)],
        SharedDecisions(),
    )
    assert [each.id for each in rules.of(GATE).rules] == ["a"]
    assert [each.id for each in rules.of(WORDLESS).rules] == ["b"]


# ------------------------------------------------------------------ what was asked


def test_a_table_remembers_what_it_was_asked_in_order() -> None:
    """Each set of facts once, with its own minutes, and the decision that was given."""
    table = policy(rule("a", Condition("minutes", least=16))).on(MARCH).of(GATE)
    asked = [Animal("plain", 20), Animal("plain", 3), Animal("plain", 20)]
    answers = [table.decide(facts) for facts in asked]
    assert [*table.asked.items()] == [*zip(asked[:2], answers[:2], strict=True)]


def test_numbers_that_rules_treat_alike_have_one_decision() -> None:
    """From 16 minutes on it is the north gate: 16 and 500 are the same, 15 is not."""
    table = policy(rule("a", Condition("minutes", least=16))).on(MARCH).of(GATE)
    assert table.decide(Animal("plain", 16)) is table.decide(Animal("plain", 500))
    assert table.decide(Animal("plain", 16)) is not table.decide(Animal("plain", 15))


def test_a_number_is_tried_once_for_each_range() -> None:
    """At least 16 in one rule, at most 30 in another: what counts begins at 0, 16 and 31."""
    rules = rule("a", Condition("minutes", least=16)), rule("b", Condition("minutes", most=30))
    assert policy(*rules).on(MARCH).of(GATE).values_of("minutes") == [0, 16, 31]


@pytest.mark.parametrize(
    ("minutes", "gate"), [(0, "low"), (8, "low"), (9, "mid"), (15, "mid"), (16, "high")]
)
def test_ranges_are_tried_in_their_order(minutes: int, gate: str) -> None:
    """From 9 on the middle gate, from 16 on the high one, which is said first."""
    rules = (
        rule("high", Condition("minutes", least=16), gate="high"),
        rule("mid", Condition("minutes", least=9, most=15), gate="mid"),
        rule("low", Condition("minutes", most=8), gate="low"),
    )
    assert decided(*rules, minutes=minutes).answer.gate == gate


def test_the_beginnings_of_ranges_are_ascending() -> None:
    """Said as 64, 16 and 9."""
    rules = (
        rule(name, Condition("minutes", least=n))
        for name, n in zip("abc", (64, 16, 9), strict=True)
    )
    assert policy(*rules).on(MARCH).of(GATE).values_of("minutes") == [0, 9, 16, 64]


@pytest.mark.parametrize(("minutes", "decides"), [(0, False), (1, True)])
def test_a_range_may_begin_at_one(minutes: int, decides: bool) -> None:
    """Nothing is less than one minute."""
    decision = decided(rule("a", Condition("minutes", least=1)), minutes=minutes)
    assert (decision.rule is not None) is decides


def test_numbers_of_two_facts_have_their_own_ranges() -> None:
    """From 16 minutes on, and up to 3 stripes."""
    own = rule("a", Condition("minutes", least=16), Condition("stripes", most=3), concern=STRIPES)
    table = policy(own).on(MARCH).of(STRIPES)
    assert (table.values_of("minutes"), table.values_of("stripes")) == ([0, 16], [0, 4])


def test_a_condition_on_a_word_makes_no_range() -> None:
    """Coats have nothing to do with minutes."""
    assert policy(rule("a", STRIPED)).on(MARCH).of(GATE).values_of("minutes") == [0]


@pytest.mark.parametrize(
    ("minutes", "gate"), [(0, "low"), (15, "low"), (16, "mid"), (30, "mid"), (31, "high")]
)
def test_every_minute_is_decided_by_its_own_range(minutes: int, gate: str) -> None:
    """Up to 15 low, from 16 to 30 in the middle, above that high."""
    rules = (
        rule("low", Condition("minutes", most=15), gate="low"),
        rule("mid", Condition("minutes", least=16, most=30), gate="mid"),
        rule("high", Condition("minutes", least=31), gate="high"),
    )
    assert decided(*rules, minutes=minutes).answer.gate == gate


# ------------------------------------------------------------------ the vocabulary


def test_a_concern_knows_its_facts_as_words_and_numbers() -> None:
    """The coat is one of two words, the minutes are a number; neither is any text."""
    coat, minutes = GATE.facts.values()
    assert (coat.name, coat.words, coat.is_number, coat.is_text) == (
        "coat",
        ("plain", "striped"),
        False,
        False,
    )
    assert (minutes.name, minutes.words, minutes.is_number, minutes.is_text) == (
        "minutes",
        (),
        True,
        False,
    )


def test_an_answer_with_a_default_need_not_be_said() -> None:
    """The gate is needed, the remark is not; both are any text."""
    gate, remark = GATE.answers.values()
    assert (gate.required, remark.required) == (True, False)
    assert (gate.is_text, remark.is_text) == (True, True)
    assert GATE.answer_of({"gate": "south"}) == Answer("south", "")


@pytest.mark.parametrize("word", ["class", "as", "with"])
def test_a_word_that_python_reserves_is_written_without_its_tail(word: str) -> None:
    """Rules write `class`, `as` and `with`, whatever the field is called inside."""
    concern = _reserving(word)
    assert list(concern.answers) == [word]
    assert tuple(concern.answer_of({word: "south"})) == ("south",)


def _reserving(word: str) -> Concern[Any, Any]:
    answer = NamedTuple("Reserved", [(f"{word}_", str)])  # type: ignore[misc]
    return Concern("gate.reserved", NoFacts, answer, meaning="a reserved word")


def test_facts_are_put_in_their_order() -> None:
    """By name, whichever is said first."""
    assert GATE.facts_of({"minutes": 5, "coat": "striped"}) == Animal("striped", 5)


def test_a_concern_is_told_by_its_name() -> None:
    """And must be answered unless it says otherwise."""
    assert repr(GATE) == "Concern(gate.choice)"
    assert GATE.may_be_silent is False
    assert Concern("a", NoFacts, Answer, meaning="", may_be_silent=True).may_be_silent is True


def test_every_policy_that_ships_has_the_days_of_its_rules() -> None:
    """The first day on which a rule holds is the first of the policy's days."""
    for shipped in rulebook().policies.values():
        days = shipped.periods()
        assert days[0] == min(each.starts for each in shipped.rules)
        assert list(days) == sorted(set(days))
