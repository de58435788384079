"""Claims about waste and NDCs: what is asked, what an answer does, what other policies give."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chargeline.engine import (
    Answer,
    EncounterDraft,
    MessageRef,
    WastedAmount,
    asked_in,
    draft,
    offers_for,
    wasted_in,
)
from tests.engine import rulebook
from tests.engine.short import FACILITY, GUIDE, coded, drafted, line_of, timeline
from tests.golden.messages import message, orc, rxa, rxr

THREE_VIALS = "trastuzumab 420 mg iv 09:00-10:15 vials=50242-0132-01x3"


def asked(encounter: EncounterDraft) -> list[str]:
    return [question.finding.code for question in encounter.questions]


def answered(text: str, choice: str, value: str = "", reason: str = "") -> EncounterDraft:
    """The draft after a person has answered its first question."""
    visit = timeline([text])
    before = draft(visit, rulebook(), policy=FACILITY)
    (question, *_others) = asked_in(before, {item.key: item for item in visit.administrations})
    assert choice in [offer.choice for offer in offers_for(question.question.finding.code)]
    said = Answer(
        message=MessageRef("a1", "a1", "answer", datetime(2026, 3, 2, 18, tzinfo=UTC)),
        question_id=question.question_id,
        code=question.question.finding.code,
        drug=question.question.drug,
        administrations=question.question.administrations,
        fingerprint=question.fingerprint,
        choice=choice,  # type: ignore[arg-type]
        value=value,
        by="Coder Zebra",
        reason=reason,
    )
    (encounter,) = draft(visit._replace(answers=(said,)), rulebook(), policy=FACILITY).encounters
    return encounter


def test_a_line_of_waste_waits_for_the_chart() -> None:
    """Vials hold 450 mg, 420 were given, nothing is charted: the line of waste is provisional."""
    encounter = drafted(THREE_VIALS)
    given, discarded = [line for line in encounter.lines if line.family == "drugs"]
    assert (given.modifiers, given.provisional) == ((), "")
    assert (discarded.modifiers, discarded.provisional) == (("JW",), "waste.not_charted")


@pytest.mark.parametrize(
    ("choice", "value", "modifiers", "waste"),
    [
        ("discarded", "30 mg", (), 3),
        ("confirm", "", (), 3),
        ("none_discarded", "", ("JZ",), 0),
    ],
)
def test_an_answer_says_what_was_discarded(
    choice: str, value: str, modifiers: tuple[str, ...], waste: int
) -> None:
    """30 mg discarded makes the line firm; nothing discarded asks why 30 mg are left over."""
    encounter = answered(THREE_VIALS, choice, value)
    lines = [line for line in encounter.lines if line.family == "drugs"]
    assert lines[0].modifiers == modifiers
    assert sum(line.units for line in lines if line.role == "drug.discarded") == waste
    if choice != "none_discarded":
        assert not asked(encounter)
        assert not any(line.provisional for line in lines)
    else:
        assert asked(encounter) == ["waste.disagrees"]


def test_an_answer_says_which_ndc_stands_on_the_vial() -> None:
    """Ten bare digits are asked about; the NDC of the answer stands on the line."""
    text = "trastuzumab 150 mg iv 09:00-10:15 vials=5024201321"
    assert asked(drafted(text)) == ["ndc.unreadable"]
    line = line_of(answered(text, "ndc", "50242-0132-01"), "J9355")
    assert line.ndc is not None
    assert (line.ndc.in_full, line.provisional) == ("N450242013201 UN1", "")


def test_other_policies_are_told_on_the_lines() -> None:
    """Medicare bills three units of waste that the guide withholds, and each says so."""
    encounter = drafted(THREE_VIALS + " waste=30mg")
    drug_lines = [line for line in encounter.lines if line.family == "drugs"]
    for line in drug_lines:
        (guide,) = [other for other in line.other_policies if other.policy == GUIDE]
        assert guide.rule == "guide.waste"
        assert guide.says == ("J9355 x42", "withheld")


def test_without_vials_and_waste_policies_are_not_compared() -> None:
    """Where nothing is charted of containers, a drug line names no other policy."""
    line = line_of(drafted("trastuzumab 420 mg iv 09:00-10:15"), "J9355")
    assert line.other_policies == ()


def test_a_mixture_owns_no_charted_waste() -> None:
    """An amount that was discarded of two drugs in one bag belongs to neither: a person says."""
    encounter = drafted("etoposide 180 mg + ondansetron 8 mg iv 09:00-10:15 waste=20mg")
    assert set(asked(encounter)) == {"waste.unclear"}


def test_millilitres_count_by_the_strength_of_the_vials() -> None:
    """5 mL of rituximab of 10 mg a mL are 50 mg."""
    encounter = drafted(
        "rituximab 750 mg iv 09:00-13:00 vials=50242-0053-06,50242-0051-21x3 waste=5mL"
    )
    waste = [line.units for line in encounter.lines if line.role == "drug.discarded"]
    assert (waste, asked(encounter)) == ([5], [])


def test_millilitres_of_a_powder_are_asked_about() -> None:
    """Nobody knows in how much a powder was dissolved."""
    assert asked(drafted(THREE_VIALS + " waste=5mL")) == ["waste.unclear", "waste.not_charted"]


@pytest.mark.parametrize("waste", ["waste=5mL", "waste=50mg"])
def test_millilitres_are_those_of_the_vials_of_their_own_dose(waste: str) -> None:
    """A dose's own vials say what its millilitres hold, whatever another dose of the day names."""
    encounter = drafted(
        f"rituximab 750 mg iv 09:00-13:00 vials=50242-0051-21x8 {waste}",
        "rituximab 100 mg iv 14:00-15:00 vials=00000-0001-01",
    )
    waste_units = [line.units for line in encounter.lines if line.role == "drug.discarded"]
    assert (waste_units, "waste.unclear" in asked(encounter)) == ([5], False)


