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
from chargeline.engine.drugs.units import discarded_units
from chargeline.engine.published_containers import published_containers
from chargeline.engine.tables import Crosswalk, CrosswalkRow, PublishedTables, Quarter
from tests.engine import rulebook
from tests.engine.short import FACILITY, GUIDE, coded, drafted, drafted_by, line_of, timeline
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
    """An amount that was discarded of two drugs in one bag belongs to neither: a person is asked
    once.
    """
    encounter = drafted("etoposide 180 mg + ondansetron 8 mg iv 09:00-10:15 waste=20mg")
    assert asked(encounter) == ["waste.unclear"]


@pytest.mark.parametrize("beside", ["bevacizumab 400 mg", "sodium-chloride-0.9 250 mL"])
def test_what_is_discarded_of_a_mixture_is_of_the_drug_whose_vials_were_scanned(
    beside: str,
) -> None:
    """Three vials of trastuzumab are 450 mg: 420 given and 30 discarded, and no other drug of the
    bag asks about them.
    """
    encounter = drafted(THREE_VIALS.replace(" iv", f" + {beside} iv") + " waste=30mg")
    drug_lines = {line.drug for line in encounter.lines if line.family == "drugs"}
    of_trastuzumab = [
        (*line.modifiers, line.units) for line in encounter.lines if line.drug == "trastuzumab"
    ]
    assert (asked(encounter), len(drug_lines)) == ([], 2)
    assert ("JW", 3) in of_trastuzumab


def test_a_vial_of_no_drug_of_a_mixture_is_asked_about_once() -> None:
    """Rituximab was scanned for a bag of trastuzumab and bevacizumab: neither can be that vial."""
    encounter = drafted(
        "trastuzumab 420 mg + bevacizumab 400 mg iv 09:00-10:15 vials=50242-0051-21"
    )
    assert asked(encounter) == ["ndc.contradicts"]


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


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("trastuzumab 450 mg iv 09:00-10:15 waste=0.05mg", []),
        ("trastuzumab 420 mg iv 09:00-10:15 waste=1mg", []),
        ("trastuzumab 420 mg iv 09:00-10:15 waste=9mg", []),
        ("trastuzumab 421 mg iv 09:00-10:15 waste=9.5mg", []),
        ("trastuzumab 421 mg iv 09:00-10:15 waste=19mg", [1]),
        ("trastuzumab 420 mg iv 09:00-10:15 waste=10mg", [1]),
        ("gemcitabine 1800 mg iv 09:00-09:30 waste=100mg", []),
        ("pemetrexed 900 mg iv 09:00-09:10 waste=5mg", []),
    ],
)
def test_only_what_fills_a_unit_besides_those_of_the_dose_has_a_line(
    text: str, units: list[int]
) -> None:
    """Less than a unit, and what lies in the last unit of the dose, is no unit discarded."""
    lines = drafted(text).lines
    assert [line.units for line in lines if line.role == "drug.discarded"] == units


def test_a_part_of_a_unit_in_a_whole_container_counts_whole() -> None:
    """A vial of 1 g is 2.5 units of 400 mg: 3, of which 400 mg are one."""
    amounts = (Decimal(400), Decimal(600))
    assert discarded_units(*amounts, Decimal(400), are_whole=True) == 2
    assert discarded_units(*amounts, Decimal(400), are_whole=False) == 1


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("trastuzumab 420 mg iv 09:00-10:15 waste=5000mg", []),
        ("trastuzumab 420 mg iv 09:00-10:15 waste=300mg", []),
        ("trastuzumab 420 mg iv 09:00-10:15 waste=150mg", []),
        ("gemcitabine 400 mg iv 09:00-09:30 waste=600mg", [("waste.unclear", 3)]),
    ],
)
def test_a_rest_that_no_container_can_leave_is_asked_about(
    text: str, units: list[tuple[str, int]]
) -> None:
    """As much as the largest container is no rest; above the dose it is one only if a person says
    so, where no container is known.
    """
    encounter = drafted(text)
    lines = [line for line in encounter.lines if line.family == "drugs"]
    assert asked(encounter) == ["waste.unclear"]
    assert [(x.provisional, x.units) for x in lines if x.role == "drug.discarded"] == units
    assert not any("JZ" in line.modifiers for line in lines)


