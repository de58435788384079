"""Claims about drug lines: which doses count, what is asked about the others, and what has no code.

It owns lines, questions and withheld drugs; the arithmetic of a sum is in test_units.py.
"""

from datetime import date
from decimal import Decimal

import pytest

from chargeline.engine import (
    Condition,
    Containers,
    Drug,
    DrugAmount,
    EncounterDraft,
    Rule,
    VisitKey,
    draft,
)
from chargeline.engine.drugs import reason_in_short
from chargeline.engine.drugs.doses import DrugDay, DrugDose, is_given, withheld_vehicles
from chargeline.engine.drugs.lines import lines_of_drug
from chargeline.engine.modifiers import COVERAGE, CoverageAnswer
from chargeline.engine.services.records import NamedDrug, Service
from chargeline.engine.trace import line_id
from chargeline.engine.words import DrugClass, Outcome
from chargeline.rulebook.notation import administration_of
from tests.engine import rulebook, visits_of
from tests.engine.short import asked, coded, drafted, drafted_by, line_of, with_rules
from tests.golden.messages import given, message, orc, rxa, rxc, rxr, segment

VISIT = VisitKey("CASE", "V1")


def service(
    text: str, *, outcome: Outcome = "service", drug_class: DrugClass = "therapeutic"
) -> Service:
    """A service made by hand, whatever rules would say of it."""
    item = administration_of(text, 1)
    return Service(item, item.drugs[0].text, outcome=outcome, service_class=drug_class)


def drug_lines(encounter: EncounterDraft) -> list[tuple[str, int, tuple[str, ...]]]:
    return [
        (line.code, line.units, line.administrations)
        for line in encounter.lines
        if line.family == "drugs"
    ]


def withheld_drugs(encounter: EncounterDraft) -> list[tuple[str, str]]:
    return [(entry.reason, entry.drug) for entry in encounter.withheld if entry.family == "drugs"]


# ------------------------------------------------------------------ a line


def test_a_drug_line_says_what_it_is() -> None:
    """450 mg of carboplatin, 50 mg a unit: nine units of J9045, untimed and without modifier."""
    line = line_of(drafted("carboplatin 450 mg iv 09:00-10:00"), "J9045")
    assert (line.units, line.role, line.drug, line.family) == (9, "drug", "carboplatin", "drugs")
    assert (line.minutes, line.modifiers, line.provisional) == (None, (), "")
    assert line.service_date.isoformat() == "2026-03-02"


def test_a_drug_line_tells_its_drug_its_sum_and_the_source_of_its_unit() -> None:
    """One step with the rule of rounding: the drug, the arithmetic, the source of the unit."""
    line = line_of(drafted("carboplatin 450 mg iv 09:00-10:00"), "J9045")
    (step,) = line.trace
    assert step.topic == "drug units"
    assert step.decision is not None
    assert step.decision.rule_in_force.cite == ("CMS-CH17",)
    assert step.facts == (
        ("drug", "carboplatin"),
        ("arithmetic", "450 mg / 50 mg a unit = 9"),
        ("cite", "CMS-ASP"),
    )


def test_the_sentence_of_a_drug_line_is_its_sum() -> None:
    """What the page shows beside a drug."""
    line = line_of(drafted("carboplatin 450 mg iv 09:00-10:00"), "J9045")
    assert reason_in_short(line) == "450 mg / 50 mg a unit = 9"


def test_each_dose_of_a_drug_line_has_its_field() -> None:
    """Two messages with a dose each: the field of the amount in both."""
    encounter = coded(
        given("ONDANSETRON", "8 mg", "0900", method="PUSH", control="A1"),
        given("ONDANSETRON", "8 mg", "0940", method="PUSH", control="A2", order="R2"),
    )
    (step,) = line_of(encounter, "J2405").trace
    assert [(source.message.control_id, source.address) for source in step.sources] == [
        ("A1", "RXA[1]-6"),
        ("A2", "RXA[1]-6"),
    ]


def test_the_id_of_a_drug_line_does_not_change_with_a_further_dose() -> None:
    """The line of a drug on a day is the same line with one dose and with two."""
    once = drafted("ondansetron 8 mg iv push 09:00")
    twice = drafted("ondansetron 8 mg iv push 09:00", "ondansetron 8 mg iv push 09:40")
    assert line_of(once, "J2405").line_id == line_of(twice, "J2405").line_id


def test_the_ids_of_two_drugs_differ() -> None:
    """Carboplatin and ondansetron of a visit have a line each."""
    lines = drafted("carboplatin 450 mg iv 09:00-10:00", "ondansetron 8 mg iv push 09:00").lines
    assert len({line.line_id for line in lines}) == len(lines) == 4


