"""Trials about what cannot be: times, doses and doubles are asked about before they are billed."""

from pathlib import Path

import pytest

from tests.trials import DAY, charges, message, provisional, questions, run_of, rxa

PHYSICIAN = "cms-physician-2026"
IV, PUSH, IM = "RXR|IV", "RXR|IV|||IVP", "RXR|IM"


def order(drug: str, amount: str, minutes: int = 0, number: str = "R1") -> str:
    """An RDE of visit V1, sent in the morning."""
    quantity, _blank, unit = amount.partition(" ")
    timing = f"TQ1|1|||||{minutes}^min\r" if minutes else ""
    return (
        f"MSH|^~\\&|RX|ZEBRA|CHARGELINE|ZEBRA|{DAY}0800||RDE^O11^RDE_O11|O{number}|T|2.5.1\r"
        "PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\r"
        f"ORC|NW||{number}\rRXE||{drug.upper()}^{drug}^L|{quantity}||{unit}\r{timing}RXR|IV\r"
    )


def given(drug: str, times: str, amount: str, route: str = IV, *, done: str = "CP") -> str:
    """A RAS under the order R1, sent on the next day."""
    row = rxa(drug, times, amount, done=done)
    return message("ORC|RE||R1", row, route).replace(f"{DAY}180", "20260303180")


def test_a_stop_one_day_late_is_asked_about(tmp_path: Path) -> None:
    """25 hours for an order of 60 minutes: the hours stand, and they are provisional."""
    late = given("carboplatin", "0900-1000", "450 mg").replace(f"|{DAY}1000|", "|202603031000|")
    run = run_of(tmp_path, order("carboplatin", "450 mg", 60), late)
    assert questions(run) == ["time.long"]
    assert provisional(run) == ["96413", "96415", "J9045"]


@pytest.mark.parametrize(("stop", "doubted"), [("1300", False), ("1301", True)])
def test_three_times_the_order_and_an_hour_is_the_limit(
    tmp_path: Path, stop: str, doubted: bool
) -> None:
    """60 minutes ordered: up to 3 x 60 + 60 = 240 minutes nobody is asked."""
    run = run_of(
        tmp_path, order("carboplatin", "450 mg", 60), given("carboplatin", f"0900-{stop}", "450 mg")
    )
    assert questions(run) == (["time.long"] if doubted else [])


@pytest.mark.parametrize("year", ["2027", "2062"])
def test_without_an_order_a_day_is_the_limit(tmp_path: Path, year: str) -> None:
    """A stop in another year is doubted, whatever the order says."""
    row = rxa("carboplatin", "0900-1000", "450 mg").replace(f"|{DAY}1000|", f"|{year}03021000|")
    assert questions(run_of(tmp_path, message(row, IV))) == ["time.long", "time.to_come"]


def test_a_fragment_of_the_ordered_time_is_asked_about(tmp_path: Path) -> None:
    """12 minutes of 180, charted as complete: a push, or an infusion that was stopped early."""
    messages = (order("carboplatin", "450 mg", 180), given("carboplatin", "0900-0912", "450 mg"))
    run = run_of(tmp_path, *messages)
    assert questions(run) == ["time.short"]
    assert "96409" in provisional(run)


def test_an_infusion_that_was_stopped_early_is_no_fragment(tmp_path: Path) -> None:
    """RXA-20 PA says so."""
    early = given("carboplatin", "0900-0912", "150 mg", done="PA")
    assert questions(run_of(tmp_path, order("carboplatin", "450 mg", 180), early)) == []


def test_a_push_of_three_hours_is_asked_about(tmp_path: Path) -> None:
    """The stop of a push is doubted above an hour."""
    run = run_of(tmp_path, message(rxa("ondansetron", "0900-1200", "8 mg"), PUSH))
    assert "time.push" in questions(run)


def test_a_planned_stop_is_no_stop(tmp_path: Path) -> None:
    """The message is of 18:01, and the stop it reports of 20:00."""
    run = run_of(tmp_path, message(rxa("carboplatin", "1700-2000", "450 mg"), IV))
    assert questions(run) == ["time.to_come"]
    assert "96413" in provisional(run)


def test_a_day_that_is_not_the_visits_is_asked_about(tmp_path: Path) -> None:
    """Admitted in March 2026, charted in March 2025."""
    admitted = (
        "MSH|^~\\&|ADT|ZEBRA|CHARGELINE|ZEBRA|202603020800||ADT^A04|A1|T|2.5.1\r"
        "EVN|A04|202603020800\rPID|1||ZZ1^^^ZEBRA^MR\rPV1|1|R|||||||||||||||||V1\r"
    )
    row = rxa("carboplatin", "0900-1000", "450 mg").replace("|2026", "|2025")
    run = run_of(tmp_path, admitted, message(row, IV))
    assert questions(run) == ["time.outside_visit"]
    assert provisional(run) == ["96413", "J9045"]


