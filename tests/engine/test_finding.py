"""Claims about findings: one shape says whatever is wrong, with a code of a closed list."""

import pytest

from chargeline.engine import MEANINGS, Finding, FindingCode, FindingError
from chargeline.engine.finding import excerpt
from chargeline.engine.words import words_of
from tests.engine.short import coded
from tests.golden.messages import given


def test_every_code_has_its_sentence_and_every_sentence_its_code() -> None:
    """The list of codes and the list of meanings are one list."""
    assert list(MEANINGS) == list(words_of(FindingCode))
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


def test_what_a_sender_wrote_is_cut_to_sixty_characters() -> None:
    """60 characters stay whole; of 61 the first 59 stay, and an ellipsis."""
    assert excerpt("a" * 60) == "a" * 60
    assert excerpt("a" * 61) == "a" * 59 + "…"


@pytest.mark.parametrize("place", ["drug", "unit", "route"])
def test_a_story_in_free_text_does_not_reach_a_question(place: str) -> None:
    """A drug, a unit and a route of 200 characters stand in `found` with 60 at most."""
    story = "Mrs Zebra was told by her doctor " * 6 + "ENDOFSTORY"
    drug, unit, route = (story if place == name else usual for name, usual in _USUAL.items())
    draft = coded(given(drug, f"1000 {unit}", "0900", "1000", route=route))
    told = [question.finding.found for question in draft.questions]
    assert any(story[:50].lower() in found.lower() for found in told)
    assert not any(story[:61].lower() in found.lower() for found in told)


_USUAL = {"drug": "VANCOMYCIN", "unit": "mg", "route": "IV"}
