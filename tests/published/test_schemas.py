"""The code makes the published schemas, and every event that we send holds under them."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from chargeline.coding.assembly import code_feed
from chargeline.coding.records import encounter_records
from chargeline.files import FeedFile
from chargeline.published import inbound
from chargeline.published.events import TimedEvent, needed_of, to_kafka
from chargeline.published.schemas import CHANNELS, as_yaml, asyncapi
from chargeline.published.shapes import TYPES
from chargeline.schemas import files, write
from chargeline.settings import Settings
from tests.drafting.test_authorizations import dose, order, referral
from tests.drafting.test_processor import PROFILE, RULEBOOK
from tests.golden.sessions import fraction
from tests.published.test_events import (
    NOON,
    asked,
    line,
    parked_message,
    question,
    revision,
    visits,
)

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
SAMPLES = [
    ("charge.draft", revision()),
    ("charge.draft", revision(final=True, revision=2, before=[line("a")])),
    ("charge.draft", revision(merged_into="V2")),
    *(("charge.draft", revision(each.draft)) for each in visits()),
    ("documentation.question", asked(question())[0]),
    (
        "documentation.question",
        asked(question())[0].model_copy(update={"state": "closed", "since": NOON}),
    ),
    ("authorization.needed", needed_of(asked(question())[0], None)),
    ("hl7.parked", parked_message()),
    ("hl7.parked", parked_message(key=(None, None))),
]


BESIDE = ("courses", "authorizations", "needed")
STANDING = (
    fraction(1, "202610051000", technique="3D", planned="10", patient="ZZ2", visit="V9"),
    *(order("V1", "20261005"), dose("V1", "20261005")),
    *(order("V2", "20261026"), dose("V2", "20261026")),
    *(order("V3", "20261116"), referral(160)),
)


def schema(topic: str) -> dict[str, Any]:
    text = (SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def validator(topic: str) -> Draft202012Validator:
    return Draft202012Validator(schema(topic), format_checker=Draft202012Validator.FORMAT_CHECKER)


def values(node: Any, key: str) -> list[Any]:
    """The values that stand under a key, anywhere in a document."""
    if isinstance(node, list):
        return [value for entry in node for value in values(entry, key)]
    if not isinstance(node, dict):
        return []
    own = [node[key]] if key in node else []
    return own + [value for entry in node.values() for value in values(entry, key)]


@pytest.mark.parametrize("name", sorted(files()))
def test_a_published_file_is_the_one_that_the_code_makes(name: str) -> None:
    """If it differs, run `python -m chargeline.schemas` and say in the commit why."""
    assert (SCHEMAS / name).read_text(encoding="utf-8") == files()[name]


def test_writing_makes_all_files(tmp_path: Path) -> None:
    """The folder need not exist."""
    write(tmp_path / "new")
    made = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "new").as_posix() for path in made} == set(files())


def test_what_code_prints_holds_under_its_schema() -> None:
    """Each record of a feed: a course, authorizations, and an order that lacks one."""
    Draft202012Validator.check_schema(schema("code"))
    run = code_feed([FeedFile("feed", b"".join(STANDING))], RULEBOOK, PROFILE)
    records = [record.model_dump(mode="json") for record in encounter_records(run, RULEBOOK)]
    assert [key for key in BESIDE if not any(record[key] for record in records)] == []
    for record in records:
        validator("code").validate(record)
    del records[0]["courses"]
    with pytest.raises(ValidationError, match="'courses' is a required property"):
        validator("code").validate(records[0])


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.topic)
def test_a_published_schema_is_a_schema(channel: Any) -> None:
    """Each published schema holds under JSON Schema's own schema."""
    Draft202012Validator.check_schema(schema(channel.topic))


@pytest.mark.parametrize(("topic", "event"), SAMPLES)
def test_what_we_send_holds_under_the_published_schema(topic: str, event: Any) -> None:
    """The values are those that go to Kafka, with the drafts of a messy feed among them."""
    validator(topic).validate(json.loads(to_kafka(TimedEvent(event, NOON))[2]))


