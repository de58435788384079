"""What crosses Kafka has the engine's content, a key per visit, and ids that tell a repeat from
news.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from chargeline.coding.assembly import Assembly
from chargeline.coding.records import encounter_records
from chargeline.coding.run import CodedVisit
from chargeline.engine import ChargeLine, Draft, Finding, Question, VisitKey, ask
from chargeline.files import FeedFile
from chargeline.hl7.profile import make_profile
from chargeline.published.drafts import (
    Steps,
    WrittenRevision,
    billed,
    changes,
    digest_of,
    line_of,
    question_of,
    revision_of,
    withheld_of,
)
from chargeline.published.events import (
    TimedEvent,
    parked,
    question_changes,
    questions_of,
    to_kafka,
)
from chargeline.published.inbound import record_key
from chargeline.published.shapes import (
    Changes,
    DocumentationQuestion,
    DraftRevision,
    Line,
    OpenQuestion,
    ParkedMessage,
    WithheldService,
)
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.simulator.feed import simulate

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)


def run_of_a_feed() -> tuple[Any, str]:
    folder = rules_directory()
    rulebook = load_rulebook(folder)
    assembly = Assembly(rulebook, make_profile(read_interface(folder, "standard")))
    feed = simulate(visits=12, seed=1, style="standard", mess=0.6)
    assembly.add(FeedFile("feed", b"".join(message for _style, message in feed.messages)))
    return assembly.finish(), rulebook.version


RUN, RULEBOOK = run_of_a_feed()


def visits() -> list[CodedVisit]:
    return [each for each in RUN.visits if each.draft.encounters]


def written(made: Draft | None = None, **changed: Any) -> WrittenRevision:
    made = made or visits()[0].draft
    lines = changed.pop("before", ())
    return revision_of(
        made,
        **{"revision": 1, "final": False, "incomplete": False, "before": billed(lines), **changed},
    )


def revision(made: Draft | None = None, **changed: Any) -> DraftRevision:
    """As whoever reads it has it."""
    return DraftRevision.model_validate_json(written(made, **changed).value)


def line(line_id: str, units: int = 1, **changed: Any) -> ChargeLine:
    first = ChargeLine(
        family="drugs",
        line_id=line_id,
        role="drug",
        code="J9271",
        units=units,
        modifiers=(),
        service_date=DAY,
        drug="pembrolizumab",
        administrations=(),
        trace=(),
    )
    return first._replace(**changed)


def question(code: str = "stop.missing", drug: str = "trastuzumab", *keys: str) -> Question:
    return ask(
        code, expected="a stop", found="none", do="chart it", drug=drug, administrations=keys
    )


def draft_with(*questions: Question) -> Draft:
    return Draft(VisitKey("ZEBRA", "V1"), "guide-2026", "abc", (), questions)


def asked(*questions: Question, at: int = 1) -> list[DocumentationQuestion]:
    return [each.question for each in questions_of(draft_with(*questions), at, {})]


def parked_message(**changed: Any) -> ParkedMessage:
    why = Finding("time.missing", expected="a time", found="nothing", where="RXA-3", do="chart it")
    given: dict[str, Any] = {
        "at": ("hl7.inbound", 3, 41),
        "key": ("ZEBRA", "V1"),
        "why": why,
        "message_type": "RAS^O17",
        "control_id": "4711",
    }
    return parked(
        b"MSH|^~\\&|\xe9\x00", [("trace", b"\xff"), ("empty", None)], **{**given, **changed}
    )


def headers(event: TimedEvent) -> dict[str, str]:
    return to_kafka(event)[1]


# ------------------------------------------------------------------ content


def test_a_draft_has_the_content_of_code_json() -> None:
    """Lines, questions and withheld services are, key by key, what `code --json` prints."""
    records = list(encounter_records(RUN, RULEBOOK))
    for visit in visits():
        event = revision(visit.draft).model_dump(mode="json")
        own = [
            each.model_dump(mode="json") for each in records if each.visit == visit.draft.key.visit
        ]
        for made, record in zip(event["encounters"], own, strict=True):
            assert made["lines"] == record["lines"] and made["withheld"] == record["withheld"]
            assert event["questions"] + made["questions"] == record["questions"]


def revisions_of_the_feed() -> list[WrittenRevision]:
    """Two of each visit, the second with other lines before it, and one that was merged."""
    found = []
    for visit in RUN.visits:
        lines = [each for encounter in visit.draft.encounters for each in encounter.lines]
        before = [each._replace(units=each.units + 1) for each in lines[1:]]
        found += [written(visit.draft), written(visit.draft, revision=2, final=True, before=before)]
        found.append(written(visit.draft, revision=3, before=lines, merged_into="V2"))
    return found


def test_a_draft_is_written_as_its_model_is() -> None:
    """Byte for byte, with the same key, headers and id, although no model has made it."""
    for each in revisions_of_the_feed():
        model = DraftRevision.model_validate_json(each.value)
        assert to_kafka(TimedEvent(each, NOON)) == to_kafka(TimedEvent(model, NOON))
        assert each.changes == model.changes.model_dump_json().encode()


def test_what_was_said_is_known_again_from_the_bytes() -> None:
    """A visit that comes back from the ledger is compared with what was said of it before."""
    for each in revisions_of_the_feed():
        assert digest_of(each.value) == each.digest


def test_the_content_is_all_but_the_number_and_the_changes() -> None:
    """Another number or other lines before it is no news; another status, rulebook or line is."""
    made = visits()[0].draft
    same = [written(made), written(made, revision=7), written(made, before=[line("a")])]
    other = made._replace(encounters=made.encounters[1:])
    others = [
        written(made, final=True), written(made, incomplete=True), written(made, merged_into="V2"),
        written(made._replace(policy="other")), written(made._replace(rulebook="other")), written(other),
    ]  # fmt: skip
    assert len({each.digest.content for each in same}) == 1
    assert len({each.digest.content for each in (same[0], *others)}) == 1 + len(others)


def test_the_roles_of_new_lines_are_told() -> None:
    """A line that the last revision had is not new, whatever became of it."""
    lines = visits()[0].draft.encounters[0].lines
    made = visits()[0].draft._replace(encounters=visits()[0].draft.encounters[:1])
    assert written(made).new_roles == tuple(each.role for each in lines)
    before = [lines[0]._replace(units=99)]
    assert written(made, before=before).new_roles == tuple(each.role for each in lines[1:])


def test_a_draft_has_no_key_that_is_not_named() -> None:
    """A key too many is refused, so that nothing slips into an event."""
    with pytest.raises(ValidationError, match="patient"):
        DraftRevision.model_validate({**revision().model_dump(), "patient": "TESTPATIENT"})


def test_the_final_revision_says_so() -> None:
    """Final is a status, not a guess from the time."""
    assert [revision(final=each).status for each in (False, True)] == ["open", "final"]


def test_a_merged_visit_has_no_lines_and_removes_what_it_had() -> None:
    """All lines of the last revision are credited; the surviving visit is named."""
    made = visits()[0].draft
    had = [each for encounter in made.encounters for each in encounter.lines]
    event = revision(made, revision=2, before=had, merged_into="V2")
    assert (event.status, event.merged_into, event.encounters) == ("merged", "V2", [])
    assert [each.line_id for each in event.changes.removed] == [each.line_id for each in had] != []


@pytest.mark.parametrize(("status", "into"), [("merged", None), ("open", "V2")])
def test_a_merged_visit_names_the_one_it_went_to(status: str, into: str | None) -> None:
    """Status and `merged_into` cannot contradict each other."""
    with pytest.raises(ValidationError, match="merged_into"):
        DraftRevision.model_validate(
            {**revision().model_dump(), "status": status, "merged_into": into}
        )


def test_a_visit_that_was_merged_cannot_carry_lines() -> None:
    """Its services would be billed twice."""
    with pytest.raises(ValidationError, match="no lines of its own"):
        DraftRevision.model_validate(
            {**revision().model_dump(), "status": "merged", "merged_into": "V2"}
        )


def test_revisions_count_from_one() -> None:
    """There is no revision 0."""
    with pytest.raises(AssertionError, match="count from 1"):
        revision(revision=0)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        DraftRevision.model_validate({**revision().model_dump(), "revision": 0})


def test_the_conversions_keep_the_names_of_the_engine() -> None:
    """Each field of the engine's entry but its family is a key of the record, in the order of the
    model.
    """
    encounter = visits()[0].draft.encounters[0]
    for entry, record, model in [
        (encounter.lines[0], line_of(encounter.lines[0], Steps()), Line),
        *(
            (each, withheld_of(each, Steps()), WithheldService)
            for visit in visits()
            for each in visit.draft.encounters[0].withheld[:1]
        ),
    ]:
        assert set(entry._fields) - {"family"} == set(record)
        assert list(record) == list(model.model_fields)
    assert list(question_of(question())) == list(OpenQuestion.model_fields)


# ------------------------------------------------------------------ changes


def between(before: Sequence[Line | ChargeLine], after: Sequence[Line | ChargeLine]) -> Changes:
    """The changes between the lines of two revisions."""
    return Changes.model_validate(changes(billed(before), billed(after)))


def test_equal_lines_are_no_change() -> None:
    """The same lines in another order change nothing."""
    assert between([line("a"), line("b")], [line("b"), line("a")]) == between([], [])


def test_a_new_line_is_added() -> None:
    """It has nothing before, and what is billed after."""
    (added,) = between([line("a")], [line("a"), line("b", 2)]).added
    assert (added.line_id, added.before, added.after and added.after.units) == ("b", None, 2)


def test_a_line_that_is_gone_is_removed() -> None:
    """It has what to credit before, and nothing after."""
    (removed,) = between([line("a"), line("b", 2)], [line("a")]).removed
    assert (removed.line_id, removed.before and removed.before.units, removed.after) == (
        "b",
        2,
        None,
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"units": 3}, {"code": "J9999"}, {"modifiers": ("59",)}, {"service_date": date(2026, 3, 3)},
        {"drug": "nivolumab"}, {"provisional": "stop.missing"},
    ],
)  # fmt: skip
def test_a_line_that_a_bill_shows_otherwise_is_changed(changed: dict[str, Any]) -> None:
    """Each of these fields is credited as it was and billed as it is."""
    found = between([line("a")], [line("a")._replace(**changed)])
    assert (
        [each.line_id for each in found.changed] == ["a"] and not found.added and not found.removed
    )


@pytest.mark.parametrize("changed", [{"minutes": 31}, {"administrations": ("x",)}])
def test_a_line_that_a_bill_shows_alike_is_unchanged(changed: dict[str, Any]) -> None:
    """Other minutes with the same units are neither credited nor billed again."""
    assert not between([line("a")], [line("a")._replace(**changed)]).changed


def test_changes_are_in_the_order_of_the_lines() -> None:
    """Added and changed follow the new draft, removed the old one."""
    before = [line("z"), line("y"), line("c"), line("b")]
    found = between(before, [line("b", 2), line("x"), line("c", 2), line("w")])
    assert [[each.line_id for each in part] for part in (found.added, found.changed, found.removed)] == [
        ["x", "w"], ["b", "c"], ["z", "y"],
    ]  # fmt: skip


def test_lines_of_the_engine_and_of_records_compare_alike() -> None:
    """What was read back from the ledger is compared with what the engine made."""
    made = [each for encounter in visits()[0].draft.encounters for each in encounter.lines]
    read = [Line.model_validate(line_of(each, Steps())) for each in made]
    assert between(read, made) == between([], [])


def test_credits_and_bills_lead_from_one_revision_to_the_next() -> None:
    """Whoever applies the changes to what was billed has what the new revision says."""
    before, after = [line("a"), line("b", 2), line("c")], [line("b", 5), line("c"), line("d")]
    found = between(before, after)
    open_units = {each.line_id: each.units for each in before}
    for each in (*found.removed, *found.changed):
        assert each.before is not None and open_units.pop(each.line_id) == each.before.units
    for each in (*found.added, *found.changed):
        assert each.after is not None
        open_units[each.line_id] = each.after.units
    assert open_units == {each.line_id: each.units for each in after}


def test_a_line_that_stands_twice_is_our_mistake() -> None:
    """Two lines of one id could not be credited apart."""
    with pytest.raises(AssertionError, match="stands once"):
        between([line("a"), line("a")], [])


# ------------------------------------------------------------------ questions


def test_a_question_says_since_when_and_how_long_was_ordered() -> None:
    """Both come from the administration that it is about."""
    found = 0
    for visit in visits():
        by_key = {item.key: item for item in visit.timeline.administrations}
        for opened, wait_minutes in questions_of(visit.draft, 1, by_key):
            if opened.code == "stop.missing":
                (key,) = opened.administrations
                ordered = by_key[key].ordered_minutes
                assert opened.since == by_key[key].start
                assert opened.ordered_minutes == ordered
                assert wait_minutes == (720 if ordered is None else ordered)
                found += 1
            else:
                assert wait_minutes is None
    assert found


def test_a_question_about_the_visit_has_no_encounter_and_no_start() -> None:
    """It concerns no administration."""
    (each,) = asked(question("visit.cancelled", ""))
    assert (each.encounter, each.since, each.ordered_minutes) == (None, None, None)


def test_a_question_keeps_its_id_from_revision_to_revision() -> None:
    """The id depends on what is asked, not on when or in which words."""
    reworded = question()._replace(finding=question().finding._replace(found="90 minutes so far"))
    assert asked(question(), at=1)[0].question_id == asked(reworded, at=7)[0].question_id


def test_different_questions_have_different_ids() -> None:
    """Code, drug and administrations tell them apart, and so does being asked twice."""
    several = asked(
        question(), question(), question("dose.missing"), question("stop.missing", "rituximab"),
        question("stop.missing", "trastuzumab", "F1#1"), question("stop.missing", "trastuzumab", "F2#1"),
    )  # fmt: skip
    assert len({each.question_id for each in several}) == 6


def test_only_new_and_answered_questions_are_announced() -> None:
    """One that stays open is not repeated."""
    before = asked(question("stop.missing"), question("dose.missing"))
    after = asked(question("dose.missing"), question("drug.unknown"), at=2)
    told = [(each.code, each.state, each.revision) for each in question_changes(before, after, 2)]
    assert told == [("drug.unknown", "opened", 2), ("stop.missing", "closed", 2)]


def test_a_question_is_closed_under_the_id_it_was_opened_with() -> None:
    """Whoever shows it can take it away."""
    (opened,) = asked(question())
    (closed,) = question_changes([opened], [], 2)
    assert closed.question_id == opened.question_id


# ------------------------------------------------------------------ parked messages


def test_a_parked_message_keeps_its_bytes_and_headers() -> None:
    """What could not be read can be read again later, byte for byte."""
    event = ParkedMessage.model_validate_json(to_kafka(TimedEvent(parked_message(), NOON))[2])
    assert event.raw == b"MSH|^~\\&|\xe9\x00"
    assert [(each.name, each.value_base64) for each in event.headers] == [
        ("trace", "/w=="),
        ("empty", None),
    ]


# ------------------------------------------------------------------ as a Kafka message


def test_the_key_is_facility_and_visit() -> None:
    """All of one visit goes to one partition, in order."""
    assert to_kafka(TimedEvent(asked(question())[0], NOON))[0] == "ZEBRA|V1"


def test_a_message_of_nobody_has_an_empty_key() -> None:
    """A message without facility and visit still has a key that says so."""
    assert record_key(None, None) == "|"


def test_the_headers_are_those_of_cloudevents_in_binary_mode() -> None:
    """The required attributes, the time, and the content type, by their names in Kafka."""
    told = headers(TimedEvent(revision(), NOON))
    told.pop("ce_id")
    assert told == {
        "ce_specversion": "1.0",
        "ce_source": "/chargeline/ZEBRA_CLINIC",
        "ce_type": "org.chargeline.charge.draft.v1",
        "ce_time": "2026-03-02T12:00:00Z",
        "content-type": "application/json",
    }


def test_the_time_is_told_in_utc() -> None:
    """An instant in another zone is the same instant."""
    at = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert headers(TimedEvent(revision(), at))["ce_time"] == "2026-03-02T12:00:00Z"


def test_a_time_without_zone_is_our_mistake() -> None:
    """Nobody could say which instant it is."""
    with pytest.raises(AssertionError, match="has a zone"):
        to_kafka(TimedEvent(revision(), datetime(2026, 3, 2)))


def test_the_source_is_a_uri_reference_whatever_the_facility_is_called() -> None:
    """Blanks and slashes of a name are escaped."""
    made = draft_with()._replace(key=VisitKey("ZEBRA A/B é", "V1"))
    assert (
        headers(TimedEvent(revision(made), NOON))["ce_source"]
        == "/chargeline/ZEBRA%20A%2FB%20%C3%A9"
    )


def test_the_value_is_json_in_utf_8() -> None:
    """The content type says so."""
    value = to_kafka(TimedEvent(asked(question(drug="Zébra"))[0], NOON))[2]
    assert json.loads(value.decode())["drug"] == "Zébra"


@pytest.mark.parametrize(
    "data", [revision(), asked(question())[0], parked_message()], ids=lambda e: type(e).__name__
)
def test_the_same_event_announced_later_has_the_same_id(data: Any) -> None:
    """A repeat after a crash is recognised."""
    later = TimedEvent(data, NOON + timedelta(hours=1))
    assert headers(TimedEvent(data, NOON))["ce_id"] == headers(later)["ce_id"]


def test_events_that_differ_have_different_ids() -> None:
    """Revision, content, visit, state, and the place of a parked message each make another id."""
    (opened,) = asked(question())
    events = [
        revision(),
        revision(revision=2),
        revision(incomplete=True),
        revision(visits()[1].draft),
        opened,
        opened.model_copy(update={"state": "closed"}),
        parked_message(),
        parked_message(at=("hl7.inbound", 3, 42)),
    ]
    assert len({headers(TimedEvent(each, NOON))["ce_id"] for each in events}) == len(events)


def test_the_bar_between_facility_and_visit_does_not_confuse_ids() -> None:
    """A|B with visit C is not A with visit B|C."""
    one, other = (
        TimedEvent(revision(draft_with()._replace(key=key)), NOON)
        for key in (VisitKey("A|B", "C"), VisitKey("A", "B|C"))
    )
    assert headers(one)["ce_id"] != headers(other)["ce_id"]


def test_no_header_holds_more_than_facility_and_hash() -> None:
    """Headers end up in tools and logs: neither the visit nor the control id is in them."""
    told = str(headers(TimedEvent(parked_message(key=("ZEBRA", "V4242")), NOON)))
    assert "V4242" not in told and "4711" not in told
