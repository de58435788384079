"""What goes wrong at the API, as problem details (RFC 9457): expected, found, where, what to do.

It owns the shape of a problem and which error has which status. A finding is the same as on a page;
its code is a part of `type`, so that a program need not read the words.
"""

from collections.abc import Mapping
from typing import ClassVar, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from chargeline.engine import MEANINGS, Finding, FindingCode, FindingError
from chargeline.ledger.errors import LedgerError
from chargeline.telemetry import logs
from chargeline.workbench.api.shapes import WhatChanged
from chargeline.workbench.bench import NotLoggedInError
from chargeline.workbench.mistakes import STATUS, our_mistake, refused_fields, status_of
from chargeline.workbench.tokens import TokenRefusedError

PROBLEM = "application/problem+json"
_log = logs.logger("api")


class ConditionMissingError(FindingError):
    """Something is said without the state that it is about."""


class ConflictError(FindingError):
    """What is said rests on something that has changed; `changed` is how it stands now."""

    def __init__(self, finding: Finding, status: int, changed: WhatChanged) -> None:
        super().__init__(finding)
        self.status = status
        self.changed = changed


class Mistake(BaseModel):
    """One thing that is wrong with a request."""

    code: str = Field(description="A code of docs/findings.md")
    expected: str
    found: str
    where: str = Field(description="The field or the right; empty where there is no single place")
    do: str = Field(description="What to do about it")


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457). `expected`, `found`, `where`, `do` are of the first mistake."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:chargeline:finding:workbench.no_right",
                    "title": "Somebody may not see or do something in the workbench.",
                    "status": 403,
                    "detail": "expected the role operator, found viewer",
                    "expected": "the role operator",
                    "found": "viewer",
                    "where": "operations.see",
                    "do": "ask whoever gives roles in your login for one of these",
                    "mistakes": [],
                    "changed": None,
                }
            ]
        }
    )

    type: str = Field(description="urn:chargeline:finding: and a code of docs/findings.md")
    title: str = Field(description="The meaning of the code")
    status: int
    detail: str
    expected: str
    found: str
    where: str
    do: str
    mistakes: list[Mistake] = Field(description="All mistakes of the request, where it has several")
    changed: WhatChanged | None = Field(
        description="How it stands now, where something changed meanwhile (409, 412)"
    )


_STATUS: Mapping[type[FindingError], int] = {
    **STATUS,
    TokenRefusedError: 401,
    ConditionMissingError: 428,
}


def add_handlers(api: FastAPI) -> None:
    """Let every error of an application be answered as a problem."""
    api.add_exception_handler(NotLoggedInError, _not_logged_in)
    api.add_exception_handler(FindingError, _refused)
    api.add_exception_handler(LedgerError, _away)
    api.add_exception_handler(RequestValidationError, _not_valid)
    api.add_exception_handler(HTTPException, no_address)
    api.add_exception_handler(Exception, _failed)


async def _not_logged_in(request: Request, _error: Exception) -> Response:
    finding = Finding(
        "workbench.not_logged_in",
        expected="a token, as `Authorization: Bearer TOKEN`, or a session of a browser",
        found="neither, or a session that has ended",
        where=request.url.path,
        do="send the token, or log in at /login",
    )
    return _told([finding], 401)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, FindingError)
    if isinstance(error, ConflictError):
        return _told(list(error.findings), error.status, error.changed)
    status = status_of(error, _STATUS)
    if error.finding.code == "workbench.too_many":
        status = 429
    return _told(list(error.findings), status)


async def _away(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError)
    _log.error("ledger.unavailable", exc_info=error)
    return _told(list(error.findings), 503)


async def _not_valid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    do = "correct it; /api/openapi.json says what each field takes"
    return _told(refused_fields(error, do), 422)


async def no_address(request: Request, error: Exception) -> Response:
    """The problem of an address or a method that is none, or of a body that is no text."""
    assert isinstance(error, HTTPException)
    finding = Finding(
        "workbench.no_page" if error.status_code in (404, 405) else "workbench.not_valid",
        expected="an address, a method and a body of /api/openapi.json",
        found=f"{error.status_code}: {error.detail}",
        where=request.url.path,
        do="see /api/openapi.json",
    )
    answer = _told([finding], error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("page.failed", exc_info=error)
    return _told([our_mistake("an answer", request.url.path)], 500)


_HEADERS = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "60"}}


def _told(findings: list[Finding], status: int, changed: WhatChanged | None = None) -> Response:
    first = findings[0]
    mistakes = [Mistake(**finding._asdict()) for finding in findings]
    problem = ProblemDetails(
        type=f"urn:chargeline:finding:{first.code}",
        title=MEANINGS[cast(FindingCode, first.code)],
        status=status,
        detail=f"expected {first.expected}, found {first.found}",
        expected=first.expected,
        found=first.found,
        where=first.where,
        do=first.do,
        mistakes=mistakes if len(mistakes) > 1 else [],
        changed=changed,
    )
    body = problem.model_dump_json()
    return Response(body, status, headers=_HEADERS.get(status), media_type=PROBLEM)
