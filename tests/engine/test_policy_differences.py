"""Claims about what another policy would give for the same administrations, and its rule.

It owns the differences on a line that places and caps make; that equal policies are not mentioned
is in test_explain.py.
"""

from chargeline.engine import ChargeLine, EncounterDraft, Withheld
from tests.engine.short import FACILITY, GUIDE, PHYSICIAN, drafted, line_of


def differences(entry: ChargeLine | Withheld) -> dict[str, tuple[str, ...]]:
    """What each policy that differs would give."""
    return {each.policy: each.says for each in entry.other_policies}


def rules(entry: ChargeLine | Withheld) -> dict[str, str]:
    """The rule that makes the difference, by policy."""
    return {each.policy: each.rule for each in entry.other_policies}


def withheld(encounter: EncounterDraft) -> Withheld:
    (entry,) = encounter.withheld
    return entry


# ------------------------------------------------------------------ caps


def test_a_cap_of_another_policy_is_held_beside_ours() -> None:
    """Ten further hours here; the guide would give eight and withhold the rest."""
    line = line_of(drafted("cisplatin 100 mg iv 08:00-19:00", policy=FACILITY), "96415")
    assert differences(line) == {GUIDE: ("96413 x1", "96415 x8", "withheld")}


def test_a_cap_that_leaves_nothing_withholds_all() -> None:
    """Nine hours of cisplatin use up the guide's eight, so gemcitabine's further hour has none."""
    encounter = drafted(
        "cisplatin 100 mg iv 05:00-14:00", "gemcitabine 1000 mg iv 14:00-16:00", policy=FACILITY
    )
    assert differences(line_of(encounter, "96415", "gemcitabine")) == {
        GUIDE: ("96417 x1", "withheld")
    }


def test_a_cap_that_is_just_met_is_no_difference() -> None:
    """Eight further hours are what the guide allows."""
    encounter = drafted("cisplatin 100 mg iv 05:00-14:00", policy=FACILITY)
    assert [differences(line) for line in encounter.lines] == [{}, {}, {}]


def test_without_a_cap_of_its_own_another_policy_gives_all_hours() -> None:
    """The guide withholds two of ten; Medicare would give ten."""
    encounter = drafted("cisplatin 100 mg iv 08:00-19:00", policy=GUIDE)
    assert differences(withheld(encounter)) == {
        FACILITY: ("96413 x1", "96415 x10"),
        PHYSICIAN: ("96413 x1", "96415 x10"),
    }


# ------------------------------------------------------------------ what is not reported


def test_a_push_that_another_policy_withholds_names_its_rule() -> None:
    """The guide bills no push of chemotherapy during chemotherapy."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", "vincristine 2 mg iv push 09:30", policy=FACILITY
    )
    line = line_of(encounter, "96411")
    assert differences(line) == {GUIDE: ("withheld",)}
    assert rules(line) == {GUIDE: "guide.push.separate"}
    assert differences(line_of(encounter, "96413")) == {}


def test_a_push_that_we_withhold_tells_what_others_give() -> None:
    """The office does not report the same drug pushed again; a facility does."""
    encounter = drafted(
        "ondansetron 8 mg iv push 09:00", "ondansetron 8 mg iv push 09:31", policy=PHYSICIAN
    )
    entry = withheld(encounter)
    assert differences(entry) == {FACILITY: ("96376 x1",), GUIDE: ("96376 x1",)}
    assert set(rules(entry).values()) == {"position.repeat_push.after_thirty"}


def test_a_push_that_another_policy_reports_is_named_by_its_place() -> None:
    """The guide withholds it; Medicare has a place for a further chemotherapy push."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", "vincristine 2 mg iv push 09:30", policy=GUIDE
    )
    assert rules(withheld(encounter)) == {
        FACILITY: "role.chemo.push.additional",
        PHYSICIAN: "role.chemo.push.additional",
    }


def test_hydration_that_another_policy_counts_names_its_rule() -> None:
    """20 of 40 minutes ran beside ondansetron: the guide counts them."""
    encounter = drafted(
        "sodium-chloride-0.9 1000 mL iv 09:00-09:40",
        "ondansetron 8 mg iv 09:20-09:40",
        policy=FACILITY,
    )
    entry = withheld(encounter)
    assert (differences(entry), rules(entry)) == (
        {GUIDE: ("96361 x1",)},
        {GUIDE: "guide.hydration.beside"},
    )


