"""Logging in and out.

It owns the development login, which believes every name: it is for trying the workbench on one's
own machine, and the settings refuse it on any other address.
"""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from chargeline.engine import Finding
from chargeline.workbench.bench import (
    COOKIE,
    OUR_FORM,
    ForeignFormError,
    TheBench,
    ThePerson,
    allow,
    came_from,
    session_token,
)
from chargeline.workbench.pages import HOME, home_of, page
from chargeline.workbench.rights import ROLES, Role, rights_of
from chargeline.workbench.security import is_from_our_site

router = APIRouter()
# Invented staff, so that whoever tries the workbench need not think of a name.
STAFF: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("O. Okapi", ("coder",)),
    ("L. Lemur", ("lead",)),
    ("N. Numbat", ("nurse",)),
    ("P. Platypus", ("operator",)),
    ("A. Aardwolf", ("auditor",)),
    ("V. Vole", ("viewer",)),
)


class DevelopmentLogin(BaseModel):
    """The form of the development login."""

    name: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")
    role: list[Role] = Field(min_length=1)
    next: str = HOME


development = APIRouter()


@router.get("/login", include_in_schema=False)
async def ask_who(request: Request, next: str = HOME) -> Response:
    """The page that asks who it is, or that leads to the identity provider."""
    values = {"staff": STAFF, "roles": ROLES, "next": own_address(next)}
    return page(request, "login.html", None, values)


@development.post("/login", include_in_schema=False)
async def log_in(
    request: Request, bench: TheBench, form: Annotated[DevelopmentLogin, Form()]
) -> Response:
    """Begin a session for whoever was named; a page of another site may not."""
    if not is_from_our_site(request):
        raise ForeignFormError(
            Finding(
                "workbench.not_ours",
                expected="the form of the login",
                found="one of another site",
                where="/login",
                do="open /login and log in there",
            )
        )
    allow(bench.logins, request)
    await bench.people.leave(session_token(request))
    token = await bench.people.begin(form.name, form.name, form.role, came_from=came_from(request))
    address = address_after_login(form.next, form.role)
    return logged_in(address, token, secure=request.url.scheme == "https")


def logged_in(address: str, token: str, *, secure: bool) -> Response:
    """The answer that gives the browser its session, and leads on."""
    answer = RedirectResponse(address, 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=secure, path="/")
    return answer


@router.post("/logout", dependencies=OUR_FORM, include_in_schema=False)
async def log_out(bench: TheBench, person: ThePerson) -> Response:
    """End the session."""
    await bench.people.end(person)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def address_after_login(wanted: str, roles: Sequence[Role]) -> str:
    """Where somebody goes on who wanted an address: not to a first page that the roles lack."""
    address = own_address(wanted)
    return home_of(rights_of(roles)) if address == HOME else address


def own_address(address: str) -> str:
    """An address of ours to go on to; one that leads elsewhere becomes the first page."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as //[
        return HOME
    elsewhere = parts.scheme or parts.netloc or not address.startswith("/")
    if elsewhere or address.startswith(("//", "/\\")) or not address.isprintable():
        return HOME
    return address


def login_address(request: Request) -> str:
    """Where to log in, to come back to what was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = asked if request.method == "GET" else HOME
    return f"/login?next={quote(wanted, safe='/')}"
