"""Writes schemas/: `python -m chargeline.schemas`.

It owns which shapes are written: those of our events, that of `chargeline code --json`, and the
document of the API. It owns the examples: what two invented messages become under the shipped
rules, an event of each kind, with key, headers and value as on Kafka. The schemas themselves are
made in `published/schemas.py` and `workbench/api/document.py`. The version of the rules is left out
of an example, because it would change with every rule.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from chargeline.coding.records import EncounterRecord
from chargeline.drafting.announcing import ParkedTopic, parked_event
from chargeline.drafting.inbound import InboundRecord, problems_of, read_record
from chargeline.engine import Draft, Rulebook, Timeline, draft, fold
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile, make_profile
from chargeline.hl7.reader import read_message
from chargeline.published import schemas
from chargeline.published.drafts import revision_of
from chargeline.published.events import TimedEvent, needed_of, questions_of, to_kafka
from chargeline.published.writing import visit_draft
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.workbench.api.document import new_api

OF_CODE = "org.chargeline.code.v1"
"""The name of the shape of a line that `chargeline code --json` prints."""
_AT = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
_HEAD = (
    "MSH|^~\\&|MAR|ZEBRA|CHARGELINE|ZEBRA|202603021100||RAS^O17^RAS_O17|M1|T|2.5.1\r"
    "PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V100001\rORC|RE|P1|F1\r"
)
_BAG = "RXA|0|1|202603020900|202603021030|CARBOPLATIN^carboplatin^L|{amount}\rRXR|IV\r"
_USED = (_HEAD + _BAG.format(amount="450|")).encode()
_PARKED = (_HEAD + _BAG.format(amount="450|mg").replace("202603020900", "202603029900")).encode()
_ORDERED = (
    b"MSH|^~\\&|EPIC|ZEBRA|||202610010800||RDE^O11|M3|P|2.5.1\r"
    b"PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V100001\r"
    b"DG1|1||D47.Z2\rIN1|1|PLAN|UNITEDHEALTHCARE|UnitedHealthcare\rORC|NW|P2|F2\r"
    b"TQ1|1||||||202610050900\rRXE||SILTUXIMAB^siltuximab^L|800||mg\rRXR|IV\r"
)


def examples() -> dict[str, str]:
    """The files of schemas/examples/: an event of each kind as JSON, by name."""
    folder = rules_directory()
    rulebook, profile = load_rulebook(folder), make_profile(read_interface(folder, "standard"))
    events = [*_drafted(rulebook, profile), _needed(rulebook, profile), _parked(profile)]
    return {
        f"examples/{topic}.json": schemas.as_json(record)
        for topic, record in zip(
            [channel.topic for channel in schemas.CHANNELS], events, strict=True
        )
    }


def _drafted(rulebook: Rulebook, profile: Profile) -> list[dict[str, object]]:
    """The draft of a visit, and its first question: carboplatin without a unit."""
    feed = fold([read_events(read_message(_USED), profile)], rulebook.base)
    (timeline,) = [feed[key] for key in feed]
    drafted = draft(timeline, rulebook)._replace(rulebook="0123456789ab")
    return [_draft_event(drafted, timeline, rulebook), _question_event(drafted, timeline, rulebook)]


def _draft_event(drafted: Draft, timeline: Timeline, rulebook: Rulebook) -> dict[str, object]:
    whole = visit_draft(drafted, timeline, rulebook.formulary)
    revision = revision_of(whole, revision=1, final=False, incomplete=False, before={})
    return _record(*to_kafka(TimedEvent(revision, _AT)))


def _question_event(drafted: Draft, timeline: Timeline, rulebook: Rulebook) -> dict[str, object]:
    first = questions_of(visit_draft(drafted, timeline, rulebook.formulary), 1)[0]
    return _record(*to_kafka(TimedEvent(first.question, _AT)))


def _needed(rulebook: Rulebook, profile: Profile) -> dict[str, object]:
    """The authorization that an order of siltuximab lacks, by the list of a payer."""
    feed = fold([read_events(read_message(_ORDERED), profile)], rulebook.base)
    (timeline,) = [feed[key] for key in feed]
    whole = visit_draft(draft(timeline, rulebook), timeline, rulebook.formulary)
    (asked,) = questions_of(whole, 1)
    return _record(*to_kafka(TimedEvent(needed_of(asked.question, asked.need), _AT)))


def _parked(profile: Profile) -> dict[str, object]:
    """A message whose start no clock shows."""
    record = InboundRecord(
        topic="hl7.inbound",
        partition=3,
        offset=41,
        key="ZEBRA|V100001",
        value=_PARKED,
        headers={},
        received_at=_AT,
    )
    read = read_record(record, lambda _headers: profile)
    (problem,) = problems_of(read)
    event = parked_event(ParkedTopic("hl7.parked"), read, problem, number=7, now=_AT)
    return _record(event.key, json.loads(event.headers), event.payload)


def _record(key: str, headers: dict[str, str], value: bytes) -> dict[str, object]:
    return {"key": key, "headers": headers, "value": json.loads(value)}


def files() -> dict[str, str]:
    """All files of schemas/, by name."""
    of_code = schemas.as_json(schemas.schema_named(OF_CODE, EncounterRecord))
    of_api = schemas.as_json(new_api().openapi())
    ours = {"code.schema.json": of_code, "workbench.openapi.json": of_api}
    return {**schemas.files(), **ours, **examples()}


def write(folder: Path) -> None:
    """Write the files into a folder, and create the folder if it does not exist."""
    for name, text in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("schemas"))
