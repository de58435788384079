"""The workbench as an ASGI application: its routes, its errors and its promises to a browser.

It owns which page answers which address, and what an error looks like. What a page shows is in the
folder of the page. An error says what was expected, what was found and what to do, on a page for
people and as JSON for programs.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from chargeline.engine import Finding, FindingError, printable
from chargeline.ledger.errors import LedgerError
from chargeline.settings import Settings
from chargeline.settings.networks import networks_of
from chargeline.telemetry import logs
from chargeline.version import VERSION
from chargeline.workbench import login, oidc, typed_routes, visit_routes
from chargeline.workbench.api.document import PREFIX, new_api
from chargeline.workbench.api.problems import no_address
from chargeline.workbench.bench import (
    Bench,
    BusyError,
    ForeignFormError,
    NotLoggedInError,
    ThePerson,
    is_by_itself,
    session_token,
)
from chargeline.workbench.compare import routes as compare
from chargeline.workbench.mistakes import STATUS, our_mistake, refused_fields, status_of
from chargeline.workbench.operations import routes as operations
from chargeline.workbench.pages import STATIC_FILES, home_of, page
from chargeline.workbench.people import NameRefusedError
from chargeline.workbench.proxies import BehindProxies
from chargeline.workbench.reports import routes as reports
from chargeline.workbench.running import routes as running
from chargeline.workbench.security import SafeAnswers
from chargeline.workbench.work import routes as work

_log = logs.logger("workbench")
_STATUS: Mapping[type[FindingError], int] = {
    **STATUS,
    BusyError: 503,
    oidc.LoginRefusedError: 403,
    NameRefusedError: 403,
    oidc.ProviderAwayError: 502,
}


def make_app(bench: Bench) -> ASGIApp:
    """The application over a workbench."""
    app = FastAPI(
        title="chargeline workbench",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.bench = bench
    api = new_api()
    api.state.bench = bench
    app.mount(PREFIX, api)
    app.mount("/static", StaticFiles(directory=STATIC_FILES), name="static")
    parts = (work, running, reports, compare, operations, visit_routes, typed_routes)
    screens = [part.router for part in parts]
    for router in (login.router, *_login_of(bench), *screens):
        app.include_router(router)
    app.add_api_route("/", _begin, include_in_schema=False)
    app.add_exception_handler(NotLoggedInError, _not_logged_in)
    app.add_exception_handler(FindingError, _refused)
    app.add_exception_handler(LedgerError, _away)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _no_page)
    app.add_exception_handler(Exception, _failed)
    if bench.settings.workbench_login == "oidc":
        app.state.provider = oidc.Provider(bench.settings)
    # Around everything, also around what makes a page of a mistake.
    safe = SafeAnswers(
        TrustedHostMiddleware(app, allowed_hosts=_hosts(bench.settings), www_redirect=False)
    )
    return BehindProxies(safe, networks_of(bench.settings.workbench_proxies))


def _hosts(settings: Settings) -> list[str]:
    """The hosts by which people reach the workbench; a name that was made to lead here is none."""
    named = urlsplit(settings.workbench_address).hostname or settings.workbench_host
    return ["localhost", "127.0.0.1", "[::1]", settings.workbench_host, named]


def _login_of(bench: Bench) -> list[APIRouter]:
    """The addresses of the way to log in that the settings say."""
    is_oidc = bench.settings.workbench_login == "oidc"
    return [oidc.router if is_oidc else login.development]


async def _begin(person: ThePerson) -> Response:
    """Go to the first screen that somebody may see."""
    return RedirectResponse(home_of(person.rights), 303)


def _is_for_a_program(request: Request) -> bool:
    return request.url.path.endswith((".json", ".csv"))


async def _not_logged_in(request: Request, _error: Exception) -> Response:
    finding = Finding(
        "workbench.not_logged_in",
        expected="somebody who is logged in",
        found="nobody, or a session that has ended",
        where=request.url.path,
        do="log in at /login",
    )
    if _is_for_a_program(request):
        return _as_json([finding], 401)
    if is_by_itself(request):  # the whole page has to go to the login, not a part of it
        return Response(status_code=401, headers={"hx-refresh": "true"})
    return RedirectResponse(login.login_address(request), 303)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FindingError)
    wrote = "" if isinstance(error, ForeignFormError) else await _reason_written(request)
    return await _told(request, list(error.findings), status_of(error, _STATUS), wrote=wrote)


async def _away(request: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError)
    _log.error("ledger.unavailable", exc_info=error)
    return await _told(request, list(error.findings), 503)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    do = "correct it, or go back to the page it came from"
    # Two parts of the place: query or body, and the field.
    wrote = await _reason_written(request)
    return await _told(request, refused_fields(error, do, depth=2), 422, wrote=wrote)


async def _reason_written(request: Request) -> str:
    """The reason of a form of ours, so that whoever wrote it need not think of it again."""
    if request.method != "POST":
        return ""
    return str((await request.form()).get("reason", ""))


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("page.failed", exc_info=error)
    return await _told(request, [our_mistake("a page", request.url.path)], 500)


async def _no_page(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(f"{PREFIX}/"):  # such as one with a line break in it
        return await no_address(request, error)
    finding = Finding(
        "workbench.no_page",
        expected="an address of the workbench",
        found=f"{error.status_code}: {error.detail}",
        where=request.url.path,
        do="begin at /work",
    )
    return await _told(request, [finding], error.status_code)


async def _told(
    request: Request, findings: list[Finding], status: int, *, wrote: str = ""
) -> Response:
    if _is_for_a_program(request):
        return _as_json(findings, status)
    bench: Bench = request.app.state.bench
    person = None
    if status < 500:  # the session is in the ledger too
        person = await bench.people.find(session_token(request))
    values = {"findings": findings, "status": status, "wrote": printable(wrote).strip()}
    return page(request, "error.html", person, values, status=status)


def _as_json(findings: list[Finding], status: int) -> Response:
    shown: list[dict[str, Any]] = [finding._asdict() for finding in findings]
    return JSONResponse({"errors": shown}, status)
