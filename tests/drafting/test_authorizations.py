"""Authorizations through the ledger: visits in several partitions share what is left of one."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chargeline.coding.assembly import code_feed
from chargeline.drafting.answering import Speaker, taken_back
from chargeline.files import FeedFile
from chargeline.ledger.records import StoredAnswer
from chargeline.published.answers import GivenAnswer, number_of
from tests.drafting.test_processor import PROFILE, RULEBOOK, Bench, bench, keyed

__all__ = ["bench"]

HEAD = "MSH|^~\\&|RX|ZEBRA|||{sent}||{kind}|{number}|P|2.5.1\rPID|1||ZZ1^^^ZEBRA^MR\r"
PAYER = "DG1|1||D47.Z2\rIN1|1|PLAN|UNITEDHEALTHCARE|UnitedHealthcare\r"
VISIT = "PV1|1|O|||||||||||||||||{visit}\r"


def head(kind: str, sent: str, number: str) -> str:
    return HEAD.format(kind=kind, sent=sent, number=number)


def order(visit: str, day: str) -> bytes:
    return (
        head("RDE^O11", "202610010800", f"O{visit}")
        + VISIT.format(visit=visit)
        + PAYER
        + f"ORC|NW|P{visit}\rTQ1|1||||||{day}0900\rRXE||SILTUXIMAB^siltuximab^L|800||mg\rRXR|IV\r"
    ).encode()


def dose(visit: str, day: str, sent: str = "1100", status: str = "A") -> bytes:
    row = f"RXA|0|1|{day}0900|{day}1000|SILTUXIMAB^siltuximab^L|800|mg" + "|" * 13
    return (
        head("RAS^O17", f"{day}{sent}", f"R{visit}{status}")
        + VISIT.format(visit=visit)
        + f"ORC|RE|P{visit}\r{row}CP|{status}\rRXR|IV\r"
    ).encode()


def referral(units: int, sent: str = "202610010900") -> bytes:
    return (
        head("RPA^I08", sent, f"A{units}")
        + "RF1|A\r"
        + PAYER
        + "PR1|1||J2860\rAUT|PLAN|UHC|UHC|20261001|20270331|A77||||\r".replace(
            "A77||||", f"A77|||{units}"
        )
    ).encode()


def numbers(bench_: Bench) -> dict[str, list[str]]:
    """The authorization of each visit's drug line as it was published last, or why it has none."""
    said: dict[str, list[str]] = {}
    for event in bench_.published:
        if event.topic == "charge.draft":
            data = json.loads(event.payload)
            for encounter in data["encounters"]:
                lines = [line for line in encounter["lines"] if line["code"] == "J2860"]
                why = [e["code"] for e in encounter["edits"] if e["code"] == "authorization.units"]
                said[data["visit"]] = [line["authorization"] for line in lines] + why
    return said


def needed(bench_: Bench) -> list[tuple[str, str]]:
    events = [json.loads(e.payload) for e in bench_.published if e.topic == "authorization.needed"]
    return [(event["visit"], event["state"]) for event in events]


async def test_an_order_asks_before_the_first_dose_until_one_is_on_file(bench: Bench) -> None:
    """The event opens with the order, and closes when the payer's answer comes elsewhere."""
    await bench.feed(keyed([order("V1", "20261005")]))
    assert needed(bench) == [("V1", "opened")]
    await bench.feed(keyed([referral(800)]))
    assert needed(bench) == [("V1", "opened"), ("V1", "closed")]
    opened = json.loads(
        next(e.payload for e in bench.published if e.topic == "authorization.needed")
    )
    assert (opened["code"], opened["units"], opened["planned_day"]) == ("J2860", 80, "2026-10-05")
    assert {fact["evidence"]: fact["state"] for fact in opened["evidence"]}["dose"] == "have"


FEED = (
    order("V1", "20261005"),
    dose("V1", "20261005"),
    order("V2", "20261026"),
    dose("V2", "20261026"),
    referral(100),
)


@pytest.mark.parametrize("place", [0, 37, 64, 119])
async def test_two_visits_count_down_one_authorization_in_any_order(
    bench: Bench, place: int
) -> None:
    """100 units: the dose of 5 October has them, that of 26 October finds 20; twice is once."""
    arrival = list(itertools.permutations(FEED))[place]
    await bench.feed(keyed([*arrival, *FEED]), lot=2)
    assert numbers(bench) == {"V1": ["A77"], "V2": ["", "authorization.units"]}


@pytest.mark.parametrize("arrival", [*itertools.permutations(range(3))])
async def test_a_visit_without_a_payer_asks_in_any_order(
    bench: Bench, arrival: tuple[int, ...]
) -> None:
    """The last draft asks who pays, whether the authorization, the order or the dose came last."""
    unpaid = order("V1", "20261005").replace(PAYER.encode(), b"")
    feed = (unpaid, dose("V1", "20261005"), referral(800))
    await bench.feed(keyed([feed[place] for place in arrival]))
    drafts = [json.loads(e.payload) for e in bench.published if e.topic == "charge.draft"]
    last = [data for data in drafts if data["visit"] == "V1"][-1]
    assert [q["code"] for q in last["questions"]] == ["authorization.no_payer"]
    assert numbers(bench) == {"V1": [""]}