def test_a_drug_on_two_days_is_two_lines() -> None:
    """Observation over midnight: 8 mg on each day, not 16 mg on one."""
    encounter = coded(
        given("ONDANSETRON", "8 mg", "2300", method="PUSH", patient_class="OBS"),
        given(
            "ONDANSETRON", "8 mg", "202603030200", method="PUSH", patient_class="OBS", order="R2"
        ),
    )
    lines = [line for line in encounter.lines if line.code == "J2405"]
    assert [(line.service_date.isoformat(), line.units) for line in lines] == [
        ("2026-03-02", 8),
        ("2026-03-03", 8),
    ]
    assert len({line.line_id for line in lines}) == 2


def test_drugs_have_their_lines_in_the_order_of_the_clock() -> None:
    """Furosemide was given before carboplatin."""
    encounter = drafted("carboplatin 450 mg iv 09:00-10:00", "furosemide 20 mg iv push 08:00")
    assert [code for code, *_rest in drug_lines(encounter)] == ["J1938", "J9045"]


# ------------------------------------------------------------------ a dose that cannot be read


@pytest.mark.parametrize(
    ("dose", "code", "says"),
    [
        ("", "dose.missing", "no amount"),
        (" 999 mg", "dose.missing", "no amount"),
        (" 0 mg", "dose.missing", "an amount of 0"),
        (" 450 mL", "dose.unit", "an amount in mL"),
        (" 1 mL", "dose.unit", "an amount in mL"),
    ],
)
def test_a_dose_that_cannot_be_read_is_a_question(dose: str, code: str, says: str) -> None:
    """No amount, HL7's 999 for an unknown one, none at all, and a unit of another kind."""
    encounter = drafted(f"carboplatin{dose} iv 09:00-10:00")
    (question,) = encounter.questions
    assert asked(question) == (
        code,
        "a dose in mg or a unit that converts to it",
        says,
        "chart the dose that was given; until then this dose is not billed",
    )
    assert (question.drug, question.administrations) == ("carboplatin", ("O1#1",))
    assert drug_lines(encounter) == []


@pytest.mark.parametrize(("dose", "units"), [("998", 20), ("1000", 20), ("1", 1)])
def test_only_999_stands_for_an_unknown_amount(dose: str, units: int) -> None:
    """998 mg and 1000 mg are doses like others, 1 mg is the least of them."""
    encounter = drafted(f"carboplatin {dose} mg iv 09:00-10:00")
    assert drug_lines(encounter) == [("J9045", units, ("O1#1",))]


def test_an_amount_without_a_unit_is_a_question_of_its_own() -> None:
    """450 of what? The question names the field of the drug and its message."""
    encounter = coded(given("CARBOPLATIN", "450", "0900", "1000", control="A1"))
    (question,) = encounter.questions
    assert asked(question)[0::2] == ("dose.no_unit", "an amount without a unit")
    (source,) = question.sources
    assert (source.message.control_id, source.address) == ("A1", "RXA[1]-5")


def test_a_dose_in_a_mixture_is_asked_about_where_it_stands() -> None:
    """The bag is named in RXA-5, the etoposide in it with its millilitres in RXC-2."""
    encounter = coded(
        message(
            "RAS^O17",
            orc("R1"),
            rxa("BAG", "1 each", "0900", "1000"),
            rxr("IV"),
            rxc("A", "ETOPOSIDE", "9 mL"),
            rxc("A", "ONDANSETRON", "8 mg"),
        )
    )
    (question,) = encounter.questions
    assert (question.drug, question.finding.where) == ("etoposide", "RXA[1]/RXC[1]-2")


def test_a_line_with_an_unreadable_dose_beside_it_is_provisional() -> None:
    """Two doses can be read, 8 mg; the third, in millilitres, may add to them."""
    encounter = drafted(
        "ondansetron 4 mg iv push 09:00",
        "ondansetron 4 mg iv push 09:40",
        "ondansetron 4 mL iv push 10:30",
    )
    line = line_of(encounter, "J2405")
    assert (line.units, line.administrations, line.provisional) == (
        8,
        ("O1#1", "O2#2"),
        "dose.unit",
    )
    assert [question.administrations for question in encounter.questions] == [("O3#3",)]


# ------------------------------------------------------------------ what is not billed


