"""Claims about `chargeline ledger forget`, `hold` and `release`: what they take and print."""

import json
from typing import Literal

import pytest
from sqlalchemy import text

from chargeline.cli import main
from chargeline.engine import VisitKey
from chargeline.hl7.patient_numbers import patient_numbers
from chargeline.ledger.errors import OnHold
from chargeline.ledger.records import VISIT_STATUSES, Whose
from chargeline.ledger.store import Ledger
from chargeline.operate.forgetting import forget, hold, holds, release
from chargeline.settings import Settings
from tests.drafting.test_features import GOOD, claimed, settings, small
from tests.drafting.test_processor import Bench, keyed
from tests.golden.messages import adt, given

__all__ = ["settings", "small"]

ANNA = {"who": "ANNA", "why": "case 1"}
VISIT = Whose("visit", "ZEBRA", "V1")


async def test_the_proof_counts_rows_and_shows_no_content(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A visit is drafted, held, released and forgotten."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    await bench.later(minutes=1)
    async with small.view() as view:
        (key,) = await view.visit_keys()
    whose = Whose("visit", *key)
    assert await hold(whose, **ANNA)(settings) == 0
    with pytest.raises(OnHold):
        await forget(whose, **ANNA)(settings)
    assert await release(whose, **ANNA)(settings) == 0
    capsys.readouterr()
    assert await forget(whose, **ANNA)(settings) == 0
    text = capsys.readouterr().out
    proof = json.loads(text)
    assert (proof["by"], proof["reason"], proof["forgotten"]) == ("ANNA", "case 1", "visit")
    assert (proof["rows"]["message"], proof["rows"]["draft_revision"]) == (1, 1)
    assert key.visit not in text
    async with small.view() as view:
        acts = await view.acts(0, 100)
    assert [act.did for act in acts[-3:]] == ["ledger.hold", "ledger.release", "ledger.forget"]
    assert all(key.visit not in act.record + act.details for act in acts)
    assert not [table for table in await small.verify() if table.broken]


async def _forgotten_beside(bench: Bench, settings: Settings) -> VisitKey:
    """A visit that was drafted and then forgotten, while its capture has it in memory."""
    await bench.feed(keyed([GOOD]))
    await bench.later(minutes=1)
    async with bench.ledger.view() as view:
        (key,) = await view.visit_keys()
    assert await forget(Whose("visit", *key), **ANNA)(settings) == 0
    return key


@pytest.mark.parametrize("nudged", [True, False], ids=["nudged", "before the nudge"])
async def test_what_comes_after_forgetting_is_asked_about_and_not_drafted(
    small: Ledger, settings: Settings, nudged: bool
) -> None:
    """One late message, or the whole visit sent again: a person must decide. A draft of the late
    message alone would look like the whole visit, and one of all would bill it twice.
    """
    bench = await claimed(small)
    key = await _forgotten_beside(bench, settings)
    if nudged:
        await bench.later(minutes=1)
    late = given("OXALIPLATIN", "130 mg", "1100", "1130", visit=key.visit)
    for messages in ([late], [GOOD, late]):
        await bench.feed(keyed(messages))
        await bench.later(minutes=1)
        async with small.view() as view:
            row = (await view.visits([key]))[key]
            assert (row.status, row.revision, row.incomplete) == ("forgotten", 1, True)
            assert await view.last_revisions([key]) == {}
            asked = [question.code for question in (await view.open_questions([key]))[key]]
            assert asked == ["visit.forgotten"]
            assert await view.contributions_of([key]) == []


OTHER = given("OXALIPLATIN", "130 mg", "1100", "1130", visit="V902")


@pytest.mark.parametrize("apart", [False, True], ids=["one program", "a program a partition"])
@pytest.mark.parametrize("into", ["live", "forgotten"])
async def test_a_merge_with_a_forgotten_visit_moves_no_charge(
    small: Ledger, settings: Settings, into: str, apart: bool
) -> None:
    """A forgotten visit may have been billed: merged into a live one, it would be billed twice when
    it is sent again; and a live one that is merged into it would be credited and billed by nobody.
    Each stays as it was, and a person is asked about both.
    """
    bench = Bench(small, apart=apart)
    await bench.claim()
    gone = await _forgotten_beside(bench, settings)
    live = VisitKey(gone.facility, "V902")
    await bench.feed(keyed([OTHER]))
    await bench.later(minutes=1)
    async with small.view() as view:
        before = (await view.last_revisions([live]))[live]
    ends = {"live": (live, gone), "forgotten": (gone, live)}[into]
    merge = adt("A35", visit=ends[0].visit, prior_visit=ends[1].visit, sent="1900")
    for messages in ([merge], [GOOD, OTHER], [given("CARBOPLATIN", "450 mg", "1300", "1400")]):
        await bench.feed(keyed(messages))
        await bench.later(minutes=1)
    async with small.view() as view:
        revisions = await view.last_revisions([live, gone])
        assert revisions == {live: before}
        rows = await view.visits([live, gone])
        assert (rows[live].status, rows[gone].status) == ("open", "forgotten")
        asked = await view.open_questions([live, gone])
    assert {key: [question.code for question in asked[key]] for key in asked} == {
        live: ["visit.forgotten"],
        gone: ["visit.forgotten"],
    }


async def test_the_nudge_of_forgetting_writes_nothing_back(
    small: Ledger, settings: Settings
) -> None:
    """Of a merged visit, the capture knows in memory where it led; it forgets that as well."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    await bench.later(minutes=1)
    async with small.view() as view:
        (key,) = await view.visit_keys()
    await bench.feed(keyed([adt("A35", visit="V901", prior_visit=key.visit)]))
    await bench.later(minutes=1)
    async with small.view() as view:
        assert {row.status for row in (await view.visits([key])).values()} == {"merged"}
    assert await forget(Whose("visit", *key), **ANNA)(settings) == 0
    await bench.later(minutes=1)
    async with small.view() as view:
        assert await view.visit_keys(statuses=VISIT_STATUSES) == []


async def test_what_is_not_there_is_said(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """To forget or release what the ledger does not have ends with 1, and without a proof."""
    await claimed(small)
    assert await forget(VISIT, **ANNA)(settings) == 1
    assert await release(VISIT, **ANNA)(settings) == 1
    printed = capsys.readouterr()
    assert "the ledger had nothing of it" in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("kind", ["visit", "patient"])
async def test_a_hold_of_a_mistyped_number_ends_with_1(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str], kind: Literal["visit"]
) -> None:
    """It stands, and says that nothing has this number now."""
    await claimed(small)
    assert await hold(Whose(kind, "ZEBRA", "NOSUCH"), **ANNA)(settings) == 1
    printed = capsys.readouterr()
    assert "nothing yet" in printed.out
    assert "nothing stored under this facility and number now" in printed.err
    assert [listed.whose.number for listed in await small.holds()] == ["NOSUCH"]


async def test_a_list_of_holds_masks_patients_until_somebody_says_why(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hold has its time, its person and its reason; the number of a patient is an act to see."""
    await claimed(small)
    await hold(Whose("patient", "ZEBRA", "MRN-4711"), **ANNA)(settings)
    await hold(VISIT, who="BEN", why="case 2")(settings)
    capsys.readouterr()
    assert await holds(as_json=True)(settings) == 0
    masked = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shown = [(row["number"], row["who"], row["why"]) for row in masked]
    assert shown == [("XXX-9999", "ANNA", "case 1"), ("V1", "BEN", "case 2")]
    assert await holds(unmask=True, **ANNA)(settings) == 0
    assert "ZEBRA|MRN-4711" in capsys.readouterr().out
    async with small.view() as view:
        acts = await view.acts(0, 100)
    assert [act.did for act in acts] == ["ledger.hold", "ledger.hold", "ledger.holds"]
    assert acts[0].record == masked[0]["record"]


async def test_a_release_says_who_else_holds_it(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A visit that is held with its patient is released with the patient, and the answer says so
    without the patient's number.
    """
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    async with small.view() as view:
        (key,) = await view.visit_keys()
        (sent,) = (await view.messages_of([key]))[key]
    (patient,) = patient_numbers(sent.raw)
    assert await hold(Whose("patient", key.facility, patient), **ANNA)(settings) == 0
    assert await release(Whose("visit", *key), **ANNA)(settings) == 1
    said = capsys.readouterr().err
    assert "release it with its patient" in said
    assert patient not in said


@pytest.mark.parametrize(
    "asked", ["--visit V1", "--visit 'Z|'", "", "--visit 'Z|1' --patient 'Z|2'"]
)
def test_a_visit_is_named_with_its_facility(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a facility, without a number, or with both a visit and a patient, it is refused."""
    with pytest.raises(SystemExit):
        main(["ledger", "forget", *asked.replace("'", "").split(), "--reason", "x"])
    assert "ledger forget" in capsys.readouterr().err


async def test_a_deletion_that_could_not_look_everywhere_is_not_complete(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row of V2 does not open: V1's patient goes, the proof and the trail name the row, and the
    exit code is 3. By the number of a visit nothing is searched, so that is complete.
    """
    bench = await claimed(small)
    messages = [given("CEFAZOLIN", "2 g", "0900", visit=v, patient=f"ZZ{v}") for v in ("V1", "V2")]
    await bench.feed(keyed(messages))
    async with small.batch() as batch:
        await batch._transaction.run(text("UPDATE message SET data_key = 99 WHERE visit = 'V2'"))
    assert await forget(Whose("patient", "ZEBRA", "ZZV1"), **ANNA)(settings) == 3
    printed = capsys.readouterr()
    proof = json.loads(printed.out)
    assert (proof["complete"], proof["unsearched"]) == (False, {"message": 1})
    assert proof["rows"]["message"] == 1
    assert proof["unsearched_rows"][0].startswith("message digest ")
    assert "NOT COMPLETE" in printed.err and proof["unsearched_rows"][0] in printed.err
    assert "ZZV" not in printed.out + printed.err
    async with small.view() as view:
        (act,) = await view.acts(0, 10, did="ledger.forget")
    assert json.loads(act.details)["unsearched_rows"] == proof["unsearched_rows"]
    assert await forget(Whose("visit", "ZEBRA", "V2"), **ANNA)(settings) == 0
    assert json.loads(capsys.readouterr().out)["complete"]


async def test_nothing_is_said_to_be_gone_while_a_row_is_unsearched(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A patient of whom nothing was found: it may be in the row that does not open."""
    await (await claimed(small)).feed(keyed([GOOD]))
    async with small.batch() as batch:
        await batch._transaction.run(text("UPDATE message SET data_key = 99"))
    assert await forget(Whose("patient", "ZEBRA", "NOBODY"), **ANNA)(settings) == 3
    assert "the ledger had nothing" not in capsys.readouterr().err
