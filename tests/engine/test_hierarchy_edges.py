"""Claims about the edges of the hierarchy: ties, second lines, repeats, overlap and injections.

It owns the order and the grouping of lines, which the cases of the rules do not claim: they compare
codes as a sorted list.
"""

from datetime import date

import pytest

from chargeline.engine import Condition, Rule, VisitContext, draft
from chargeline.engine.codes import CODE, CodeAnswer
from chargeline.engine.infusions.concerns import ROLE, RoleAnswer
from chargeline.engine.infusions.place import place
from chargeline.rulebook.cases import Answers, timeline_with
from chargeline.rulebook.notation import administration_of
from tests.engine import rulebook
from tests.engine.short import (
    FACILITY,
    GUIDE,
    PHYSICIAN,
    asked,
    assessment_of,
    coded,
    drafted,
    drafted_by,
    line_of,
    services,
    steps,
    with_rules,
)
from tests.golden.messages import given

FURTHER_HOURS: Answers = {"position.repeat_infusion": {"as": "additional_hours"}}
SHORT_ARE_PUSHES: Answers = {
    "position.repeat_infusion": {"as": "short_as_push", "push_minutes": 30}
}

# ------------------------------------------------------------------ ties


def test_of_two_equally_long_infusions_the_earlier_is_initial() -> None:
    """An hour of cisplatin at nine, an hour of gemcitabine at ten, charted the other way round."""
    encounter = drafted("gemcitabine 1000 mg iv 10:00-11:00", "cisplatin 100 mg iv 09:00-10:00")
    assert services(encounter) == ["96413 x1 cisplatin", "96417 x1 gemcitabine"]


@pytest.mark.parametrize(
    ("cisplatin", "gemcitabine", "initial"), [("A", "B", "cisplatin"), ("B", "A", "gemcitabine")]
)
def test_of_two_that_began_together_the_key_decides(
    cisplatin: str, gemcitabine: str, initial: str
) -> None:
    """Both ran from nine to ten: the order whose number comes first is initial."""
    encounter = drafted(
        f"cisplatin 100 mg iv 09:00-10:00 order={cisplatin}",
        f"gemcitabine 1000 mg iv 09:00-10:00 order={gemcitabine}",
    )
    assert line_of(encounter, "96413").drug == initial


def test_what_hangs_on_the_initial_service_is_in_the_order_of_the_clock() -> None:
    """Three pushes of three drugs beside an infusion, charted in another order."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "furosemide 20 mg iv push 10:20",
        "dexamethasone 10 mg iv push 10:05",
        "ondansetron 8 mg iv push 10:10",
    )
    assert services(encounter)[1:] == [
        "96375 x1 dexamethasone",
        "96375 x1 ondansetron",
        "96375 x1 furosemide",
    ]


# ------------------------------------------------------------------ access lines


def test_the_line_of_the_best_initial_service_comes_first() -> None:
    """The 80 minutes of gemcitabine come before the 60 of cisplatin and a push, each a line."""
    encounter = drafted(
        "furosemide 20 mg iv push 09:30 line=D",
        "cisplatin 100 mg iv 09:00-10:00 line=C",
        "gemcitabine 1000 mg iv 09:10-10:30 line=B",
    )
    assert services(encounter) == [
        "96413 x1 gemcitabine",
        "96413-59 x1 cisplatin",
        "96374-59 x1 furosemide",
    ]


def test_each_further_line_is_asked_about() -> None:
    """Three lines are two questions, each with the line of the best service and its own."""
    encounter = drafted(
        "furosemide 20 mg iv push 09:30 line=D",
        "cisplatin 100 mg iv 09:00-10:00 line=C",
        "gemcitabine 1000 mg iv 09:10-10:30 line=B",
    )
    assert [asked(question)[2] for question in encounter.questions] == [
        "services in two lines: B and C",
        "services in two lines: B and D",
    ]


def test_a_drug_that_goes_on_at_another_site_keeps_its_line() -> None:
    """Cisplatin ran into the arm and then into the port: one line, and its minutes add up."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-09:30 line=ARM", "cisplatin 100 mg iv 09:40-10:50 line=PORT"
    )
    assert services(encounter) == ["96413 x1 cisplatin", "96415 x1 cisplatin"]
    assert encounter.questions == ()


def test_an_order_that_goes_on_at_another_site_keeps_its_line() -> None:
    """Two drugs of one order, at two sites."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00 line=ARM order=R1",
        "ondansetron 8 mg iv push 10:10 line=PORT order=R1",
    )
    assert services(encounter) == ["96413 x1 cisplatin", "96375 x1 ondansetron"]


def test_a_drug_that_joins_two_sites_makes_one_line_of_three() -> None:
    """Cisplatin in A, gemcitabine in B, then both in C."""
    encounter = drafted(
        "cisplatin 100 mg iv 08:00-09:00 line=A",
        "gemcitabine 1000 mg iv 09:00-10:00 line=B",
        "cisplatin 100 mg iv 10:00-11:00 line=C",
        "gemcitabine 1000 mg iv 11:00-12:00 line=C",
    )
    assert encounter.questions == ()
    assert services(encounter) == [
        "96413 x1 cisplatin",
        "96415 x1 cisplatin",
        "96417 x1 gemcitabine",
        "96415 x1 gemcitabine",
    ]


def test_what_has_no_line_belongs_where_the_same_drug_went() -> None:
    """Ondansetron without a line after ondansetron in the arm: pushed again there."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "ondansetron 8 mg iv push 09:10 line=ARM",
        "ondansetron 8 mg iv push 10:10",
    )
    assert services(encounter) == [
        "96413 x1 carboplatin",
        "96374-59 x1 ondansetron",
        "96376 x1 ondansetron",
    ]


def test_what_has_no_line_and_no_like_belongs_to_the_line_used_first() -> None:
    """The port was used first, by a push while the arm was not yet; furosemide is the port's."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=ARM",
        "ondansetron 8 mg iv 08:50-09:05 line=PORT",
        "ondansetron 8 mg iv push 12:00 line=PORT",
        "furosemide 20 mg iv push 10:10",
    )
    assert services(encounter) == [
        "96413 x1 carboplatin",
        "96374-59 x1 ondansetron",
        "96375 x1 furosemide",
        "96376 x1 ondansetron",
    ]


def test_what_has_no_line_goes_where_its_drug_is_one_of_several() -> None:
    """Ondansetron and furosemide went into the arm, so further ondansetron does too."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "ondansetron 8 mg iv push 09:10 line=ARM",
        "furosemide 20 mg iv push 09:20 line=ARM",
        "ondansetron 8 mg iv push 10:10",
    )
    assert services(encounter)[1:] == [
        "96374-59 x1 ondansetron",
        "96375 x1 furosemide",
        "96376 x1 ondansetron",
    ]


