"""Claims about `chargeline parked`: what is listed, and what a retry or a drop of many does."""

import json

import pytest
from sqlalchemy import text

from chargeline.cli import main
from chargeline.drafting import parked
from chargeline.engine import VisitKey
from chargeline.ledger.errors import NotFound
from chargeline.ledger.store import Ledger
from chargeline.operate import parked as commands
from chargeline.published.inbound import PEER, REKEYED
from chargeline.settings import Settings
from tests.drafting.test_features import (
    BROKEN,
    GOOD,
    HALF,
    V1,
    claimed,
    goes_on,
    row_of,
    settings,
    small,
)
from tests.drafting.test_processor import Bench, by_bench, by_code, keyed
from tests.golden.messages import given, message, orc, rxa, rxr

__all__ = ["settings", "small"]

V2 = VisitKey("ZEBRA", "V2")


def unknown_status(hour: int) -> bytes:
    row = rxa("CEFTRIAXONE", "2 g", f"{hour:02}00", status="Q")
    return message("RAS^O17", orc(f"R{hour}"), row, rxr("IV"))


async def open_codes(ledger: Ledger) -> list[str]:
    """The codes of the open questions of V1, without those about stop times."""
    async with ledger.view() as view:
        asked = (await view.open_questions([V1]))[V1]
    return sorted(question.code for question in asked if question.code != "stop.missing")


