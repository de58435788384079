"""Units of authorizations: counted down as they are billed, in whatever order messages arrive."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from chargeline.engine import (
    Account,
    Authorization,
    Contribution,
    MessageRef,
    Use,
    VisitKey,
    accounts,
    authorizations_in,
    balance_of,
    state_of,
    uses_in,
    with_whole,
)
from chargeline.engine.authorizations.contributions import authorization_fact, use_fact
from chargeline.engine.authorizations.deadlines import AppealAnswer, Clocks
from chargeline.engine.authorizations.facts import EarlierState
from chargeline.engine.timeline.authorizations import AuthorizationBuilder

FIRST = date(2026, 3, 2)
SENT = datetime(2026, 2, 1, tzinfo=UTC)


def authorization(number: str = "A1", **said: object) -> Authorization:
    message = MessageRef(f"m-{number}", "M", "REF^I12", SENT)
    return Authorization(message, number, codes=("J9271",))._replace(**said)


def use(day: int, units: int, visit: str = "V1") -> Use:
    when = FIRST + timedelta(days=day)
    return Use(
        visit=VisitKey("ZEBRA", visit),
        code="J9271",
        day=when,
        units=units,
        payer="",
        numbers=(),
        diagnoses=(),
    )


USES = st.lists(
    st.builds(use, st.integers(0, 60), st.integers(1, 400), st.sampled_from(["V1", "V2", "V3"])),
    unique_by=lambda entry: (entry.day, entry.visit),
    max_size=12,
)
GRANTS = st.lists(
    st.builds(
        lambda number, units, until: authorization(
            f"A{number}", units=Decimal(units), until=FIRST + timedelta(days=until)
        ),
        st.integers(1, 3),
        st.integers(1, 1500),
        st.integers(0, 70),
    ),
    unique_by=lambda entry: entry.number,
    max_size=3,
)


def used(counted: list[Account]) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    for account in counted:
        if account.authorization is not None:
            number = account.authorization.number
            units[number] = units.get(number, Decimal(0)) + account.amount
    return units


@given(GRANTS, USES)
@settings(max_examples=200)
def test_units_counted_down_are_the_units_billed_at_every_moment(
    on_file: list[Authorization], uses: list[Use]
) -> None:
    """After each use, what an authorization has used is the sum of what was billed against it."""
    counted = accounts(on_file, uses)
    assert [account.use for account in counted] == sorted(uses, key=lambda entry: entry.when)
    for place, account in enumerate(counted):
        if account.authorization is not None:
            so_far = used(counted[: place + 1])
            assert account.after == so_far[account.authorization.number]
            assert account.amount == account.use.units


@given(GRANTS, USES, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_the_order_of_arrival_does_not_matter(on_file, uses, random) -> None:  # type: ignore[no-untyped-def]
    """Uses and authorizations in any order end in the same accounts."""
    shuffled, others = list(uses), list(on_file)
    random.shuffle(shuffled)
    random.shuffle(others)
    assert accounts(others, shuffled) == accounts(on_file, uses)


@given(USES)
def test_a_use_that_is_taken_back_gives_its_units_back(uses: list[Use]) -> None:
    """Without the first use, exactly its units are left more."""
    on_file = [authorization(units=Decimal(1_000_000))]
    if not uses:
        return
    first, *rest = sorted(uses, key=lambda entry: entry.when)
    assert used(accounts(on_file, uses)).get("A1", 0) - used(accounts(on_file, rest)).get(
        "A1", Decimal(0)
    ) == Decimal(first.units)


def test_what_goes_to_the_record_comes_back_as_it_was() -> None:
    """A use and an authorization survive the record, whatever characters they hold."""
    odd = authorization(
        "A|1&2=3,4%",
        payer="Aetna & Co, Inc. 100%",
        diagnoses=("C34.90", "C50.911"),
        starts=FIRST,
        until=FIRST,
        units=Decimal("12.5"),
        basis="visits",
        status="modified",
        decided=SENT,
        since=FIRST,
        earlier=(
            EarlierState(FIRST, "approved", (("J9271",), FIRST, None, Decimal(9), "visits")),
            EarlierState(FIRST + timedelta(days=9), "denied"),
        ),
    )
    billed = use(3, 200)._replace(payer="A=B", numbers=("A|1&2=3,4%", "N2"), diagnoses=("C34.90",))
    facts = [authorization_fact(odd), use_fact(billed)]
    record = frozenset(
        [Contribution(billed.visit, "ZZ1", slot, at, value=value) for slot, at, value in facts]
    )
    assert uses_in(record) == [billed]
    (read,) = authorizations_in(record, ())
    assert read._replace(message=odd.message) == odd
    assert read.message.sent == SENT


def test_the_message_that_was_sent_last_counts_field_by_field() -> None:
    """An approval of 800 units leaves the codes of the request, in either order of arrival."""
    asked = authorization(status="requested", units=Decimal(1000))
    answer = Authorization(
        MessageRef("later", "M2", "RPA^I08", SENT + timedelta(days=3)),
        "A1",
        units=Decimal(800),
        status="modified",
    )
    for events in ([asked, answer], [answer, asked], [answer, asked, answer]):
        builder = AuthorizationBuilder()
        for event in events:
            builder.add(event, event.message.sent)
        (whole,) = builder.authorizations()
        assert (whole.codes, whole.units, whole.status) == (("J9271",), Decimal(800), "modified")


# ------------------------------------------------------------------ a number and its parts

LATER, LAST = SENT + timedelta(days=3), SENT + timedelta(days=6)


def told(sent: datetime, *codes: str, part: bool = True, **said: object) -> Authorization:
    message = MessageRef(f"m-{sent:%d}-{codes}", "M", "RPA^I08", sent)
    item = ",".join(codes) if part else ""
    return Authorization(message, "A1", item, codes=codes)._replace(**said)


def counts(*parts: Authorization) -> dict[tuple[str, ...], tuple[int, str]]:
    """The units and the status by the codes that share them."""
    return {entry.codes: (int(entry.units or 0), entry.status) for entry in with_whole(parts)}


def test_each_code_of_a_number_has_the_count_that_was_told_last() -> None:
    """One code gets more units, and the other keeps its own."""
    first, second = told(SENT, "J9271", units=Decimal(800)), told(SENT, "J9305", units=Decimal(320))
    assert counts(first, second) == {("J9271",): (800, ""), ("J9305",): (320, "")}
    whole = told(LATER, "J9271", part=False, units=Decimal(1000), status="approved")
    assert counts(first, second, whole) == {
        ("J9271",): (1000, "approved"),
        ("J9305",): (320, "approved"),
    }


def test_an_answer_for_both_codes_takes_in_their_requests() -> None:
    """Asked for apart, granted together: 800 for both, and never 800 twice."""
    asked = [told(SENT, code, status="requested") for code in ("J9271", "J9305")]
    answer = told(LATER, part=False, units=Decimal(800), status="approved")
    assert counts(*asked, answer) == {("J9271", "J9305"): (800, "approved")}


def test_a_part_that_is_told_later_leaves_the_whole() -> None:
    """500 of their own for one code: the 800 are for the other one."""
    whole = told(SENT, "J9271", "J9305", part=False, units=Decimal(800), status="approved")
    part = told(LATER, "J9305", units=Decimal(500), status="approved")
    assert counts(whole, part) == {("J9271",): (800, "approved"), ("J9305",): (500, "approved")}


def test_a_refusal_of_the_whole_reaches_its_parts() -> None:
    """What is said last of the number holds for its parts, and what is said last of a part too."""
    part = told(SENT, "J9271", units=Decimal(800), status="approved")
    refused = told(LATER, part=False, status="denied")
    assert counts(part, refused) == {("J9271",): (800, "denied")}
    again = told(LAST, "J9271", units=Decimal(800), status="approved")
    assert counts(again, refused) == {("J9271",): (800, "approved")}


def test_a_refused_code_stays_refused_where_the_rest_is_granted() -> None:
    """The payer refuses one of two codes, and grants 800 units without a code."""
    asked, refused = told(SENT, "J9271", status="requested"), told(LATER, "J9305", status="denied")
    answer = told(LATER, part=False, units=Decimal(800), status="approved")
    assert counts(asked, refused, answer)["J9271",] == (800, "approved")
    assert with_whole([asked, refused, answer])[0].status == "denied"


def test_an_authorization_of_all_codes_keeps_all_of_them() -> None:
    """`*` for all: a request for one code takes nothing away from it."""
    asked = told(SENT, "J9271", status="requested")
    answer = told(LATER, "*", part=False, units=Decimal(800), status="approved")
    assert counts(asked, answer) == {("*",): (800, "approved")}


# ------------------------------------------------------------------ days


def test_a_day_of_a_clock_is_one_of_the_visits_zone() -> None:
    """Refused at half past eight in the evening in New York, when it is the next day in London."""
    evening = datetime(2026, 2, 21, 1, 30, tzinfo=UTC)
    clocks = Clocks(timedelta(hours=72), None, AppealAnswer(3, 180), "America/New_York")
    assert list(clocks.after_denial(evening)) == [
        "peer-to-peer until 2026-02-23",
        "appeal until 2026-08-19",
    ]
    assert clocks.ask_by(evening) == date(2026, 2, 17)
    assert list(clocks.decided_by(evening)) == ["to be decided by 2026-02-23"]


def test_each_state_has_one_sentence() -> None:
    """What somebody reads who looks on 2 March in New York."""
    day = {"starts": FIRST - timedelta(days=9), "until": FIRST + timedelta(days=9)}
    evening = datetime(2026, 2, 21, 1, 30, tzinfo=UTC)
    said = {
        "requested": ({"requested": evening}, "asked for on 2026-02-20, not decided"),
        "pended": (
            {"requested": evening, "decided": SENT},
            "asked for on 2026-02-20, pended since 2026-01-31",
        ),
        "approved": ({"decided": evening}, "approved on 2026-02-20"),
        "modified": ({"decided": evening}, "granted otherwise than asked on 2026-02-20"),
        "denied": ({"decided": evening}, "refused on 2026-02-20"),
        "appealed": ({"decided": evening}, "refused, and appealed on 2026-02-20"),
        "expired": ({}, "expired"),
        "": ({}, "only its number is told, and not what was decided"),
    }
    for status, (more, words) in said.items():
        entry = authorization(status=status, **{**day, **more})
        assert state_of(entry, FIRST, "America/New_York") == words
    later = authorization(status="approved", starts=FIRST + timedelta(days=1))
    assert state_of(later, FIRST, "UTC") == "starts on 2026-03-03"
    over = authorization(status="approved", until=FIRST - timedelta(days=1))
    assert state_of(over, FIRST, "UTC") == "ended on 2026-03-01"
    wrong = authorization(status="approved", starts=FIRST, until=FIRST - timedelta(days=1))
    assert state_of(wrong, FIRST, "UTC") == "ends before it begins"


# ------------------------------------------------------------------ told twice


def test_two_messages_of_one_time_that_contradict_each_other_are_told() -> None:
    """Units of 800 and 900 at one time; a third message with a later time settles it."""
    first = authorization(units=Decimal(800), status="approved")
    other = first._replace(message=first.message._replace(digest="other"), units=Decimal(900))
    later = first._replace(message=first.message._replace(digest="later", sent=LATER))
    builder = AuthorizationBuilder()
    for event in (first, other, first):
        builder.add(event, event.message.sent)
    assert builder.authorizations()[0].disputed == ("units",)
    builder.add(later, later.message.sent)
    assert builder.authorizations()[0].disputed == ()


# ------------------------------------------------------------------ balances


@given(GRANTS, USES)
@settings(max_examples=200)
def test_a_balance_is_what_the_drafts_count(on_file, uses) -> None:  # type: ignore[no-untyped-def]
    """What is used of all, and what nobody covers, is what was billed; each use is in one place."""
    record = frozenset(
        [
            Contribution(entry.visit, "ZZ1", slot, at, value=value)
            for entry in uses
            for slot, at, value in [use_fact(entry)]
        ]
    )
    whole = balance_of(on_file, record, ())
    assert sum(balance.used for balance in whole.balances) + sum(
        account.use.units for account in whole.uncovered
    ) == sum(entry.units for entry in uses)
    assert {b.authorization.number: b.used for b in whole.balances if b.uses} == used(
        accounts(on_file, uses)
    )


def test_a_planned_dose_that_another_one_covers_worries_nobody() -> None:
    """100 left of A1 and 200 planned: only without A2 is there no room."""
    planned = use(30, 0)._replace(planned=200, order="P1")
    first = authorization("A1", units=Decimal(300), until=FIRST + timedelta(days=40))
    second = authorization("A2", units=Decimal(400), starts=FIRST + timedelta(days=20))
    one = balance_of([first], frozenset(), [use(0, 200), planned])
    assert [balance.next_dose for balance in one.balances] == [planned]
    both = balance_of([first, second], frozenset(), [use(0, 200), planned])
    assert [balance.next_dose for balance in both.balances] == [None, None]


def test_a_renewal_under_its_number_counts_anew() -> None:
    """200 of 200 in March, 400 from April on: no more than 200 are used of those, and both fit."""
    march, april = date(2026, 3, 31), date(2026, 4, 1)
    first = authorization(units=Decimal(200), status="approved", starts=FIRST, until=march)
    second = Authorization(
        MessageRef("later", "M2", "RPA^I08", LATER),
        "A1",
        units=Decimal(400),
        status="approved",
        starts=april,
        until=date(2026, 6, 30),
        since=date(2026, 3, 20),
    )
    for events in ([first, second], [second, first]):
        builder = AuthorizationBuilder()
        for event in events:
            builder.add(event, event.message.sent)
        planned = use(40, 0)._replace(planned=400, order="P1")
        whole = balance_of(
            builder.authorizations(), frozenset(), [use(0, 200), use(35, 200), planned]
        )
        (balance,) = whole.balances
        assert (balance.used, balance.left, whole.uncovered) == (200, 200, ())
        assert balance.next_dose == planned
