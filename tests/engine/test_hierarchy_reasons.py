"""Claims about the reasons of the hierarchy: the facts that a coder reads beside each decision.

It owns the numbers in the steps of a line. Codes and units are claimed by the cases of the rules.
"""

from datetime import timedelta

from chargeline.engine import Contribution, Slot, VisitKey, draft
from chargeline.engine.infusions import reason_in_short
from tests.engine import rulebook
from tests.engine.short import (
    FACILITY,
    GUIDE,
    PHYSICIAN,
    asked,
    drafted,
    line_of,
    steps,
    timeline,
)

WORKED = (
    "ondansetron 8 mg iv 09:00-09:20",
    "carboplatin 450 mg iv 09:30-10:30",
    "sodium-chloride-0.9 1000 mL iv 10:30-11:30",
    "furosemide 20 mg iv push 11:35",
)

# ------------------------------------------------------------------ the initial service


def test_the_initial_service_tells_among_how_many_it_was_chosen_and_its_rank() -> None:
    """Of four services carboplatin is initial: rank 1, 60 minutes."""
    trace = steps(line_of(drafted(*WORKED), "96413"))
    assert trace["initial service"] == (("services", 4),)
    assert trace["rank"] == (("rank", 1), ("minutes", 60))


def test_lines_stand_in_the_order_of_the_hierarchy() -> None:
    """The initial service, the infusions by the clock, then the pushes."""
    lines = [line for line in drafted(*WORKED).lines if line.family == "infusions"]
    assert [(line.code, line.drug) for line in lines] == [
        ("96413", "carboplatin"),
        ("96367", "ondansetron"),
        ("96361", "sodium-chloride-0.9"),
        ("96375", "furosemide"),
    ]


def test_a_reason_by_diagnosis_names_the_diagnosis_and_its_rule() -> None:
    """E86.0 in the office: its first three characters say that hydration was the reason."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:30",
        "sodium-chloride-0.9 1000 mL iv 10:00-11:30",
        policy=PHYSICIAN,
        diagnoses=["E86.0"],
    )
    assert steps(line_of(encounter, "96360"))["initial service"] == (
        ("services", 2),
        ("first diagnosis", "E86"),
        ("reason rule", "physician.reason.dehydration"),
    )


def test_a_reason_by_the_whole_diagnosis_names_it_whole() -> None:
    """Z51.11 has a rule of its own, so it is not shortened."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "pembrolizumab 200 mg iv 10:00-10:30",
        policy=PHYSICIAN,
        diagnoses=["Z51.11"],
    )
    facts = dict(steps(line_of(encounter, "96413"))["initial service"])
    assert facts["first diagnosis"] == "Z51.11"


def test_a_marked_service_says_who_marked_it() -> None:
    """The sender marked dexamethasone as the reason of the visit."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:40",
        "dexamethasone 10 mg iv 09:45-10:05 primary",
        policy=PHYSICIAN,
    )
    assert steps(line_of(encounter, "96365", "dexamethasone"))["initial service"] == (
        ("services", 2),
        ("marked by the sender", "yes"),
    )


def test_a_reason_that_cannot_be_told_is_asked_about() -> None:
    """An antiemetic and hydration without a diagnosis: which of them was the reason?"""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:30",
        "sodium-chloride-0.9 1000 mL iv 10:00-11:30",
        policy=PHYSICIAN,
    )
    (question,) = encounter.questions
    assert asked(question) == (
        "initial.primary_reason",
        "a diagnosis or a marked service that says what the patient came for",
        "none that fits the services given",
        "say which service was the reason of the visit; until then the service highest in rank is "
        "initial",
    )
    assert (question.drug, question.administrations) == ("ondansetron", ("O1#1",))


# ------------------------------------------------------------------ a second line


def test_a_second_line_is_asked_about_by_the_names_of_both_lines() -> None:
    """Port and arm: the question is about the push into the arm, and says where it was charted."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT", "ondansetron 8 mg iv push 09:10 line=ARM"
    )
    (question,) = encounter.questions
    assert asked(question) == (
        "initial.second_line",
        "one initial service, or a second access line that the protocol or the condition required",
        "services in two lines: PORT and ARM",
        "confirm why the second site was needed; a restart after infiltration, another lumen or "
        "saving time does not count",
    )
    assert (question.drug, question.administrations) == ("ondansetron", ("O2#2",))
    assert [source.address for source in question.sources] == ["RXA[1]-3"]


