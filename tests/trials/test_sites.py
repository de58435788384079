"""Trials about sites: infusions under the skin, punctures, catheters, arteries."""

from pathlib import Path

import pytest

from tests.trials import administration_codes, charges, message, questions, run_of, rxa

LEFT = "RXR|SC|LA"


def test_three_syringes_into_one_site_are_one_infusion(tmp_path: Path) -> None:
    """Three syringes, one pump: 30 + 30 + 31 = 91 minutes, and no new site."""
    times = ("0900-0930", "0935-1005", "1010-1041")
    rows = [part for time in times for part in (rxa("privigen", time, "4000 mg"), LEFT)]
    run = run_of(tmp_path, message("ORC|RE||R1", *rows))
    assert administration_codes(run) == ["96369 x1", "96370 x1"]


def test_a_second_drug_in_the_same_site_is_no_new_site(tmp_path: Path) -> None:
    """Two drugs, 30 + 30 minutes into the left arm."""
    rows = (rxa("morphine", "0900-0930", "5 mg"), LEFT, rxa("furosemide", "0930-1000", "20 mg"))
    assert administration_codes(run_of(tmp_path, message(*rows, LEFT))) == ["96369 x1"]


@pytest.mark.parametrize("sites", [("LA", "RA"), ("LA", "RA", "ABDOMEN")])
def test_a_new_set_up_is_reported_once(tmp_path: Path, sites: tuple[str, ...]) -> None:
    """Two or three sites: one further set-up."""
    rows = [
        part
        for hour, site in enumerate(sites, start=9)
        for part in (rxa("privigen", f"{hour:02}00-{hour:02}30", "4000 mg"), f"RXR|SC|{site}")
    ]
    assert administration_codes(run_of(tmp_path, message(*rows))) == ["96369 x1", "96371 x1"]


def test_a_triple_intrathecal_dose_is_one_puncture(tmp_path: Path) -> None:
    """Hydrocortisone is no chemotherapy, and goes in by the same puncture."""
    drugs = [("methotrexate", "12 mg"), ("cytarabine", "30 mg"), ("hydrocortisone", "15 mg")]
    for order in (drugs, drugs[::-1]):
        parts = [part for drug, mg in order for part in (rxa(drug, "0900", mg), "RXR|IT")]
        run = run_of(tmp_path, message(*parts))
        assert (administration_codes(run), questions(run)) == (["96450 x1"], [])
        assert "J1720 x1" in charges(run)


@pytest.mark.parametrize(("route", "code"), [("ICV", "96542"), ("IP", "96446")])
def test_two_drugs_through_one_catheter_are_one_service(
    tmp_path: Path, route: str, code: str
) -> None:
    """An hour each, one after the other, through one reservoir or catheter."""
    rows = (rxa("methotrexate", "0900-1000", "12 mg"), rxa("cytarabine", "1000-1100", "30 mg"))
    run = run_of(tmp_path, message(*[part for row in rows for part in (row, f"RXR|{route}")]))
    assert administration_codes(run) == [f"{code} x1"]


def test_stretches_into_one_artery_are_added(tmp_path: Path) -> None:
    """30 + 30 minutes into the artery are an hour."""
    rows = (rxa("floxuridine", "0900-0930", "100 mg"), rxa("floxuridine", "1000-1030", "100 mg"))
    run = run_of(tmp_path, message(*[part for row in rows for part in (row, "RXR|IA")]))
    assert administration_codes(run) == ["96422 x1"]
