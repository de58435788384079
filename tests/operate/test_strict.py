"""Claims about the report of the strict reader: what it says, and that no bytes make it fail.

Hypothesis damages a good message at random places, and builds messages from random pieces.
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
    """Bytes that are no HL7 give one line, which says that hl7apy cannot read them."""
    for raw in (b"", b"\x00\xff", b"PID|1||no header at all", b"MSH", b"MSH|^~\\&|"):
        (finding,) = strict_report(raw)
        assert finding.startswith("hl7apy cannot read it: ")
        assert len(finding) > len("hl7apy cannot read it: ")


def test_a_message_too_large_for_it_is_not_given_to_it() -> None:
    """One byte more than the limit: the report gives the limit and the size."""
    (finding,) = strict_report(b"M" * (BYTES_MOST + 1))
    assert finding == "expected at most 200,000 bytes for the strict reader, found 200,001"


def test_a_message_that_would_take_minutes_is_not_given_to_it() -> None:
    """Sixty thousand repetitions took 17 seconds; above five thousand the report says so."""
    ordinary = GOOD.count(b"~") + GOOD.count(b"^") + GOOD.count(b"&")
    (finding,) = strict_report(GOOD + b"NTE|1||" + b"~" * 60_000)
    assert finding == (
        "expected at most 5,000 repetitions and components for the strict reader, "
        f"found {60_000 + ordinary:,}"
    )


def test_what_the_standard_objects_to_is_listed() -> None:
    """A message without the ORC segment, which RAS^O17 requires, gives findings of the standard."""
    report = strict_report(GOOD.replace(b"ORC|RE|PR-VANCOMYCIN|R-VANCOMYCIN\r", b""))
    assert report
    assert not any(line.startswith("hl7apy cannot read it") for line in report)


def test_line_ends_and_frames_make_no_difference() -> None:
    """With LF, with CRLF and in an MLLP frame, the message gives the same report."""
    plain = strict_report(GOOD)
    assert strict_report(GOOD.replace(b"\r", b"\n")) == plain
    assert strict_report(GOOD.replace(b"\r", b"\r\n")) == plain
    assert strict_report(b"\x0b" + GOOD + b"\x1c\r") == plain


@relaxed
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=40))
def test_no_bytes_make_it_fail(pieces: list[bytes]) -> None:
    """Random bytes give a list of lines: none is empty, and there are at most 50."""
    _is_a_report(strict_report(b"".join(pieces)))


@relaxed
@given(st.integers(0, len(GOOD)), st.integers(0, 30), st.binary(max_size=8))
def test_no_damage_to_a_good_message_makes_it_fail(place: int, cut: int, put: bytes) -> None:
    """A good message with some bytes cut out and others put in gives a report as well."""
    _is_a_report(strict_report(GOOD[:place] + put + GOOD[place + cut :]))


@relaxed
@given(
    st.sampled_from(["9", "2.5.1", "2.1", "3.0", "", "2.5.1^X&Y"]),
    st.text("RASDEO17^_& ", max_size=12),
)
def test_no_version_and_no_type_make_it_fail(version: str, kind: str) -> None:
    """Invented versions (MSH-12) and types (MSH-9) give a report as well."""
    raw = GOOD.replace(b"|2.5.1\r", f"|{version}\r".encode(), 1).replace(
        b"|RAS^O17|", f"|{kind}|".encode(), 1
    )
    _is_a_report(strict_report(raw))


def _is_a_report(lines: list[str]) -> None:
    assert len(lines) <= FINDINGS_MOST
    assert all(line.strip() for line in lines)