def test_the_modifier_of_a_second_line_says_because_of_what_it_is() -> None:
    """The push into the arm is the initial service of a second line."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT", "ondansetron 8 mg iv push 09:10 line=ARM"
    )
    line = line_of(encounter, "96374")
    assert (line.modifiers, steps(line)["distinct service"]) == (
        ("59",),
        (("because", "second_line"),),
    )


def test_the_modifier_of_a_second_encounter_says_because_of_what_it_is() -> None:
    """Another visit of the patient had its initial service an hour before."""
    visit = timeline(["carboplatin 450 mg iv 09:00-10:00"])
    earlier = Contribution(
        VisitKey("CASE", "V0"),
        visit.context.patient,
        Slot("initial_service", "2026-03-02"),
        visit.administrations[0].start - timedelta(hours=1),
    )
    made = draft(visit, rulebook(), frozenset({earlier}), policy=FACILITY)
    (encounter,) = made.encounters
    line = line_of(encounter, "96413")
    assert (line.modifiers, steps(line)["distinct service"]) == (
        ("59",),
        (("because", "second_encounter"),),
    )


def test_the_first_line_has_no_word_of_a_distinct_service() -> None:
    """The port is the first line, so nothing is distinct about it."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 line=PORT", "ondansetron 8 mg iv push 09:10 line=ARM"
    )
    line = line_of(encounter, "96413")
    assert line.modifiers == ()
    assert "distinct service" not in steps(line)


# ------------------------------------------------------------------ beside others


def test_a_concurrent_infusion_tells_its_overlap() -> None:
    """Fosaprepitant ran 40 minutes, 30 of them beside carboplatin."""
    encounter = drafted("carboplatin 450 mg iv 09:00-10:00", "fosaprepitant 150 mg iv 09:30-10:10")
    assert steps(line_of(encounter, "96368"))["beside the others"] == (
        ("overlap_minutes", 30),
        ("running_minutes", 40),
    )


def test_a_concurrent_infusion_over_the_limit_tells_how_many_there_were() -> None:
    """One concurrent infusion is reported, so magnesium, 40 minutes, is not."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00",
        "fosaprepitant 150 mg iv 09:10-09:40",
        "magnesium-sulfate 4000 mg iv 09:10-09:50",
    )
    (entry,) = encounter.withheld
    assert [*steps(entry).items()][-2:] == [
        ("beside the others", (("overlap_minutes", 40), ("running_minutes", 40))),
        ("concurrent once", (("already reported", 1), ("limit", 1))),
    ]
    assert (entry.drug, entry.minutes, entry.administrations) == (
        "magnesium-sulfate",
        40,
        ("O3#3",),
    )


def test_an_hour_beside_another_infusion_is_sixty_minutes() -> None:
    """Vancomycin ran for 90 minutes, all of carboplatin's hour among them."""
    encounter = drafted("carboplatin 450 mg iv 09:00-10:00", "vancomycin 1000 mg iv 08:45-10:15")
    assert steps(line_of(encounter, "96368"))["beside the others"] == (
        ("overlap_minutes", 60),
        ("running_minutes", 90),
    )


def test_a_repeated_infusion_over_the_limit_keeps_its_sum() -> None:
    """Magnesium ran twice beside carboplatin, after fosaprepitant was reported."""
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-11:00",
        "fosaprepitant 150 mg iv 09:05-09:35",
        "magnesium-sulfate 4000 mg iv 09:10-09:40 order=M",
        "magnesium-sulfate 4000 mg iv 10:00-10:30 order=M",
    )
    (entry,) = encounter.withheld
    assert [*steps(entry)][-3:] == ["same drug again", "beside the others", "concurrent once"]
    assert entry.says.startswith("A concurrent infusion is reported once in an encounter")


# ------------------------------------------------------------------ the same again