def test_ten_times_the_dose_is_asked_about(tmp_path: Path) -> None:
    """4500 mg for an order of 450 mg."""
    messages = (order("carboplatin", "450 mg"), given("carboplatin", "0900-1000", "4500 mg"))
    run = run_of(tmp_path, *messages)
    assert questions(run) == ["dose.ordered"]
    assert "J9045" in provisional(run)


def test_another_drug_than_the_ordered_one_is_asked_about(tmp_path: Path) -> None:
    """Cisplatin under the order of carboplatin."""
    messages = (order("carboplatin", "450 mg", 60), given("cisplatin", "0900-1000", "50 mg"))
    assert questions(run_of(tmp_path, *messages)) == ["drug.not_ordered"]


def test_a_biosimilar_of_the_ordered_drug_is_no_other(tmp_path: Path) -> None:
    """Pharmacies substitute; the ingredient is the same."""
    messages = (
        order("trastuzumab", "400 mg", 60),
        given("trastuzumab-dkst", "0900-1000", "400 mg"),
    )
    assert questions(run_of(tmp_path, *messages)) == []


def controlled(code: str, at: str, sent: str, status: str = "") -> str:
    """An RDE without a drug that changes order R1; `at` is ORC-9, `sent` MSH-7."""
    return (
        f"MSH|^~\\&|RX|ZEBRA|CHARGELINE|ZEBRA|{DAY}{sent}||RDE^O11^RDE_O11|{code}{sent}|T|2.5.1\r"
        "PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\r"
        f"ORC|{code}||R1||{status}||||{f'{DAY}{at}' if at else ''}\r"
    )


@pytest.mark.parametrize(
    ("changes", "doubted"),
    [
        ([controlled("CA", "", "0830")], True),
        ([controlled("DC", "0830", "1200")], True),
        ([controlled("SC", "0830", "1200", "DC")], True),
        ([controlled("HD", "", "0830")], True),
        ([controlled("HR", "", "0830")], True),
        ([controlled("OH", "0830", "1200")], True),
        ([controlled("SC", "0830", "1200", "HD")], True),
        ([controlled("RP", "", "0830")], True),
        ([controlled("RU", "", "0830")], True),
        ([controlled("RQ", "", "0830")], True),
        ([controlled("SC", "0830", "1200", "RP")], True),
        ([controlled("DC", "0930", "0930")], False),  # stopped while it ran
        ([controlled("HD", "0930", "0930")], False),  # held for the next dose
        ([controlled("HD", "", "0830"), controlled("RL", "", "0845")], False),
        ([controlled("HD", "", "0830"), controlled("OR", "", "0845")], False),
        ([controlled("OH", "", "0830"), controlled("OE", "", "0845")], False),
        ([controlled("HD", "", "0830"), controlled("UH", "", "0845")], False),
        ([controlled("RP", "", "0830"), controlled("UM", "", "0845")], False),
        ([controlled("HD", "", "0830"), controlled("UR", "", "0845")], True),  # not released
        ([controlled("CA", "", "0830"), controlled("RO", "", "0845")], False),
        ([controlled("CA", "0830", "0830"), controlled("UC", "0845", "0845")], False),
    ],
)
def test_a_drug_under_an_order_that_is_not_in_force_is_asked_about(
    tmp_path: Path, changes: list[str], doubted: bool
) -> None:
    """ORC-1, and when it was said; the carboplatin of 09:00 is drafted in each case."""
    dose = given("carboplatin", "0900-1000", "450 mg")
    for messages in ([order("carboplatin", "450 mg", 60), *changes, dose], [dose, *changes[::-1]]):
        run = run_of(tmp_path, *messages)
        assert charges(run) == ["96413 x1", "J9045 x9"]
        assert questions(run) == (["order.cancelled"] if doubted else [])
        assert bool(provisional(run)) == doubted


