"""What the document of the API allows is answered as it says, and what it does not is refused.

Schemathesis makes the requests, the same ones each time, and they go over a socket. Most of them
are about a visit or a parked message that is there, because a random number is none.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.checks import negative_data_rejection

from chargeline.workbench.api.document import PREFIX, new_api
from chargeline.workbench.program import answer_requests
from chargeline.workbench.rights import ROLES
from chargeline.workbench.security import Allowance
from chargeline.workbench.tokens import WantedToken, add_token
from tests.answers.test_answers import open_infusion

from .asking import Standing

EXAMPLES = 12
DOCUMENT = new_api().openapi()
del DOCUMENT["security"]  # every request brings the token; who comes without is a test of its own
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}
AS_WRITTEN = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The same cases in each run: none is kept from the run before.
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
EMPTY: tuple[Any, ...] = ("", None, [], {})
TAKEN = {
    f"POST /v1/{what}" for what in ("parked/try", "parked/retry", "parked/drop", "still-running")
}
"""What is taken whatever else the body says, where it names something that is there."""


class Served(NamedTuple):
    """A workbench that answers, what a token with every role sends, and what is there, by the names
    of addresses and bodies.
    """

    address: str
    headers: Mapping[str, str]
    there: Mapping[str, Any]


@pytest.fixture
async def served(standing: Standing) -> AsyncIterator[Served]:
    """A workbench with one visit that asks when its infusion stopped, and one parked message."""
    await standing.hear(*open_infusion())
    await standing.hear("no HL7 at all", visit="V2")
    (aside,) = await standing.ledger.parked()
    wanted = WantedToken("fuzz", ROLES, 1, who="L. Lemur", why="a trial")
    token, _row = await add_token(standing.ledger, wanted, standing.now)
    async with standing.ledger.view() as view:
        (question,) = await view.asked()
    bench = standing.bench._replace(programs=Allowance(at_once=1_000_000, per_minute=1))
    sock, stop = socket.create_server(("127.0.0.1", 0)), asyncio.Event()
    host, port = sock.getsockname()[:2]
    server = asyncio.create_task(answer_requests(bench, sock, stop))
    yield Served(
        f"http://{host}:{port}{PREFIX}",
        {"authorization": f"Bearer {token}"},
        {
            "facility": "ZEBRA",
            "visit": "V1",
            "question": question.question_id,
            "question_id": question.question_id,
            "revision": 1,
            "messages": [aside.id],
            "answer": "0" * 12,
        },
    )
    stop.set()
    await server


def statuses(served: Served, label: str, mode: GenerationMode) -> set[int]:
    """Send what a mode makes of an operation, and hold each answer against the document."""
    checks = [*AS_WRITTEN]
    if mode is GenerationMode.NEGATIVE:
        checks.append(negative_data_rejection)
    seen = set()

    @BOUNDED
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def sent(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            names = case.path_parameters or {}
            case.path_parameters = {name: served.there[name] for name in names}
            if isinstance(case.body, dict):
                case.body |= {name: served.there[name] for name in {*case.body} & {*served.there}}
        else:
            # An empty value leaves all, and of an empty list nothing is sent: nothing is wrong.
            assume(all(value not in EMPTY for value in (case.query or {}).values()))
        answer = case.call(base_url=served.address, headers=dict(served.headers))
        seen.add(answer.status_code)
        case.validate_response(answer, checks=checks)

    sent()
    return seen


@pytest.mark.parametrize("label", OPERATIONS)
async def test_what_the_document_allows_is_answered_as_it_says(served: Served, label: str) -> None:
    """No mistake of our own, a status of the document, and its shape; what is there is given, and
    seen to.

    An answer may be refused all the same: a choice that a question does not offer is a text.
    """
    came = await asyncio.to_thread(statuses, served, label, GenerationMode.POSITIVE)
    assert came <= {200, 201, 304, 404, 409, 412, 422, 428}
    if label.startswith("GET") or label in TAKEN:
        assert came & {200, 201}


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label != "GET /v1/me"])
async def test_what_the_document_does_not_allow_is_refused(served: Served, label: str) -> None:
    """With a problem that says what was expected, and never as a mistake of our own."""
    came = await asyncio.to_thread(statuses, served, label, GenerationMode.NEGATIVE)
    assert came and came <= {400, 404, 405, 422}
