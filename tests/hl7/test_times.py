"""Claims about HL7 times: which instant a text means, and which texts are refused.

The wall clock is that of New York: five hours behind UTC in winter, four in summer. In 2026 it is
put forward on 8 March at 2:00 and back on 1 November at 2:00.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.times import Clock, Moment

NEW_YORK = ZoneInfo("America/New_York")


def read(text: str) -> Moment:
    return Clock(NEW_YORK).read(text, "RXA[1]-3")


def utc(day: str, time: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)


def refused(text: str) -> Hl7Error:
    with pytest.raises(Hl7Error) as caught:
        read(text)
    error = caught.value
    assert error.finding.where == "RXA[1]-3"
    assert error.finding.expected
    assert error.finding.do
    return error


# ------------------------------------------------------------------ what a time means


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("202603021015", "15:15:00"),
        ("20260302101530", "15:15:30"),
        ("20260302101530.1234", "15:15:30"),
        ("20260302101559.9999", "15:15:59"),
        (" 202603021015 ", "15:15:00"),
        ("2026/03/02 10:15:00", "15:15:00"),
        ("2026-03-02 10:15", "15:15:00"),
        ("2026-03-02T10:15:30", "15:15:30"),
    ],
)
def test_a_time_without_offset_is_of_the_wall_clock(text: str, time: str) -> None:
    """10:15 in New York on 2 March is 15:15 UTC, in each of these notations."""
    assert read(text) == Moment(utc("2026-03-02", time), date(2026, 3, 2), False)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("202603021015-0500", "15:15:00"),
        ("202603021015-05:00", "15:15:00"),
        ("202603021015-500", "15:15:00"),
        ("202603021015-0600", "16:15:00"),
        ("202603021015+0000", "10:15:00"),
        ("202603021015Z", "10:15:00"),
        ("202603021015+0530", "04:45:00"),
        ("20260302101530.5-0500", "15:15:30"),
        ("2026-03-02T10:15:30 -0330", "13:45:30"),
    ],
)
def test_an_offset_decides_over_the_zone(text: str, time: str) -> None:
    """10:15 at -0600 is 16:15 UTC, whatever the zone; the offset's hour may have one digit."""
    assert read(text).at == utc("2026-03-02", time)


def test_a_summer_time_is_four_hours_behind() -> None:
    """10:15 in July is 14:15 UTC."""
    assert read("202607021015").at == utc("2026-07-02", "14:15")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("202603022330", date(2026, 3, 2)),
        ("202603030330Z", date(2026, 3, 2)),
        ("202603030530Z", date(2026, 3, 3)),
    ],
)
def test_the_day_is_the_local_one(text: str, day: date) -> None:
    """23:30 in New York on 2 March is of 2 March, though it is 3 March in UTC."""
    assert read(text).day == day


# ------------------------------------------------------------------ the two odd nights


def test_the_hour_that_summer_time_skips_is_an_error() -> None:
    """No clock showed 2:30 on 8 March 2026."""
    for text in ("202603080200", "202603080230", "20260308025959"):
        error = refused(text)
        assert error.finding.code == "time.impossible"
        assert error.finding.found == "a local time that the change to summer time skipped"


def test_the_minutes_around_the_skipped_hour_are_one_minute_apart() -> None:
    """1:59 is 6:59 UTC and 3:00 is 7:00 UTC."""
    assert read("202603080159").at == utc("2026-03-08", "06:59")
    assert read("202603080300").at == utc("2026-03-08", "07:00")


def test_the_skipped_hour_with_an_offset_is_a_time() -> None:
    """2:30 at -0500 is 7:30 UTC, whatever the wall clock showed."""
    assert read("202603080230-0500").at == utc("2026-03-08", "07:30")


def test_the_hour_that_comes_twice_is_marked_and_the_first_is_taken() -> None:
    """1:30 on 1 November 2026 is 5:30 or 6:30 UTC: 5:30 is taken and `twice` is true."""
    assert read("202611010130") == Moment(utc("2026-11-01", "05:30"), date(2026, 11, 1), True)


@pytest.mark.parametrize(
    ("text", "time"),
    [("202611010059", "04:59"), ("202611010200", "07:00"), ("202611010130-0500", "06:30")],
)
def test_times_beside_it_or_with_an_offset_are_not_marked(text: str, time: str) -> None:
    """0:59 and 2:00 occur once, and an offset says which 1:30 is meant."""
    moment = read(text)
    assert (moment.at, moment.twice) == (utc("2026-11-01", time), False)


# ------------------------------------------------------------------ what is no time


