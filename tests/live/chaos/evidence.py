"""What came out of the live service, and each difference from `chargeline code`.

This module owns the reading of the topics and the ledger to their ends, and the comparison event
for event and field for field. It knows nothing of how the messages went in. The comparison goes on
after a difference, so that one run shows all of them.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from chargeline.published.shapes import Billed

from ..records import PARTITIONS
from ..service import Service

Visit = tuple[str, str]
Body = dict[str, Any]


class Event(NamedTuple):
    """One announcement as it stands on its topic."""

    id: str
    partition: int
    offset: int
    raw: bytes

    @property
    def body(self) -> Body:
        """The content of the event."""
        body: Body = json.loads(self.raw)
        return body


class Evidence(NamedTuple):
    """All announced events, repeats included, and the revisions that the ledger holds."""

    drafts: list[Event]
    questions: list[Event]
    parked: list[Event]
    ledger: dict[tuple[str, str, int], str]


async def gathered(service: Service) -> Evidence:
    """Read the topics and the ledger of a service to their ends."""
    drafts = await events_of(service, f"{service.name}.drafts")
    questions = await events_of(service, f"{service.name}.questions")
    parked = await events_of(service, f"{service.name}.parked")
    connection = await asyncpg.connect(service.database)
    rows = await connection.fetch("SELECT facility, visit, revision, body FROM draft_revision")
    await connection.close()
    return Evidence(drafts, questions, parked, {(row[0], row[1], row[2]): row[3] for row in rows})


async def events_of(
    service: Service, topic: str, isolation_level: str = "read_uncommitted"
) -> list[Event]:
    """Every event of a topic, in the order of its partition."""
    ends = await service.ends(topic, isolation_level)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=service.kafka.bootstrap,
        auto_offset_reset="earliest",
        isolation_level=isolation_level,
    )
    await consumer.start()
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    events = []
    try:
        while any([await consumer.position(part) < ends[part.partition] for part in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    events.append(
                        Event(headers["ce_id"], record.partition, record.offset, record.value)
                    )
    finally:
        await consumer.stop()
    return events


def drafted_by_code(messages: Sequence[bytes], folder: Path) -> dict[Visit, list[Body]]:
    """The encounters of each visit that `chargeline code --json` prints for these messages."""
    file = folder / "feed.hl7"
    file.write_bytes(b"".join(messages))
    command = [sys.executable, "-m", "chargeline.cli", "code", str(file), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    assert done.returncode in (0, 3), f"`chargeline code` ended with {done.returncode}"
    encounters: dict[Visit, list[Body]] = {}
    for line in done.stdout.splitlines():
        record = json.loads(line)
        for beside in _BESIDE_THE_DRAFT:
            del record[beside]
        encounters.setdefault((record["facility"], record["visit"]), []).append(record)
    return encounters


# What the files hold, and how courses and authorizations stand: no part of a draft.
_BESIDE_THE_DRAFT = ("messages", "courses", "authorizations", "needed")


def as_code_prints(revision: Body) -> list[Body]:
    """The encounters of a revision in the shape of `chargeline code --json`."""
    encounters = revision["encounters"]
    if not encounters and revision["questions"]:
        parts = ("lines", "questions", "withheld", "administrations", "edits")
        encounters = [{"encounter": None, **{part: [] for part in parts}}]
    common = {name: revision[name] for name in ("facility", "visit", "policy", "rulebook", "said")}
    return [
        {**common, **encounter, "questions": [*revision["questions"], *encounter["questions"]]}
        for encounter in encounters
    ]


def distinct(events: Iterable[Event]) -> list[Event]:
    """The first event of each id, as a reader keeps events who drops repeats by their id."""
    by_id: dict[str, Event] = {}
    for event in events:
        by_id.setdefault(event.id, event)
    return list(by_id.values())


def revisions(events: Iterable[Event]) -> dict[Visit, list[Event]]:
    """The distinct drafts of each visit, in the order of the topic."""
    by_visit: dict[Visit, list[Event]] = {}
    for event in distinct(events):
        body = event.body
        by_visit.setdefault((body["facility"], body["visit"]), []).append(event)
    return by_visit


# ------------------------------------------------------------------ the comparison


def differences(evidence: Evidence, wanted: dict[Visit, list[Body]]) -> list[str]:
    """All differences of the evidence from what `chargeline code` drafts; empty if all is equal."""
    by_visit = revisions(evidence.drafts)
    return [
        *_repeats(evidence),
        *(problem for visit, events in by_visit.items() for problem in _history(visit, events)),
        *_last(by_visit, wanted),
        *_ledger(by_visit, evidence.ledger),
        *_questions(evidence.questions, by_visit),
    ]


def _repeats(evidence: Evidence) -> Iterator[str]:
    """All events with one id have the same content, no matter who published them and how often."""
    for events in evidence[:3]:
        first: dict[str, Event] = {}
        for event in events:
            if first.setdefault(event.id, event).raw != event.raw:
                yield f"id {event.id}: two contents under one id"


def _history(visit: Visit, events: Sequence[Event]) -> Iterator[str]:
    """A visit's revisions are 1, 2, 3 … in the order of one partition, and their changes add up."""
    bodies = [event.body for event in events]
    numbers = [body["revision"] for body in bodies]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"{visit}: expected the revisions 1 to {len(numbers)} in order, found {numbers}"
    if len({event.partition for event in events}) != 1:
        yield f"{visit}: found in several partitions"
    billed: Body = {}
    for body in sorted(bodies, key=lambda body: int(body["revision"])):
        revision, changes = f"revision {body['revision']}", body["changes"]
        for change in (*changes["added"], *changes["changed"], *changes["removed"]):
            if billed.pop(change["line_id"], None) != change["before"]:
                yield f"{visit}: {revision} credits what was not billed"
            if change["after"] is not None:
                billed[change["line_id"]] = change["after"]
        lines = [line for encounter in body["encounters"] for line in encounter["lines"]]
        if billed != {line["line_id"]: {key: line[key] for key in _BILLED} for line in lines}:
            yield f"{visit}: the changes up to {revision} do not add up to its lines"


