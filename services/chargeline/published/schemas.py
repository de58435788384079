"""The published schemas: a JSON Schema for each of our events, and AsyncAPI for the topics.

This module owns how the models of shapes.py are written down for other programs. To write the files
of schemas/, run `python -m chargeline.schemas`. It does not decide what an event holds.
The models refuse a key that they do not name, but the published schemas allow it: within v1 we may
add a key, and a reader must ignore a key that it does not know.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from chargeline.published import inbound
from chargeline.published.authorizations import AuthorizationNeeded
from chargeline.published.events import TOO_LARGE
from chargeline.published.model import PublishedModel
from chargeline.published.shapes import (
    TYPES,
    Data,
    DocumentationQuestion,
    DraftRevision,
    ParkedMessage,
)

JSON = "application/json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Channel(NamedTuple):
    """One topic that we write: its usual name, its model, and how the site should set it up."""

    topic: str
    model: type[Data]
    title: str
    retention_days: int
    note: str


CHANNELS = (
    Channel(
        topic="charge.draft",
        model=DraftRevision,
        title="Draft charges of a visit, every revision",
        retention_days=90,
        note="The last revision of a visit is the whole draft and replaces those before. To keep "
        "bills in step, apply the changes of each revision in order: credit `before`, bill "
        "`after`. Drop an event whose ce_id you have seen. Keep the topic for longer than any "
        "reader may be down, and do not compact it: a lost revision is a lost credit.",
    ),
    Channel(
        topic="documentation.question",
        model=DocumentationQuestion,
        title="Questions to a person, opened and closed",
        retention_days=14,
        note="A question is open until `closed` comes with the same question_id. Do not compact "
        "the topic: the key is the visit, and one visit has many questions.",
    ),
    Channel(
        topic="authorization.needed",
        model=AuthorizationNeeded,
        title="Authorizations that orders lack, opened and closed",
        retention_days=14,
        note="It is open until `closed` comes with the same question_id. It holds what the chart "
        "has of the evidence: let nobody read the topic but those who ask payers.",
    ),
    Channel(
        topic="hl7.parked",
        model=ParkedMessage,
        title="Messages that could not be used",
        retention_days=90,
        note="An event says which message of the ledger it is about. With CHARGELINE_PARKED_BYTES "
        "it holds the whole message, patients included: then let nobody read the topic who may not "
        "read the inbound topic. Keep it for longer than it takes to correct a sender.",
    ),
)
INBOUND, INBOUND_DAYS = "hl7.inbound", 14
PARTITIONS = 48  # on each topic, so that a visit has the same partition number on all of them


def schema_of(channel: Channel) -> dict[str, Any]:
    """The JSON Schema of the data of one event type."""
    return schema_named(TYPES[channel.model], channel.model)


def schema_named(type_name: str, model: type[PublishedModel]) -> dict[str, Any]:
    """The JSON Schema of what we write in the shape of a model, under the name of its type."""
    schema = model.model_json_schema(mode="serialization")
    return {
        "$schema": _DIALECT,
        "$id": f"urn:{type_name.replace('.', ':')}",
        "title": type_name,
        **{key: value for key, value in _plain(schema).items() if key != "title"},
    }


def _plain(node: Any) -> Any:
    """A schema without the titles that repeat a key, and open to further keys.

    A description becomes one line, however its docstring is wrapped.
    """
    if isinstance(node, list):
        return [_plain(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        key: " ".join(value.split())
        if key == "description" and isinstance(value, str)
        else {name: _plain(inner) for name, inner in value.items()}
        if key in ("properties", "$defs")
        else _plain(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
        and (key, value) != ("additionalProperties", False)
    }


def asyncapi() -> dict[str, Any]:
    """The topics, their messages, and who reads or writes them, as AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chargeline",
            "version": "1.0.0",
            "description": "What chargeline reads from Kafka and publishes on it. The events that "
            "it publishes are CloudEvents 1.0 in binary mode. Each comes at least once, and a "
            "repeat has the same ce_id. A reader ignores keys that it does not know. The names of "
            "the topics are settings.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON,
        "channels": {
            "hl7_inbound": _inbound(),
            **{_key(channel): _channel(channel) for channel in CHANNELS},
        },
        "operations": {
            "read_hl7": _operation("receive", "hl7_inbound"),
            **{f"announce_{key}": _operation("send", key) for key in map(_key, CHANNELS)},
        },
        "components": {
            "messages": {
                "hl7_inbound": _HL7,
                **{_key(channel): _message(channel) for channel in CHANNELS},
            },
            "messageTraits": {"cloud_event": {"headers": _HEADERS}},
        },
    }


def _key(channel: Channel) -> str:
    return channel.topic.replace(".", "_")


def _operation(action: str, key: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{key}"},
        "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "address": channel.topic,
        "title": channel.title,
        "description": channel.note,
        "messages": {_key(channel): {"$ref": f"#/components/messages/{_key(channel)}"}},
        "bindings": _topic_binding(channel.retention_days),
    }


