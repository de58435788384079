"""The API as an application of its own, and its document: OpenAPI 3.1.

It owns what holds for every address: how a caller proves who it is, which answers there may be, and
that an error is a problem. The pages are in no document. The copy in schemas/ is made by
`python -m chargeline.schemas`.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from chargeline.workbench.api import looks, parked, sayings
from chargeline.workbench.api.problems import PROBLEM, ProblemDetails, add_handlers

PREFIX = "/api"
VERSION = "1.0.0"
"""Of the API. Within v1 we may add an address or a key; a reader ignores keys it does not know."""
_SUMMARY = (
    "What waits for a person, visits with their reasons, what runs, operations, parked messages, "
    "and what may be said of them: the same as on the pages. A program sends "
    "`Authorization: Bearer TOKEN`; `chargeline workbench-token add` makes one. All that is looked "
    "at and said is in the audit trail. An ETag that comes back as If-None-Match saves the answer "
    "(304)."
)
_PROBLEMS = {
    "400": "The body is no text in UTF-8.",
    "401": "Nobody: no token, no session, or one that has ended.",
    "403": "The role lacks the right, or a browser did not send the token of its session.",
    "404": "There is no such visit, question, revision or row, or no longer.",
    "409": "The question has changed, or nobody asks it any more; `changed` says how it stands.",
    "412": "The visit has changed; `changed` says how it stands.",
    "422": "A value cannot be; nothing was recorded.",
    "428": "An answer does not say on which state it rests.",
    "429": "Too many requests; wait a minute.",
    "500": "A mistake of chargeline's own.",
    "503": "The ledger does not answer; try again.",
}
_ALWAYS = ("401", "403", "422", "429", "500", "503")
_TAG = {"ETag": {"schema": {"type": "string"}, "description": "Stands for what is shown"}}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "An ETag: the answer is 304 while it is the same",
}
_UNTAGGED = "show_caller"


def new_api() -> FastAPI:
    """The application, to be mounted under PREFIX. Its `state.bench` is the workbench."""
    api = FastAPI(
        title="chargeline workbench",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        root_path_in_servers=False,
        generate_unique_id_function=lambda route: route.name,
    )
    for part in (looks, sayings, parked):
        api.include_router(part.router, responses={422: {"description": _PROBLEMS["422"]}})
    add_handlers(api)
    api.openapi = lambda: document(api)  # type: ignore[method-assign]
    return api


def document(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the API."""
    written = get_openapi(
        title=api.title,
        version=api.version,
        openapi_version="3.1.0",
        description=_SUMMARY,
        routes=api.routes,
        servers=[{"url": PREFIX}],
    )
    schemas = written["components"]["schemas"]
    problem = ProblemDetails.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    schemas |= problem.pop("$defs", {}) | {"ProblemDetails": problem}
    written["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "chargeline_session"},
    }
    written["security"] = [{"token": []}, {"session": []}]
    for address, methods in written["paths"].items():
        for method, operation in methods.items():
            _finish(address, method, operation)
    return written


def _finish(address: str, method: str, operation: dict[str, Any]) -> None:
    """Add the answers that an address may give besides the good one."""
    answers: dict[str, Any] = operation["responses"]
    codes = {*_ALWAYS}
    if "{visit}" in address or method == "post":
        codes.add("404")
    if method == "post":
        codes.add("400")
    if address.endswith(("/answer", "/back", "/words")):
        codes |= {"409", "412"}
    if address.endswith("/answer"):
        codes.add("428")
    for code in sorted(codes):
        schema = {"$ref": "#/components/schemas/ProblemDetails"}
        answers[code] = {"description": _PROBLEMS[code], "content": {PROBLEM: {"schema": schema}}}
    if method == "get" and operation["operationId"] != _UNTAGGED:
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
        answers["200"]["headers"] = _TAG
        answers["304"] = {"description": "It is as the caller has it.", "headers": _TAG}
