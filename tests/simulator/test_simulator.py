"""Claims about the simulator: its feeds are repeatable, true, readable and plainly invented."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import hl7
import pytest

from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from chargeline.simulator import InventedFeed, simulate, write_feed
from chargeline.simulator.regimens import DRUGS, PAYERS, REGIMENS
from chargeline.simulator.vials import SIZES
from chargeline.simulator.visits import FACILITIES

from .reader import at, body, instant, kind, recovered, split

STYLES = ("standard", "action-stream", "mixed")


@cache
def feed_of(visits: int, mess: float, style: str = "mixed", seed: int = 11) -> InventedFeed:
    return simulate(visits=visits, seed=seed, style=style, mess=mess)


def visits_of(feed: InventedFeed) -> list[dict[str, Any]]:
    visits = feed.truth["visits"]
    assert isinstance(visits, list)
    return visits


def clinical(feed: InventedFeed) -> list[dict[str, Any]]:
    """What was truly given, without whether a stop was charted and what should be asked."""
    return [
        {key: value for key, value in visit.items() if key not in _WHAT_SHOULD_BE_ASKED}
        | {
            "administrations": [
                _uncharted(dose) for dose in visit["administrations"] if _real(dose)
            ]
        }
        for visit in visits_of(feed)
        if not visit["cancelled"]
    ]


_WHAT_SHOULD_BE_ASKED = ("fault", "questions", "set_aside")


def _real(administration: dict[str, Any]) -> bool:
    return administration["given"] and not administration["voided"]


def _uncharted(administration: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in administration.items() if key != "stop_documented"}


def kinds(feed: InventedFeed) -> Counter[str]:
    return Counter(kind(split(message)) for _, message in feed.messages)


def fields(feed: InventedFeed, name: str, number: int) -> Counter[str]:
    segments = (
        segment for _, message in feed.messages for segment in split(message) if segment[0] == name
    )
    return Counter(at(segment, number) for segment in segments)


def comparable(dose: dict[str, Any], with_stop: bool) -> dict[str, Any]:
    """The dose with its times in UTC, without what the feed does not say.

    A feed does not say a lost stop, nor the amount of a dose that was not given.
    """
    left_out = (
        ("stop_documented", "voided") if dose["given"] else ("stop_documented", "voided", "drugs")
    )
    kept = {key: value for key, value in dose.items() if key not in left_out}
    kept["intervals"] = [[_utc(start), _utc(stop)] for start, stop in dose["intervals"]]
    if not with_stop and kept["intervals"]:
        kept["intervals"][-1][1] = None
    return kept


def _utc(moment: str | datetime | None) -> datetime | None:
    if moment is None:
        return None
    return (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).astimezone(UTC)


@pytest.mark.parametrize("mess", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("style", STYLES)
def test_the_same_arguments_give_the_same_bytes(style: str, mess: float) -> None:
    """A feed can be made again from its seed, byte for byte."""
    first, second = (
        simulate(visits=30, seed=5, style=style, mess=mess, faults=mess) for _ in range(2)
    )
    assert first == second


def test_another_seed_gives_another_feed() -> None:
    """Seeds 1 and 2 give different messages."""
    assert simulate(visits=5, seed=1) != simulate(visits=5, seed=2)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    """The first 20 visits are the same in a feed of 20 and in one of 200."""
    assert visits_of(feed_of(200, 0.0))[:20] == visits_of(feed_of(20, 0.0))


@pytest.mark.parametrize("mess", [0.2, 1.0])
@pytest.mark.parametrize("style", STYLES)
def test_the_clinical_truth_does_not_depend_on_the_mess(style: str, mess: float) -> None:
    """The dial for mess changes what is written, and never what was given."""
    assert clinical(feed_of(200, mess, style)) == clinical(feed_of(200, 0.0, style))


@pytest.mark.parametrize("mess", [0.0, 0.6])
@pytest.mark.parametrize("style", STYLES)
def test_the_clinical_truth_does_not_depend_on_the_faults(style: str, mess: float) -> None:
    """A fault is charted or written; what was given stays the truth."""
    faulty = simulate(visits=200, seed=11, style=style, mess=mess, faults=1.0)
    assert clinical(faulty)[:150] == clinical(feed_of(200, mess, style))[:150]
    assert any(visit["fault"] for visit in visits_of(faulty))


@pytest.mark.parametrize("mess", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("style", STYLES)
def test_a_careful_reader_recovers_the_truth(style: str, mess: float) -> None:
    """A reader that knows duplicates by body and versions by RXA-22 gets back what was given."""
    feed = feed_of(200, mess, style)
    read_back = recovered(feed.messages)
    for visit in visits_of(feed):
        true = sorted(
            (dose for dose in visit["administrations"] if not dose["voided"]),
            key=lambda dose: (dose["order"], dose["intervals"]),
        )
        read = read_back.get(visit["visit"], [])
        assert len(read) == len(true), visit["visit"]
        for dose, told in zip(true, read, strict=True):
            assert comparable(told, True) == comparable(dose, dose["stop_documented"])
    assert set(read_back) <= {visit["visit"] for visit in visits_of(feed)}


@pytest.mark.parametrize("style", STYLES)
def test_each_administration_has_an_order_and_a_record(style: str) -> None:
    """Each dose of the truth has an RDE and a RAS, also if it was held or voided."""
    feed = feed_of(200, 1.0, style)
    told: dict[str, set[str]] = {"RDE": set(), "RAS": set()}
    for _, message in feed.messages:
        segments = split(message)
        if segments[0][8][:3] in told:
            told[segments[0][8][:3]] |= {
                at(segment, 3) for segment in segments if segment[0] == "ORC"
            }
    true = {dose["order"] for visit in visits_of(feed) for dose in visit["administrations"]}
    assert told == {"RDE": true, "RAS": true}


def test_python_hl7_reads_every_message() -> None:
    """python-hl7 finds a type, a number and a sender in each message."""
    for style, message in feed_of(60, 1.0).messages:
        parsed = hl7.parse(message.decode("ascii"))
        assert str(parsed["MSH.F9.R1.C1"]) in ("ADT", "RDE", "RDS", "RAS", "ORU")
        assert str(parsed.segment("MSH")[10])
        assert str(parsed.segment("MSH")[4]) == FACILITIES[style]


def test_a_clean_feed_has_no_mess() -> None:
    """With the dial at 0 there is no duplicate, disorder or correction, and every dose is given."""
    feed = feed_of(200, 0.0)
    assert len({body(message) for _, message in feed.messages}) == len(feed.messages)
    assert {name[-3:] for name in kinds(feed)} <= {"A04", "A03", "O01", "O11", "O13", "O17"}
    assert set(fields(feed, "RXA", 21)) == {"A"}
    assert set(fields(feed, "RXA", 20)) == {"CP"}
    sent = [instant(at(split(message)[0], 7)) for _, message in feed.messages]
    assert sent == sorted(sent)


def test_message_numbers_are_unique_but_for_exact_duplicates() -> None:
    """Two messages with the same MSH-10 are the same bytes."""
    distinct = {message for _, message in feed_of(200, 1.0).messages}
    assert len({at(split(message)[0], 10) for message in distinct}) == len(distinct)


def test_full_mess_holds_duplicates_and_resends() -> None:
    """At least 20 messages come twice unchanged, and 20 with another MSH-7 and MSH-10."""
    messages = [message for _, message in feed_of(200, 1.0).messages]
    distinct = set(messages)
    assert len(messages) - len(distinct) >= 20
    assert len(distinct) - len({body(message) for message in distinct}) >= 20


def test_full_mess_holds_disorder_and_late_messages() -> None:
    """Messages overtake each other, and some are sent after the discharge of their visit."""
    feed = feed_of(200, 1.0)
    left = {f"V{number}": gone for number, gone in _discharges(feed).items()}
    sent = [at(split(message)[0], 7) for _, message in feed.messages]
    assert sent != sorted(sent)
    late = 0
    for _, message in feed.messages:
        segments = split(message)
        visit = next((at(segment, 19) for segment in segments if segment[0] == "PV1"), "")
        is_ras = kind(segments).startswith("RAS")
        late += is_ras and visit in left and instant(at(segments[0], 7)) > left[visit]
    assert late >= 20


def _discharges(feed: InventedFeed) -> dict[str, datetime]:
    left = {}
    for _, message in feed.messages:
        segments = {segment[0]: segment for segment in split(message)}
        if at(segments["MSH"], 9, 2) == "A03":
            left[at(segments["PV1"], 19)[1:]] = instant(at(segments["PV1"], 45))
    return left


@pytest.mark.parametrize("style", STYLES)
def test_full_mess_holds_corrections_voids_and_doses_not_given(style: str) -> None:
    """RXA-21 U and D, and RXA-20 NA and RE, all occur in 200 visits."""
    feed = feed_of(200, 1.0, style)
    assert fields(feed, "RXA", 21)["U"] >= 10
    assert fields(feed, "RXA", 21)["D"] >= 10
    assert fields(feed, "RXA", 20)["NA"] >= 3
    assert fields(feed, "RXA", 20)["RE"] >= 3


@pytest.mark.parametrize("style", STYLES)
def test_full_mess_loses_stops_that_the_truth_still_has(style: str) -> None:
    """An infusion without a documented stop has its real stop in the truth."""
    lost = [
        dose
        for visit in visits_of(feed_of(200, 1.0, style))
        for dose in visit["administrations"]
        if not dose["stop_documented"] and dose["device"] != "PORTABLE-PUMP" and _real(dose)
    ]
    assert len(lost) >= 10
    assert all(dose["intervals"][-1][0] < dose["intervals"][-1][1] for dose in lost)


def test_full_mess_holds_every_kind_of_visit_trouble() -> None:
    """Merges of patients and visits, cancelled and reopened visits, updates, unknown types."""
    counts = kinds(feed_of(200, 1.0))
    for name in ("ADT^A40", "ADT^A35", "ADT^A41", "ADT^A11", "ADT^A13", "ADT^A08", "ORU^R01"):
        assert counts[name] >= 2, name
    cancelled = [visit for visit in visits_of(feed_of(200, 1.0)) if visit["cancelled"]]
    assert cancelled
    assert not any(visit["administrations"] for visit in cancelled)


def test_an_action_sender_uses_every_word() -> None:
    """Each action that a nurse can chart occurs in RXA-9.1, and RXA-4 is never valued."""
    feed = feed_of(200, 1.0, "action-stream")
    words = {"New Bag", "Rate Change", "Rate Verify", "Paused", "Restarted", "Stopped"}
    assert set(fields(feed, "RXA", 9)) == words | {"Given", "Bolus", "Held", "Refused"}
    assert set(fields(feed, "RXA", 4)) == {""}


def test_every_regimen_and_drug_is_given() -> None:
    """A feed of 600 visits gives every drug of the tables, and every drug is in a regimen."""
    drugs = {
        drug["id"]
        for visit in visits_of(feed_of(600, 0.0))
        for dose in visit["administrations"]
        for drug in dose["drugs"]
    }
    assert drugs == set(DRUGS)
    assert {
        part.drug for regimen in REGIMENS for step in regimen.steps for part in step.parts
    } == set(DRUGS)


def test_vials_hold_the_dose_and_what_is_discarded() -> None:
    """For each scanned dose, the vials hold what was given and what was discarded, and no more.

    The sizes are those of rules/containers, and a smaller whole number of vials would be too few.
    """
    holds = {row.ndc: row for row in load_rulebook(rules_directory()).formulary.containers.rows}
    scanned = [
        (dose["drugs"][0], dose["vials"], dose["discarded"])
        for visit in visits_of(feed_of(200, 0.0))
        for dose in visit["administrations"]
        if dose["vials"]
    ]
    assert {drug["id"] for drug, _vials, _discarded in scanned} == set(SIZES)
    for drug, vials, discarded in scanned:
        rows = [holds[ndc.replace("-", "")] for ndc in vials]
        assert all(drug["id"] in row.drugs and row.use == "single_dose" for row in rows)
        amounts = [row.amount for row in rows]
        assert sum(amounts) == Decimal(drug["amount"]) + Decimal(discarded)
        assert Decimal(discarded) < min(amounts)


def test_several_versions_and_both_forms_of_time_are_written() -> None:
    """The feed has versions from 2.3 to 2.8, and times with and without offsets."""
    feed = feed_of(200, 0.0)
    versions = {at(split(message)[0], 12) for _, message in feed.messages}
    assert {"2.3", "2.5.1", "2.8"} <= versions
    with_offset = Counter("-" in at(split(message)[0], 7) for _, message in feed.messages)
    assert with_offset[False] > with_offset[True] > 0


def test_a_visit_across_the_change_of_the_clock_writes_offsets() -> None:
    """If the clock changes during a visit, all its times have offsets."""
    feed = simulate(visits=30, seed=3, first_day=date(2026, 10, 30))
    across = {
        visit["visit"]
        for visit in visits_of(feed)
        for dose in visit["administrations"]
        if {moment[-6:] for interval in dose["intervals"] for moment in interval}
        == {"-04:00", "-05:00"}
    }
    assert across
    for _, message in feed.messages:
        segments = {segment[0]: segment for segment in split(message)}
        if at(segments["PV1"], 19) in across:
            assert at(segments["PV1"], 44).endswith("-0400")


def test_every_patient_and_payer_is_plainly_invented() -> None:
    """Number, name, payer and MSH-11 all show that the person is invented."""
    for _, message in feed_of(200, 1.0).messages:
        segments = {segment[0]: segment for segment in split(message)}
        assert at(segments["PID"], 3).startswith("ZZ")
        assert at(segments["PID"], 5) == "TESTPATIENT"
        assert at(segments["PID"], 5, 2).startswith("ZEBRA")
        assert at(segments["MSH"], 11) == "T"
        assert "IN1" not in segments or at(segments["IN1"], 3) in PAYERS
    assert all(payer.startswith("ZEBRA") for payer in PAYERS)


def test_a_file_for_each_style_and_the_truth_are_written(tmp_path: Path) -> None:
    """The file of a style holds its messages in order of arrival, one after the other."""
    feed = feed_of(20, 0.5)
    write_feed(feed, tmp_path)
    for style in ("standard", "action-stream"):
        expected = [message for sender, message in feed.messages if sender == style]
        read = (tmp_path / f"{style}.hl7").read_bytes().split(b"\rMSH|")
        assert len(read) == len(expected)
        assert (tmp_path / f"{style}.hl7").read_bytes() == b"".join(expected)
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8")) == feed.truth


def test_a_style_without_messages_has_no_file(tmp_path: Path) -> None:
    """A second feed into the same folder removes the file of a style that it does not have."""
    write_feed(feed_of(20, 0.5), tmp_path)
    write_feed(feed_of(20, 0.0, "standard"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["standard.hl7", "truth.json"]


@pytest.mark.parametrize(
    "wrong", [{"style": "paper"}, {"mess": 1.5}, {"mess": -0.1}, {"faults": 2.0}]
)
def test_a_wrong_argument_is_refused_with_what_was_expected(wrong: dict[str, Any]) -> None:
    """The error says what was expected and what was found."""
    with pytest.raises(ValueError, match=r"expected .* found"):
        simulate(visits=1, seed=1, **wrong)


def test_examinations_add_messages_and_change_no_other() -> None:
    """Without the messages about practitioners' visits the feed is byte for byte the same."""
    plain = simulate(visits=30, seed=11, mess=0.5, faults=0.3).messages
    more = simulate(visits=30, seed=11, mess=0.5, faults=0.3, examinations=0.6).messages
    added = [each for each in more if b"|X1" in each[1].split(b"\r")[0]]
    assert tuple(each for each in more if each not in added) == plain
    kinds = {each[1].split(b"|")[8].split(b"^")[0] for each in added}
    assert kinds == {b"ORU", b"MDM", b"DFT"}


@pytest.mark.parametrize("beside", ["courses", "authorizations"])
def test_what_is_invented_beside_leaves_the_bytes_as_they_were(beside: str) -> None:
    """It is added to a feed, and takes nothing of it away."""
    plain = simulate(visits=20, seed=5, mess=0.5, first_day=date(2026, 3, 2))
    more = simulate(visits=20, seed=5, mess=0.5, first_day=date(2026, 3, 2), **{beside: 2})
    assert beside not in plain.truth
    assert Counter(plain.messages) < Counter(more.messages)
    assert more.truth["visits"] == plain.truth["visits"]