def test_of_two_lines_with_equal_services_the_one_that_began_earlier_is_first() -> None:
    """An hour in each; A was used first, by a push, but the chemotherapy in B began earlier."""
    encounter = drafted(
        "furosemide 20 mg iv push 08:00 line=A",
        "cisplatin 100 mg iv 09:50-10:50 line=A",
        "gemcitabine 1000 mg iv 09:00-10:00 line=B",
    )
    assert services(encounter) == [
        "96413 x1 gemcitabine",
        "96413-59 x1 cisplatin",
        "96375 x1 furosemide",
    ]


def test_a_line_that_was_not_charted_is_asked_about_as_such() -> None:
    """Cisplatin, without a line, belongs to the arm, which was used first."""
    encounter = drafted(
        "furosemide 20 mg iv push 09:00 line=ARM",
        "cisplatin 100 mg iv 09:00-10:30",
        "gemcitabine 1000 mg iv 09:00-10:00 line=PORT",
    )
    (question,) = encounter.questions
    assert asked(question)[2] == "services in two lines: not charted and PORT"


def test_a_drug_at_two_sites_is_named_by_the_first() -> None:
    """Cisplatin went on in the port when the arm had failed; gemcitabine is another line."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-09:40 line=ARM",
        "cisplatin 100 mg iv 09:50-10:40 line=PORT",
        "gemcitabine 1000 mg iv 10:00-11:00 line=C",
    )
    (question,) = encounter.questions
    assert asked(question)[2] == "services in two lines: ARM and C"


def test_of_two_lines_used_at_once_the_name_decides_which_was_first() -> None:
    """Arm and port both at nine: furosemide, without a line, belongs to the arm."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "ondansetron 8 mg iv push 09:00 line=ARM",
        "ondansetron 8 mg iv push 11:00 order=R9",
        "furosemide 20 mg iv push 10:10",
    )
    assert services(encounter)[1:] == [
        "96374-59 x1 ondansetron",
        "96375 x1 furosemide",
        "96376 x1 ondansetron",
    ]


def test_hydration_hangs_on_the_line_of_the_best_service() -> None:
    """An hour of saline beside two lines is an add-on of the first, without its own question."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "ondansetron 8 mg iv push 09:10 line=ARM",
        "sodium-chloride-0.9 1000 mL iv 10:10-11:10 line=ARM",
    )
    assert services(encounter) == [
        "96413 x1 carboplatin",
        "96361 x1 sodium-chloride-0.9",
        "96374-59 x1 ondansetron",
    ]


def test_a_concurrent_infusion_of_one_line_counts_in_the_next() -> None:
    """Fosaprepitant was concurrent in the port, so magnesium in the arm is one too many."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "fosaprepitant 150 mg iv 09:10-09:40 line=PORT",
        "vancomycin 1000 mg iv 09:00-10:40 line=ARM",
        "magnesium-sulfate 4000 mg iv 09:10-09:50 line=ARM",
    )
    assert [(entry.reason, entry.drug) for entry in encounter.withheld] == [
        ("position.concurrent_limit.once", "magnesium-sulfate")
    ]


def test_further_hours_of_a_second_line_carry_its_modifier() -> None:
    """100 minutes of vancomycin into the arm: both its lines are distinct."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT", "vancomycin 1000 mg iv 09:00-10:40 line=ARM"
    )
    assert services(encounter) == [
        "96413 x1 carboplatin",
        "96365-59 x1 vancomycin",
        "96366-59 x1 vancomycin",
    ]


def test_add_ons_of_a_second_line_do_not_carry_its_modifier() -> None:
    """In the arm a second drug follows: 96367 hangs on 96365-59 and is not distinct itself."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "vancomycin 1000 mg iv 09:00-10:00 line=ARM",
        "ondansetron 8 mg iv 10:10-10:30 line=ARM",
        "furosemide 20 mg iv push 10:40 line=ARM",
    )
    assert services(encounter)[1:] == [
        "96365-59 x1 vancomycin",
        "96367 x1 ondansetron",
        "96375 x1 furosemide",
    ]


# ------------------------------------------------------------------ the same drug infused again


def test_a_later_infusion_may_be_further_hours_of_the_first() -> None:
    """100 minutes are initial with a further hour; 100 minutes more are two further hours."""
    encounter = drafted(
        "vancomycin 1000 mg iv 09:00-10:40",
        "vancomycin 1000 mg iv 11:00-12:40",
        choose=FURTHER_HOURS,
    )
    assert services(encounter) == [
        "96365 x1 vancomycin",
        "96366 x1 vancomycin",
        "96366 x2 vancomycin",
    ]


