"""Who asks the API: a program with a token, or a person's browser with its session.

It owns which of the two counts, how many requests a token may send, and that a browser proves that
what it sends comes from a page of ours. A token needs no such proof, because no browser sends it by
itself.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Request

from chargeline.workbench.bench import TheBench, check_ours, check_right, person_of, too_many
from chargeline.workbench.people import Person
from chargeline.workbench.rights import Right
from chargeline.workbench.tokens import program_of

SCHEME = "bearer"


async def caller_of(request: Request, bench: TheBench) -> Person:
    """Who sends a request: by its token if it brings one, else by the session of its cookie.

    Raises TokenRefusedError, NotLoggedInError, and ForeignFormError for too many requests.
    """
    written = request.headers.get("authorization")
    if written is None:
        return await person_of(request)
    scheme, _blank, token = written.partition(" ")
    program = await program_of(
        bench.ledger, token.strip() if scheme.lower() == SCHEME else "", bench.clock()
    )
    if not bench.programs.allows(program.digest):
        raise too_many(request.url.path)
    return program


TheCaller = Annotated[Person, Depends(caller_of)]


def may(right: Right) -> Callable[[Person], Person]:
    """Who sends a request that only looks, with a right. Raises NoRightError."""

    def with_right(caller: TheCaller) -> Person:
        check_right(caller, right)
        return caller

    return with_right


def may_say(right: Right) -> Callable[..., Person]:
    """Who sends a request that says something, with a right. Raises NoRightError, and
    ForeignFormError for a browser without the token of its session.
    """

    def with_right(
        request: Request,
        bench: TheBench,
        caller: TheCaller,
        csrf: Annotated[
            str,
            Header(
                alias="X-CSRF-Token",
                max_length=200,
                description="For a session only: `csrf` of `/api/v1/me`. A token needs none.",
            ),
        ] = "",
    ) -> Person:
        if not caller.is_program:
            check_ours(request, bench, caller, csrf)
        check_right(caller, right)
        return caller

    return with_right