@pytest.mark.parametrize(
    ("orc", "doubted"),
    [
        ("ORC|CA||R1", True),
        ("ORC|DC||R1", True),
        ("ORC|OC||R1", True),
        ("ORC|OD||R1", True),
        ("ORC|OH||R1", True),
        ("ORC|RU||R1", True),
        ("ORC|SC||R1||HD", True),
        ("ORC|SC||R1||DC", True),
        (f"ORC|DC||R1||||||{DAY}0830", True),
        (f"ORC|DC||R1||||||{DAY}0930", False),  # stopped while it ran
        ("ORC|RE||R1", False),
    ],
)
def test_a_row_whose_own_order_is_cancelled_is_asked_about(
    tmp_path: Path, orc: str, doubted: bool
) -> None:
    """No RDE is there; without ORC-9 the ORC is about the order under which the row was charted."""
    run = run_of(tmp_path, message(orc, rxa("carboplatin", "0900-1000", "450 mg"), "RXR|IV"))
    assert charges(run) == ["96413 x1", "J9045 x9"]
    assert questions(run) == (["order.cancelled"] if doubted else [])
    assert bool(provisional(run)) == doubted


def test_a_stop_under_an_order_that_was_discontinued_is_asked_about_by_nobody(
    tmp_path: Path,
) -> None:
    """The bag was begun under an order in force, and stopped because that was discontinued."""
    begun = rxa("carboplatin", "0900", "450 mg", note="New Bag")
    ended = rxa("carboplatin", "1000", note="Stopped")
    run = run_of(
        tmp_path,
        message("ORC|RE||R1", begun, "RXR|IV"),
        message("ORC|DC||R1", ended, "RXR|IV", number=2),
        interface="action-stream",
    )
    assert (charges(run), questions(run)) == (["96413 x1", "J9045 x9"], [])


def test_a_pause_under_an_order_that_is_held_is_asked_about_by_its_start_only(
    tmp_path: Path,
) -> None:
    """The start is not charted; the row that is there does not say that it came too late."""
    paused = rxa("carboplatin", "0930", note="Paused")
    run = run_of(tmp_path, message("ORC|HD||R1", paused, "RXR|IV"), interface="action-stream")
    assert "order.cancelled" not in questions(run)
    assert questions(run) != []


def test_one_bag_under_two_orders_is_asked_about(tmp_path: Path) -> None:
    """The same drug, amount and times twice: both are drafted, and the drug line waits."""
    row = rxa("carboplatin", "0900-1000", "450 mg")
    run = run_of(tmp_path, message(row, IV, row, IV))
    assert questions(run) == ["dose.twice"]
    assert "J9045" in provisional(run)


def two_rows(amount: str) -> list[str]:
    """Fulvestrant in two rows of one order, each with the amount, a minute apart."""
    return [
        message(
            "ORC|RE||R1",
            rxa("fulvestrant", time, amount).replace("|0|1|", f"|0|{n}|"),
            IM,
            number=n,
        )
        for n, time in ((1, "0900"), (2, "0901"))
    ]


def test_one_dose_in_two_rows_is_asked_about(tmp_path: Path) -> None:
    """Fulvestrant of 500 mg on both rows of a dose that was ordered as 500 mg."""
    run = run_of(tmp_path, order("fulvestrant", "500 mg"), *two_rows("500 mg"))
    assert "dose.twice" in questions(run)


def test_two_syringes_of_one_dose_are_no_double(tmp_path: Path) -> None:
    """Fulvestrant of 250 mg into each side, ordered as 500 mg."""
    run = run_of(tmp_path, order("fulvestrant", "500 mg"), *two_rows("250 mg"))
    assert (questions(run), charges(run)[-1]) == ([], "J9395 x20")


def test_one_time_of_chemotherapy_is_asked_about(tmp_path: Path) -> None:
    """A sender with its stops in OBX would have 90 minutes of paclitaxel billed as a push."""
    stop = "OBX|1|TS|INF-STOP^^L||202603021030"
    run = run_of(tmp_path, message(rxa("paclitaxel", "0900", "300 mg"), IV, stop))
    assert questions(run) == ["time.one_moment"]
    assert "96409" in provisional(run)


def test_a_push_that_is_charted_as_one_is_no_doubt(tmp_path: Path) -> None:
    """RXR-4 says how it was given."""
    assert questions(run_of(tmp_path, message(rxa("vincristine", "0900", "2 mg"), PUSH))) == []


@pytest.mark.parametrize(("value", "first"), [("Y", "96374"), ("N", "96365"), ("no", "96365")])
def test_no_is_no_mark_of_the_primary_service(tmp_path: Path, value: str, first: str) -> None:
    """`PRIMARY-SERVICE|N` marks nothing."""
    iron = rxa("iron sucrose", "0900-0905", "200 mg")
    mark = f"OBX|1|ST|PRIMARY-SERVICE^^L||{value}"
    magnesium = rxa("magnesium sulfate", "0910-1010", "2 g")
    feed = message(iron, PUSH, mark, magnesium, IV)
    assert first in [c.split(" ")[0] for c in charges(run_of(tmp_path, feed, policy=PHYSICIAN))]
