"""An event has the engine's content, its visit's key, and an id that tells a reader of a repeat."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from chargeline.coding.assembly import Assembly
from chargeline.coding.records import encounter_records
from chargeline.coding.run import CodedVisit
from chargeline.engine import (
    ChargeLine,
    Draft,
    Finding,
    Question,
    Rulebook,
    VisitKey,
    ask,
    asked_in,
)
from chargeline.files import FeedFile
from chargeline.hl7.profile import make_profile
from chargeline.published.drafts import WrittenRevision, billed, changes, digest_of, revision_of
from chargeline.published.events import (
    TimedEvent,
    parked,
    question_changes,
    questions_of,
    to_kafka,
)
from chargeline.published.inbound import record_key
from chargeline.published.shapes import (
    AdministrationFacts,
    Changes,
    DocumentationQuestion,
    DraftRevision,
    Line,
    OpenQuestion,
    ParkedMessage,
    WithheldService,
)
from chargeline.published.writing import (
    Steps,
    VisitDraft,
    administration_of,
    line_of,
    question_of,
    visit_draft,
    withheld_of,
)
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.simulator.feed import simulate

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)


def run_of_a_feed() -> tuple[Any, Rulebook]:
    folder = rules_directory()
    rulebook = load_rulebook(folder)
    assembly = Assembly(rulebook, make_profile(read_interface(folder, "standard")))
    feed = simulate(visits=12, seed=1, style="standard", mess=0.6)
    assembly.add(FeedFile("feed", b"".join(message for _style, message in feed.messages)))
    return assembly.finish(), rulebook


RUN, RULEBOOK = run_of_a_feed()


def visits() -> list[CodedVisit]:
    return [each for each in RUN.visits if each.draft.encounters]


def whole(draft: Draft) -> VisitDraft:
    """A draft with its numbered questions, and with its timeline if it is of the feed."""
    for coded in RUN.visits:
        if coded.draft.encounters is draft.encounters:
            return visit_draft(draft, coded.timeline, RULEBOOK.formulary)
    return VisitDraft(draft, asked_in(draft, {}))


def written(draft: Draft | None = None, **changed: Any) -> WrittenRevision:
    draft = draft or visits()[0].draft
    lines = changed.pop("before", ())
    return revision_of(
        whole(draft),
        **{"revision": 1, "final": False, "incomplete": False, "before": billed(lines), **changed},
    )


def revision(draft: Draft | None = None, **changed: Any) -> DraftRevision:
    """A revision as a reader has it."""
    return DraftRevision.model_validate_json(written(draft, **changed).value)


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
    return [each.question for each in questions_of(whole(draft_with(*questions)), at)]


def parked_message(**changed: Any) -> ParkedMessage:
    why = Finding("time.missing", expected="a time", found="nothing", where="RXA-3", do="chart it")
    given: dict[str, Any] = {
        "at": ("hl7.inbound", 3, 41),
        "key": ("ZEBRA", "V1"),
        "why": why,
        "number": 7,
        "with_bytes": True,
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
    """Lines, questions and withheld services have the keys and values that `code --json` prints."""
    records = list(encounter_records(RUN, RULEBOOK))
    for visit in visits():
        event = revision(visit.draft).model_dump(mode="json")
        own = [
            record.model_dump(mode="json")
            for record in records
            if record.visit == visit.draft.key.visit
        ]
        for encounter, record in zip(event["encounters"], own, strict=True):
            assert encounter["lines"] == record["lines"]
            assert encounter["withheld"] == record["withheld"]
            assert encounter["administrations"] == record["administrations"]
            assert event["questions"] + encounter["questions"] == record["questions"]


def revisions_of_the_feed() -> list[WrittenRevision]:
    """Three revisions of each visit: a first, a second with other lines before it, a merged one."""
    revisions = []
    for visit in RUN.visits:
        lines = [line for encounter in visit.draft.encounters for line in encounter.lines]
        before = [line._replace(units=line.units + 1) for line in lines[1:]]
        revisions += [
            written(visit.draft),
            written(visit.draft, revision=2, final=True, before=before),
            written(visit.draft, revision=3, before=lines, merged_into="V2"),
        ]
    return revisions


def test_a_draft_is_written_as_its_model_is() -> None:
    """A draft is written without its model, to the same bytes, key, headers and id."""
    for revision in revisions_of_the_feed():
        model = DraftRevision.model_validate_json(revision.value)
        assert to_kafka(TimedEvent(revision, NOON)) == to_kafka(TimedEvent(model, NOON))
        assert revision.changes == model.changes.model_dump_json().encode()


def test_what_was_said_is_known_again_from_the_bytes() -> None:
    """A revision that is read back from the ledger has the digest that it was written with."""
    for revision in revisions_of_the_feed():
        assert digest_of(revision.value) == revision.digest


def test_the_content_is_all_but_the_number_the_changes_and_the_version_of_the_rules() -> None:
    """Another number or rulebook, or other lines before it, leaves the content the same.

    Another status, policy or line changes it.
    """
    draft = visits()[0].draft
    same = [
        written(draft),
        written(draft, revision=7),
        written(draft, before=[line("a")]),
        written(draft._replace(rulebook="other")),
    ]
    others = [
        written(draft, final=True),
        written(draft, incomplete=True),
        written(draft, merged_into="V2"),
        written(draft._replace(policy="other")),
        written(draft._replace(encounters=draft.encounters[1:])),
    ]
    assert len({revision.digest.content for revision in same}) == 1
    assert len({revision.digest.content for revision in (same[0], *others)}) == 1 + len(others)


def test_the_roles_of_new_lines_are_told() -> None:
    """A line that the last revision had is not new, even if its units have changed."""
    lines = visits()[0].draft.encounters[0].lines
    draft = visits()[0].draft._replace(encounters=visits()[0].draft.encounters[:1])
    assert written(draft).added == tuple(lines)
    before = [lines[0]._replace(units=99)]
    assert written(draft, before=before).added == tuple(lines[1:])


def test_a_draft_has_no_key_that_is_not_named() -> None:
    """The model refuses a further key, so that nothing gets into an event by mistake."""
    with pytest.raises(ValidationError, match="patient"):
        DraftRevision.model_validate({**revision().model_dump(), "patient": "TESTPATIENT"})


def test_the_final_revision_says_so() -> None:
    """A reader need not guess from the time: the status is "final"."""
    assert [revision(final=final).status for final in (False, True)] == ["open", "final"]


def test_a_merged_visit_has_no_lines_and_removes_what_it_had() -> None:
    """Every line of the last revision is removed, and the surviving visit is named."""
    draft = visits()[0].draft
    lines = [line for encounter in draft.encounters for line in encounter.lines]
    event = revision(draft, revision=2, before=lines, merged_into="V2")
    assert (event.status, event.merged_into, event.encounters) == ("merged", "V2", [])
    removed = [change.line_id for change in event.changes.removed]
    assert removed == [line.line_id for line in lines] != []


@pytest.mark.parametrize(("status", "into"), [("merged", None), ("open", "V2")])
def test_a_merged_visit_names_the_one_it_went_to(status: str, into: str | None) -> None:
    """The model refuses a status that contradicts `merged_into`."""
    with pytest.raises(ValidationError, match="merged_into"):
        DraftRevision.model_validate(
            {**revision().model_dump(), "status": status, "merged_into": into}
        )


def test_a_visit_that_was_merged_cannot_carry_lines() -> None:
    """If the merged visit had lines, they would be billed twice."""
    with pytest.raises(ValidationError, match="no lines of its own"):
        DraftRevision.model_validate(
            {**revision().model_dump(), "status": "merged", "merged_into": "V2"}
        )


def test_revisions_count_from_one() -> None:
    """Revision 0 is refused, when it is written and when it is read."""
    with pytest.raises(AssertionError, match="count from 1"):
        revision(revision=0)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        DraftRevision.model_validate({**revision().model_dump(), "revision": 0})


def test_the_conversions_keep_the_names_of_the_engine() -> None:
    """Every field of an engine's entry except its family is a key, in the order of the model."""
    encounter = visits()[0].draft.encounters[0]
    for entry, record, model in [
        (encounter.lines[0], line_of(encounter.lines[0], Steps()), Line),
        *(
            (withheld, withheld_of(withheld, Steps()), WithheldService)
            for visit in visits()
            for withheld in visit.draft.encounters[0].withheld[:1]
        ),
    ]:
        assert set(entry._fields) - {"family", "part_of"} == set(record)
        assert list(record) == list(model.model_fields)
    (a_question,) = whole(draft_with(question())).asked
    assert list(question_of(a_question)) == list(OpenQuestion.model_fields)
    item = visits()[0].timeline.administrations[0]
    assert list(administration_of(item)) == list(AdministrationFacts.model_fields)