def test_later_infusions_in_a_second_line_carry_its_modifier() -> None:
    """The further hours of vancomycin in the arm are those of a distinct service."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "vancomycin 1000 mg iv 09:00-10:00 line=ARM",
        "vancomycin 1000 mg iv 10:30-11:10 line=ARM",
        choose=FURTHER_HOURS,
    )
    assert services(encounter)[1:] == ["96365-59 x1 vancomycin", "96366-59 x1 vancomycin"]


def test_a_later_short_infusion_may_be_a_push() -> None:
    """Of 20, 31 and 30 minutes after the first hour, 31 are added to it; 20 and 30 are pushes."""
    encounter = drafted(
        "vancomycin 1000 mg iv 09:00-10:00",
        "vancomycin 1000 mg iv 11:00-11:20",
        "vancomycin 1000 mg iv 12:00-12:31",
        "vancomycin 1000 mg iv 13:10-13:40",
        choose=SHORT_ARE_PUSHES,
    )
    assert services(encounter) == [
        "96365 x1 vancomycin",
        "96366 x1 vancomycin",
        "96376 x1 vancomycin",
        "96376 x1 vancomycin",
    ]
    assert line_of(encounter, "96365").administrations == ("O1#1", "O3#3")


def test_the_first_infusion_of_a_drug_is_no_push_however_short() -> None:
    """20 minutes, and 31 an hour later, which is longer than a push: 51 minutes of infusion."""
    encounter = drafted(
        "vancomycin 1000 mg iv 09:00-09:20",
        "vancomycin 1000 mg iv 10:00-10:31",
        choose=SHORT_ARE_PUSHES,
    )
    assert services(encounter) == ["96365 x1 vancomycin"]
    assert line_of(encounter, "96365").minutes == 51


def test_further_hours_of_another_infusion_tell_their_own_minutes() -> None:
    """The first infusion has no sum; the second, of 40 minutes, is told by itself."""
    encounter = drafted(
        "vancomycin 1000 mg iv 09:00-10:00",
        "vancomycin 1000 mg iv 11:00-11:40",
        choose=FURTHER_HOURS,
    )
    assert "same drug again" not in steps(line_of(encounter, "96365"))
    assert steps(line_of(encounter, "96366"))["same drug again"] == (
        ("infusions", 1),
        ("arithmetic", "40 = 40 minutes"),
    )


def test_infusions_of_one_drug_that_overlap_count_once() -> None:
    """Two bags, from nine to ten and from half past nine: 90 minutes in all."""
    encounter = drafted("vancomycin 1000 mg iv 09:00-10:00", "vancomycin 1000 mg iv 09:30-10:30")
    assert line_of(encounter, "96365").minutes == 90


def test_infusions_of_one_drug_are_joined_in_the_order_of_the_clock() -> None:
    """The line is anchored at the earlier one, whichever was charted first."""
    encounter = drafted("carboplatin 200 mg iv 11:00-12:00", "carboplatin 200 mg iv 09:00-10:00")
    assert line_of(encounter, "96413").administrations == ("O2#2", "O1#1")


# ------------------------------------------------------------------ beside another infusion


@pytest.mark.parametrize(
    ("answer", "times", "line"),
    [
        ({"as": "any"}, "10:00-10:20", "96367 x1"),
        ({"as": "any"}, "09:59-10:20", "96368 x1"),
        ({"as": "at_least", "minutes": 16}, "09:45-10:25", "96367 x1"),
        ({"as": "at_least", "minutes": 16}, "09:44-10:25", "96368 x1"),
        ({"as": "majority"}, "09:40-10:20", "96367 x1"),
        ({"as": "majority"}, "09:39-10:19", "96368 x1"),
        ({"as": "majority"}, "09:39-10:20", "96368 x1"),
        ({"as": "majority"}, "09:40-10:21", "96367 x1"),
        ({"as": "subtract", "minutes": 16}, "09:30-10:15", "96368 x1"),
        ({"as": "subtract", "minutes": 16}, "09:30-10:16", "96367 x1"),
        ({"as": "subtract", "minutes": 16}, "10:00-10:20", "96367 x1"),
        ({"as": "subtract", "minutes": 16}, "10:05-10:10 partial", "96367 x1"),
    ],
)
def test_each_answer_about_overlap_has_its_edge(
    answer: dict[str, str | int], times: str, line: str
) -> None:
    """Carboplatin ran from nine to ten: a minute beside it, 16, more than half, 16 left alone."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        f"fosaprepitant 150 mg iv {times}",
        choose={"position.concurrency": answer},
    )
    assert services(encounter)[1:] == [f"{line} fosaprepitant"]


@pytest.mark.parametrize(
    ("times", "minutes"),
    [("09:30-10:15", 15), ("09:30-10:16", 16), ("10:00-10:20", 20), ("09:30-11:00", 60)],
)
def test_where_overlap_is_taken_away_the_rest_counts(times: str, minutes: int) -> None:
    """Only what ran after carboplatin's end at ten; all of it where nothing overlaps."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        f"fosaprepitant 150 mg iv {times}",
        choose={"position.concurrency": {"as": "subtract", "minutes": 16}},
    )
    line = next(each for each in encounter.lines if each.drug == "fosaprepitant")
    assert line.minutes == minutes


def test_overlap_with_hydration_is_not_concurrent() -> None:
    """Saline runs beside ondansetron and magnesium for 70 minutes; they are in sequence."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-11:00",
        "ondansetron 8 mg iv 09:00-09:30",
        "magnesium-sulfate 4000 mg iv 09:40-10:20",
        policy=GUIDE,
    )
    assert services(encounter) == [
        "96365 x1 magnesium-sulfate",
        "96361 x2 sodium-chloride-0.9",
        "96367 x1 ondansetron",
    ]


def test_overlap_with_initial_hydration_is_not_concurrent() -> None:
    """The patient came for fluid, and its minutes beside ondansetron count: still in sequence."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-11:00",
        "ondansetron 8 mg iv 09:30-10:00",
        policy=PHYSICIAN,
        diagnoses=["E86.0"],
        choose={"position.hydration_beside": {"as": "count"}},
    )
    assert services(encounter)[-1] == "96367 x1 ondansetron"


def test_only_one_concurrent_infusion_is_reported_whatever_its_drug() -> None:
    """Of three beside carboplatin the first by the clock is reported."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "magnesium-sulfate 4000 mg iv 09:12-09:50",
        "fosaprepitant 150 mg iv 09:10-09:40",
        "dexamethasone 10 mg iv 09:14-09:44",
    )
    assert services(encounter)[1:] == ["96368 x1 fosaprepitant"]
    assert [entry.drug for entry in encounter.withheld] == ["magnesium-sulfate", "dexamethasone"]


def test_the_most_overlap_with_any_one_infusion_decides() -> None:
    """Fosaprepitant ran 10 minutes beside each of two drugs: neither is 16, so not concurrent."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "vancomycin 1000 mg iv 10:00-10:40",
        "fosaprepitant 150 mg iv 09:50-10:10",
    )
    assert "96368" not in {line.code for line in encounter.lines}


def test_a_drug_in_sequence_is_what_later_ones_run_beside() -> None:
    """Vancomycin follows carboplatin, and fosaprepitant runs beside vancomycin."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "vancomycin 1000 mg iv 10:00-11:00",
        "fosaprepitant 150 mg iv 10:10-10:40",
    )
    assert services(encounter)[1:] == ["96367 x1 vancomycin", "96368 x1 fosaprepitant"]


