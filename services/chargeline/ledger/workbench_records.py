"""The rows of the workbench: who sees to a visit, what is said to run, who is logged in, tokens.

This module owns their shapes only. A field has the name of its column, and a time has its zone.
"""

from datetime import datetime
from typing import NamedTuple

BY_TOKEN = "token "
"""How answers and the audit trail name a program that came with a token: this, and its name."""


class StoredAssignment(NamedTuple):
    """Who sees to a visit, "" for nobody, and when its unit was asked, None if it was not.

    `who` gave it to the owner, at `at`.
    """

    facility: str
    visit: str
    owner: str
    asked_unit_at: datetime | None
    at: datetime
    who: str


class StoredStillRunning(NamedTuple):
    """That a drug still runs of which a stop is missing: `who` said it, `why`, and it holds until
    then. `question_id` is that of the question about the stop, open or yet to come.
    """

    facility: str
    visit: str
    question_id: str
    until: datetime
    who: str
    why: str


class StoredSession(NamedTuple):
    """Somebody who is logged in. `digest` is a hash of what the browser keeps.

    `who` names the person in the audit trail, `name` on a page. `roles` are words with blanks
    between. `csrf` is what each form must give back. `provider_session` and `subject` are the
    session and the person at the identity provider, "" where there is none.
    """

    digest: str
    who: str
    name: str
    roles: str
    csrf: str
    provider_session: str
    subject: str
    started_at: datetime
    seen_at: datetime


class StoredToken(NamedTuple):
    """A token of a program that uses the API. `digest` is a hash of the token.

    `roles` are words with blanks between. It is worth nothing from `expires_at` on. `seen_at` is
    when it was used last, to the hour, None if it never was.
    """

    digest: str
    name: str
    roles: str
    made_at: datetime
    made_by: str
    expires_at: datetime
    seen_at: datetime | None