_BILLED = tuple(Billed.model_fields)


def _last(by_visit: dict[Visit, list[Event]], wanted: dict[Visit, list[Body]]) -> Iterator[str]:
    """The last revision of each visit is the draft of `code`; no other visit has charges.

    A visit whose doses were all taken back has an empty last revision, and `code` prints none.
    """
    for visit in wanted.keys() - by_visit.keys():
        yield f"{visit}: drafted by `code`, never announced"
    for visit, events in by_visit.items():
        last = max((event.body for event in events), key=lambda body: int(body["revision"]))
        if visit in wanted:
            drafted = as_code_prints(last)
            if drafted != wanted[visit]:
                where = _first_difference(wanted[visit], drafted)
                yield f"{visit}: revision {last['revision']} {where}"
        elif last["status"] != "merged":
            if not as_code_prints(last):
                continue
            yield f"{visit}: `code` drafts no such visit, the last revision is {last['status']}"
        elif (visit[0], last["merged_into"]) not in wanted:
            yield f"{visit}: merged into {last['merged_into']}, which `code` does not draft"


def _first_difference(wanted: Any, drafted: Any, at: str = "") -> str:
    """The first place where two drafts differ, such as `at [0].lines[2].units`, and both values."""
    if isinstance(wanted, dict) and isinstance(drafted, dict) and wanted.keys() == drafted.keys():
        part = next(key for key in wanted if wanted[key] != drafted[key])
        return _first_difference(wanted[part], drafted[part], f"{at}.{part}")
    if isinstance(wanted, list) and isinstance(drafted, list) and len(wanted) == len(drafted):
        place = next(n for n in range(len(wanted)) if wanted[n] != drafted[n])
        return _first_difference(wanted[place], drafted[place], f"{at}[{place}]")
    return f"at {at or 'all'}: expected {_brief(wanted)}, found {_brief(drafted)}"


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else f"{text[:300]}…"


def _ledger(
    by_visit: dict[Visit, list[Event]], ledger: dict[tuple[str, str, int], str]
) -> Iterator[str]:
    """The topic holds the revisions that the ledger holds, no more and no fewer."""
    announced = {
        (*visit, event.body["revision"]): event.body
        for visit, events in by_visit.items()
        for event in events
    }
    for key in announced.keys() ^ ledger.keys():
        place = "ledger" if key in ledger else "topic"
        yield f"{key[:2]}: revision {key[2]} is only in the {place}"
    for key in announced.keys() & ledger.keys():
        if json.loads(ledger[key]) != announced[key]:
            yield f"{key[:2]}: revision {key[2]} is another in the ledger than on the topic"


def _questions(events: Sequence[Event], by_visit: dict[Visit, list[Event]]) -> Iterator[str]:
    """A question is opened, closed, opened … in turns; the open ones are in the last drafts."""
    states: dict[str, list[Body]] = {}
    for event in distinct(events):
        states.setdefault(event.body["question_id"], []).append(event.body)
    left: dict[Visit, int] = {}
    for name, bodies in states.items():
        turns = [body["state"] for body in bodies]
        if turns != [("opened", "closed")[number % 2] for number in range(len(turns))]:
            yield f"question {name}: expected opened and closed in turns, found {turns}"
        if turns[-1] == "opened":
            visit = (bodies[-1]["facility"], bodies[-1]["visit"])
            left[visit] = left.get(visit, 0) + 1
    for visit, revised in by_visit.items():
        last = max((event.body for event in revised), key=lambda body: int(body["revision"]))
        of_encounters = sum(len(encounter["questions"]) for encounter in last["encounters"])
        asked, still_open = len(last["questions"]) + of_encounters, left.get(visit, 0)
        if still_open != asked:
            yield f"{visit}: {asked} questions in the last draft, {still_open} open on the topic"
