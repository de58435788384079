"""Claims about what drafting tells by unit, by interface and by policy: counted once, bounded, and
without a patient.
"""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from chargeline.coding.assembly import code_feed
from chargeline.drafting.counting import (
    count_drafted,
    count_poll,
    count_published,
    count_retries,
    tell_ledger,
)
from chargeline.drafting.interfaces import interface_name
from chargeline.drafting.polls import OfInterface, PollResult
from chargeline.drafting.processor import utc_now
from chargeline.drafting.revisions import DraftingResult
from chargeline.drafting.stops import stops_documented
from chargeline.engine import VisitKey, ask
from chargeline.files import FeedFile
from chargeline.ledger.records import StoredQuestion
from chargeline.published import drafts, writing
from chargeline.telemetry.labels import UNIT_VISITS, UNITS_MOST, UnitWords, trigger
from chargeline.telemetry.metrics import Metrics
from tests.drafting.test_processor import NOW, PROFILE, RULEBOOK
from tests.golden.messages import given
from tests.golden.sessions import fraction

GRACE = timedelta(minutes=30)


def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), program="capture", version="test")


def value(of: Metrics, name: str, **labels: str) -> float | None:
    return of.registry.get_sample_value(f"chargeline_{name}", labels)


def coded(*messages: bytes) -> drafts.WrittenRevision:
    """The final revision of one visit."""
    run = code_feed([FeedFile("feed", b"".join(messages))], RULEBOOK, PROFILE)
    (visit,) = run.visits
    return drafts.revision_of(
        writing.VisitDraft(visit.draft), revision=1, final=True, incomplete=False, before={}
    )


def test_lines_are_counted_by_family_and_where_a_policy_differs() -> None:
    """An antibody is chemotherapy for Medicare and not for the guide."""
    counted = metrics()
    revision = coded(given("PEMBROLIZUMAB", "200 mg", "0900", "0930"))
    count_drafted(counted, utc_now)(DraftingResult(written=[revision]))
    families = {line.family for line in revision.added}
    assert families == {"infusions", "drugs"}
    differing = {(o.policy, o.rule) for line in revision.added for o in line.other_policies}
    assert differing
    for policy, rule in differing:
        assert value(counted, "policy_differences_total", policy=policy, rule=rule or "none")


def test_differences_on_a_course_are_counted_as_those_on_infusions() -> None:
    """Pictures guided one session: the physician's claim would have them."""
    counted = metrics()
    revision = coded(fraction(1, "202603021000", technique="3D", guidance="Y"))
    count_drafted(counted, utc_now)(DraftingResult(written=[revision]))
    assert {line.family for line in revision.added} == {"radiation"}
    differs = {"policy": "cms-physician-2026", "rule": "physician.radiation.guidance"}
    assert value(counted, "policy_differences_total", **differs) == 1


def test_a_final_revision_is_counted_by_what_it_waits_for() -> None:
    """One that waits for nothing is ready to bill."""
    counted = metrics()
    ready = coded(given("VANCOMYCIN", "1000 mg", "0900", "1000"))
    waits = ready._replace(waits_for=("parked", "stop.missing"))
    count_drafted(counted, utc_now)(DraftingResult(written=[ready, waits]))
    named = {name: value(counted, "final_revisions_total", waits_for=name)
             for name in ("nothing", "parked", "stop.missing")}  # fmt: skip
    assert ready.waits_for == () and named == {"nothing": 1, "parked": 1, "stop.missing": 1}


def test_a_unit_is_named_from_its_fifth_visit_on() -> None:
    """Until then, and for what is no word of a unit, the label is `other`."""
    units = UnitWords()
    said = [units.label("ONC^12^A", f"V{number}") for number in range(UNIT_VISITS)]
    assert said == ["other"] * (UNIT_VISITS - 1) + ["ONC"]
    same = [units.label("TESTPATIENT ZEBRA", "V1") for _ in range(UNIT_VISITS * 2)]
    assert set(same) == {"other"}
    assert {units.label("x" * 40, f"V{number}") for number in range(9)} == {"other"}


def test_no_more_than_so_many_units_are_named() -> None:
    """A sender that writes a bed into PV1-3.1 fills no Prometheus."""
    units = UnitWords()
    said = {
        units.label(f"U{unit}", f"V{number}") for unit in range(90) for number in range(UNIT_VISITS)
    }
    assert len(said) == UNITS_MOST + 1 and "other" in said


def test_how_a_stop_is_documented_is_counted_by_unit() -> None:
    """Of five visits of a unit the fifth is counted under its name, and shares begin with 0."""
    counted = metrics()
    count = count_drafted(counted, utc_now)
    for number in range(UNIT_VISITS):
        key = VisitKey("ZEBRA", f"V{number}")
        count(DraftingResult(places={key: "ONC"}, stops=[(key, "missing")]))
    assert value(counted, "final_infusions_total", unit="ONC", stop="missing") == 1
    assert value(counted, "final_infusions_total", unit="ONC", stop="in_time") == 0
    assert value(counted, "final_infusions_total", unit="other", stop="missing") == 4


