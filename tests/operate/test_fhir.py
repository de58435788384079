"""Claims about the trail as it is printed: a list for people, and FHIR R4 AuditEvents."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chargeline.cli import main
from chargeline.engine import FindingError
from chargeline.ledger.auditing import VERBS, Act, Verb
from chargeline.ledger.store import Ledger
from chargeline.operate.audit import audit_export, audit_list, moment_of
from chargeline.settings import Settings
from tests.drafting.test_features import settings, small

__all__ = ["settings", "small"]

# What FHIR R4 (4.0.1) requires of an AuditEvent, and the closed value sets of its codes.
REQUIRED = {"resourceType", "type", "recorded", "agent", "source"}
ALLOWED = REQUIRED | {
    *("id", "subtype", "action", "period", "outcome", "outcomeDesc", "purposeOfEvent", "entity")
}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def is_coding(value: dict[str, Any]) -> bool:
    return set(value) <= {"system", "version", "code", "display"} and bool(value["code"].strip())


def objections(event: dict[str, Any]) -> list[str]:
    """What of an AuditEvent R4 does not allow."""
    agent, source, entities = event["agent"], event["source"], event["entity"]
    checks = {
        "a required field": set(event) >= REQUIRED,
        "a field that R4 does not have": set(event) <= ALLOWED,
        "resourceType": event["resourceType"] == "AuditEvent",
        "id": bool(ID.fullmatch(event["id"])),
        "type": is_coding(event["type"]),
        "subtype": all(map(is_coding, event["subtype"])),
        "action": event["action"] in {"C", "R", "U", "D", "E"},
        "recorded": bool(INSTANT.fullmatch(event["recorded"])),
        "outcome": event["outcome"] in {"0", "4", "8", "12"},
        "agent": len(agent) >= 1 and all(type(one["requestor"]) is bool for one in agent),
        "agent.who": all(one["who"]["identifier"]["value"] for one in agent),
        "source": bool(source["observer"]["identifier"]["value"]),
        "source.type": all(map(is_coding, source["type"])),
        "entity": all(one["what"]["identifier"]["value"] for one in entities),
        "entity.type": all(is_coding(one["type"]) for one in entities),
        "sev-1": not any("name" in one and "query" in one for one in entities),
        "detail": all(
            detail["type"] and isinstance(detail["valueString"], str) and detail["valueString"]
            for one in entities
            for detail in one["detail"]
        ),
        "an empty value": "" not in event.values() and [] not in event.values(),
    }
    return [name for name, holds in checks.items() if not holds]


def act(verb: Verb, who: str = "ANNA") -> Act:
    details = {"visit": "V1", "facility": None, "all": True, "system_user": "zc"}
    why = "because" if who == "ANNA" else ""
    return Act(verb, "parked", "17", who=who, why=why, details=details)


async def write(ledger: Ledger, *acts: Act) -> None:
    async with ledger.batch() as batch:
        await batch.audit(acts)


async def test_each_act_is_an_audit_event_of_r4(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """All verbs, with and without a reason: required fields, codes of the closed value sets."""
    await write(small, *(act(verb, who) for verb in VERBS for who in ("ANNA", "BEA")))
    assert await audit_export()(settings) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(events) == 2 * len(VERBS)
    assert [objections(event) for event in events] == [[]] * len(events)


async def test_an_event_says_who_what_which_record_and_why(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A look at a parked message, with the number and the chain of its row."""
    await write(small, act("parked.show"))
    await audit_export()(settings)
    event = json.loads(capsys.readouterr().out)
    assert (event["type"]["code"], event["action"], event["outcome"]) == ("110110", "R", "0")
    assert [code["code"] for code in event["subtype"]] == ["110132", "parked.show"]
    (agent,), (entity,) = event["agent"], event["entity"]
    assert (agent["who"]["identifier"]["value"], agent["altId"]) == ("ANNA", "zc")
    assert entity["what"]["identifier"] == {"system": "urn:chargeline:parked", "value": "17"}
    assert event["purposeOfEvent"] == [{"text": "because"}]
    details = {detail["type"]: detail["valueString"] for detail in entity["detail"]}
    assert (details["visit"], details["all"], details["number"]) == ("V1", "true", "1")
    assert "facility" not in details and len(details["chain"]) == 64


async def test_a_login_says_from_where(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address of the browser is the network of the agent; 2 is an IP address in R4."""
    login = act("session.begin")
    await write(small, login._replace(details={**login.details, "address": "192.0.2.7"}))
    await audit_export()(settings)
    (agent,) = json.loads(capsys.readouterr().out)["agent"]
    assert agent["network"] == {"address": "192.0.2.7", "type": "2"}


def test_the_check_of_r4_bites() -> None:
    """An event that lacks a time, an agent's flag and a code is objected to."""
    bad: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": "a b",
        "type": {"code": " "},
        "subtype": [],
        "action": "X",
        "recorded": "yesterday",
        "outcome": "1",
        "agent": [{"requestor": "yes", "who": {"identifier": {"value": ""}}}],
        "source": {"observer": {"identifier": {"value": ""}}, "type": []},
        "entity": [],
    }
    wanted = {"id", "type", "action", "recorded", "outcome", "agent", "agent.who", "source"}
    assert wanted <= set(objections(bad))


async def test_the_list_is_of_one_person_one_act_or_since_a_time(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """As text and as JSON."""
    await write(small, act("parked.show"), act("parked.drop", "BEA"), act("answer", "BEA"))
    await audit_list(who="BEA", what="parked.drop", as_json=True)(settings)
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["number"], row["who"], row["details"]["visit"]) == (2, "BEA", "V1")
    await audit_list("2020-01-01")(settings)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("ANNA             parked.show     parked 17  because: because")
    await audit_list("2999-01-01")(settings)
    assert capsys.readouterr().out == ""


def test_a_time_without_zone_is_utc_and_what_is_no_time_is_wrong_use(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """So is an act that does not exist; the error lists those that do."""
    assert moment_of("2026-03-02") == datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(FindingError, match="expected a day or a time"):
        moment_of("yesterday")
    assert main(["audit", "list", "--what", "parked.look"]) == 2
    assert "expected an act: parked.show, parked.try, parked.retry" in capsys.readouterr().err