# ------------------------------------------------------------------ changes


def between(before: Sequence[Line | ChargeLine], after: Sequence[Line | ChargeLine]) -> Changes:
    """The changes between the lines of two revisions."""
    return Changes.model_validate(changes(billed(before), billed(after)))


def test_equal_lines_are_no_change() -> None:
    """The same lines in another order are no change."""
    assert between([line("a"), line("b")], [line("b"), line("a")]) == between([], [])


def test_a_new_line_is_added() -> None:
    """The new line is null before, and has what to bill after."""
    (added,) = between([line("a")], [line("a"), line("b", 2)]).added
    assert (added.line_id, added.before, added.after and added.after.units) == ("b", None, 2)


def test_a_line_that_is_gone_is_removed() -> None:
    """The line that is gone has what to credit before, and is null after."""
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
    """A bill shows each of these fields, so another value changes the line."""
    result = between([line("a")], [line("a")._replace(**changed)])
    assert [change.line_id for change in result.changed] == ["a"]
    assert not result.added and not result.removed


@pytest.mark.parametrize("changed", [{"minutes": 31}, {"administrations": ("x",)}])
def test_a_line_that_a_bill_shows_alike_is_unchanged(changed: dict[str, Any]) -> None:
    """Other minutes with the same units: nothing is credited and nothing is billed again."""
    assert not between([line("a")], [line("a")._replace(**changed)]).changed


