"""Claims about the strict reader's report: it never fails, is never too slow, and says what it
objects to.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargeline.operate.strict import BYTES_MOST, FINDINGS_MOST, strict_report
from tests.golden import messages

GOOD = messages.given("VANCOMYCIN", "1000 mg", "0900", "1000")
PIECES = [
    b"MSH|^~\\&|",
    b"\r",
    b"|",
    b"^",
    b"~",
    b"&",
    b"\\",
    b"PID|1",
    b"RXA|",
    b"ZZZ",
    b"\x00",
    b"\xff",
    b"\n",
]
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_garbage_is_said_to_be_garbage() -> None:
    """What is no HL7 gives one finding, which names the reader that could not read it."""
    for raw in (b"", b"\x00\xff", b"PID|1||no header at all", b"MSH", b"MSH|^~\\&|"):
        (finding,) = strict_report(raw)
        assert finding.startswith("hl7apy cannot read it: ")
        assert len(finding) > len("hl7apy cannot read it: ")


def test_a_message_too_large_for_it_is_not_given_to_it() -> None:
    """One byte more than it may have: the report says the limit and the size."""
    (finding,) = strict_report(b"M" * (BYTES_MOST + 1))
    assert finding == "expected at most 200,000 bytes for the strict reader, found 200,001"


def test_what_the_standard_objects_to_is_listed() -> None:
    """A message without segments that its structure requires: findings of the standard, not of a
    failure.
    """
    found = strict_report(GOOD.replace(b"ORC|RE|PR-VANCOMYCIN|R-VANCOMYCIN\r", b""))
    assert found
    assert not any(each.startswith("hl7apy cannot read it") for each in found)


def test_line_ends_and_frames_make_no_difference() -> None:
    """LF, CRLF and an MLLP frame around it: the same report."""
    plain = strict_report(GOOD)
    assert strict_report(GOOD.replace(b"\r", b"\n")) == plain
    assert strict_report(GOOD.replace(b"\r", b"\r\n")) == plain
    assert strict_report(b"\x0b" + GOOD + b"\x1c\r") == plain


@relaxed
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=40))
def test_no_bytes_make_it_fail(pieces: list[bytes]) -> None:
    """Whatever the bytes: a list of lines, none empty, no more than the most."""
    _is_a_report(strict_report(b"".join(pieces)))


@relaxed
@given(st.integers(0, len(GOOD)), st.integers(0, 30), st.binary(max_size=8))
def test_no_damage_to_a_good_message_makes_it_fail(place: int, cut: int, put: bytes) -> None:
    """A message with some bytes cut out and others put in."""
    _is_a_report(strict_report(GOOD[:place] + put + GOOD[place + cut :]))


@relaxed
@given(
    st.sampled_from(["9", "2.5.1", "2.1", "3.0", "", "2.5.1^X&Y"]),
    st.text("RASDEO17^_& ", max_size=12),
)
def test_no_version_and_no_type_make_it_fail(version: str, kind: str) -> None:
    """MSH-12 and MSH-9 as nobody wrote them."""
    raw = GOOD.replace(b"|2.5.1\r", f"|{version}\r".encode(), 1).replace(
        b"|RAS^O17|", f"|{kind}|".encode(), 1
    )
    _is_a_report(strict_report(raw))


def _is_a_report(found: list[str]) -> None:
    assert len(found) <= FINDINGS_MOST
    assert all(each.strip() for each in found)