def test_a_question_of_another_policy_is_named_as_one() -> None:
    """Pembrolizumab beside cisplatin: 96368 here; where it is chemotherapy, no code fits it."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", "pembrolizumab 200 mg iv 09:00-10:00", policy=GUIDE
    )
    assert differences(line_of(encounter, "96368")) == {
        FACILITY: ("a question",),
        PHYSICIAN: ("a question",),
    }


def test_hydration_is_not_blamed_on_the_class_of_another_drug() -> None:
    """95 minutes of saline beside bevacizumab: the class of bevacizumab has no part in it."""
    encounter = drafted(
        "bevacizumab 400 mg iv 09:00-10:30",
        "carboplatin 450 mg iv 10:30-11:30",
        "sodium-chloride-0.9 1000 mL iv 09:00-10:35",
        policy=GUIDE,
    )
    line = line_of(encounter, "96361")
    assert differences(line)[FACILITY] == ("withheld",)
    assert rules(line)[FACILITY] == "position.hydration_beside.alone"


def test_hours_are_not_blamed_on_the_class_of_another_drug() -> None:
    """210 minutes of ocrelizumab are two further hours for Medicare and three for the guide."""
    encounter = drafted(
        "ocrelizumab 600 mg iv 09:00-12:30", "pembrolizumab 200 mg iv 12:35-13:05", policy=FACILITY
    )
    assert rules(line_of(encounter, "96415"))[GUIDE] == "guide.hours.thirty_or_more"


# ------------------------------------------------------------------ place, hours and modifiers


def test_another_class_is_named_before_the_place_that_follows_from_it() -> None:
    """Pembrolizumab is therapeutic for the guide, so 96365 and 96366 instead of 96413."""
    line = line_of(drafted("pembrolizumab 200 mg iv 09:00-10:30", policy=FACILITY), "96413")
    assert differences(line) == {GUIDE: ("96365 x1", "96366 x1")}
    assert rules(line) == {GUIDE: "guide.class.immunotherapy"}


def test_a_modifier_of_another_policy_is_a_difference() -> None:
    """The office marks an infusion stopped early with 53."""
    encounter = drafted("carboplatin 450 mg iv 09:00-09:10 partial", policy=FACILITY)
    line = line_of(encounter, "96413")
    assert differences(line) == {PHYSICIAN: ("96413-53 x1",)}
    assert rules(line) == {PHYSICIAN: "physician.stopped_early"}


def test_another_initial_service_is_named_by_the_rule_that_chose_it() -> None:
    """For dehydration the office takes hydration first; a facility goes by rank."""
    encounter = drafted(
        "ondansetron 8 mg iv 09:00-09:30",
        "sodium-chloride-0.9 1000 mL iv 10:00-11:30",
        policy=PHYSICIAN,
        diagnoses=["E86.0"],
    )
    line = line_of(encounter, "96367")
    assert differences(line) == {FACILITY: ("96365 x1",), GUIDE: ("96365 x1",)}
    assert rules(line)[FACILITY] == "position.initial.rank"


def test_a_service_that_is_withheld_everywhere_has_no_difference() -> None:
    """A flush is part of the other services under every policy."""
    encounter = drafted("ondansetron 8 mg iv push 09:00", "heparin 500 unit iv push 09:01 flush")
    assert differences(withheld(encounter)) == {}


# ------------------------------------------------------------------ what an encounter contributes


def test_an_encounter_with_an_initial_service_says_so_to_the_record() -> None:
    """The day of the infusion is taken."""
    slot, _at, _value = drafted("carboplatin 450 mg iv 09:00-10:00").facts[0]
    assert (slot.kind, slot.about) == ("initial_service", "2026-03-02")


def test_an_encounter_without_an_initial_service_leaves_it_to_others() -> None:
    """An injection alone: another visit of the day may still have its initial service."""
    slot, _at, _value = drafted("filgrastim 300 mcg sc 10:05").facts[0]
    assert (slot.kind, slot.about) == ("service", "2026-03-02")


def test_each_dose_says_its_minute_to_the_record() -> None:
    """So that the same dose under another visit is seen."""
    facts = drafted("carboplatin 450 mg iv 09:00-10:00").facts
    doses = [slot.about for slot, _at, _value in facts if slot.kind == "dose"]
    assert doses == ["carboplatin@2026-03-02T09:00Z"]


def test_drug_lines_take_no_day() -> None:
    """Hydration of 30 minutes is withheld; its litre of saline is a line, but no service."""
    encounter = drafted("sodium-chloride-0.9 1000 mL iv 09:00-09:30")
    assert [line.code for line in encounter.lines] == ["J7030"]
    assert encounter.facts == ()