def test_a_concurrent_drug_is_not_what_later_ones_run_beside() -> None:
    """Dexamethasone ran beside fosaprepitant only, which hangs on carboplatin itself."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "fosaprepitant 150 mg iv 09:30-10:30",
        "dexamethasone 10 mg iv 10:05-10:30",
    )
    assert services(encounter)[1:] == ["96368 x1 fosaprepitant", "96367 x1 dexamethasone"]


def test_a_drug_in_sequence_does_not_begin_the_count_of_concurrent_ones_anew() -> None:
    """Fosaprepitant was reported beside carboplatin, so magnesium beside vancomycin is not."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-11:00",
        "fosaprepitant 150 mg iv 09:10-09:40",
        "vancomycin 1000 mg iv 11:00-12:00",
        "magnesium-sulfate 4000 mg iv 11:10-11:50",
    )
    assert [entry.drug for entry in encounter.withheld] == ["magnesium-sulfate"]


def test_chemotherapy_at_once_does_not_use_up_the_concurrent_infusion() -> None:
    """Gemcitabine beside cisplatin is a question, and fosaprepitant is still reported."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-11:00",
        "gemcitabine 1000 mg iv 09:10-10:00",
        "fosaprepitant 150 mg iv 09:20-09:50",
    )
    assert services(encounter)[-1] == "96368 x1 fosaprepitant"


def test_chemotherapy_at_once_is_asked_about_also_over_the_limit() -> None:
    """One concurrent infusion is reported; gemcitabine after it is a question, not withheld."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-11:00",
        "fosaprepitant 150 mg iv 09:10-09:50",
        "gemcitabine 1000 mg iv 09:20-10:00",
    )
    assert [question.finding.code for question in encounter.questions] == ["role.none"]
    assert encounter.withheld == ()


def test_an_infusion_after_an_initial_push_of_the_drug_is_not_its_further_hour() -> None:
    """The office was told that the push was the reason; the infusion is in sequence."""
    encounter = drafted(
        "ondansetron 8 mg iv push 09:00 primary",
        "ondansetron 8 mg iv 10:00-10:30",
        policy=PHYSICIAN,
    )
    assert services(encounter) == ["96374 x1 ondansetron", "96367 x1 ondansetron"]


def test_nothing_is_concurrent_with_an_initial_push() -> None:
    """Vincristine was pushed while vancomycin ran: any overlap counts, and there is none."""
    encounter = drafted(
        "vincristine 2 mg iv push 09:10",
        "vancomycin 1000 mg iv 09:00-10:00",
        choose={"position.concurrency": {"as": "any"}},
    )
    line = line_of(encounter, "96367")
    assert steps(line)["beside the others"] == (("overlap_minutes", 0), ("running_minutes", 60))


def test_further_hours_of_a_drug_in_sequence_carry_the_modifier_of_its_line() -> None:
    """In the arm ondansetron follows for 100 minutes: 96367 hangs on 96365-59, 96366 is an hour."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT",
        "vancomycin 1000 mg iv 09:00-11:00 line=ARM",
        "ondansetron 8 mg iv 11:10-12:50 line=ARM",
    )
    assert services(encounter)[1:] == [
        "96365-59 x1 vancomycin",
        "96366-59 x1 vancomycin",
        "96367 x1 ondansetron",
        "96366-59 x1 ondansetron",
    ]


# ------------------------------------------------------------------ hydration


def test_hydration_of_several_hours_is_one_line() -> None:
    """91 minutes: its first unit is an hour already, so it is one line of two units."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:20", "sodium-chloride-0.9 1000 mL iv 09:20-10:51"
    )
    assert services(encounter) == ["96365 x1 ondansetron", "96361 x2 sodium-chloride-0.9"]


def test_all_fluids_of_an_encounter_are_one_service() -> None:
    """20 minutes of one fluid and 20 of another are 40, anchored at the earlier one."""
    encounter = drafted(
        "d5-half-normal-saline 1000 mL iv 10:00-10:20",
        "sodium-chloride-0.9 1000 mL iv 09:00-09:20",
    )
    line = line_of(encounter, "96360")
    assert (line.minutes, line.administrations) == (40, ("O2#2", "O1#1"))


@pytest.mark.parametrize(
    ("first", "second", "minutes"),
    [("09:00-09:40", "10:00-10:35", 40), ("09:00-09:35", "10:00-10:40", 40)],
)
def test_where_the_longest_piece_counts_the_others_do_not(
    first: str, second: str, minutes: int
) -> None:
    """35 and 40 minutes, in either order, are 40."""
    encounter = drafted(
        f"sodium-chloride-0.9 1000 mL iv {first}",
        f"sodium-chloride-0.9 1000 mL iv {second}",
        choose={"position.hydration_pieces": {"as": "longest"}},
    )
    assert line_of(encounter, "96360").minutes == minutes


def test_of_equally_long_pieces_the_earlier_counts() -> None:
    """40 minutes at eight and at eleven: hydration stands before what was infused at ten."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 08:00-08:40",
        "carboplatin 450 mg iv 09:00-10:00",
        "ondansetron 8 mg iv 10:00-10:20",
        "sodium-chloride-0.9 1000 mL iv 11:00-11:40",
        choose={"position.hydration_pieces": {"as": "longest"}},
    )
    assert services(encounter)[1:] == ["96361 x1 sodium-chloride-0.9", "96367 x1 ondansetron"]


def test_without_any_minute_alone_there_is_no_longest_piece() -> None:
    """All of the fluid ran beside vancomycin: withheld, with nothing counted."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-09:40",
        "vancomycin 1000 mg iv 08:50-10:00",
        choose={"position.hydration_pieces": {"as": "longest"}},
    )
    (entry,) = encounter.withheld
    assert (entry.drug, entry.minutes) == ("sodium-chloride-0.9", 0)


def test_hydration_stands_where_its_first_minute_alone_is() -> None:
    """It ran from nine, but beside drugs until 09:50 and again from 10:10, after fosaprepitant."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-11:00",
        "carboplatin 450 mg iv 09:00-09:40",
        "fosaprepitant 150 mg iv 09:20-09:50",
        "dexamethasone 10 mg iv 10:10-10:30 order=A",
    )
    assert services(encounter) == [
        "96413 x1 carboplatin",
        "96368 x1 fosaprepitant",
        "96361 x1 sodium-chloride-0.9",
        "96367 x1 dexamethasone",
    ]


def test_hydration_without_any_minute_alone_has_a_place_where_no_minimum_is_set() -> None:
    """A site takes the minimum away: fluid beside vancomycin throughout is still an add-on."""
    book = with_rules(without="minimum.hydration")
    encounter = drafted_by(
        book, "sodium-chloride-0.9 1000 mL iv 09:00-09:40", "vancomycin 1000 mg iv 08:50-10:00"
    )
    assert services(encounter) == ["96365 x1 vancomycin", "96361 x1 sodium-chloride-0.9"]


# ------------------------------------------------------------------ the reason of the visit


def test_a_diagnosis_that_fits_no_service_is_no_reason() -> None:
    """Anaemia, but neither iron nor a growth factor: the highest in rank, and a question."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:30",
        "sodium-chloride-0.9 1000 mL iv 10:00-11:30",
        policy=PHYSICIAN,
        diagnoses=["D50.9"],
    )
    assert services(encounter)[0] == "96365 x1 ondansetron"
    assert [question.finding.code for question in encounter.questions] == ["initial.primary_reason"]


