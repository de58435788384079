"""Trials about what spans visits: home pumps, second encounters of a day, and the only service."""

from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.engine import VisitFact
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.trials import DAY, administration_codes, message, provisional, questions, run_of, rxa

FACILITY = "cms-facility-2026"
IV, PUSH = "RXR|IV", "RXR|IV|||IVP"
PUMP = "RXR|IV|PORT|CADD"
NEXT_DAY = "20260303"


def on(day: str, text: str) -> str:
    """A message or segment of the trial's day, on another day."""
    return text.replace(DAY, day)


def ordered_for(minutes: int) -> str:
    """An RDE of order R1 in visit VA: fluorouracil by pump for so long."""
    return (
        f"MSH|^~\\&|MAR|ZEBRA|CHARGELINE|ZEBRA|{DAY}0805||RDE^O11|O1|T|2.5.1\r"
        "PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|R|||||||||||||||||VA\r"
        f"ORC|NW||R1||||^^M{minutes}\rRXE|^^M{minutes}|FLUOROURACIL^fluorouracil^L|4800||mg\r"
        "RXR|IV||CADD\r"
    )


def started(visit: str = "VA") -> str:
    """The pump of order R1 is started in visit VA at 11:15."""
    row = rxa("fluorouracil", "1115", "4800 mg", note="New Bag^^L")
    return message("ORC|RE||R1", row, PUMP, visit=visit, patient_class="R")


def taken_off(visit: str = "VB", word: str = "Stopped") -> str:
    """The pump of order R1 is taken off in visit VB two days later."""
    row = rxa("fluorouracil", "0915", "0 mg", note=f"{word}^^L").replace("RXA|0|1", "RXA|0|2")
    return on("20260304", message("ORC|RE||R1", row, PUMP, visit=visit, number=2))


def withheld(run: Run) -> list[str]:
    """The reason of everything that is withheld."""
    drafts = [visit.draft for visit in run.visits]
    return [entry.reason for d in drafts for e in d.encounters for entry in e.withheld]


@pytest.mark.parametrize("order", [ordered_for(2760), ""])
def test_a_pump_taken_off_in_another_visit_is_part_of_its_start(tmp_path: Path, order: str) -> None:
    """46 hours: the start is billed, the end is not, and nobody is asked, with or without order."""
    for messages in ((order, started(), taken_off()), (taken_off(), started(), order)):
        run = run_of(tmp_path, *messages, interface="action-stream")
        assert administration_codes(run) == ["96416 x1"]
        assert (questions(run), withheld(run)) == ([], ["pump_taken_off"])


def test_a_stop_that_nobody_started_says_that_a_pump_may_have_begun_elsewhere(
    tmp_path: Path,
) -> None:
    """The record has no visit with the start, so a person is asked."""
    run = run_of(tmp_path, taken_off(), interface="action-stream")
    assert questions(run) == ["start.missing"]
    (question,) = run.visits[0].draft.encounters[0].questions
    assert "the visit in which the pump was started" in question.finding.do


def test_a_pump_of_another_patient_is_no_start(tmp_path: Path) -> None:
    """Order numbers of two patients have nothing to do with each other."""
    other = started().replace("ZZ1^", "ZZ2^")
    run = run_of(tmp_path, other, taken_off(), interface="action-stream")
    assert "start.missing" in questions(run)


def test_an_infusion_at_the_bedside_is_no_pump(tmp_path: Path) -> None:
    """Only what went home with the patient ends in another visit."""
    run = run_of(tmp_path, started().replace("CADD", ""), taken_off(), interface="action-stream")
    assert "start.missing" in questions(run)


def test_a_second_encounter_on_a_later_day_of_a_stay_is_distinct(tmp_path: Path) -> None:
    """The stay has its initial service on its second day; the clinic's is the second one then."""
    stay = message(rxa("ketorolac", "2000", "30 mg"), PUSH, patient_class="OBS")
    morning = rxa("vancomycin", "0700-0800", "1000 mg")
    evening = rxa("cefepime", "1800-1900", "2000 mg")
    run = run_of(
        tmp_path,
        stay,
        on(NEXT_DAY, message(morning, IV, number=2, patient_class="OBS")),
        on(NEXT_DAY, message(evening, IV, visit="V2", number=3)),
        policy=FACILITY,
    )
    assert administration_codes(run) == ["96365 x1", "96365-59 x1", "96375 x1"]


def test_a_stay_whose_initial_service_was_the_day_before_leaves_the_day_to_others(
    tmp_path: Path,
) -> None:
    """On the second day the stay has an add-on only, so the clinic's initial service is alone."""
    push = rxa("ketorolac", "0700", "30 mg")
    evening = rxa("cefepime", "1800-1900", "2000 mg")
    run = run_of(
        tmp_path,
        message(rxa("vancomycin", "2000-2100", "1000 mg"), IV, patient_class="OBS"),
        on(NEXT_DAY, message(push, PUSH, number=2, patient_class="OBS")),
        on(NEXT_DAY, message(evening, IV, visit="V2", number=3)),
        policy=FACILITY,
    )
    assert administration_codes(run) == ["96365 x1", "96365 x1", "96375 x1"]