@pytest.mark.parametrize(
    "text", ["20260302", "2026030210", "2026-03-02", "2026/03/02", "20260302-0500"]
)
def test_a_time_without_minutes_is_too_coarse(text: str) -> None:
    """A day alone or an hour alone is refused, because it gives no minutes to bill."""
    error = refused(text)
    assert error.finding.code == "time.imprecise"
    assert error.finding.found == f"a time of {len(text)} characters without minutes"


@pytest.mark.parametrize(
    "text",
    [
        "202602301015",
        "202513011015",
        "202600011015",
        "202603001015",
        "202603022400",
        "202603021060",
        "20260302101560",
        "000003021015",
        "202502291015",
    ],
)
def test_what_no_calendar_has_is_impossible(text: str) -> None:
    """30 February, 29 February 2025, month 13, day 0, hour 24 and second 60 are refused."""
    error = refused(text)
    assert error.finding.code == "time.impossible"
    assert error.finding.found.startswith("a date or time out of range")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("ZEBRA", "5 characters, letters"),
        ("10:15", "5 characters, digits and other signs"),
        ("2026", "4 characters, digits"),
        ("20260302101", "11 characters, digits"),
        ("202603021015EST", "15 characters, digits and letters"),
        ("03/02/2026 10:15", "16 characters, digits and blanks and other signs"),
    ],
)
def test_what_is_no_time_is_told_by_its_shape(text: str, shape: str) -> None:
    """Only lengths and kinds of characters are shown; a month in front of a day is refused."""
    error = refused(text)
    assert (error.finding.code, error.finding.found) == ("time.impossible", shape)
    assert text not in error.finding.found


@pytest.mark.parametrize(
    "text", ["99991231235959", "999912312359", "000101010000+1400", "999912311200-1200"]
)
def test_the_ends_of_the_calendar_are_explained_like_any_other_time(text: str) -> None:
    """`99991231235959`, a common way to write "no end", is a time or an Hl7Error."""
    try:
        assert read(text).at.tzinfo is UTC
    except Hl7Error as error:
        assert error.finding.code == "time.impossible"


@pytest.mark.parametrize("offset", ["-9900", "+2400", "+0560"])
def test_an_offset_that_no_place_has_is_impossible(offset: str) -> None:
    """An offset of 24 or 99 hours, or with 60 minutes, is refused."""
    assert refused(f"202603021015{offset}").finding.code == "time.impossible"


# ------------------------------------------------------------------ what a clock remembers


def test_a_clock_says_the_same_again() -> None:
    """A clock that remembers an hour reads its minutes as a new clock does."""
    clock = Clock(NEW_YORK)
    texts = ["202603021015", "202603021045", "202611010130", "202603021015", "20260302101501"]
    assert [clock.read(text, "RXA[1]-3") for text in texts] == [read(text) for text in texts]


def test_an_error_names_the_place_of_each_reading() -> None:
    """The same impossible time in two fields is refused twice, each time with its own field."""
    clock = Clock(NEW_YORK)
    for where in ("RXA[1]-3", "RXA[2]-4"):
        with pytest.raises(Hl7Error) as caught:
            clock.read("202603080230", where)
        assert caught.value.finding.where == where


def test_two_clocks_do_not_share_their_hours() -> None:
    """10:15 is 15:15 UTC for a clock of New York, and 16:15 UTC for one of Chicago."""
    assert Clock(ZoneInfo("America/Chicago")).read("202603021015", "RXA[1]-3").at == utc(
        "2026-03-02", "16:15"
    )
    assert read("202603021015").at == utc("2026-03-02", "15:15")


# ------------------------------------------------------------------ times that may be missing


@pytest.mark.parametrize("text", ["", " ", '""'])
def test_a_time_that_is_not_valued_is_none(text: str) -> None:
    """An empty, blank or deleted time of a visit is None."""
    assert Clock(NEW_YORK).read_if_valued(text, "PV1-44") is None


def test_a_day_is_enough_for_a_visit() -> None:
    """An admission of 2 March without a time is at its midnight, which is 5:00 UTC."""
    assert Clock(NEW_YORK).read_if_valued("20260302", "PV1-44") == utc("2026-03-02", "05:00")


def test_an_impossible_day_of_a_visit_is_still_an_error() -> None:
    """30 February is refused with its place."""
    with pytest.raises(Hl7Error, match=r"^PV1-44: ") as caught:
        Clock(NEW_YORK).read_if_valued("20260230", "PV1-44")
    assert caught.value.finding.code == "time.impossible"
