"""Claims about appointments in cases: what a line stands for, and how a slip in it is told."""

from datetime import date

import pytest

from chargeline.rulebook.appointment_notation import appointments_of

MONDAY = date(2026, 3, 2)


def test_a_line_stands_for_an_appointment_a_day() -> None:
    """From the day that it names, at the time that it names."""
    told = list(appointments_of("appointments 3-4 course=C1 session missed d2 at=11:30", 1, MONDAY))
    assert [(a.number, f"{a.at:%d %H:%M}", a.kind, a.state, a.course, a.timed) for a in told] == [
        ("A3", "03 11:30", "session", "missed", "C1", True),
        ("A4", "04 11:30", "session", "missed", "C1", True),
    ]


def test_a_line_without_a_kind_only_names_its_appointment() -> None:
    """As a cancellation does: it says neither what was booked nor when."""
    (told,) = appointments_of("appointments 3 cancelled", 1, MONDAY)
    assert (told.kind, told.state, told.timed) == ("unsaid", "cancelled", False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("appointments C1 session", "expected numbers of appointments"),
        ("appointments ", "expected numbers of appointments"),
        ("appointments 1 session sesion", "found sesion"),
        ("appointments 1 session course:C1", "found course:C1"),
        ("appointments 1 session day=2", "found day"),
        ("appointments 1 booked completed", "found several of them"),
        ("appointments 1 session protons", "found several of them"),
        ("appointments 1 session at=25:00", "hour must be in 0..23"),
    ],
)
def test_a_slip_is_told(text: str, found: str) -> None:
    """The line is quoted with what was expected."""
    with pytest.raises(ValueError, match=found):
        list(appointments_of(text, 1, MONDAY))
