"""`chargeline try`: a visit that somebody types has the lines and reasons of a feed."""

import json

import pytest

from chargeline.cli import main

GIVEN = ["carboplatin 450 mg iv 09:00-10:30", "ondansetron 8 mg iv push 08:50"]


def test_a_typed_visit_has_the_page_of_a_feed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", *GIVEN]) == 0
    page = capsys.readouterr().out
    for said in ("96413", "96375", "J9045", "guide-2026", "90 min"):
        assert said in page


def test_the_policy_the_class_and_the_day_count(capsys: pytest.CaptureFixture[str]) -> None:
    """Medicare calls pembrolizumab chemotherapy, and the day is that of the lines."""
    words = ["try", "pembrolizumab 200 mg iv 09:00-09:30", "--json", "--day", "2026-05-04"]
    codes = {}
    for policy in ("guide-2026", "cms-facility-2026"):
        assert main([*words, "--policy", policy]) == 0
        (record,) = map(json.loads, capsys.readouterr().out.splitlines())
        codes[policy] = record["lines"][0]["code"]
        assert record["lines"][0]["service_date"] == "2026-05-04"
    assert codes == {"guide-2026": "96365", "cms-facility-2026": "96413"}


def test_why_stands_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", *GIVEN, "--explain"]) == 0
    assert "technique: A drug that runs" in capsys.readouterr().out


def test_each_line_that_cannot_be_read_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    """All mistakes at once, with the number of the text."""
    assert main(["try", "carboplatin", *GIVEN, "saline 5 ml by 25:00"]) == 2
    said = capsys.readouterr().err
    assert "text 1" in said and "text 4" in said and "text 2" not in said


def test_an_unknown_policy_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", *GIVEN, "--policy", "none"]) == 2
    assert "--policy" in capsys.readouterr().err