def test_a_rest_just_below_the_largest_container_is_billed() -> None:
    """149 mg beside a vial of 150 mg is what one vial can leave."""
    encounter = drafted("trastuzumab 301 mg iv 09:00-10:15 waste=149mg")
    assert asked(encounter) == []
    assert [line.units for line in encounter.lines if line.role == "drug.discarded"] == [14]


def test_each_dose_has_a_rest_of_its_own() -> None:
    """Two bags that leave 100 mg each are 200 mg of vials of 150, and nobody asks."""
    encounter = drafted(
        "trastuzumab 200 mg iv 09:00-10:15 waste=100mg",
        "trastuzumab 200 mg iv 11:00-12:15 waste=100mg",
    )
    assert asked(encounter) == []
    assert [line.units for line in encounter.lines if line.role == "drug.discarded"] == [20]


def test_a_person_may_say_that_the_rest_is_larger_than_the_dose() -> None:
    """Where no container is known, the same amount from a person is firm."""
    encounter = answered("gemcitabine 400 mg iv 09:00-09:30 waste=600mg", "discarded", "600 mg")
    assert asked(encounter) == []
    (line,) = [line for line in encounter.lines if line.role == "drug.discarded"]
    assert (line.units, line.provisional) == (3, "")


@pytest.mark.parametrize(
    ("waste", "questions", "marks"),
    [
        ("0mg", ["waste.disagrees"], [("JZ",)]),
        ("30mg", [], [(), ("JW",)]),
        ("39mg", [], [(), ("JW",)]),
        ("40mg", ["waste.disagrees"], [(), ("JW",)]),
        ("130mg", ["waste.disagrees"], [(), ("JW",)]),
    ],
)
def test_vials_of_a_product_that_was_named_leave_what_whole_vials_leave(
    waste: str, questions: list[str], marks: list[tuple[str, ...]]
) -> None:
    """420 mg of vials of 150 mg leave 30 mg: whatever else is charted is asked about."""
    visit = timeline([f"trastuzumab 420 mg iv 09:00-10:15 vials=50242-0132-01 waste={waste}"])
    (item,) = visit.administrations
    (vial,) = item.vials
    named = item._replace(vials=(vial._replace(scanned=False),))
    days = (visit.days[0]._replace(administrations=(named,)),)
    (encounter,) = draft(visit._replace(days=days), rulebook(), policy=FACILITY).encounters
    lines = [line for line in encounter.lines if line.family == "drugs"]
    assert asked(encounter) == questions
    assert [line.modifiers for line in lines] == marks
    assert lines[-1].provisional == "".join(questions)


def test_a_rest_of_a_single_dose_and_a_multi_dose_vial_is_asked_about() -> None:
    """Bag 1 came from a vial for one dose and bag 2 from one for several: whose rest is it?"""
    formulary = rulebook().formulary
    single = formulary.containers.of("50242013201", date(2026, 3, 2))
    assert single is not None
    several = single._replace(ndc="00000042001", amount=Decimal(420), use="multi_dose")
    book = rulebook()._replace(formulary=formulary.with_containers([several]))
    bags = ["trastuzumab 150 mg iv 09:00-10:15 vials=50242-0132-01"]
    bags.append("trastuzumab 350 mg iv 11:00-12:15 vials=00000-0420-01 waste=70mg")
    encounter = drafted_by(book, *bags)
    drug_lines = [line for line in encounter.lines if line.family == "drugs"]
    assert asked(encounter) == ["waste.unclear"]
    assert {line.modifiers for line in drug_lines} == {()}
    alone = drafted_by(book, bags[1])
    assert [entry.reason for entry in alone.withheld] == ["waste.multi_dose"]