def test_changes_are_in_the_order_of_the_lines() -> None:
    """Added and changed lines stand in the order of the new draft, removed ones of the old."""
    before = [line("z"), line("y"), line("c"), line("b")]
    result = between(before, [line("b", 2), line("x"), line("c", 2), line("w")])
    assert [change.line_id for change in result.added] == ["x", "w"]
    assert [change.line_id for change in result.changed] == ["b", "c"]
    assert [change.line_id for change in result.removed] == ["z", "y"]


def test_lines_of_the_engine_and_of_records_compare_alike() -> None:
    """Lines that are read back from the ledger equal the lines of the engine that were written."""
    drafted = [line for encounter in visits()[0].draft.encounters for line in encounter.lines]
    read = [Line.model_validate(line_of(line, Steps())) for line in drafted]
    assert between(read, drafted) == between([], [])


def test_credits_and_bills_lead_from_one_revision_to_the_next() -> None:
    """A reader that applies the changes to what was billed has the lines of the new revision."""
    before, after = [line("a"), line("b", 2), line("c")], [line("b", 5), line("c"), line("d")]
    result = between(before, after)
    open_units = {line.line_id: line.units for line in before}
    for change in (*result.removed, *result.changed):
        assert change.before is not None
        assert open_units.pop(change.line_id) == change.before.units
    for change in (*result.added, *result.changed):
        assert change.after is not None
        open_units[change.line_id] = change.after.units
    assert open_units == {line.line_id: line.units for line in after}