def test_only_the_first_diagnosis_is_the_reason() -> None:
    """Dehydration as second diagnosis does not make hydration the reason."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:30",
        "sodium-chloride-0.9 1000 mL iv 10:00-11:30",
        policy=PHYSICIAN,
        diagnoses=["R11.0", "E86.0"],
    )
    assert services(encounter)[0] == "96365 x1 ondansetron"


def test_iron_is_the_reason_of_a_visit_for_anaemia() -> None:
    """The rule names ids of drugs: of two therapeutic infusions the shorter one is iron."""
    encounter = drafted(
        "vancomycin 1000 mg iv 09:00-11:00",
        "iron-sucrose 200 mg iv 11:00-11:20",
        policy=PHYSICIAN,
        diagnoses=["D50.9"],
    )
    assert services(encounter)[0] == "96365 x1 iron-sucrose"


def test_immunotherapy_is_the_reason_by_the_kind_of_its_drug() -> None:
    """Z51.12: pembrolizumab, of half an hour, before two hours of cisplatin."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-11:00",
        "pembrolizumab 200 mg iv 11:00-11:30",
        policy=PHYSICIAN,
        diagnoses=["Z51.12"],
    )
    assert services(encounter)[0] == "96413 x1 pembrolizumab"


def test_of_several_marked_services_the_highest_in_rank_is_the_reason() -> None:
    """Two infusions are marked: the longer one."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:20 primary",
        "dexamethasone 10 mg iv 09:30-10:10 primary",
        policy=PHYSICIAN,
    )
    assert services(encounter)[0] == "96365 x1 dexamethasone"


def test_where_there_is_chemotherapy_the_reason_is_chosen_from_it() -> None:
    """A hormonal infusion is chemotherapy too: the marked antiemetic does not come before it."""
    encounter = drafted(
        "fulvestrant 500 mg iv 09:00-10:00",
        "ondansetron 8 mg iv 10:00-11:20 primary",
        policy=PHYSICIAN,
    )
    assert services(encounter) == ["96413 x1 fulvestrant", "96367 x1 ondansetron"]
    assert encounter.questions == ()


def test_services_of_one_class_need_no_reason() -> None:
    """Two therapeutic infusions without a diagnosis: rank decides and nobody is asked."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:20", "dexamethasone 10 mg iv 09:30-10:10", policy=PHYSICIAN
    )
    assert services(encounter)[0] == "96365 x1 dexamethasone"
    assert encounter.questions == ()


def test_a_service_alone_needs_no_reason() -> None:
    """One infusion is what the patient came for."""
    encounter = drafted("ondansetron 8 mg iv 09:00-09:20", policy=PHYSICIAN)
    assert encounter.questions == ()


def test_a_service_alone_is_told_by_its_rank_also_where_it_was_marked() -> None:
    """There was nothing to choose from."""
    encounter = drafted("ondansetron 8 mg iv 09:00-09:20 primary", policy=PHYSICIAN)
    trace = steps(line_of(encounter, "96365"))
    assert (trace["initial service"], trace["rank"]) == (
        (("services", 1),),
        (("rank", 3), ("minutes", 20)),
    )


def test_one_marked_infusion_marks_the_drug() -> None:
    """The first of two infusions of vancomycin was marked; ondansetron ran longer than both."""
    encounter = drafted(
        "vancomycin 1000 mg iv 09:00-09:40 primary",
        "vancomycin 1000 mg iv 10:00-10:20",
        "ondansetron 8 mg iv 11:00-13:00",
        policy=PHYSICIAN,
    )
    assert services(encounter)[0] == "96365 x1 vancomycin"


def test_one_drug_of_a_mixture_makes_it_the_reason() -> None:
    """Iron in a bag with an antiemetic, for anaemia, before two hours of vancomycin."""
    encounter = drafted(
        "iron-sucrose 200 mg + ondansetron 8 mg iv 11:10-11:40",
        "vancomycin 1000 mg iv 09:00-11:00",
        policy=PHYSICIAN,
        diagnoses=["D50.9"],
    )
    assert services(encounter)[0] == "96365 x1 iron-sucrose+ondansetron"


def test_of_several_that_fit_the_diagnosis_the_highest_in_rank_is_the_reason() -> None:
    """Z51.12 and two checkpoint inhibitors: nivolumab ran longer, and later."""
    encounter = drafted(
        "pembrolizumab 200 mg iv 09:00-09:30",
        "nivolumab 240 mg iv 10:00-11:00",
        policy=PHYSICIAN,
        diagnoses=["Z51.12"],
    )
    assert services(encounter) == ["96413 x1 nivolumab", "96417 x1 pembrolizumab"]


# ------------------------------------------------------------------ pushes


