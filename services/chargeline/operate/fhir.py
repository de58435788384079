"""An act of the audit trail as a FHIR R4 AuditEvent, for the audit repository of a hospital.

It owns which codes stand for which act. The codes are those of DICOM (PS3.16, CID 400 and 401),
which FHIR R4 gives for type and subtype, and our own verb beside them. An AuditEvent names records
by our own identifiers, and no patient: the trail knows none.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from chargeline.ledger.auditing import VERBS, Verb
from chargeline.ledger.records import StoredAct
from chargeline.ledger.workbench_records import BY_TOKEN

DCM = "http://dicom.nema.org/resources/ontology/DCM"
HL7 = "http://terminology.hl7.org/CodeSystem"
OURS = "urn:chargeline"
_RECORD, _ACTIVITY = ("110110", "Patient Record"), ("110100", "Application Activity")
_LOGIN = ("110114", "User Authentication")
_RESTRICTED = ("110132", "Use of Restricted Function")
_START = ("110120", "Application Start")
_WHO_MAY = ("110137", "User Security Attributes Changed")


class AuditCodes(NamedTuple):
    """How FHIR says an act.

    `type` and `subtype` are a code of DICOM with its words. `action` is C, R, U, D or E: create,
    read, update, delete, execute.
    """

    type: tuple[str, str]
    action: str
    subtype: tuple[str, str] | None = None


CODES: Mapping[Verb, AuditCodes] = {
    "parked.show": AuditCodes(_RECORD, "R", _RESTRICTED),
    "parked.try": AuditCodes(_RECORD, "E"),
    "parked.retry": AuditCodes(_RECORD, "E"),
    "parked.drop": AuditCodes(_RECORD, "U"),
    "answer": AuditCodes(_RECORD, "C"),
    "line": AuditCodes(_RECORD, "C"),
    "redraft": AuditCodes(_RECORD, "E"),
    "authorization.send": AuditCodes(_RECORD, "C"),
    "authorization.show": AuditCodes(_RECORD, "R", _RESTRICTED),
    "ledger.migrate": AuditCodes(_ACTIVITY, "U"),
    "offsets.skip": AuditCodes(_ACTIVITY, "U"),
    "ledger.forget": AuditCodes(_RECORD, "D"),
    "ledger.hold": AuditCodes(_RECORD, "U"),
    "ledger.release": AuditCodes(_RECORD, "U"),
    "ledger.holds": AuditCodes(_RECORD, "R", _RESTRICTED),
    "ledger.rotate": AuditCodes(_ACTIVITY, "U", ("110129", "Security Configuration")),
    "ledger.encrypt": AuditCodes(_ACTIVITY, "U"),
    "ledger.catch_up": AuditCodes(_ACTIVITY, "U"),
    "program.start": AuditCodes(_ACTIVITY, "E", _START),
    "retention": AuditCodes(_RECORD, "D"),
    "session.begin": AuditCodes(_LOGIN, "E", ("110122", "Login")),
    "session.end": AuditCodes(_LOGIN, "E", ("110123", "Logout")),
    "visit.show": AuditCodes(_RECORD, "R"),
    "visit.reveal": AuditCodes(_RECORD, "R", _RESTRICTED),
    "work.assign": AuditCodes(_RECORD, "U"),
    "work.ask": AuditCodes(_RECORD, "U"),
    "running.say": AuditCodes(_RECORD, "C"),
    "token.add": AuditCodes(_ACTIVITY, "C", _WHO_MAY),
    "token.revoke": AuditCodes(_ACTIVITY, "D", _WHO_MAY),
}
assert set(CODES) == set(VERBS), "each act has its codes"
_BY_PROGRAMS: frozenset[Verb] = frozenset({"program.start", "retention"})


def audit_event(row: StoredAct) -> dict[str, Any]:
    """A row of the trail as an AuditEvent (FHIR R4, 4.0.1), as plain values of JSON.

    `recorded` is when, `agent` who, `purposeOfEvent` why, `entity` which record, with the details,
    the number and the chain of the row.
    """
    verb = next(verb for verb in VERBS if verb == row.did)
    codes = CODES[verb]
    subtypes = [coding(DCM, *codes.subtype)] if codes.subtype else []
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"chargeline-{row.number}",
        "type": coding(DCM, *codes.type),
        "subtype": [*subtypes, coding(f"{OURS}:act", verb, VERBS[verb])],
        "action": codes.action,
        "recorded": row.at.isoformat(timespec="milliseconds"),
        "outcome": "0",
    }
    if row.why:
        event["purposeOfEvent"] = [{"text": row.why}]
    details = json.loads(row.details)
    return {
        **event,
        "agent": [_agent(row.who, details, by_program=_is_by_program(row.who, verb))],
        "source": {
            "observer": {"identifier": identifier("program", "chargeline")},
            "type": [coding(f"{HL7}/security-source-type", "4", "Application Server")],
        },
        "entity": [_entity(row, details)],
    }


def coding(system: str, code: str, display: str) -> dict[str, str]:
    """A Coding of FHIR."""
    return {"system": system, "code": code, "display": display}


def identifier(kind: str, value: str) -> dict[str, str]:
    """An Identifier of ours: the kind of the record is its system."""
    return {"system": f"{OURS}:{kind}", "value": value}


def _is_by_program(who: str, verb: Verb) -> bool:
    return verb in _BY_PROGRAMS or who.startswith(BY_TOKEN)


def _agent(who: str, details: Mapping[str, Any], *, by_program: bool) -> dict[str, Any]:
    role = ("dataprocessor", "data processor") if by_program else ("humanuser", "human user")
    agent = {
        "type": {"coding": [coding(f"{HL7}/extra-security-role-type", *role)]},
        "who": {"identifier": identifier("user", who)},
        "requestor": True,
    }
    if user := details.get("system_user"):
        agent["altId"] = user
    if address := details.get("address"):
        agent["network"] = {"address": address, "type": "2"}  # an IP address
    return agent


def _entity(row: StoredAct, details: Mapping[str, Any]) -> dict[str, Any]:
    told = {"number": row.number, "chain": row.chain, **details}
    return {
        "what": {"identifier": identifier(row.kind, row.record)},
        "type": coding(f"{HL7}/audit-entity-type", "2", "System Object"),
        "detail": [
            {"type": name, "valueString": value if isinstance(value, str) else json.dumps(value)}
            for name, value in told.items()
            if value not in ("", None)
        ],
    }