def test_a_drug_without_a_code_is_withheld_with_the_note_of_the_formulary() -> None:
    """Bicarbonate has no code of its own, and the formulary says what to know of it."""
    encounter = drafted("sodium-bicarbonate 50 mEq iv push 09:00")
    (entry,) = [each for each in encounter.withheld if each.family == "drugs"]
    assert (entry.reason, entry.drug, entry.administrations) == (
        "drug.no_code",
        "sodium-bicarbonate",
        ("O1#1",),
    )
    assert entry.says.startswith("No billing code: No own code; J3490 or packaged.")
    assert drug_lines(encounter) == []


def test_a_fluid_that_carries_a_drug_is_withheld_by_name() -> None:
    """50 mL of saline are the base of a bag of vancomycin."""
    encounter = coded(
        message(
            "RAS^O17",
            orc("R1"),
            rxa("VANCOMYCIN", "1000 mg", "0900", "1000"),
            rxr("IV"),
            rxc("B", "NS", "50 mL"),
            rxc("A", "VANCOMYCIN", "1000 mg"),
        )
    )
    (entry,) = [each for each in encounter.withheld if each.family == "drugs"]
    (vancomycin,) = {key for line in encounter.lines for key in line.administrations}
    assert (entry.reason, entry.drug, entry.administrations, entry.says) == (
        "vehicle",
        "ns",
        (vancomycin,),
        "Fluid that carries a drug is part of giving the drug (NCCI manual ch. XI).",
    )


@pytest.mark.parametrize(
    "given_so",
    [
        "ondansetron 8 mg iv push 09:00 notgiven",
        "ondansetron 8 mg po 09:00",
        "heparin 500 unit iv push 09:00 flush",
        "sodium-chloride-0.9 1000 mL iv 09:00-10:00 kvo",
        "saline-flush 10 mL iv push 09:00",
    ],
)
def test_a_drug_that_was_not_given_for_itself_is_not_billed(given_so: str) -> None:
    """Not given, by mouth, to flush a line, to keep a vein open, or a rinsing solution."""
    encounter = drafted(given_so)
    assert (drug_lines(encounter), withheld_drugs(encounter)) == ([], [])


def test_a_rinsing_solution_beside_a_drug_has_no_line() -> None:
    """Ondansetron is billed, the saline that came with it is not."""
    encounter = drafted("ondansetron 8 mg + saline-flush 10 mL iv push 09:00")
    assert [code for code, *_rest in drug_lines(encounter)] == ["J2405"]


def test_a_drug_is_billed_where_giving_it_is_not() -> None:
    """Vincristine pushed during chemotherapy: no push under the guide, but two units of drug."""
    encounter = drafted(
        "cisplatin 100 mg iv 09:00-10:00", "vincristine 2 mg iv push 09:30", policy="guide-2026"
    )
    assert ("J9370", 2, ("O2#2",)) in drug_lines(encounter)


def test_a_drug_is_billed_where_its_infusion_cannot_be_told() -> None:
    """Without a stop hydration is withheld, but a litre of saline went in."""
    encounter = drafted("sodium-chloride-0.9 1000 mL iv 09:00-?")
    assert drug_lines(encounter) == [("J7030", 1, ("O1#1",))]


@pytest.mark.parametrize(
    ("given_so", "billed"),
    [
        ("ondansetron 8 mg iv push 09:00", True),
        ("ondansetron 8 mg iv push 09:00 notgiven", False),
        ("ondansetron 8 mg iv push 09:00 flush", True),
        ("sodium-chloride-0.9 500 mL iv 09:00 flush", False),
        ("ondansetron 8 mg po 09:00", False),
    ],
)
def test_a_withheld_drug_is_billed_if_it_was_given_for_itself(given_so: str, billed: bool) -> None:
    """Whatever rule withholds the service: not given, for a line, or by mouth it is not billed."""
    fluid: DrugClass = "hydration" if "chloride" in given_so else "therapeutic"
    assert is_given(service(given_so, outcome="withheld", drug_class=fluid)) is billed


@pytest.mark.parametrize("drug_class", ["flush", "hydration", "therapeutic"])
def test_a_withheld_drug_is_not_billed_where_rules_class_it_as_a_flush(
    drug_class: DrugClass,
) -> None:
    """The class counts, not the kind that the formulary has."""
    withheld = service("ondansetron 8 mg iv push 09:00", outcome="withheld", drug_class=drug_class)
    assert is_given(withheld) is (drug_class != "flush")


@pytest.mark.parametrize("outcome", ["service", "question"])
def test_a_drug_is_billed_whose_giving_is_a_service_or_asked_about(outcome: Outcome) -> None:
    """Also where it was pushed to flush a line: the rules had it reported."""
    assert is_given(service("ondansetron 8 mg iv push 09:00 flush", outcome=outcome))