@pytest.mark.parametrize(
    ("time", "reported"),
    [("08:59", True), ("09:00", False), ("09:59", False), ("10:00", True)],
)
def test_a_push_is_beside_an_infusion_from_its_first_to_its_last_minute(
    time: str, reported: bool
) -> None:
    """Cisplatin ran from nine to ten: at nine it had begun, at ten it had ended."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", f"vincristine 2 mg iv push {time}", policy=GUIDE
    )
    assert ("96411 x1 vincristine" in services(encounter)) is reported


def test_a_push_beside_a_hormonal_infusion_is_beside_chemotherapy() -> None:
    """Hormonal drugs are given under the codes of chemotherapy."""
    encounter = drafted(
        "fulvestrant 500 mg iv 09:00-10:00", "vincristine 2 mg iv push 09:30", policy=GUIDE
    )
    assert [entry.reason for entry in encounter.withheld] == ["guide.push.separate"]


def test_a_push_beside_a_therapeutic_infusion_is_reported() -> None:
    """The guide speaks of chemotherapy only, and cisplatin had ended."""
    encounter = drafted(
        "cisplatin 100 mg iv 08:00-09:00",
        "vancomycin 1000 mg iv 09:00-10:00",
        "vincristine 2 mg iv push 09:30",
        policy=GUIDE,
    )
    assert services(encounter)[-1] == "96411 x1 vincristine"


def test_a_push_beside_another_push_is_reported() -> None:
    """Doxorubicin was pushed for ten minutes; what is pushed meanwhile is beside no infusion."""
    encounter = drafted(
        "doxorubicin 50 mg iv push 09:00-09:10", "vincristine 2 mg iv push 09:05", policy=GUIDE
    )
    assert services(encounter) == ["96409 x1 doxorubicin", "96411 x1 vincristine"]


def test_a_push_of_a_chemotherapy_drug_that_was_infused_is_no_repeat() -> None:
    """Fluorouracil is infused and pushed in one regimen: both are reported."""
    encounter = drafted(
        "fluorouracil 2000 mg iv infusion 09:00-10:00", "fluorouracil 700 mg iv push 10:10"
    )
    assert services(encounter) == ["96413 x1 fluorouracil", "96411 x1 fluorouracil"]


def test_a_push_of_a_drug_that_was_infused_in_sequence_is_a_repeat() -> None:
    """Ondansetron followed carboplatin and was pushed 20 minutes later."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "ondansetron 8 mg iv 10:00-10:20",
        "ondansetron 8 mg iv push 10:40",
    )
    assert services(encounter) == [
        "96413 x1 carboplatin",
        "96367 x1 ondansetron",
        "96376 x1 ondansetron",
    ]


@pytest.mark.parametrize("time", ["09:21", "09:50", "11:00"])
def test_a_push_of_a_drug_that_was_infused_is_a_repeat(time: str) -> None:
    """The half hour is between pushes: after the infusion nobody need wait."""
    encounter = drafted("ondansetron 8 mg iv 09:00-09:20", f"ondansetron 8 mg iv push {time}")
    assert services(encounter) == ["96365 x1 ondansetron", "96376 x1 ondansetron"]


def test_a_push_that_was_not_reported_does_not_count_for_the_next() -> None:
    """Pushes at 9:00, 9:20 and 9:31: the third comes 31 minutes after the only reported one."""
    encounter = drafted(
        "ondansetron 8 mg iv push 09:00",
        "ondansetron 8 mg iv push 09:20",
        "ondansetron 8 mg iv push 09:31",
    )
    assert services(encounter) == ["96374 x1 ondansetron", "96376 x1 ondansetron"]
    assert [entry.administrations for entry in encounter.withheld] == [("O2#2",)]


def test_lines_that_were_never_in_use_together_are_one() -> None:
    """Three lines: the second joins the first, and the third was in use beside it."""
    encounter = drafted(
        "furosemide 20 mg iv push 08:00 line=A",
        "cisplatin 100 mg iv 09:00-10:00 line=B",
        "gemcitabine 1000 mg iv 09:30-10:30 line=C",
    )
    assert services(encounter) == [
        "96413 x1 cisplatin",
        "96375 x1 furosemide",
        "96413-59 x1 gemcitabine",
    ]


def test_two_pushes_at_one_moment_need_two_lines() -> None:
    """A push of one moment is in use for a second, and one that touches it later is not."""
    at_once = drafted(
        "furosemide 20 mg iv push 09:00 line=A", "ondansetron 8 mg iv push 09:00 line=B"
    )
    after = drafted(
        "furosemide 20 mg iv push 09:00 line=A", "ondansetron 8 mg iv push 09:01 line=B"
    )
    assert len(at_once.questions) == 1
    assert after.questions == ()


def test_a_push_that_belongs_to_an_infusion_does_not_count_for_the_next() -> None:
    """Vincristine during cisplatin is part of it, so vincristine afterwards is a first push."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00",
        "vincristine 2 mg iv push 09:30",
        "vincristine 2 mg iv push 10:10",
        policy=GUIDE,
    )
    assert services(encounter) == ["96413 x1 cisplatin", "96411 x1 vincristine"]


def test_a_push_without_a_stop_is_not_withheld_beside_an_infusion() -> None:
    """Vincristine without a stop may turn out an infusion: it stays, marked, and is asked about."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", "vincristine 2 mg iv 09:30-?", policy=GUIDE
    )
    line = line_of(encounter, "96411")
    assert (line.drug, line.provisional) == ("vincristine", "stop.missing")


# ------------------------------------------------------------------ injections and services alone


@pytest.mark.parametrize(("time", "lines"), [("09:15", 1), ("09:16", 2)])
def test_syringes_of_one_order_within_15_minutes_are_one_dose(time: str, lines: int) -> None:
    """Two syringes of an order: up to 15 minutes apart one injection, then two."""
    encounter = drafted("bortezomib 2 mg sc 09:00 order=R1", f"bortezomib 2 mg sc {time} order=R1")
    assert services(encounter) == ["96401 x1 bortezomib"] * lines


@pytest.mark.parametrize(
    "second", ["bortezomib 2 mg sc 09:05 order=R2", "azacitidine 100 mg sc 09:05 order=R1"]
)
def test_syringes_of_another_order_or_drug_are_another_dose(second: str) -> None:
    """Five minutes apart, but not of the same order, or not of the same drug."""
    encounter = drafted("bortezomib 2 mg sc 09:00 order=R1", second)
    assert [line.code for line in encounter.lines if line.code.startswith("96")] == [
        "96401",
        "96401",
    ]


def test_syringes_follow_each_other() -> None:
    """Three syringes, ten minutes apart: each is close to the one before it, so it is one dose."""
    encounter = drafted(
        "bortezomib 2 mg sc 09:20 order=R1",
        "bortezomib 2 mg sc 09:00 order=R1",
        "bortezomib 2 mg sc 09:10 order=R1",
    )
    assert line_of(encounter, "96401").administrations == ("R1#2", "R1#3", "R1#1")


def test_where_each_syringe_counts_the_later_ones_of_a_drug_carry_the_modifier() -> None:
    """Two syringes of bortezomib and one of azacitidine: only the second of bortezomib is 59."""
    encounter = drafted(
        "bortezomib 2 mg sc 09:00 order=R1",
        "bortezomib 2 mg sc 09:01 order=R1",
        "azacitidine 100 mg sc 09:02",
        choose={"position.injections": {"per": "injection", "modifier": "59"}},
    )
    assert services(encounter) == [
        "96401 x1 bortezomib",
        "96401-59 x1 bortezomib",
        "96401 x1 azacitidine",
    ]