def stops_of(stop: str, **said: str) -> list[str]:
    data = given("VANCOMYCIN", "1000 mg", "0900", stop, **said)
    (visit,) = code_feed([FeedFile("feed", data)], RULEBOOK, PROFILE).visits
    return list(stops_documented(visit.draft, visit.timeline.administrations, GRACE))


def test_a_stop_is_in_time_or_late_by_when_it_was_sent() -> None:
    """MSH-7 of the message that says it, at most half an hour after it."""
    assert stops_of("1000", sent="1010") == ["in_time"]
    assert stops_of("1000", sent="1500") == ["late"]


def test_a_stop_that_the_draft_asks_for_is_missing() -> None:
    """As a person sees it: an infusion with a start and no stop."""
    data = given("VANCOMYCIN", "1000 mg", "0900", "1000")
    (visit,) = code_feed([FeedFile("feed", data)], RULEBOOK, PROFILE).visits
    (item,) = visit.timeline.administrations
    (interval,) = item.intervals
    open_end = item._replace(charted="open", intervals=(interval._replace(stop=None),))
    asked = ask(
        "stop.missing", expected="a stop", found="none", do="chart it", administrations=(item.key,)
    )
    asking = visit.draft._replace(questions=(asked,))
    at_once = item._replace(charted="instant")
    assert stops_documented(visit.draft, [open_end], GRACE) == ["missing"]
    assert stops_documented(asking, [at_once], GRACE) == ["missing"]
    assert stops_documented(visit.draft, [at_once], GRACE) == []
    assert stops_documented(visit.draft, [item._replace(given=False)], GRACE) == []


def test_how_long_a_question_was_open_is_observed_when_it_closes() -> None:
    """Two hours, once; an open one counts nothing."""
    counted = metrics()
    closed = StoredQuestion(
        facility="ZEBRA", visit="V1", question_id="1", code="stop.missing", opened_at=NOW,
        closed_at=NOW + timedelta(hours=2), body="{}",
    )  # fmt: skip
    still = closed._replace(closed_at=None)
    count_drafted(counted, utc_now)(DraftingResult(questions=[closed, still]))
    assert value(counted, "question_open_seconds_sum") == 7200
    assert value(counted, "question_open_seconds_count") == 1


def test_a_poll_is_counted_by_interface_and_an_older_message_moves_nothing_back() -> None:
    """Shares of none are 0, and the time of the last message only grows."""
    counted = metrics()
    late, early = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)
    for last in (late, early):
        of = {"standard": OfInterface({"used": 2}, ("time.missing",), last)}
        count_poll(
            counted,
            PollResult(2, 2, (), {}, 0, {}, set_aside=("ADT^A42", "ORU^R01"), interfaces=of),
        )  # fmt: skip
    name = "interface_messages_total"
    assert value(counted, name, interface="standard", outcome="used") == 4
    assert value(counted, name, interface="standard", outcome="parked") == 0
    heard = value(counted, "interface_last_message_timestamp_seconds", interface="standard")
    assert heard == late.timestamp()
    parked = "interface_parked_messages_total"
    assert value(counted, parked, interface="standard", reason="time.missing") == 2
    assert value(counted, "set_aside_messages_total", trigger="A42") == 2


def test_a_trigger_is_one_of_adt_or_the_type() -> None:
    """Whatever stands in MSH-9."""
    said = [trigger(text) for text in ("adt^a42", "ADT^ZEBRA", "ORU^R01", "PATIENT^X", "")]
    assert said == ["A42", "ADT", "ORU", "other", "other"]


def test_an_interface_is_one_that_the_rules_have() -> None:
    """A header may say anything, even a name."""
    names = [interface_name(text, {}, PROFILE) for text in ("", PROFILE.name, "TESTPATIENT")]
    assert names == [PROFILE.name, PROFILE.name, "other"]


def test_transactions_retries_and_what_is_published_are_counted() -> None:
    """Each by its word; an error without a word of its own has failed."""
    counted = metrics()
    tell = tell_ledger(counted)
    for ended in ("", "Fenced", "DiskFull", "Unreachable", "BatchFailed", "undone"):
        tell(ended)
    results = ("committed", "fenced", "disk_full", "unreachable", "failed", "undone")
    assert {value(counted, "ledger_transactions_total", result=word) for word in results} == {1}
    count_retries(counted)("relay")
    count_published(counted)("charge.draft", 3)
    assert value(counted, "retries_total", task="relay") == 1
    assert value(counted, "published_events_total", topic="charge.draft") == 3