async def test_a_dose_that_is_taken_back_gives_its_units_back(bench: Bench) -> None:
    """The first dose is voided, so the second one has its number; more units do the same."""
    await bench.feed(keyed(FEED))
    await bench.feed(keyed([dose("V1", "20261005", "1200", "D")]))
    assert numbers(bench)["V2"] == ["A77"]
    await bench.feed(keyed([dose("V1", "20261005", "1300", "A"), referral(160, "202610300900")]))
    assert numbers(bench)["V2"] == ["A77"]


async def test_history_from_files_is_history_from_the_ledger(bench: Bench) -> None:
    """`chargeline code` over the same messages gives each line the same number."""
    await bench.feed(keyed(FEED))
    run = code_feed([FeedFile("feed", b"".join(FEED))], RULEBOOK, PROFILE)
    coded = {
        visit.draft.key.visit: [
            *[line.authorization for line in visit.draft.lines if line.code == "J2860"],
            *[e.edit for e in visit.draft.edits if e.edit == "authorization.units"],
        ]
        for visit in run.visits
        if visit.draft.lines
    }
    assert coded == numbers(bench)


MERGE = (
    head("ADT^A40", "202611010900", "M1").replace("PID", "EVN|A40\rPID") + "MRG|ZZ2^^^ZEBRA^MR\r"
).encode()


def of_other(message: bytes) -> bytes:
    return message.replace(b"ZZ1", b"ZZ2")


@pytest.mark.parametrize("turn", [1, -1])
async def test_a_number_of_two_patients_is_told_at_the_lines_of_both(
    bench: Bench, turn: int
) -> None:
    """The first visit had it, until the number came for another patient: it covers neither line,
    and both say why, and nothing of what the other was granted. After the merge both have it.
    """
    feed = [*FEED[:2], *map(of_other, FEED[2:4]), referral(200)]
    await bench.feed(keyed(feed[::turn]))
    assert numbers(bench) == {"V1": ["A77"], "V2": [""]}
    await bench.feed(keyed([of_other(referral(300, "202610020900"))]))
    assert numbers(bench) == {"V1": [""], "V2": [""]}
    assert whose(bench) == {"V1": True, "V2": True}
    async with bench.ledger.view() as view:
        record = await view.contributions([("ZEBRA", "ZZ1"), ("ZEBRA", "ZZ2")], ["authorization"])
    assert sorted((row.patient, row.value) for row in record) == [
        (
            patient,
            "payer=UNITEDHEALTHCARE&codes=J2860&sent=2026-10-02T13:00:00+00:00&unsaid=patient",
        )
        for patient in ("ZZ1", "ZZ2")
    ]
    await bench.feed([("ZEBRA|V1", MERGE, {})])
    await bench.later(minutes=2)
    assert numbers(bench) == {"V1": ["A77"], "V2": ["A77"]}


def whose(bench_: Bench) -> dict[str, bool]:
    """Whether the last draft of each visit says that the number is told of two patients."""
    said = {}
    for event in bench_.published:
        if event.topic == "charge.draft" and "AUTH." not in event.payload.decode():
            said[json.loads(event.payload)["visit"]] = b"told of two patients" in event.payload
    return said


def asked_in_event(event: Any) -> dict[str, Any] | None:
    return json.loads(event.payload) if event.topic == "documentation.question" else None


async def answered(bench_: Bench, given: GivenAnswer) -> None:
    """Keep an answer as `chargeline answer` does, and have its visit drafted again."""
    row = StoredAnswer(
        given.facility, given.visit, number_of(given), given.at, given.model_dump_json()
    )
    async with bench_.ledger.batch() as batch:
        await batch.add_answers([row])
    key = f"{given.facility}|{given.visit}"
    await bench_.feed([(key, b"", {"chargeline-nudge": "1"})])


async def test_what_a_person_says_of_it_reaches_the_visits_and_is_taken_back(bench: Bench) -> None:
    """No status: nothing is covered until somebody says `granted`; files say what the ledger says.

    After `withdraw` both visits are without a number again.
    """
    silent = referral(100).replace(b"RF1|A", b"RF1|")
    feed = [*FEED[:-1], silent]
    await bench.feed(keyed(feed))
    assert numbers(bench) == {"V1": [""], "V2": [""]}
    (question,) = [
        event
        for event in map(asked_in_event, bench.published)
        if event is not None and event["code"] == "authorization.no_status"
    ]
    said = GivenAnswer(
        **{name: question[name] for name in ("facility", "visit", "question_id", "code", "drug")},
        administrations=[],
        fingerprint=question["fingerprint"],
        choice="granted",
        value="",
        by="ZC1",
        at=datetime(2026, 11, 1, tzinfo=UTC),
        reason="the payer's letter",
    )
    await answered(bench, said)
    assert numbers(bench) == {"V1": ["A77"], "V2": ["", "authorization.units"]}
    coded = code_feed([FeedFile("feed", b"".join(feed))], RULEBOOK, PROFILE, answers=[said])
    assert {
        visit.draft.key.visit: [line.authorization for line in visit.draft.lines][-1]
        for visit in coded.visits
        if visit.draft.lines
    } == {"V1": "A77", "V2": ""}
    await answered(bench, taken_back(said, Speaker.now("ZC1", "wrong letter")))
    assert numbers(bench) == {"V1": [""], "V2": [""]}