def test_infusions_of_one_drug_are_written_as_a_sum() -> None:
    """30 minutes and 70 minutes of carboplatin are two infusions of 100 minutes."""
    encounter = drafted("carboplatin 200 mg iv 09:00-09:30", "carboplatin 200 mg iv 10:00-11:10")
    line = line_of(encounter, "96413")
    assert steps(line)["same drug again"] == (
        ("infusions", 2),
        ("arithmetic", "30 + 70 = 100 minutes"),
    )
    assert (line.minutes, line.administrations) == (100, ("O1#1", "O2#2"))


def test_a_drug_infused_once_has_no_sum() -> None:
    """One infusion is not the same drug again."""
    line = line_of(drafted("vancomycin 1000 mg iv 09:00-10:10"), "96365")
    assert "same drug again" not in steps(line)


def test_a_push_again_tells_the_minutes_since_the_last() -> None:
    """The second push came after 31 minutes, the third 29 after that; more than 30 are needed."""
    encounter = drafted(
        "ondansetron 8 mg iv push 09:00",
        "ondansetron 8 mg iv push 09:31",
        "ondansetron 8 mg iv push 10:00",
    )
    (entry,) = encounter.withheld
    assert [steps(each)["same drug again"] for each in (line_of(encounter, "96376"), entry)] == [
        (("minutes since", 31), ("more than", 30)),
        (("minutes since", 29), ("more than", 30)),
    ]


def test_a_push_that_is_not_reported_keeps_its_minutes_and_says_why() -> None:
    """Vincristine was pushed for five minutes while cisplatin ran."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", "vincristine 2 mg iv push 09:30-09:35", policy=GUIDE
    )
    (entry,) = encounter.withheld
    assert entry.minutes == 5
    assert entry.says.startswith("The guide bills a further chemotherapy push only where it is")


def test_an_infusion_that_counts_as_a_push_tells_both_reasons() -> None:
    """Vancomycin again for 20 minutes, a push by its length, after the first was infused."""
    encounter = drafted(
        "vancomycin 1000 mg iv 09:00-10:00",
        "vancomycin 1000 mg iv 10:10-10:30",
        choose={"position.repeat_infusion": {"as": "short_as_push", "push_minutes": 30}},
    )
    entry = line_of(encounter, "96376")
    assert [step.facts for step in entry.trace if step.topic == "same drug again"] == [
        (("infusions", 1), ("arithmetic", "20 = 20 minutes")),
        (("minutes since", "infused"), ("more than", 30)),
    ]


def test_an_hour_since_the_last_push_is_sixty_minutes() -> None:
    """At nine and at ten."""
    encounter = drafted("ondansetron 8 mg iv push 09:00", "ondansetron 8 mg iv push 10:00")
    assert dict(steps(line_of(encounter, "96376"))["same drug again"])["minutes since"] == 60


def test_a_push_beside_two_infusions_names_the_first() -> None:
    """Cisplatin and gemcitabine were both running."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-11:00",
        "gemcitabine 1000 mg iv 09:30-10:30",
        "vincristine 2 mg iv push 10:00",
        policy=GUIDE,
    )
    (entry,) = encounter.withheld
    assert steps(entry)["push beside an infusion"] == (("during", "cisplatin"),)


def test_a_push_of_another_drug_is_no_repeat() -> None:
    """Ondansetron and furosemide a minute apart: a further drug, with nothing to tell of gaps."""
    encounter = drafted("ondansetron 8 mg iv push 09:00", "furosemide 20 mg iv push 09:01")
    assert "same drug again" not in steps(line_of(encounter, "96375"))


def test_a_push_beside_chemotherapy_names_the_infusion() -> None:
    """Vincristine was pushed while cisplatin ran, which the guide does not bill."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", "vincristine 2 mg iv push 09:30", policy=GUIDE
    )
    (entry,) = encounter.withheld
    assert steps(entry)["push beside an infusion"] == (("during", "cisplatin"),)
    assert (entry.drug, entry.administrations, entry.reason) == (
        "vincristine",
        ("O2#2",),
        "guide.push.separate",
    )


# ------------------------------------------------------------------ hydration


def test_hydration_tells_what_ran_and_what_counts() -> None:
    """Of 80 minutes of fluid 20 ran beside ondansetron, in two pieces of 20 and 40 minutes."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-10:20", "ondansetron 8 mg iv 09:20-09:40"
    )
    trace = steps(line_of(encounter, "96361"))
    assert trace["hydration beside others"] == (("running", 80), ("counted", 60))
    assert trace["hydration in pieces"] == (("arithmetic", "20 + 40 = 60"),)


