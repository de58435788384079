"""Claims about waste and NDCs: what is asked, what an answer does, what other policies give."""

from datetime import UTC, datetime

import pytest

from chargeline.engine import Answer, EncounterDraft, MessageRef, asked_in, draft, offers_for
from tests.engine import rulebook
from tests.engine.short import FACILITY, GUIDE, drafted, line_of, timeline

THREE_VIALS = "trastuzumab 420 mg iv 09:00-10:15 vials=50242-0132-01x3"


def asked(encounter: EncounterDraft) -> list[str]:
    return [question.finding.code for question in encounter.questions]


def answered(text: str, choice: str, value: str = "") -> EncounterDraft:
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
        reason="",
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
