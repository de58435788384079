"""Claims about what of a parked message is shown to somebody who gave no reason."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeline.drafting.masking import masked


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (
            "MSH|^~\\&|MAR|ZEBRA|||20260302||RAS^O17^RAS_O17|C7|P|2.5.1\r"
            "PID|1||4711^^^MRN||Zoë".encode(),
            [
                "MSH|^~\\&|XXX|XXXXX|||99999999||RAS^O17^RAS_O17|X9|X|2.5.1",
                "PID|9||9999^^^XXX||XxX",
            ],
        ),
        (b"\x0bMSH|^~\\&|A||||||not a type|1|P|two", ["MSH|^~\\&|X||||||xxx x xxxx|9|X|xxx"]),
        (b"Anna Zebra\nborn 1980", ["Xxxx Xxxxx", "xxxx 9999"]),
        (b"ZEB|a\rANN|a\rPIDZ", ["ZEB|x", "XXX|x", "XXXX"]),
        (b"OBX", ["OBX"]),
        (b"", [""]),
    ],
)
def test_names_and_delimiters_stay_and_values_become_shapes(raw: bytes, shown: list[str]) -> None:
    """MSH-9 and MSH-12 stay where they look like what they should be."""
    assert masked(raw) == shown


HEADS = st.sampled_from(["PID|1||", "MSH|^~\\&|", "", "NTE|", "QQQ|"])


@given(st.lists(st.text(), max_size=6), HEADS)
def test_no_letter_and_no_digit_of_a_value_is_shown(values: list[str], head: str) -> None:
    """Whatever the values hold: behind the name of the segment only X, x, 9 and signs are left."""
    text = head + "|".join(re.sub(r"[\r\n]", "", value) for value in values)
    (line,) = masked(text.encode("utf-8", "replace"))
    behind = line.partition("|")[2] if line[:3] in ("PID", "MSH", "NTE") else line
    if head or not re.match(r"[\x0b \ufeff]*[A-Z][A-Z0-9]{2}", text):
        fields = behind.split("|")
        rest = fields[:7] + fields[8:10] + fields[11:] if line.startswith("MSH") else fields
        assert not re.search(r"[^\W_9Xx]", "|".join(rest))