def test_a_dose_without_vials_has_the_concentration_of_the_days_vials() -> None:
    """3 mL of a dose that names no vial are those of the liquid that the other dose came from."""
    encounter = drafted(
        "rituximab 100 mg iv 09:00-10:00 vials=50242-0051-21",
        "rituximab 70 mg iv 11:00-12:00 waste=3mL",
    )
    assert [line.units for line in encounter.lines if line.role == "drug.discarded"] == [3]


@pytest.mark.parametrize("waste", ["waste=0mL", "waste=0mg", "waste=0each"])
def test_nothing_is_nothing_in_any_unit(waste: str) -> None:
    """Nobody needs a concentration to say that none of a powder, or of a mixture, was discarded."""
    encounter = drafted(f"trastuzumab 450 mg iv 09:00-10:15 {waste}")
    assert line_of(encounter, "J9355").modifiers == ("JZ",)
    mixture = drafted(f"bevacizumab 400 mg + trastuzumab 450 mg iv 09:00-10:15 {waste}")
    assert asked(encounter) == asked(mixture) == []
    assert line_of(mixture, "J9035").modifiers == ("JZ",)


@pytest.mark.parametrize(
    ("amount", "unit", "read"),
    [("30", "mg", "30"), ("0.03", "g", "30"), ("3", "mL", "30"), ("-30", "mg", None),
     ("-3", "mL", None), ("3", "each", None), ("3", "", None), ("0", "", "0")],
)  # fmt: skip
def test_a_discarded_amount_is_read_in_the_unit_of_the_drug(
    amount: str, unit: str, read: str | None
) -> None:
    """By mass, or by the 10 mg a millilitre of the vial; below zero is no amount, and 3 pieces say
    nothing of milligrams.
    """
    formulary, day = rulebook().formulary, date(2026, 3, 2)
    (drug,) = [drug for drug in formulary.drugs if drug.id == "rituximab"]
    vial = formulary.containers.of("50242005121", day)
    entry = WastedAmount(Decimal(amount), unit, "RXA[1]-9")
    assert wasted_in(drug, entry, [vial]) == (None if read is None else Decimal(read))
    if unit == "mL":
        assert wasted_in(drug, entry, [vial, None]) is None
        assert wasted_in(drug, entry, []) is None