def test_a_line_that_stands_twice_is_our_mistake() -> None:
    """Two lines with one id could not be told apart when one of them is credited."""
    with pytest.raises(AssertionError, match="stands once"):
        between([line("a"), line("a")], [])


# ------------------------------------------------------------------ questions


def test_a_question_says_since_when_and_how_long_was_ordered() -> None:
    """Both come from the administration that the question is about."""
    missing_stops = 0
    for visit in visits():
        by_key = {item.key: item for item in visit.timeline.administrations}
        for opened, wait_minutes, *_beside in questions_of(whole(visit.draft), 1):
            if opened.code == "stop.missing":
                (key,) = opened.administrations
                ordered = by_key[key].ordered_minutes
                assert opened.since == by_key[key].start
                assert opened.ordered_minutes == ordered
                assert wait_minutes == (720 if ordered is None else ordered)
                missing_stops += 1
            else:
                assert wait_minutes is None
    assert missing_stops


def test_a_question_about_the_visit_has_no_encounter_and_no_start() -> None:
    """A question about the whole visit is about no administration."""
    (opened,) = asked(question("visit.cancelled", ""))
    assert (opened.encounter, opened.since, opened.ordered_minutes) == (None, None, None)


def test_a_question_keeps_its_id_from_revision_to_revision() -> None:
    """The id depends on what is asked. The revision and the words do not count."""
    reworded = question()._replace(finding=question().finding._replace(found="90 minutes so far"))
    assert asked(question(), at=1)[0].question_id == asked(reworded, at=7)[0].question_id


def test_different_questions_have_different_ids() -> None:
    """Another code, drug or administration gives another id; so does the same question again."""
    several = asked(
        question(),
        question(),
        question("dose.missing"),
        question("stop.missing", "rituximab"),
        question("stop.missing", "trastuzumab", "F1#1"),
        question("stop.missing", "trastuzumab", "F2#1"),
    )
    assert len({question.question_id for question in several}) == 6


def test_only_new_and_answered_questions_are_announced() -> None:
    """A question that stays open is not published again."""
    before = asked(question("stop.missing"), question("dose.missing"))
    after = asked(question("dose.missing"), question("drug.unknown"), at=2)
    told = [(each.code, each.state, each.revision) for each in question_changes(before, after, 2)]
    assert told == [("drug.unknown", "opened", 2), ("stop.missing", "closed", 2)]


def test_a_question_is_closed_under_the_id_it_was_opened_with() -> None:
    """So the worklist that shows the question can remove it."""
    (opened,) = asked(question())
    (closed,) = question_changes([opened], [], 2)
    assert closed.question_id == opened.question_id


# ------------------------------------------------------------------ parked messages


def test_a_parked_message_has_no_bytes_unless_they_are_asked_for() -> None:
    """Without, nothing that the sender wrote is in the event; it is the same event, by its id."""
    whole, bare = (parked_message(with_bytes=wanted) for wanted in (True, False))
    assert (bare.raw_base64, bare.headers) == (None, [])
    assert bare == whole.without_bytes()
    assert (bare.number, bare.bytes, bare.sha256) == (
        7,
        11,
        "d6d1f5bd7cc62c657e48034987d629796995a298cd678e2a785c81b2ce284dc6",
    )
    ids = {headers(TimedEvent(event, NOON))["ce_id"] for event in (whole, bare)}
    assert len(ids) == 1


def test_an_event_of_an_older_chargeline_can_be_read() -> None:
    """It waits in the outbox while chargeline is upgraded, and has no number, size and hash."""
    event = parked_message().model_dump(mode="json", exclude={"number", "bytes", "sha256"})
    assert ParkedMessage.model_validate(event).number is None


def test_a_parked_message_keeps_its_bytes_and_headers_where_they_are_asked_for() -> None:
    """A parked message can be read again later, byte for byte."""
    event = ParkedMessage.model_validate_json(to_kafka(TimedEvent(parked_message(), NOON))[2])
    assert base64.b64decode(event.raw_base64 or "") == b"MSH|^~\\&|\xe9\x00"
    assert [(each.name, each.value_base64) for each in event.headers] == [
        ("trace", "/w=="),
        ("empty", None),
    ]