def test_pieces_of_an_hour_and_more_are_told_in_minutes() -> None:
    """60 minutes before ondansetron and 70 after it."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-11:30", "ondansetron 8 mg iv 10:00-10:20"
    )
    trace = steps(line_of(encounter, "96361"))
    assert trace["hydration in pieces"] == (("arithmetic", "60 + 70 = 130"),)


def test_hydration_in_one_piece_has_no_sum() -> None:
    """An hour of fluid is one piece."""
    line = line_of(drafted("sodium-chloride-0.9 1000 mL iv 09:00-10:00"), "96360")
    assert "hydration in pieces" not in steps(line)


def test_hydration_alone_is_chosen_from_one_service() -> None:
    """Rank 5, and nothing else competes."""
    trace = steps(line_of(drafted("sodium-chloride-0.9 1000 mL iv 09:00-10:00"), "96360"))
    assert (trace["initial service"], trace["rank"]) == (
        (("services", 1),),
        (("rank", 5), ("minutes", 60)),
    )


def test_hydration_that_is_too_short_alone_is_withheld_for_what_ran_beside_it() -> None:
    """40 minutes of fluid, 10 of them beside a drug: the 30 that are left are under 31."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-09:20",
        "ondansetron 8 mg iv 09:20-09:40",
        "sodium-chloride-0.9 1000 mL iv 09:30-09:50",
    )
    (entry,) = encounter.withheld
    assert steps(entry)["minimum"] == (("minutes", 30), ("least", 31))
    assert (entry.reason, entry.minutes, entry.administrations) == (
        "position.hydration_beside.alone",
        30,
        ("O1#1", "O3#3"),
    )


def test_hydration_that_is_too_short_by_itself_is_withheld_for_the_minimum() -> None:
    """30 minutes of fluid and nothing beside it."""
    (entry,) = drafted("sodium-chloride-0.9 1000 mL iv 09:00-09:30").withheld
    assert (entry.reason, entry.minutes) == ("minimum.hydration", 30)
    assert entry.says == "Hydration of 30 minutes or less is not reported."


# ------------------------------------------------------------------ injections and services alone


def test_injections_of_one_unit_are_counted() -> None:
    """The guide bills two chemotherapy injections once: two injections, one unit."""
    encounter = drafted("bortezomib 2 mg sc 09:00", "azacitidine 100 mg sc 09:20", policy=GUIDE)
    line = line_of(encounter, "96401")
    assert steps(line)["injections"] == (("injections", 2), ("units", 1))
    assert (line.administrations, line.minutes) == (("O1#1", "O2#2"), None)


def test_what_is_only_reported_by_itself_names_what_was_beside_it() -> None:
    """A port was rinsed and ondansetron was pushed."""
    encounter = drafted("heparin 500 unit cath irrigation 09:00", "ondansetron 8 mg iv push 09:05")
    (entry,) = encounter.withheld
    assert steps(entry)["only by itself"] == (("beside", "ondansetron"),)
    assert (entry.drug, entry.minutes, entry.administrations, entry.reason) == (
        "heparin-lock-small",
        None,
        ("O1#1",),
        "exclusive.irrigation",
    )
    assert entry.says.startswith("Rinsing an access device is reported only if it is the only")


def test_of_several_services_beside_it_the_first_by_the_clock_is_named() -> None:
    """The port was rinsed at nine; ondansetron came before furosemide."""
    encounter = drafted(
        "heparin 500 unit cath irrigation 09:00",
        "furosemide 20 mg iv push 09:20",
        "ondansetron 8 mg iv push 09:05",
    )
    (entry,) = encounter.withheld
    assert steps(entry)["only by itself"] == (("beside", "ondansetron"),)


# ------------------------------------------------------------------ place, hours, code, cap