def _inbound() -> dict[str, Any]:
    return {
        "address": INBOUND,
        "title": "HL7 v2 messages as they came",
        "description": "Each record is one message, without MLLP framing. A partition owns its "
        "visits, so choose the number of partitions for years: another number moves visits to "
        "other partitions. Keep the topic for longer than a failover may last.",
        "messages": {"hl7_inbound": {"$ref": "#/components/messages/hl7_inbound"}},
        "bindings": _topic_binding(INBOUND_DAYS),
    }


def _topic_binding(days: int) -> dict[str, Any]:
    configuration = {"cleanup.policy": ["delete"], "retention.ms": days * _DAY_MS}
    return {
        "kafka": {
            "partitions": PARTITIONS,
            "topicConfiguration": configuration,
            "bindingVersion": _BINDING,
        }
    }


_DAY_MS = 86_400_000
_BINDING = "0.5.0"
_KAFKA_KEY = {
    "kafka": {
        "key": {
            "type": "string",
            "description": "facility|visit in UTF-8, such as ZEBRA|V100002; a part that is not "
            "known is empty",
            "pattern": r"^[^|]*\|.*$",
        },
        "bindingVersion": _BINDING,
    }
}
_INBOUND_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "None shows a patient, and none is required: who writes to the topic beside a "
    "gateway may leave them all out.",
    "properties": {
        inbound.TYPE: {"type": "string", "description": "MSH-9, empty if it is no message type"},
        inbound.DIGEST: {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
            "description": "a hash of the body, the same for a message that is sent again",
        },
        inbound.INTERFACE: {
            "type": "string",
            "description": "how the sender writes: the name of a folder of rules/interfaces; a "
            "message of an interface that the capture does not have is parked",
        },
        inbound.PEER: {
            "type": "string",
            "description": "the sender's host, and the name in its certificate",
        },
        inbound.PROBLEM: {
            "type": "string",
            "description": "the code of a finding: the message cannot be read",
        },
        inbound.NO_VISIT: {
            "const": "1",
            "description": "the message names no visit, so the key ends in a digest",
        },
        inbound.MERGE_COPY: {
            "enum": ["prior", "surviving"],
            "description": "a merge of two visits comes once under the key of each",
        },
        inbound.NUDGE: {
            "const": "1",
            "description": "no message, the value is empty: look at this visit again",
        },
        inbound.REKEYED: {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "the record lay elsewhere and is sent again under the key of its visit; "
            "the value is the number of partitions by which it was placed",
        },
        inbound.RETRIED: {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "a person retried the parked message with this number",
        },
    },
}
_HL7: dict[str, Any] = {
    "name": "hl7",
    "title": "One HL7 v2 message",
    "contentType": "application/hl7-v2",
    "headers": _INBOUND_HEADERS,
    "bindings": _KAFKA_KEY,
    "payload": {
        "type": "string",
        "description": "ER7 (pipes and hats), in the character set that MSH-18 names",
    },
}


def _message(channel: Channel) -> dict[str, Any]:
    return {
        "name": TYPES[channel.model],
        "title": channel.title,
        "contentType": JSON,
        "traits": [{"$ref": "#/components/messageTraits/cloud_event"}],
        "bindings": _KAFKA_KEY,
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{channel.topic}.schema.json"},
        },
    }


_HEADERS: dict[str, Any] = {
    "type": "object",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_subject",
        "ce_type",
        "ce_time",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
            "description": "a repeat of an event has the same id",
        },
        "ce_source": {
            "type": "string",
            "format": "uri-reference",
            "description": "/chargeline/ and the facility, such as /chargeline/ZEBRA",
        },
        "ce_subject": {
            "type": "string",
            "description": "facility|visit, as in the key; a part that is not known is empty",
        },
        "ce_type": {
            "enum": [*TYPES.values(), TOO_LARGE],
            "description": f"{TOO_LARGE}: the event is too large for its topic; the value has its "
            "type, bytes and sha256, and the ledger has it whole",
        },
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"const": JSON},
    },
}


# ------------------------------------------------------------------ as files


def files() -> Mapping[str, str]:
    """The files of schemas/, by name."""
    schemas = {f"{channel.topic}.schema.json": as_json(schema_of(channel)) for channel in CHANNELS}
    head = (
        "# Made by `python -m chargeline.schemas`; change services/chargeline/published/ instead.\n"
    )
    return {**schemas, "asyncapi.yaml": head + "".join(f"{line}\n" for line in as_yaml(asyncapi()))}


def as_json(value: Any) -> str:
    """A JSON document as the files of schemas/ have it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_PLAIN_KEY = re.compile(r"[A-Za-z$_][\w$.-]*")


def as_yaml(value: Any, depth: int = 0) -> Iterator[str]:
    """The lines of a YAML document, maps and lists as blocks.

    A text always stands in quotes, as in JSON: without them YAML would read 00100 as a number.
    """
    pad = "  " * depth
    entries = value.items() if isinstance(value, dict) else (("-", entry) for entry in value)
    for key, entry in entries:
        name = "-" if isinstance(value, list) else f"{_yaml_key(key)}:"
        if isinstance(entry, dict | list) and entry:
            yield f"{pad}{name}"
            yield from as_yaml(entry, depth + 1)
        else:
            yield f"{pad}{name} {json.dumps(entry, ensure_ascii=False)}"


def _yaml_key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