# ------------------------------------------------------------------ as a Kafka message


def test_the_key_is_facility_and_visit() -> None:
    """With that key all events of a visit go to one partition."""
    assert to_kafka(TimedEvent(asked(question())[0], NOON))[0] == "ZEBRA|V1"


def test_a_message_of_nobody_has_an_empty_key() -> None:
    """A message without facility and visit has the key "|"."""
    assert record_key(None, None) == "|"


def test_the_headers_are_those_of_cloudevents_in_binary_mode() -> None:
    """The headers are the required attributes of CloudEvents, the time and the content type."""
    told = headers(TimedEvent(revision(), NOON))
    told.pop("ce_id")
    assert told == {
        "ce_specversion": "1.0",
        "ce_source": "/chargeline/ZEBRA_CLINIC",
        "ce_subject": to_kafka(TimedEvent(revision(), NOON))[0],
        "ce_type": "org.chargeline.charge.draft.v1",
        "ce_time": "2026-03-02T12:00:00Z",
        "content-type": "application/json",
    }


def test_the_time_is_told_in_utc() -> None:
    """07:00 in a zone of -05:00 is published as 12:00 in UTC."""
    at = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert headers(TimedEvent(revision(), at))["ce_time"] == "2026-03-02T12:00:00Z"


def test_a_time_without_zone_is_our_mistake() -> None:
    """Nobody could tell which instant a time without a zone is."""
    with pytest.raises(AssertionError, match="has a zone"):
        to_kafka(TimedEvent(revision(), datetime(2026, 3, 2)))


def test_the_source_is_a_uri_reference_whatever_the_facility_is_called() -> None:
    """A blank, a slash and an accented letter in the name are escaped."""
    draft = draft_with()._replace(key=VisitKey("ZEBRA A/B é", "V1"))
    source = headers(TimedEvent(revision(draft), NOON))["ce_source"]
    assert source == "/chargeline/ZEBRA%20A%2FB%20%C3%A9"


def test_the_value_is_json_in_utf_8() -> None:
    """The content type promises JSON, which is UTF-8."""
    value = to_kafka(TimedEvent(asked(question(drug="Zébra"))[0], NOON))[2]
    assert json.loads(value.decode())["drug"] == "Zébra"


@pytest.mark.parametrize(
    "data", [revision(), asked(question())[0], parked_message()], ids=lambda e: type(e).__name__
)
def test_the_same_event_announced_later_has_the_same_id(data: Any) -> None:
    """So a reader knows a repeat after a crash."""
    later = TimedEvent(data, NOON + timedelta(hours=1))
    assert headers(TimedEvent(data, NOON))["ce_id"] == headers(later)["ce_id"]


def test_events_that_differ_have_different_ids() -> None:
    """Another revision, content, visit, state or place of a parked message gives another id."""
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
    assert len({headers(TimedEvent(event, NOON))["ce_id"] for event in events}) == len(events)


def test_the_bar_between_facility_and_visit_does_not_confuse_ids() -> None:
    """Facility A|B with visit C has another id than facility A with visit B|C."""
    one, other = (
        TimedEvent(revision(draft_with()._replace(key=key)), NOON)
        for key in (VisitKey("A|B", "C"), VisitKey("A", "B|C"))
    )
    assert headers(one)["ce_id"] != headers(other)["ce_id"]


def test_no_header_holds_more_than_the_key_and_a_hash() -> None:
    """Tools show headers: the visit is in the subject only, the control id in none."""
    told = headers(TimedEvent(parked_message(key=("ZEBRA", "V4242")), NOON))
    assert told.pop("ce_subject") == "ZEBRA|V4242"
    assert "V4242" not in str(told) and "4711" not in str(told)
