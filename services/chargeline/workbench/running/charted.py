"""What a published draft says of the stops that it asks for.

It owns how a question about a stop and its administrations become one row of the board. It reads
the JSON of a revision as it is stored, and drafts nothing.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from chargeline.ledger.running import STOP_MISSING, RunningVisit


class OpenStop(NamedTuple):
    """An infusion whose stop nobody charted. Times are by the clock of the sender.

    `ordered_end` is None where no order says how long it runs, or where orders differ.
    """

    question_id: str
    drug: str
    dose: str
    started: datetime
    ordered_end: datetime | None
    nurse: str


def open_stops(visit: RunningVisit) -> Iterator[OpenStop]:
    """The infusions of a visit whose stops its last draft asks for, in the order of the draft."""
    draft: dict[str, Any] = json.loads(visit.body)
    zone = ZoneInfo(draft.get("zone", "UTC"))
    for encounter in draft["encounters"]:
        facts = {fact["key"]: fact for fact in encounter.get("administrations", ())}
        for question in encounter["questions"]:
            asked_of = [facts[key] for key in question["administrations"] if key in facts]
            begun = [fact for fact in asked_of if fact["stretches"]]
            if question["code"] == STOP_MISSING and begun:
                yield _open_stop(question, begun, zone)


def _open_stop(
    question: Mapping[str, Any], begun: list[Mapping[str, Any]], zone: ZoneInfo
) -> OpenStop:
    started = min(datetime.fromisoformat(fact["stretches"][0]["start"]) for fact in begun)
    lengths = {fact["ordered_minutes"] for fact in begun}
    minutes = lengths.pop() if len(lengths) == 1 else None
    end = started + timedelta(minutes=minutes) if minutes is not None else None
    return OpenStop(
        question_id=question.get("question_id", ""),
        drug=question["drug"],
        dose=", ".join(dict.fromkeys([dose for fact in begun for dose in _doses(fact)])),
        started=started.astimezone(zone),
        ordered_end=end.astimezone(zone) if end is not None else None,
        nurse=", ".join(
            dict.fromkeys([fact["charted_by"] for fact in begun if fact["charted_by"]])
        ),
    )


def _doses(fact: Mapping[str, Any]) -> list[str]:
    return [f"{drug['amount']} {drug['unit']}".strip() for drug in fact["drugs"] if drug["amount"]]