def test_a_line_ends_with_its_place_its_hours_and_its_code() -> None:
    """91 minutes of carboplatin under Medicare: the further hour has a role and a code."""
    line = line_of(drafted("carboplatin 450 mg iv 09:00-10:31"), "96415")
    assert [*steps(line).items()][-3:] == [
        ("place", (("position", "initial"), ("role", "chemo.infusion.additional_hour"))),
        (
            "further hours",
            (
                (
                    "arithmetic",
                    "91 minutes = 1 h + 31 min; a further hour counts from 31 min: 1 further",
                ),
            ),
        ),
        ("code", (("code", "96415"), ("units", 1))),
    ]


def test_a_line_begins_with_why_its_encounter_is_one() -> None:
    """First the encounter, then what the service is by itself."""
    line = line_of(drafted("carboplatin 450 mg iv 09:00-10:00"), "96413")
    assert [*steps(line)][:3] == ["encounter", "drug class", "technique"]


def test_a_push_has_no_hours_and_no_minutes() -> None:
    """A push of one moment is neither timed nor counted by the hour."""
    line = line_of(drafted("furosemide 20 mg iv push 11:35"), "96374")
    assert "further hours" not in steps(line)
    assert line.minutes is None


def test_a_capped_line_tells_what_was_earned_and_allowed() -> None:
    """11 hours of cisplatin earn 10 further ones, the guide allows 8, so 2 are withheld."""
    encounter = drafted("cisplatin 100 mg iv 08:00-19:00", policy=GUIDE)
    line, (entry,) = line_of(encounter, "96415"), encounter.withheld
    cap = (("units earned", 10), ("allowed", 8))
    assert (line.units, steps(line)["cap"], steps(entry)["cap"]) == (8, cap, cap)
    assert (entry.reason, entry.drug, entry.minutes, entry.administrations) == (
        "guide.hours.cap",
        "cisplatin",
        660,
        ("O1#1",),
    )
    assert entry.says.startswith("2 of 10 units of 96415 are above the cap of 8: ")


def test_a_capped_line_keeps_all_the_steps_before_the_cap() -> None:
    """From the encounter to the code, also in what is withheld."""
    encounter = drafted("cisplatin 100 mg iv 08:00-19:00", policy=GUIDE)
    line, (entry,) = line_of(encounter, "96415"), encounter.withheld
    assert [*steps(line)] == [*steps(entry)]
    assert [*steps(entry)][:1] + [*steps(entry)][-2:] == ["encounter", "code", "cap"]


def test_a_service_withheld_by_itself_keeps_its_minutes_and_steps() -> None:
    """A flush of saline is withheld with its drug and the rule that says so."""
    (entry,) = [each for each in drafted("saline-flush 10 mL iv push 09:00").withheld if each.trace]
    assert (entry.drug, entry.minutes, entry.administrations) == ("saline-flush", 0, ("O1#1",))
    assert [step.topic for step in entry.trace][:1] == ["drug class"]
    assert entry.family == "infusions"
    assert entry.says.endswith(".")


# ------------------------------------------------------------------ in one sentence


def test_a_further_hour_has_its_sum_in_the_sentence_on_the_page() -> None:
    """The sentence of the place, then the arithmetic."""
    line = line_of(drafted("carboplatin 450 mg iv 09:00-10:31"), "96415")
    assert reason_in_short(line) == (
        "Further hours of any chemotherapy infusion. 91 minutes = 1 h + 31 min; a further hour "
        "counts from 31 min: 1 further."
    )


def test_a_first_hour_has_no_sum_in_the_sentence_on_the_page() -> None:
    """The sentence of the place is enough."""
    line = line_of(drafted("carboplatin 450 mg iv 09:00-10:31"), "96413")
    assert reason_in_short(line) == (
        "The chemotherapy infusion that counts as the initial service of its line."
    )


def test_hydration_as_an_add_on_has_its_sum_in_the_sentence_on_the_page() -> None:
    """Its first unit is an hour already, so what a further one needs is told."""
    line = line_of(drafted(*WORKED, policy=FACILITY), "96361")
    assert reason_in_short(line).endswith(
        "60 minutes = 1 h + 0 min; a further hour counts from 31 min: 0 further."
    )
