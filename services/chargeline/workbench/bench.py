"""What every page of the workbench works with: the ledger, the rules, the clock and the people.

It owns how a request finds the person who sends it, and the refusal of one without the right. It
knows no page.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from chargeline.drafting.answering import AnswerError
from chargeline.drafting.processor import Processor
from chargeline.engine import Finding, FindingError
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings
from chargeline.workbench.compare.jobs import Comparisons
from chargeline.workbench.people import People, Person
from chargeline.workbench.rights import Right, who_may
from chargeline.workbench.security import Allowance, is_from_our_page

COOKIE = "chargeline_session"


class Bench(NamedTuple):
    """What the pages work with. `processor` drafts only to show, and writes nothing.

    `rules_folders` are other rules that a browser may choose to compare with, by name.
    """

    settings: Settings
    ledger: Ledger
    processor: Processor
    people: People
    clock: Callable[[], datetime]
    posts: Allowance
    logins: Allowance
    endings: Allowance
    comparisons: Comparisons
    rules_folders: Mapping[str, Path]
    programs: Allowance


class NotLoggedInError(Exception):
    """Nobody is logged in, or the session has ended."""


class NoRightError(FindingError):
    """The person may not see or do this."""


class NotValidError(FindingError):
    """A field of a form or an address has a value that it does not take."""


class NotThereError(FindingError):
    """What the address names is not there."""


class BusyError(FindingError):
    """More is asked for than the workbench does at a time, or something that is not done yet."""


class OutdatedError(AnswerError):
    """The charting changed between the page and the answer."""


class ForeignFormError(FindingError):
    """A form that no page of this session has sent, or too many of them."""


def bench_of(request: Request) -> Bench:
    """The workbench that a request is sent to."""
    bench: Bench = request.app.state.bench
    return bench


def is_by_itself(request: Request) -> bool:
    """Whether a page asks for itself again, without a person: htmx says so."""
    return request.method == "GET" and "hx-request" in request.headers


def session_token(request: Request) -> str:
    """The token that a browser sends, "" for none."""
    return request.cookies.get(COOKIE, "")


async def person_of(request: Request) -> Person:
    """Who sends a request. Raises NotLoggedInError."""
    people = bench_of(request).people
    person = await people.find(session_token(request), by_itself=is_by_itself(request))
    if person is None:
        raise NotLoggedInError
    return person


TheBench = Annotated[Bench, Depends(bench_of)]
ThePerson = Annotated[Person, Depends(person_of)]


def needs(right: Right) -> Callable[[Person], Person]:
    """The person of a request, if the person has a right. Raises NoRightError."""

    def with_right(person: ThePerson) -> Person:
        check_right(person, right)
        return person

    return with_right


def check_right(person: Person, right: Right) -> None:
    """Raise NoRightError if a person may not see or do something."""
    if right in person.rights:
        return
    roles = " or ".join(who_may(right))
    raise NoRightError(
        Finding(
            "workbench.no_right",
            expected=f"the role {roles}",
            found=", ".join(person.roles) or "no role",
            where=right,
            do="ask whoever gives roles in your login for one of these",
        )
    )


async def our_form(request: Request, bench: TheBench, person: ThePerson) -> None:
    """Let a form pass that a page of the person's own session sent. Raises ForeignFormError."""
    form = await request.form()
    check_ours(request, bench, person, str(form.get("csrf", "")))


def check_ours(request: Request, bench: Bench, person: Person, sent: str) -> None:
    """Raise ForeignFormError for what no page of the person's session sent, or too many of them."""
    if not is_from_our_page(request, person.csrf, sent):
        raise ForeignFormError(
            Finding(
                "workbench.not_ours",
                expected="a form from a page of this session",
                found="one without its token",
                where=request.url.path,
                do="load the page again, and send the form from there; nothing was recorded",
            )
        )
    if not bench.posts.allows(person.digest):
        raise too_many(request.url.path)


OUR_FORM = [Depends(our_form)]
"""The dependencies of an address that takes a form of our own."""


def allow(allowance: Allowance, request: Request) -> None:
    """Let a request pass of somebody who is not logged in. Raises ForeignFormError where more came
    from its address than the allowance has.
    """
    if not allowance.allows(came_from(request)):
        raise too_many(request.url.path)


def came_from(request: Request) -> str:
    """The address of a browser, "" where the server knows none."""
    return request.client.host if request.client is not None else ""


def not_valid(where: str, expected: str, found: str, *, do: str) -> NotValidError:
    """The refusal of a field of a form or an address."""
    return NotValidError(
        Finding(
            "workbench.not_valid",
            expected=expected,
            found=found,
            where=where,
            do=do,
        )
    )


def too_many(where: str) -> ForeignFormError:
    """The refusal of more requests than one person can mean."""
    return ForeignFormError(
        Finding(
            "workbench.too_many",
            expected="fewer requests",
            found="more than a person can send",
            where=where,
            do="wait a minute, and try again; nothing was recorded",
        )
    )