@pytest.mark.parametrize(
    ("marks", "missing"),
    [
        ("", None),
        ("unsigned", "not charted: who discarded it"),
        ("unexplained", "not charted: why"),
        ("unsigned unexplained", "not charted: who discarded it, and why"),
    ],
)
def test_what_the_record_of_a_billed_rest_lacks_is_listed(marks: str, missing: str | None) -> None:
    """Who and why are missed on the line with JW, and only there."""
    encounter = drafted(f"{THREE_VIALS} waste=30mg {marks}")
    (discarded,) = [line for line in encounter.lines if line.role == "drug.discarded"]
    told = [
        (edit.finding.found, edit.lines) for edit in encounter.edits if edit.edit == "waste.record"
    ]
    assert told == ([(missing, (discarded.line_id,))] if missing else [])


@pytest.mark.parametrize(
    "text",
    [
        "rituximab 97 mg iv 09:00-10:00 waste=3mg unsigned",  # less than a unit: no line
        "rituximab 100 mg iv 09:00-10:00 waste=0mg unsigned",  # nothing discarded
        "paclitaxel 300 mg iv 09:00-12:00 waste=20mg unsigned",  # multi-dose: not billed
        THREE_VIALS,  # not charted: a question of its own
    ],
)
def test_where_no_charted_rest_is_billed_nobody_asks_who_discarded_it(text: str) -> None:
    """The record of waste is an edit of a line with JW whose amount somebody charted."""
    assert "waste.record" not in [edit.edit for edit in drafted(text).edits]


@pytest.mark.parametrize(("reason", "edits"), [("the vial is larger than the dose", 0), ("", 1)])
def test_an_answer_is_signed_and_may_say_why(reason: str, edits: int) -> None:
    """Who answers how much was discarded signs for it; the reason of the answer is that of the
    rest, and where it gives none the edit still asks why.
    """
    encounter = answered(THREE_VIALS, "discarded", "30 mg", reason=reason)
    told = [edit.finding.found for edit in encounter.edits if edit.edit == "waste.record"]
    assert told == ["not charted: why"] * edits


def test_a_stop_that_repeats_the_rest_and_signs_it_discards_nothing_more() -> None:
    """30 mg are told at the start and again at the stop, there by a nurse: they are 30 mg once."""
    waste = "OBX|1|NM|WASTED-AMOUNT^discarded^L||30|mg|||||F"
    start = rxa("TRASTUZUMAB", "420 mg", "0900", note="New Bag")
    stop = rxa("TRASTUZUMAB", "", "1030", note="Stopped").replace("|Stopped|", "|Stopped|N42")
    encounter = coded(
        message("RAS^O17", orc(), start, rxr("IV"), waste, sent="0901"),
        message("RAS^O17", orc(), stop, rxr("IV"), waste, sent="1031"),
        policy=FACILITY,
    )
    assert [line.units for line in encounter.lines if line.role == "drug.discarded"] == [3]


def test_the_trace_tells_opened_given_and_discarded() -> None:
    """The line of waste shows the sum that a coder checks by hand, and the NDC."""
    encounter = drafted(THREE_VIALS + " waste=30mg")
    (line,) = [line for line in encounter.lines if line.role == "drug.discarded"]
    assert dict(line.trace[0].facts) == {
        "opened": "450 mg",
        "given": "420 mg",
        "discarded": "30 mg",
        "arithmetic": "450 mg / 10 mg a unit = 45, less 42 given",
        "ndc": "N450242013201 UN0.2",
    }
    assert line.trace[0].sources[0].address == "RXA[1]/OBX[1]-5"


def test_an_answer_takes_nothing_from_the_patients_record_and_from_the_edits() -> None:
    """The other visits of the day still know of its initial service, and the claim still lacks what
    it lacked before.
    """
    open_end = "carboplatin 450 mg iv 09:00-? ordered=60"
    before, after = drafted(open_end), answered(open_end, "unknown")
    assert [fact.slot.kind for fact in before.facts] != []
    assert after.facts == before.facts
    assert [edit.edit for edit in before.edits] == [edit.edit for edit in after.edits]
    assert "ndc.missing" in [edit.edit for edit in after.edits]
