"""What a refused request says, whoever asked: the same for a page and for the API.

It owns the status of the errors that both have, and the findings for what the framework refuses and
for a mistake of our own. How a finding is laid out is the page's, or the API's.
"""

from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError

from chargeline.drafting.answering import AnswerError
from chargeline.engine import Finding, FindingError
from chargeline.workbench.bench import (
    ForeignFormError,
    NoRightError,
    NotThereError,
    NotValidError,
)

STATUS: Mapping[type[FindingError], int] = {
    NoRightError: 403,
    ForeignFormError: 403,
    NotThereError: 404,
    AnswerError: 422,
    NotValidError: 422,
}


def status_of(error: FindingError, statuses: Mapping[type[FindingError], int]) -> int:
    """The status of an error by a table of kinds; 500 for a kind that is in none."""
    return next((statuses[kind] for kind in statuses if isinstance(error, kind)), 500)


def refused_fields(
    error: RequestValidationError, do: str, depth: int | None = None
) -> list[Finding]:
    """A finding for each field that is not as it should be. Its place has at most `depth` parts,
    such as `query.page` of two.
    """
    return [
        Finding(
            "workbench.not_valid",
            expected=str(mistake["msg"]),
            found="another value",
            where=".".join(map(str, mistake["loc"][:depth])),
            do=do,
        )
        for mistake in error.errors()
    ]


def our_mistake(expected: str, where: str) -> Finding:
    """What is said where chargeline itself fails."""
    return Finding(
        "workbench.failed",
        expected=expected,
        found="a mistake of chargeline's own",
        where=where,
        do="try again; if it stays, give whoever runs chargeline the time and this address",
    )
