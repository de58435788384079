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
    uses_in,
)
from chargeline.engine.authorizations.contributions import authorization_fact, use_fact
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
