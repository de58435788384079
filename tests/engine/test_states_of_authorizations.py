"""The state that a dose is told is the one that holds on its day, whatever the payer said later."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations

import pytest

from chargeline.engine import Authorization, MessageRef, Use, VisitKey, accounts, balance_of
from chargeline.engine.authorization_words import StatusCharted
from chargeline.engine.authorizations.deadlines import Clocks, WarnAnswer
from chargeline.engine.authorizations.facts import put_together
from chargeline.engine.authorizations.on_file import nearest, unfit
from chargeline.engine.authorizations.said import lack_of
from chargeline.engine.authorizations.used import Countdown, counted
from chargeline.engine.timeline.authorizations import AuthorizationBuilder


def on(day: str) -> date:
    return date.fromisoformat(f"2026-{day}")


def told(
    day: str, status: StatusCharted, starts: str = "", until: str = "", units: int = 800
) -> Authorization:
    """What the payer says on a day of 2026, with the days that it names."""
    sent = datetime.combine(on(day), datetime.min.time(), UTC).replace(hour=15)
    return Authorization(
        MessageRef(f"m{day}{status}", "M", "RPA^I08", sent),
        "A1",
        codes=("J9271",),
        starts=on(starts) if starts else None,
        until=on(until) if until else None,
        units=Decimal(units) if status in ("approved", "modified") else None,
        status=status,
        since=on(starts) if status == "modified" and starts else on(day),
    )


def dose(day: str, units: int = 200) -> Use:
    return Use(
        visit=VisitKey("ZEBRA", f"V{day}"),
        code="J9271",
        day=on(day),
        units=units,
        payer="",
        numbers=(),
        diagnoses=(),
    )


def state_on(whole: Authorization, day: str) -> str:
    """Why a dose is not covered, "covered" if it is."""
    reason = unfit(whole.as_of(on(day)), dose(day))
    return reason.removeprefix("authorization.") if reason else "covered"


APPROVED = told("01-01", "approved", "01-05", "03-31")
Told = tuple[list[Authorization], dict[str, str]]
STATES: dict[str, Told] = {
    "refused with a later last day, approved anew": (
        [APPROVED, told("02-15", "denied", until="12-31"),
         told("03-20", "approved", "04-01", "06-30")],
        {"01-02": "not_begun", "02-01": "covered", "02-15": "denied", "03-31": "denied",
         "04-01": "covered", "06-30": "covered", "07-01": "expired"}),
    "refused, and approved for the same days after all": (
        [APPROVED, told("02-15", "denied"), told("03-20", "approved", "01-05", "03-31")],
        {"02-01": "covered", "02-20": "covered", "04-01": "expired"}),
    "refused, and approved without days": (
        [APPROVED, told("02-15", "denied"), told("03-20", "approved")],
        {"01-02": "not_begun", "02-20": "covered", "04-01": "expired"}),
    "a renewal that touches": (
        [APPROVED, told("03-20", "approved", "04-01", "06-30")],
        {"01-02": "not_begun", "03-31": "covered", "04-01": "covered", "07-01": "expired"}),
    "a renewal that overlaps": (
        [APPROVED, told("03-10", "approved", "03-15", "06-30")],
        {"02-01": "covered", "03-14": "covered", "03-15": "covered", "07-01": "expired"}),
    "granted later for days before": (
        [told("04-01", "approved", "04-01", "06-30"), told("05-02", "approved", "01-05", "03-20")],
        {"01-02": "not_begun", "01-05": "covered", "03-20": "covered", "03-21": "expired",
         "04-01": "covered", "06-30": "covered", "07-01": "expired"}),
    "granted later for days before, and refused since": (
        [told("04-01", "approved", "04-01", "06-30"), told("05-02", "denied"),
         told("05-10", "approved", "01-05", "03-20")],
        {"02-01": "covered", "04-15": "covered", "05-01": "covered", "05-03": "denied",
         "06-01": "denied"}),
    "granted later for days before, and then refused": (
        [told("04-01", "approved", "04-01", "06-30"), told("05-02", "approved", "01-05", "03-20"),
         told("05-10", "denied")],
        {"02-01": "covered", "04-15": "covered", "05-11": "denied"}),
    "asked for, and granted, for days before": (
        [told("04-01", "approved", "04-01", "06-30"), told("05-02", "requested", "01-05", "03-20"),
         told("05-10", "approved", "01-05", "03-20")],
        {"01-02": "not_begun", "02-01": "covered", "03-25": "expired", "04-15": "covered",
         "05-20": "covered", "07-01": "expired"}),
    "three periods, the last told first": (
        [told("07-01", "approved", "07-01", "09-30"), told("07-02", "approved", "04-01", "06-30"),
         told("07-03", "approved", "01-05", "03-20")],
        {"02-01": "covered", "03-25": "expired", "05-01": "covered", "08-01": "covered",
         "10-01": "expired"}),
    "three periods, the middle one told last": (
        [told("01-01", "approved", "01-05", "03-20"), told("07-01", "approved", "07-01", "09-30"),
         told("07-02", "approved", "04-01", "06-20")],
        {"02-01": "covered", "03-25": "expired", "05-01": "covered", "06-25": "expired",
         "08-01": "covered"}),
    "granted later for days before, and told again shorter": (
        [told("04-01", "approved", "04-01", "06-30"), told("05-02", "approved", "01-05", "03-20"),
         told("05-03", "approved", "01-05", "02-20")],
        {"02-01": "covered", "02-25": "expired", "04-15": "covered"}),
    "a renewal with a gap": (
        [APPROVED, told("03-20", "approved", "05-01", "06-30")],
        {"03-31": "covered", "04-15": "expired", "05-01": "covered"}),
    "a renewal that is told again, without its days": (
        [APPROVED, told("03-20", "approved", "04-01", "06-30"), told("04-10", "approved")],
        {"02-01": "covered", "05-01": "covered", "07-01": "expired"}),
    "a renewal that is refused": (
        [APPROVED, told("03-10", "denied", "04-01", "06-30")],
        {"02-01": "covered", "03-20": "covered", "04-01": "denied"}),
    "a renewal that is asked for": (
        [APPROVED, told("03-10", "requested", "04-01", "06-30")],
        {"03-20": "covered", "04-01": "undecided"}),
    "a renewal that is asked for, and granted for later": (
        [APPROVED, told("03-10", "requested", "04-01", "06-30"),
         told("03-25", "approved", "05-01", "06-30")],
        {"03-20": "covered", "04-15": "expired", "05-01": "covered"}),
    "granted otherwise, and renewed otherwise": (
        [told("01-01", "modified", "01-05", "03-31"), told("03-20", "modified", "04-01", "06-30")],
        {"02-01": "covered", "04-01": "covered", "07-01": "expired"}),
    "two renewals": (
        [APPROVED, told("03-20", "approved", "04-01", "06-30"),
         told("06-20", "approved", "07-01", "09-30")],
        {"02-01": "covered", "05-01": "covered", "08-01": "covered", "10-01": "expired"}),
    "cancelled, and approved anew": (
        [APPROVED, told("02-15", "cancelled"), told("03-20", "approved", "04-01", "06-30")],
        {"02-01": "covered", "03-01": "expired", "04-01": "covered"}),
    "days moved before the first one": (
        [APPROVED, told("01-03", "approved", "02-01", "03-31")],
        {"01-10": "not_begun", "02-01": "covered"}),
    "refused first, and approved for later": (
        [told("01-01", "denied"), told("01-20", "approved", "02-01", "03-31")],
        {"01-25": "not_begun", "02-01": "covered"}),
}  # fmt: skip


@pytest.mark.parametrize(("versions", "states"), STATES.values(), ids=STATES)
def test_a_dose_is_told_the_state_of_its_day(
    versions: Sequence[Authorization], states: dict[str, str]
) -> None:
    """Doses before, in, between and after, in whatever order the messages arrive."""
    for events in permutations(versions):
        builder = AuthorizationBuilder()
        for event in events:
            builder.add(event, event.message.sent)
        (whole,) = builder.authorizations()
        assert {day: state_on(whole, day) for day in states} == states


def test_a_renewal_counts_anew_although_a_refusal_lies_between() -> None:
    """200 in February of the first 800, and 200 in May of the second 400: 200 are left of those."""
    whole = put_together(
        [
            APPROVED,
            told("02-15", "denied", until="12-31"),
            told("03-20", "approved", "04-01", "06-30", units=400),
        ]
    )
    (balance,) = balance_of([whole], frozenset(), [dose("02-01"), dose("05-01")]).balances
    assert (balance.used, balance.left) == (200, 200)


def test_two_periods_of_one_number_have_units_of_their_own() -> None:
    """300 of January to March are told in May; 300 of April to June have 200 of April alone."""
    later = told("04-01", "approved", "04-01", "06-30", units=300)
    earlier = told("05-02", "approved", "01-05", "03-20", units=300)
    uses = [dose("02-01"), dose("03-01"), dose("04-15")]
    for versions in ([later, earlier], [told("01-01", "approved", "01-05", "03-20", 300), later]):
        taken = accounts([put_together(versions)], uses)
        assert [(use.after, use.is_short) for use in taken] == [
            (200, False),
            (400, True),
            (200, False),
        ]


def test_what_earlier_days_of_a_number_took_is_not_lost() -> None:
    """February counts against the first period; a dose of 15 April lies between the two."""
    whole = put_together([APPROVED, told("03-20", "approved", "05-01", "06-30", units=400)])
    planned = dose("04-15", 0)._replace(planned=200)
    uses = [dose("02-01"), dose("05-02"), planned]
    (balance,) = balance_of([whole], frozenset(), uses).balances
    assert [account.use.day for account in balance.uses] == [on("05-02")]
    assert [(was.use.day, was.after) for was in balance.uses_before] == [(on("02-01"), 200)]
    says = {
        concern.code: concern.says for concern in balance.ailing(on("05-03"), WarnAnswer(80, 14))
    }
    assert says["authorization.next_dose"] == (
        "does not cover the day of the dose of 2026-04-15 (200 units of J9271)"
    )


def test_an_order_without_room_is_told_as_an_order_and_not_as_a_line() -> None:
    """A dose that is not given yet bills nothing, and no line of it is denied."""
    whole = put_together([told("01-01", "approved", "01-05", "03-31", units=300)])
    count = Countdown([whole])
    counted(count, [dose("02-01")])
    account = count.take(dose("03-01", 0)._replace(planned=200))
    lack = lack_of(account, [whole], Clocks(None, None, None))
    assert lack is not None
    assert "200 are billed or planned already; this dose needs 200" in lack.found
    assert "denied" not in lack.do


def test_an_overlapping_approval_goes_on_counting() -> None:
    """Nobody says that its units are new ones: 200 and 200 of 400 leave none."""
    whole = put_together([APPROVED, told("03-10", "approved", "03-15", "06-30", units=400)])
    (balance,) = balance_of([whole], frozenset(), [dose("02-01"), dose("05-01")]).balances
    assert (balance.used, balance.left) == (400, 0)


def test_a_refusal_that_is_over_keeps_the_day_on_which_it_was_told() -> None:
    """The days for an objection count from it, and not from the approval after it."""
    refused = told("02-15", "denied")
    whole = put_together([APPROVED, refused, told("03-20", "approved", "04-01", "06-30")])
    assert whole.as_of(on("03-01")).decided == refused.message.sent


def test_a_dose_between_two_periods_of_a_number_hears_of_the_renewal() -> None:
    """As with two numbers: the later period starts too late, and nothing has to be asked for."""
    whole = put_together([APPROVED, told("03-20", "approved", "05-01", "06-30", units=400)])
    near = nearest([whole], dose("04-15"))
    assert near is not None
    assert (near[0].starts, near[1]) == (on("05-01"), "authorization.not_begun")
