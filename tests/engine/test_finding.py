"""Claims about findings: one shape says whatever is wrong, with a code of a closed list."""

from typing import get_args

import pytest

from chargeline.engine import MEANINGS, Finding, FindingCode, FindingError


def test_every_code_has_its_sentence_and_every_sentence_its_code() -> None:
    """The list of codes and the list of meanings are one list."""
    assert list(MEANINGS) == list(get_args(FindingCode))
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())


def test_a_finding_says_where_first() -> None:
    """The place stands first, as a compiler writes it; a finding without a place has none."""
    finding = Finding(
        "time.missing", expected="a time", found="nothing", where="RXA-3", do="chart it"
    )
    assert str(finding) == "RXA-3: expected a time, found nothing; chart it"
    assert str(finding._replace(where="")) == "expected a time, found nothing; chart it"


def test_an_error_with_several_findings_says_them_all() -> None:
    """One line for each finding, in the order in which they were given."""
    findings = [
        Finding("rules.id", expected="an id", found="none", where=place, do="add one")
        for place in ("a.toml", "b.toml")
    ]
    error = FindingError(*findings)
    assert str(error).splitlines() == [str(finding) for finding in findings]
    assert error.finding == findings[0]


def test_an_error_has_a_code_of_the_list() -> None:
    """A code without a sentence in MEANINGS is a mistake of ours: the assertion fails."""
    finding = Finding("zebra.striped", expected="", found="", where="", do="")  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        FindingError(finding)