def test_a_fluid_without_a_name_is_told_by_its_codes() -> None:
    """The base of a bag with two codes and no text."""
    fluid = DrugAmount(("NS", "0338"), "", None, "", "base", "RXC[1]-2")
    carried = service("ondansetron 8 mg iv push 09:00")._replace(vehicles=(fluid,))
    (entry,) = withheld_vehicles([carried]).withheld
    assert entry.drug == "NS/0338"


def test_a_drug_without_a_code_and_without_a_note_is_told_so() -> None:
    """A site's own row may say nothing."""
    bare = Drug(
        "zebrastatin", (), "", Decimal(1), "mg", "supportive", "SDV", date(2024, 1, 1), None,
        "site", "",
    )  # fmt: skip
    amount = DrugAmount(("ZEBRA",), "zebrastatin", Decimal(5), "mg", "", "RXA[1]-5")
    dose = DrugDose(NamedDrug(bare, amount), service("zebrastatin 5 mg iv push 09:00"))
    day = DrugDay(
        visit=VISIT, encounter="2026-03-02", day=date(2026, 3, 2), doses=(dose,), payer="",
        paid="unknown", rules=rulebook().base.on(date(2026, 3, 2)), containers=Containers(),
    )  # fmt: skip
    (entry,) = lines_of_drug(day).withheld
    assert (entry.says, entry.drug) == (
        "No billing code: the formulary has none.",
        "zebrastatin",
    )


def test_the_id_of_a_drug_line_is_made_of_visit_encounter_drug_and_day() -> None:
    """It stays the same for ever, so what it is made of must not change."""
    line = line_of(drafted("ondansetron 8 mg iv push 09:00"), "J2405")
    assert line.line_id == line_id(VISIT, "2026-03-02", "drug", "ondansetron@2026-03-02")


def test_kx_stands_where_a_rule_names_the_code_and_tells_why() -> None:
    """A site's rule for iron sucrose marks its line only, and the line shows rule and reason."""
    rule = Rule(
        "site.kx.iron", COVERAGE, "site", date(2026, 1, 1), None,
        (Condition("code", frozenset({"J1756"})),), (("modifier", "KX"),), CoverageAnswer("KX"),
        "The contractor names KX for iron, and the clinic keeps its values.", (), (), (),
        "site.toml",
    )  # fmt: skip
    encounter = drafted_by(with_rules(rule), "iron-sucrose 200 mg iv 09:00-09:30 waste=0mg")
    marked = line_of(encounter, "J1756")
    assert marked.modifiers == ("JZ", "KX")
    (step,) = [step for step in marked.trace if step.topic == "coverage"]
    assert step.decision is not None and step.decision.rule == rule
    assert step.facts == (("code", "J1756"),)
    assert line_of(encounter, "96365").modifiers == ()


def test_no_shipped_rule_attests_a_coverage_policy() -> None:
    """KX is never put by guess: of the shipped rules none gives it."""
    rules = [rule for policy in rulebook().policies.values() for rule in policy.rules]
    assert [rule.id for rule in rules if rule.concern is COVERAGE] == []


def test_a_drug_that_others_paid_for_is_withheld_and_its_flush_goes_with_the_service() -> None:
    """A white bag of carboplatin is withheld by the rule; saline that rinsed the line is no drug
    that anybody could have bought apart.
    """
    encounter = drafted(
        "carboplatin 450 mg iv 09:00-10:00 notbought",
        "saline-flush 10 mL iv push 10:00 notbought",
    )
    assert withheld_drugs(encounter) == [("drug.not_bought.withheld", "carboplatin")]
    assert drug_lines(encounter) == []


def test_parts_of_a_mixture_that_are_not_the_whole_are_asked_about() -> None:
    """RXA says 500 mg, and two parts of 500 mg follow it."""
    parts = [
        segment("RXC", {1: "A", 2: f"RTX{n}^rituximab^L", 3: "500", 4: "mg"}) for n in range(2)
    ]
    data = message("RAS^O17", orc(), rxa("rituximab", "500 mg", "0900", "1300"), rxr("IV"), *parts)
    feed = visits_of([data])
    (key,) = feed
    encounter = draft(feed[key], rulebook()).encounters[0]
    assert [question.finding.code for question in encounter.questions] == ["dose.parts"]
    drugs = [line for line in encounter.lines if line.family == "drugs"]
    assert {line.provisional for line in drugs} == {"dose.parts"}
