"""Claims about a site's regular expressions: what could keep a program busy is refused at once."""

import pytest

from chargeline.hl7.patterns import may_take_for_ever


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?P<amount>(\d+,?)+)(?P<unit>x)$",
        r"(a|aa)+b",
        r"(a+)*b",
        r"(?:x?[0-9]*){20}y",
        r"(((\d+)))+",
        r"(?=(\d+,?)+)z",
    ],
)
def test_a_repeat_of_what_has_several_lengths_is_refused(pattern: str) -> None:
    """The ways to fit such a pattern double with each sign, wherever in the pattern it stands."""
    assert may_take_for_ever(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bwaste[d]?:? *(?P<amount>[0-9.]+) *(?P<unit>[a-zA-Z]+)",
        r"(ab)+c",
        r"(a|b)*c",
        r"(\d,?){1,3}x",
        r"[0-9,]+",
    ],
)
def test_an_ordinary_pattern_is_taken(pattern: str) -> None:
    """What ships is taken, and repeats of one length, and a few repeats of any."""
    assert not may_take_for_ever(pattern)
