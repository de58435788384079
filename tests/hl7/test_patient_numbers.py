"""Claims about the patient numbers that stand in a message."""

from chargeline.hl7.patient_numbers import patient_numbers


def test_all_numbers_of_a_patient_are_found_and_no_other() -> None:
    """PID-2, 3, 4 and MRG-1, each repetition; not PID-1, PID-18 or an order number."""
    pid = b"PID|1|22^^^A|33^5^M11^ZEBRA^MR~34|44||ZZ^ZOE|||||||||||55"
    raw = b"MSH|^~\\&|A\r" + pid + b"\rORC|RE|66\rMRG|77^^^ZEBRA^MR||88\r"
    assert patient_numbers(raw) == {"22", "33", "34", "44", "77"}


def test_the_delimiters_are_those_of_the_message() -> None:
    """MSH-1 and MSH-2 say them; `""` and blanks are no number."""
    raw = b'MSH!*+\\&!A\nPID!!""! 33 *x+34\n'
    assert patient_numbers(raw) == {"33", "34"}


def test_bytes_without_a_patient_have_no_number() -> None:
    """Garbage names nobody; a PID without MSH is read with the usual delimiters."""
    assert patient_numbers(b"no HL7 PID at all") == frozenset()
    assert patient_numbers(b"PID|1||33^^^A") == {"33"}