def test_discounted_and_own_stock_of_a_day_are_lines_of_their_own() -> None:
    """TB says of its units that they were bought under 340B, and of no others."""
    encounter = drafted(
        "bevacizumab 400 mg iv 09:00-10:00 waste=0mg discounted",
        "bevacizumab 200 mg iv 11:00-11:30 waste=20mg",
    )
    lines = [line for line in encounter.lines if line.family == "drugs"]
    assert sorted([(line.modifiers, line.units) for line in lines]) == [
        ((), 20), (("JW",), 2), (("JZ", "TB"), 40)
    ]  # fmt: skip
    assert len({line.line_id for line in lines}) == 3
    assert {len(line.administrations) for line in lines} == {1}


@pytest.mark.parametrize(("second", "held"), [("11", 150), ("12", 300)])
def test_a_vial_that_is_scanned_twice_is_one_vial(second: str, held: int) -> None:
    """The serial number of its barcode is that of one vial, in whichever bag it is scanned."""
    barcode = "010035024213201521"  # the GTIN, and 21 before the serial number
    encounter = drafted(
        f"trastuzumab 75 mg iv 09:00-10:15 vials={barcode}11",
        f"trastuzumab 75 mg iv 11:00-12:15 vials={barcode}{second}",
    )
    line = line_of(drafted(f"trastuzumab 150 mg iv 09:00-10:15 vials={barcode}11"), "J9355")
    assert line.modifiers == ("JZ",)
    lines = [line for line in encounter.lines if line.family == "drugs"]
    assert dict(lines[0].trace[-1].facts)["opened"] == f"{held} mg"


@pytest.mark.parametrize(
    ("given", "vials", "questions", "marks"),
    [
        ("10 mg", 1, [], ("JZ",)),
        ("20 mg", 2, [], ("JZ",)),
        ("10.0002 mg", 1, ["vial.too_few"], ()),
    ],
)
def test_a_whole_vial_whose_table_rounds_its_units_holds_the_dose(
    given: str, vials: int, questions: list[str], marks: tuple[str, ...]
) -> None:
    """A row of 133.33 units of 0.075 mg is a vial of 10 mg, and not of 9.99975 mg."""
    units = Decimal("133.33")
    package = CrosswalkRow(
        "00000935901", "J9359", ("asp",), "ZEBRA", "", "", Decimal(1), Decimal(1), units, units
    )
    crosswalk = {Quarter(2026, 1): Crosswalk({package.ndc: (package,)}, {})}
    tables = PublishedTables(version="made up", crosswalk=crosswalk)
    formulary = rulebook().formulary
    formulary = formulary.with_containers(published_containers(tables, formulary))
    drug = formulary.of_code("J9359")[0].id
    encounter = drafted_by(
        rulebook()._replace(formulary=formulary),
        f"{drug} {given} iv 09:00-09:30 vials=00000-9359-01x{vials}",
    )
    assert asked(encounter) == questions
    assert line_of(encounter, "J9359").modifiers == marks


@pytest.mark.parametrize(("waste", "edits"), [("waste=0mg", 1), ("", 1), ("waste=20mg", 0)])
def test_a_line_that_may_not_say_jz_says_what_it_waits_for(waste: str, edits: int) -> None:
    """Of a drug with vials of either kind the edit asks which was used, unless a question does."""
    encounter = drafted(f"trastuzumab-anns 400 mg iv 09:00-10:00 {waste}")
    told = [edit for edit in encounter.edits if edit.edit == "waste.undocumented"]
    assert len(told) == edits
    assert line_of(encounter, "Q5117").modifiers == ()


def test_an_ndc_has_no_quantity_of_nothing() -> None:
    """0.05 mg of a vial of 150 mg are 0.000 vials, which no claim says: an edit tells it."""
    encounter = drafted("trastuzumab 0.05 mg iv 09:00-10:15 vials=50242-0132-01 waste=149.95mg")
    line = next(line for line in encounter.lines if line.role == "drug")
    assert line.ndc is not None
    assert line.ndc.in_full == "N450242013201"
    told = [edit.finding.found for edit in encounter.edits if edit.edit == "ndc.no_quantity"]
    assert told == ["less of 50242-0132-01"]