@pytest.mark.parametrize(("topic", "event"), [SAMPLES[0], SAMPLES[-3], SAMPLES[-1]])
def test_a_missing_key_does_not_hold(topic: str, event: Any) -> None:
    """Every key of an event is required."""
    whole = event.model_dump(mode="json")
    for key in whole:
        with pytest.raises(ValidationError, match="is a required property"):
            validator(topic).validate({name: value for name, value in whole.items() if name != key})


def test_a_wrong_type_does_not_hold() -> None:
    """The units of a line must be a number, deep inside a draft."""
    event = revision().model_dump(mode="json")
    event["encounters"][0]["lines"][0]["units"] = "one"
    with pytest.raises(ValidationError, match="'one' is not of type 'integer'"):
        validator("charge.draft").validate(event)


def test_a_reader_of_v1_accepts_a_key_that_is_new() -> None:
    """Within v1 a key may be added, so the published schemas allow a key that they do not name."""
    event = {**revision().model_dump(mode="json"), "stripes": 42}
    validator("charge.draft").validate(event)


def test_headers_hold_under_the_published_message() -> None:
    """The headers that we write have the names and shapes of asyncapi.yaml."""
    shape = asyncapi()["components"]["messageTraits"]["cloud_event"]["headers"]
    for _topic, event in SAMPLES:
        told = to_kafka(TimedEvent(event, NOON))[1]
        Draft202012Validator(shape).validate(told)
        assert set(told) == set(shape["properties"])


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.topic)
def test_an_example_is_an_event_of_its_kind(channel: Any) -> None:
    """It holds under its schema and headers, and its model reads it."""
    example = json.loads((SCHEMAS / "examples" / f"{channel.topic}.json").read_text("utf-8"))
    validator(channel.topic).validate(example["value"])
    channel.model.model_validate_json(json.dumps(example["value"]))
    shape = asyncapi()["components"]["messageTraits"]["cloud_event"]["headers"]
    Draft202012Validator(shape).validate(example["headers"])
    assert example["headers"]["ce_type"] == TYPES[channel.model]
    assert example["headers"]["ce_subject"] == example["key"] == "ZEBRA|V100001"


def test_every_header_of_an_inbound_message_is_published() -> None:
    """Those that a gateway writes, and those that chargeline writes to itself."""
    ours = {text for text in vars(inbound).values() if str(text).startswith("chargeline-")}
    assert set(asyncapi()["components"]["messages"]["hl7_inbound"]["headers"]["properties"]) == ours


def test_keys_hold_under_the_published_binding() -> None:
    """The key of each sample matches the pattern of its message."""
    for message in asyncapi()["components"]["messages"].values():
        shape = message["bindings"]["kafka"]["key"]
        for _topic, event in SAMPLES:
            Draft202012Validator(shape).validate(to_kafka(TimedEvent(event, NOON))[0])


def test_every_reference_of_asyncapi_leads_somewhere() -> None:
    """A reference leads to a place in the document, or to a schema beside it."""
    document = asyncapi()
    for reference in values(document, "$ref"):
        if reference.startswith("./"):
            assert (SCHEMAS / reference).is_file(), reference
            continue
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_event_type_has_its_channel() -> None:
    """Every event that we can send has a published channel, and no channel is without an event.

    The addresses are the topics of the default settings.
    """
    assert {channel.model for channel in CHANNELS} == set(TYPES)
    assert {channel["address"] for channel in asyncapi()["channels"].values()} == {
        Settings.model_fields[name].default
        for name in Settings.model_fields
        if name.startswith("topic_") and not name.endswith("_days")
    }


def test_yaml_holds_texts_in_quotes() -> None:
    """The code 00100, the word no and the version 1.0 stay texts."""
    lines = list(
        as_yaml({"code": "00100", "answer": "no", "list": [1, "1.0"], "none": {}, "a b": None})
    )
    assert lines == [
        'code: "00100"', 'answer: "no"', "list:", "  - 1", '  - "1.0"', "none: {}", '"a b": null',
    ]  # fmt: skip
