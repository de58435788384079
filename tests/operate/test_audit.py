"""Claims about the acts that commands leave in the audit trail: who, what, which record, why."""

import argparse
import json

import pytest

from chargeline.cli import main
from chargeline.drafting.acting import hash_of, note_start, start_of, system_user
from chargeline.ledger.records import StoredAct
from chargeline.ledger.store import Ledger
from chargeline.operate import answers, parked, redraft
from chargeline.operate.ledger import migrate
from chargeline.settings import Settings
from tests.drafting.test_features import BROKEN, GOOD, HALF, V1, claimed, settings, small
from tests.drafting.test_processor import keyed
from tests.golden.messages import given

__all__ = ["settings", "small"]


async def trail(ledger: Ledger) -> list[StoredAct]:
    async with ledger.view() as view:
        return await view.acts(0, 100)


async def test_a_look_a_retry_and_a_drop_say_who_did_it_to_which_message(
    small: Ledger, settings: Settings
) -> None:
    """The name that was given, else the user of the system; each message is a row of its own."""
    bench = await claimed(small)
    await bench.feed([BROKEN, *keyed([GOOD, HALF])])
    first, second = [row.id for row in await small.parked()]
    await parked.parked_show(first, unmask=True, who="ANNA", why="call of the ward")(settings)
    await parked.parked_retry(everything=True, who="BEA")(settings)
    await bench.feed([BROKEN])
    third = (await small.parked())[-1].id
    await parked.parked_drop([third], why="sent twice")(settings)
    rows = await trail(small)
    assert [(row.did, row.kind, row.record, row.who, row.why) for row in rows] == [
        ("parked.show", "parked", str(first), "ANNA", "call of the ward"),
        ("parked.retry", "parked", str(first), "BEA", ""),
        ("parked.retry", "parked", str(second), "BEA", ""),
        ("parked.drop", "parked", str(third), system_user(), "sent twice"),
    ]
    told = [json.loads(row.details) for row in rows]
    assert told[0]["code"] == "message.no_msh" and told[0]["visit"] == "V1"
    assert [row.get("system_user") for row in told] == [system_user()] * 3 + [None]


async def test_an_act_that_fails_leaves_no_row(small: Ledger, settings: Settings) -> None:
    """A message that somebody else has dropped meanwhile cannot be dropped; nobody did it twice."""
    bench = await claimed(small)
    await bench.feed([BROKEN])
    (row,) = await small.parked()
    await parked.parked_drop([row.id], why="first")(settings)
    with pytest.raises(Exception, match="with the status parked"):
        await parked.parked_drop([row.id], why="second")(settings)
    assert [row.why for row in await trail(small)] == ["first"]


async def test_what_people_say_is_in_the_trail_without_its_value(
    small: Ledger, settings: Settings
) -> None:
    """An answer names its question, and a word on a line the line; the product stays out."""
    bench = await claimed(small)
    await bench.feed(keyed([given("ZEBRAMAB", "450 mg", "0900", "1000")]))
    async with small.view() as view:
        (asked,) = (await view.open_questions([V1]))[V1]
    said = {"by": "ZC1", "reason": "the pharmacy says so"}
    answer = argparse.Namespace(
        question=asked.question_id, choice="product", value="carboplatin", **said
    )
    assert await answers.answer_question(answer)(settings) == 0
    word = argparse.Namespace(visit="V1", line="", choice="hold", value="", **said)
    assert await answers.say_of_line(word)(settings) == 0
    rows = await trail(small)
    assert [(row.did, row.kind, row.record, row.who, row.why) for row in rows] == [
        ("answer", "question", asked.question_id, "ZC1", "the pharmacy says so"),
        ("line", "visit", "V1", "ZC1", "the pharmacy says so"),
    ]
    assert not any("carboplatin" in row.details for row in rows)


async def test_a_redraft_and_a_migration_are_acts(small: Ledger, settings: Settings) -> None:
    """A redraft of nothing too; a migration tells the versions before and after."""
    await redraft.redraft(who="ANNA", why="new formulary")(settings)
    await migrate(who="ANNA")(settings)
    redrafted, migrated = await trail(small)
    assert (redrafted.did, redrafted.record, redrafted.why) == ("redraft", "all", "new formulary")
    told = json.loads(migrated.details)
    assert migrated.did == "ledger.migrate" and told["before"] == told["after"] != ""


async def test_a_start_tells_version_rules_and_settings_without_secrets(
    small: Ledger, settings: Settings
) -> None:
    """Another setting has another hash; another password has the same."""
    await note_start(small, start_of("capture", settings, "rules-1"))
    (row,) = await trail(small)
    told = json.loads(row.details)
    assert (row.did, row.record, told["rulebook"]) == ("program.start", "capture", "rules-1")
    assert told["settings"] == hash_of(settings) != hash_of(Settings())

    def with_password(word: str) -> Settings:
        return Settings.model_validate({"ledger_url": f"postgresql://zebra:{word}@db/charges"})

    assert hash_of(with_password("stripes")) == hash_of(with_password("hooves"))


@pytest.mark.parametrize(
    "words", [["parked", "drop", "7"], ["parked", "show", "7", "--unmask"]], ids=["drop", "show"]
)
def test_a_drop_and_a_look_need_a_reason(words: list[str]) -> None:
    """Without one, nothing is done."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


@pytest.mark.parametrize("reason", ["", "  "])
@pytest.mark.parametrize(
    "verb",
    [
        "parked drop 8",
        "parked show 8 --unmask",
        "offsets skip --partition 0 --to 5",
        "ledger forget --visit ZEBRA|V1",
        "ledger hold --visit ZEBRA|V1",
        "ledger release --visit ZEBRA|V1",
        "ledger holds --unmask",
        "ledger rotate",
        "ledger encrypt",
        "answer Q1 yes --by ANNA",
        "line hold V1 --by ANNA",
    ],
)
def test_a_blank_reason_is_no_reason(
    capsys: pytest.CaptureFixture[str], verb: str, reason: str
) -> None:
    """A verb that asks for a reason takes none that is empty or blank: it ends with 2 before it
    reads a setting.
    """
    with pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--reason", reason])
    assert ended.value.code == 2
    assert "--reason" in capsys.readouterr().err.splitlines()[-1]