RINSED = (rxa("heparin lock flush", "1500", "500 unit"), "RXR|IV|PORT||IRRIGATION")


@pytest.mark.parametrize(
    "other",
    [
        (rxa("vancomycin", "0900-1000", "1000 mg"), IV),
        (rxa("vancomycin", "1700-1800", "1000 mg"), IV),
        (rxa("denosumab", "0900", "120 mg"), "RXR|SC"),
    ],
    ids=["before", "after", "an injection"],
)
def test_a_rinsed_port_is_reported_only_without_another_service_of_the_day(
    tmp_path: Path, other: tuple[str, str]
) -> None:
    """Also where the other service has another visit number, before it or after it."""
    run = run_of(tmp_path, message(*RINSED, visit="V2", number=2), message(*other))
    assert "96523 x1" not in administration_codes(run)
    assert "exclusive.irrigation" in withheld(run)


def test_of_two_rinsed_ports_of_a_day_the_first_is_reported(tmp_path: Path) -> None:
    """Two visits for nothing else: the second is not the only service of the day."""
    again = (RINSED[0].replace("1500", "1700"), RINSED[1])
    run = run_of(tmp_path, message(*RINSED), message(*again, visit="V2", number=2))
    assert administration_codes(run) == ["96523 x1"]
    assert withheld(run) == ["exclusive.irrigation"]


def test_a_rinsed_port_of_another_day_is_reported(tmp_path: Path) -> None:
    """The infusion was the day before."""
    infused = message(rxa("vancomycin", "0900-1000", "1000 mg"), IV)
    run = run_of(tmp_path, infused, on(NEXT_DAY, message(*RINSED, visit="V2", number=2)))
    assert administration_codes(run) == ["96365 x1", "96523 x1"]


def test_a_recurring_account_over_midnight_is_one_encounter(tmp_path: Path) -> None:
    """Carboplatin until half past midnight, docetaxel five minutes later."""
    first = rxa("carboplatin", "2300-0030", "450 mg").replace(f"|{DAY}0030|", f"|{NEXT_DAY}0030|")
    second = rxa("docetaxel", "0035-0135", "140 mg")
    run = run_of(
        tmp_path,
        message(first, IV, patient_class="R").replace(f"|{DAY}180", f"|{NEXT_DAY}180"),
        on(NEXT_DAY, message(second, IV, number=2, patient_class="R")),
        policy=FACILITY,
    )
    assert administration_codes(run) == ["96413 x1", "96417 x1"]
    (encounter,) = run.visits[0].draft.encounters
    others = encounter.lines[0].trace[0].decision
    assert others is not None
    assert others.rule_in_force.other == (
        "an initial service on each calendar day, also over midnight (HCPRO)",
    )


FLUSHES = (
    rxa("saline flush", "0858", "10 mL"),
    "RXR|IV|PORT||IVP",
    rxa("heparin lock flush", "0900", "500 unit"),
    "RXR|IV|PORT||IVP",
)


def test_a_visit_for_the_port_as_nurses_chart_it_is_asked_about(tmp_path: Path) -> None:
    """Two pushes of flush into the port, and nothing else: one provisional line."""
    run = run_of(tmp_path, message(*FLUSHES), policy=FACILITY)
    assert (administration_codes(run), provisional(run)) == (["96523 x1"], ["96523"])
    assert (questions(run), withheld(run)) == (["port.alone"], [])


@pytest.mark.parametrize("other_visit", ["V1", "V2"])
def test_flushes_beside_a_drug_of_the_day_are_part_of_it(tmp_path: Path, other_visit: str) -> None:
    """In the same visit, or in another one."""
    drug = message(rxa("vancomycin", "1000-1100", "1000 mg"), IV, visit=other_visit, number=2)
    run = run_of(tmp_path, message(*FLUSHES), drug, policy=FACILITY)
    assert (administration_codes(run), questions(run)) == (["96365 x1"], [])


@pytest.mark.parametrize(
    ("places", "patient_type", "expected"),
    [
        (["PV1-18.1", "PV1-2.1"], "OBS", "observation"),
        (["PV1-18.1", "PV1-2.1"], "MED", "outpatient"),
        (["PV1-18.1", "PV1-2.1"], "", "outpatient"),
        (["PV1-2.1"], "OBS", "outpatient"),
        (None, "OBS", "outpatient"),
    ],
)
def test_the_class_may_stand_in_the_patient_type(
    places: list[str] | None, patient_type: str, expected: str
) -> None:
    """An observation stay that is charted as O: the first address with a known word wins."""
    table = {**read_interface(rules_directory(), "standard"), "patient_class": places}
    if places is None:
        del table["patient_class"]
    text = message(rxa("vancomycin", "0900-1000", "1000 mg"), IV)
    text = text.replace("PV1|1|O||||||||||||||||", f"PV1|1|O||||||||||||||||{patient_type}")
    reading = read_events(read_message(text.encode()), make_profile(table))
    (fact,) = [event for event in reading.events if isinstance(event, VisitFact)]
    assert fact.patient_class == expected