def test_injections_of_two_classes_are_counted_apart() -> None:
    """The guide bills chemotherapy injections once a visit, others by the dose."""
    encounter = drafted(
        "bortezomib 2 mg sc 09:00",
        "denosumab 120 mg sc 09:01",
        "azacitidine 100 mg sc 09:02",
        policy=GUIDE,
    )
    assert services(encounter) == ["96401 x1 bortezomib", "96372 x1 denosumab"]


def test_syringes_a_few_seconds_past_15_minutes_are_two_doses() -> None:
    """At 9:00 and at 9:15 and ten seconds."""
    encounter = coded(
        given("BORTEZOMIB", "2 mg", "0900", route="SC", order="R1"),
        given("BORTEZOMIB", "2 mg", "20260302091510", route="SC", order="R1"),
        policy=FACILITY,
    )
    assert services(encounter) == ["96401 x1 bortezomib"] * 2


def test_infusions_under_the_skin_have_their_places_and_no_others() -> None:
    """The first by the clock is initial, the second is a further site; nothing is asked."""
    encounter = drafted(
        "furosemide 80 mg sc 10:00-11:00 line=RA", "morphine 10 mg sc 09:00-10:00 line=LA"
    )
    assert services(encounter) == ["96369 x1 morphine", "96371 x1 furosemide"]
    assert encounter.questions == ()


def test_services_alone_are_in_the_order_of_the_clock() -> None:
    """Methotrexate into the spine at nine and a chemotherapy into an artery at ten."""
    encounter = drafted("cisplatin 50 mg ia push 10:00", "methotrexate 12 mg it 09:00")
    assert [line.drug for line in encounter.lines if line.code.startswith("96")] == [
        "methotrexate",
        "cisplatin",
    ]


def test_an_infusion_into_an_artery_has_further_hours() -> None:
    """91 minutes of cisplatin: a first hour and one more."""
    encounter = drafted("cisplatin 50 mg ia infusion 09:00-10:31")
    assert services(encounter) == ["96422 x1 cisplatin", "96423 x1 cisplatin"]


# ------------------------------------------------------------------ caps


def test_a_cap_counts_over_all_lines_of_an_encounter() -> None:
    """Six and four further hours of two drugs: the guide allows eight, so two are withheld."""
    encounter = drafted(
        "cisplatin 100 mg iv 06:00-13:00", "gemcitabine 1000 mg iv 13:00-18:00", policy=GUIDE
    )
    assert services(encounter) == [
        "96413 x1 cisplatin",
        "96415 x6 cisplatin",
        "96417 x1 gemcitabine",
        "96415 x2 gemcitabine",
    ]
    assert [entry.says.split(":")[0] for entry in encounter.withheld] == [
        "2 of 4 units of 96415 are above the cap of 8"
    ]


def test_a_line_without_any_unit_left_is_withheld_whole() -> None:
    """Ten hours use up the cap, so nothing of the second drug's further hour is billed."""
    encounter = drafted(
        "cisplatin 100 mg iv 05:00-14:00", "gemcitabine 1000 mg iv 14:00-16:00", policy=GUIDE
    )
    assert services(encounter) == [
        "96413 x1 cisplatin",
        "96415 x8 cisplatin",
        "96417 x1 gemcitabine",
    ]
    (entry,) = encounter.withheld
    assert (entry.drug, entry.administrations) == ("gemcitabine", ("O2#2",))


# ------------------------------------------------------------------ what has no code


def test_a_place_without_a_role_is_asked_about() -> None:
    """Two chemotherapy drugs at once: there is no code for a concurrent chemotherapy infusion."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00 order=A", "gemcitabine 1000 mg iv 09:00-10:00 order=B"
    )
    (question,) = encounter.questions
    assert asked(question) == (
        "role.none",
        "exactly one service role",
        "no code for a chemo infusion that is concurrent",
        "code the service by hand, or correct the charted times",
    )
    assert (question.drug, question.administrations) == ("gemcitabine", ("B#2",))
    assert [source.address for source in question.sources] == ["RXA[1]-3"]


def test_two_roles_for_one_place_are_asked_about_by_their_rules() -> None:
    """A site adds a role for chemotherapy pushes and overrides nothing."""
    own = Rule(
        "site.role.push", ROLE, "site", date(2026, 1, 1), None,
        (Condition("technique", frozenset({"push"})), Condition("class", frozenset({"chemo"}))),
        (("role", "chemo.push.initial"),), RoleAnswer("chemo.push.initial"), "Because.",
        (), (), (), "site.toml",
    )  # fmt: skip
    (question,) = drafted_by(with_rules(own), "vincristine 2 mg iv push 09:30").questions
    assert asked(question) == (
        "role.clash",
        "exactly one service role",
        "rules role.chemo.push.initial, site.role.push at once",
        "let one rule override the other",
    )


def test_a_role_without_a_code_is_asked_about_and_its_other_charges_stand() -> None:
    """The table has no code for further hours of chemotherapy: 96413 is billed, the hour asked."""
    book = with_rules(without="code.chemo.infusion.additional_hour.2024-01-01")
    encounter = drafted_by(book, "carboplatin 450 mg iv 09:00-10:31")
    (question,) = encounter.questions
    assert services(encounter) == ["96413 x1 carboplatin"]
    assert asked(question) == (
        "code.none",
        "a code for the role chemo.infusion.additional_hour on 2026-03-02",
        "none",
        "add the code with its dates to the table of codes (rules/base/codes.csv)",
    )
    assert (question.drug, question.administrations) == ("carboplatin", ("O1#1",))


def test_without_a_role_for_further_hours_the_first_hour_stands_alone() -> None:
    """A site takes the role away: 91 minutes are 96413, with nothing to explain about hours."""
    book = with_rules(without="role.chemo.infusion.additional_hour")
    encounter = drafted_by(book, "carboplatin 450 mg iv 09:00-10:31")
    assert services(encounter) == ["96413 x1 carboplatin"]
    assert "further hours" not in steps(line_of(encounter, "96413"))


def test_two_codes_for_one_role_are_asked_about() -> None:
    """A site adds a code for the first hour and does not end the old one."""
    own = Rule(
        "site.code", CODE, "site", date(2026, 1, 1), None,
        (Condition("role", frozenset({"chemo.infusion.initial"})),), (("code", "99999"),),
        CodeAnswer("99999"), "Because.", (), (), (), "site.csv",
    )  # fmt: skip
    encounter = drafted_by(with_rules(own), "carboplatin 450 mg iv 09:00-10:00")
    assert [asked(question)[0::2] for question in encounter.questions] == [
        ("code.none", "more than one")
    ]
    assert services(encounter) == []


def test_a_service_that_has_no_code_under_another_policy_ends_there_with_a_question() -> None:
    """The guide has no code for the first hour any more; Medicare bills it."""
    book = with_rules(without="code.chemo.infusion.initial.2024-01-01", policy=GUIDE)
    line = line_of(drafted_by(book, "carboplatin 450 mg iv 09:00-10:00"), "96413")
    assert [(each.policy, each.says) for each in line.other_policies] == [(GUIDE, ("a question",))]


def test_each_place_without_a_role_is_asked_about() -> None:
    """Three chemotherapy drugs at once are two questions."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-11:00",
        "gemcitabine 1000 mg iv 09:10-10:00",
        "doxorubicin 50 mg iv 09:20-10:00",
    )
    assert [question.drug for question in encounter.questions] == ["gemcitabine", "doxorubicin"]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("role.chemo.injection", "role.none"),
        ("code.chemo.injection.2024-01-01", "code.none"),
    ],
)
def test_injections_of_one_unit_are_asked_about_by_the_first(rule: str, code: str) -> None:
    """The guide counts both as one unit, and a site has no role or no code for it."""
    encounter = drafted_by(
        with_rules(without=rule, policy=GUIDE),
        "bortezomib 2 mg sc 09:00",
        "azacitidine 100 mg sc 09:20",
        policy=GUIDE,
    )
    (question,) = encounter.questions
    assert (question.finding.code, question.drug, question.administrations) == (
        code,
        "bortezomib",
        ("O1#1", "O2#2"),
    )