async def test_list_and_show_say_why_and_only_show_has_the_content(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Broken bytes, a message that is too large and one with an unreadable part are parked.

    Each is shown with the report of the strict reader.
    """
    bench = await claimed(small)
    await bench.feed([BROKEN, ("ZEBRA|V2", b"no HL7 " * 40_000, {}), *keyed([HALF])])
    assert await commands.parked_list()(settings) == 0
    listed = capsys.readouterr().out
    assert listed.endswith("3 parked\n")
    assert "message.no_msh" in listed
    assert "no header at all" not in listed
    assert "TESTPATIENT" not in listed
    shown = {}
    for row in await small.parked():
        assert await commands.parked_show(row.id, unmask=True, why="a test")(settings) == 0
        shown[row.code, row.visit] = capsys.readouterr().out
    assert all("  strict   " in page and "  do       " in page for page in shown.values())
    assert "no header at all" in shown["message.no_msh", "V1"]
    assert "expected at most 200,000 bytes for the strict reader" in shown["message.no_msh", "V2"]
    assert "TESTPATIENT" in shown["time.impossible", "V1"]


async def test_show_masks_values_until_somebody_says_why(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Segments and shapes only, and no act; a header and a key that are not ours are masked too."""
    bench = await claimed(small)
    (half,) = keyed([HALF])
    await bench.feed([("TESTPATIENT|A", b"no HL7 of TESTPATIENT", {"mine": "TESTPATIENT"}), half])
    for row in await small.parked():
        assert await commands.parked_show(row.id)(settings) == 0
        page = capsys.readouterr().out
        assert "TESTPATIENT" not in page.replace("key TESTPATIENT|A", "")
        assert "--unmask --reason TEXT shows them" in page
    assert "MSH|^~\\&|XXX|" in page and "|RAS^O17" in page
    assert "\nRXA|9|9|99|999999999999|XXXXXXXXX^xxxxxxxxx^X|" in page
    async with small.view() as view:
        assert await view.acts(0, 9) == []


async def test_the_list_names_visit_type_sender_and_field(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """As text and as JSON, of one reason or of all."""
    bench = await claimed(small)
    peer = {PEER: "10.0.0.7:4711"}
    await bench.feed([BROKEN, *[(key, raw, peer) for key, raw, _none in keyed([HALF])]])
    assert await commands.parked_list("time.impossible", as_json=True)(settings) == 0
    (line,) = capsys.readouterr().out.splitlines()
    listed = json.loads(line)
    assert listed["message_type"] == "RAS^O17"
    assert (listed["sender"], listed["peer"]) == ("MAR", "10.0.0.7:4711")
    assert (listed["facility"], listed["visit"], listed["where"]) == ("ZEBRA", "V1", "RXA[1]-3")
    assert await commands.parked_list("time.impossible")(settings) == 0
    text = capsys.readouterr().out
    assert "RAS^O17      ZEBRA V1  from MAR 10.0.0.7:4711  RXA[1]-3: expected" in text
    assert text.endswith("1 parked\n")


async def test_a_list_of_more_than_a_page_is_whole(
    small: Ledger,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five messages in pages of two."""
    monkeypatch.setattr(parked, "AT_ONCE", 2)
    bench = await claimed(small)
    await bench.feed(keyed([unknown_status(hour) for hour in range(9, 14)]))
    await commands.parked_list()(settings)
    assert capsys.readouterr().out.endswith("5 parked\n")


async def parked_six(small: Ledger) -> Bench:
    """A good dose, five of an unknown status, and one whose amount cannot be read."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD, HALF, *[unknown_status(hour) for hour in range(9, 14)]]))
    return bench


async def test_a_drop_closes_what_the_message_asked_and_nothing_else(
    small: Ledger, settings: Settings
) -> None:
    """The questions of what was dropped are closed, and stay so when the visit is loaded anew; the
    visit waits for the other message.
    """
    bench = await parked_six(small)
    assert await open_codes(small) == [*["status.unknown"] * 5, "time.impossible"]
    assert await commands.parked_drop(code="status.unknown", why="a test")(settings) == 0
    await goes_on(bench)
    assert await open_codes(small) == ["time.impossible"]
    assert (await row_of(small)).incomplete
    bench.processors[0].drop()
    await bench.feed(keyed([given("CEFAZOLIN", "1 g", "1500", "1530")]))
    assert await open_codes(small) == ["time.impossible"]
    (left,) = await small.parked()
    assert await commands.parked_drop([left.id], why="a test")(settings) == 0
    await goes_on(bench)
    assert await open_codes(small) == []
    assert not (await row_of(small)).incomplete


@pytest.mark.parametrize(("which", "count"), [("code", 5), ("all", 6), ("two", 2)])
async def test_messages_of_one_reason_all_or_some_are_retried_at_once(
    small: Ledger,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    which: str,
    count: int,
) -> None:
    """Each comes again; still unreadable, each is parked again."""
    bench = await parked_six(small)
    before = [row.id for row in await small.parked()]
    retry = {
        "code": commands.parked_retry(code="status.unknown"),
        "all": commands.parked_retry(everything=True),
        "two": commands.parked_retry(before[:2]),
    }[which]
    assert await retry(settings) == 0
    assert capsys.readouterr().out.startswith(f"{count} messages are sent again")
    assert len(await small.parked()) == 6 - count
    await goes_on(bench)
    again = [row.id for row in await small.parked()]
    assert len(again) == 6
    assert len(set(again) - set(before)) == count


async def test_a_disputed_message_waits_under_the_key_it_came_by_and_a_retry_begins_anew(
    small: Ledger, settings: Settings
) -> None:
    """Another capture has sent a message of V1 under the key of V2: V2 waits for it. Retried when
    the profiles agree, the message goes to V1, and V2 waits no more.
    """
    bench = await claimed(small)
    of_v2 = given("CEFAZOLIN", "1 g", "1500", "1530", visit="V2", patient="ZZ2")
    await bench.feed([*keyed([of_v2]), ("ZEBRA|V2", GOOD, {REKEYED: "3"})])
    (parked,) = await small.parked()
    assert (parked.code, parked.visit) == ("key.disputed", "V2")
    assert (await row_of(small, V2)).incomplete
    assert by_bench(await bench.drafts()) == by_code([of_v2])
    assert await commands.parked_retry(code="key.disputed")(settings) == 0
    await goes_on(bench)
    assert by_bench(await bench.drafts()) == by_code([of_v2, GOOD])
    assert not (await row_of(small, V2)).incomplete


@pytest.mark.parametrize("number", [7, 2**31, 2**63 - 1, 2**63, 10**23])
async def test_a_number_that_no_message_has_is_said(
    small: Ledger, settings: Settings, number: int
) -> None:
    """However large it is, nobody sees the error of the database."""
    await claimed(small)
    for command in (
        commands.parked_show(number),
        commands.parked_show(number, unmask=True, why="a test"),
        commands.parked_retry([number]),
        commands.parked_drop([number], why="a test"),
    ):
        with pytest.raises(NotFound, match=f"expected the parked message {number}, found none"):
            await command(settings)


@pytest.mark.parametrize("words", [[], ["7", "--code", "x"], ["--all", "--code", "x"]])
def test_a_retry_of_nothing_or_of_two_kinds_is_wrong_use(words: list[str]) -> None:
    """Nothing is retried by mistake."""
    with pytest.raises(SystemExit) as ended:
        main(["parked", "retry", *words])
    assert ended.value.code == 2


async def test_a_row_that_does_not_open_keeps_no_other_from_its_retry(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are listed. A retry or a drop of all leaves that one, says so, and takes the other."""
    bench = await claimed(small)
    await bench.feed([BROKEN, ("ZEBRA|V2", b"no header either", {})])
    async with small.batch() as batch:
        await batch._transaction.run(text("UPDATE parked SET data_key = 99 WHERE id = 1"))
    assert await commands.parked_list()(settings) == 0
    assert await commands.parked_retry(everything=True)(settings) == 0
    said = capsys.readouterr().out
    assert "2 parked" in said and "1 message is sent again" in said
    assert "1 left: its row does not open, see `parked show 1`" in said
    assert await commands.parked_drop(code="message.no_msh", why="a test")(settings) == 0
    assert [row.id for row in await small.parked()] == [1]