@pytest.mark.parametrize(
    "beside",
    ["cisplatin 100 mg iv 08:00-11:00", "cisplatin 100 mg iv 08:00-11:00 line=PORT"],
)
def test_a_question_about_a_paused_infusion_stands_at_its_first_start(beside: str) -> None:
    """No role, or a second line: gemcitabine was started in RXA 1, and again in RXA 2."""
    paused = administration_of("gemcitabine 1000 mg iv 09:00-09:20,09:30-09:50 line=ARM", 1)
    first, second = paused.intervals
    second = second._replace(start_source=second.start_source._replace(address="RXA[2]-3"))
    items = [paused._replace(intervals=(first, second)), administration_of(beside, 2)]
    visit = timeline_with(items, VisitContext(classes=((None, "outpatient"),)))
    (encounter,) = draft(visit, rulebook(), policy=FACILITY).encounters
    (question,) = encounter.questions
    assert [source.address for source in question.sources] == ["RXA[1]-3"]


# ------------------------------------------------------------------ which line it is


def test_the_id_of_a_line_stays_with_its_first_administration() -> None:
    """More of the same drug later in the day makes the line longer, not another one."""
    once = drafted("vancomycin 1000 mg iv 09:00-10:00")
    twice = drafted("vancomycin 1000 mg iv 09:00-10:00", "vancomycin 1000 mg iv 11:00-12:00")
    assert line_of(once, "96365").line_id == line_of(twice, "96365").line_id


def test_lines_of_one_place_have_an_id_each() -> None:
    """The first hour and the further ones are two lines, and so is the drug."""
    lines = drafted("carboplatin 450 mg iv 09:00-10:31").lines
    assert len({line.line_id for line in lines}) == len(lines) == 3


def test_joined_services_are_told_by_the_first_by_the_clock() -> None:
    """20 minutes of two fluids are withheld under the name of the one that ran first."""
    encounter = drafted(
        "d5-half-normal-saline 1000 mL iv 10:00-10:10", "sodium-chloride-0.9 1000 mL iv 09:00-09:10"
    )
    (entry,) = [each for each in encounter.withheld if each.family == "infusions"]
    assert (entry.drug, entry.administrations) == ("sodium-chloride-0.9", ("O2#2", "O1#1"))


def test_injections_of_one_unit_have_the_minutes_of_the_first() -> None:
    """Two and five minutes under the skin: the guide's one line says two."""
    encounter = drafted(
        "bortezomib 2 mg sc 09:00-09:02", "azacitidine 100 mg sc 09:20-09:25", policy=GUIDE
    )
    line = line_of(encounter, "96401")
    assert (line.minutes, line.drug) == (2, "bortezomib")


def test_what_began_together_stands_in_the_order_of_first_keys() -> None:
    """Vancomycin has the orders A and Z, ondansetron M; both began at nine."""
    encounter = drafted(
        "carboplatin 450 mg iv 11:00-13:00",
        "vancomycin 1000 mg iv 09:00-09:30 order=A",
        "ondansetron 8 mg iv 09:00-09:20 order=M",
        "vancomycin 1000 mg iv 10:00-10:30 order=Z",
    )
    assert services(encounter) == [
        "96413 x1 carboplatin",
        "96415 x1 carboplatin",
        "96367 x1 vancomycin",
        "96368 x1 ondansetron",
        "96366 x1 vancomycin",
    ]


def test_the_order_in_which_services_come_changes_no_place() -> None:
    """Repeats, fluids, injections, infusions under the skin, services alone, turned around."""
    judged = assessment_of(
        "vancomycin 1000 mg iv 07:00-07:30",
        "vancomycin 1000 mg iv 07:40-07:58",
        "sodium-chloride-0.9 1000 mL iv 08:00-08:20",
        "d5-half-normal-saline 1000 mL iv 08:30-08:50",
        "bortezomib 2 mg sc 09:00",
        "azacitidine 100 mg sc 09:01",
        "morphine 10 mg sc 09:00-10:00",
        "furosemide 80 mg sc 10:00-11:00",
        "methotrexate 12 mg it 11:00",
        "cisplatin 50 mg ia push 11:30",
    )
    turned = place(judged._replace(services=judged.services[::-1]))
    assert turned == place(judged)


def test_a_service_of_an_encounter_over_midnight_is_dated_by_its_start() -> None:
    """The infusion began on 2 March."""
    line = line_of(drafted("carboplatin 450 mg iv 23:30-00:30"), "96413")
    assert line.service_date == date(2026, 3, 2)
