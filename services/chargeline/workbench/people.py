"""Who is logged in: sessions of the ledger, and the cookie that leads to one.

It owns how a session begins, is found and ends. A login makes a new token each time, so that a
token that somebody planted before is worth nothing. The ledger has only a hash of the token. A
program that comes with a token of its own is a person too, which `tokens.py` finds.
"""

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from chargeline.drafting.acting import act_of
from chargeline.engine import Finding, FindingError
from chargeline.ledger.store import Ledger
from chargeline.ledger.workbench_records import BY_TOKEN, StoredSession
from chargeline.workbench.rights import ROLES, Right, Role, rights_of

LONGEST = timedelta(hours=12)
"""A session ends then, however busy it is: a working day."""
_SEEN_AGAIN = timedelta(minutes=1)  # a session that is used is noted so often at most


class Person(NamedTuple):
    """Somebody who is logged in: `who` for the audit trail, `name` for pages.

    A program has no `csrf`, because no browser sends its token by itself, and `ends_at`, which is
    None for a session.
    """

    who: str
    name: str
    roles: tuple[Role, ...]
    csrf: str
    digest: str
    ends_at: datetime | None = None

    @property
    def is_program(self) -> bool:
        """Whether it is a program with a token, and nobody at a browser."""
        return self.ends_at is not None

    @property
    def rights(self) -> frozenset[Right]:
        """What the person may see and do."""
        return rights_of(self.roles)


class NameRefusedError(FindingError):
    """Somebody logs in by a name under which the audit trail has a program."""


class People:
    """The sessions of one workbench."""

    def __init__(self, ledger: Ledger, idle: timedelta, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._idle = idle
        self._clock = clock

    async def begin(
        self,
        who: str,
        name: str,
        roles: Iterable[Role],
        *,
        provider_session: str = "",
        subject: str = "",
        came_from: str = "",
    ) -> str:
        """Begin a session, and note it in the audit trail with the address that somebody
        `came_from`; returns the token for the cookie.

        Raises NameRefusedError.
        """
        check_name(who)
        token, now = secrets.token_urlsafe(32), self._clock()
        session = StoredSession(
            digest=digest_of(token),
            who=who,
            name=name,
            roles=" ".join(roles),
            csrf=secrets.token_urlsafe(32),
            provider_session=provider_session,
            subject=subject,
            started_at=now,
            seen_at=now,
        )
        told = {"roles": session.roles, "address": came_from}
        async with self._ledger.batch() as batch:
            await batch.workbench.end_sessions(idle_since=now - LONGEST)
            await batch.workbench.begin_session(session)
            await batch.audit([act_of("session.begin", "session", who, who=who, details=told)])
        return token

    async def find(self, token: str, *, by_itself: bool = False) -> Person | None:
        """The person of a token; None for "", and if the session ended or was idle for too long.

        What a page asks `by_itself` is no use of the session: a board on a wall logs out as well.
        """
        if not token:
            return None
        digest, now = digest_of(token), self._clock()
        async with self._ledger.view() as view:
            session = await view.workbench.session(digest)
        if session is None:
            return None
        if now - session.seen_at > self._idle or now - session.started_at > LONGEST:
            async with self._ledger.batch() as batch:
                await batch.workbench.end_sessions(digest=digest)
            return None
        if not by_itself and now - session.seen_at > _SEEN_AGAIN:
            async with self._ledger.batch() as batch:
                await batch.workbench.see_session(digest, now)
        roles = roles_in(session.roles)
        return Person(session.who, session.name, roles, csrf=session.csrf, digest=digest)

    async def leave(self, token: str) -> None:
        """End the session of a token, if there is one: whoever logs in again leaves none behind."""
        if token:
            async with self._ledger.batch() as batch:
                await batch.workbench.end_sessions(digest=digest_of(token))

    async def end(self, person: Person) -> None:
        """End the session of a person."""
        async with self._ledger.batch() as batch:
            await batch.workbench.end_sessions(digest=person.digest)
            act = act_of("session.end", "session", person.who, who=person.who)
            await batch.audit([act])

    async def end_of_provider(self, provider_session: str, subject: str) -> int:
        """End a session that the provider has ended, or all of a person where it names none;
        returns how many there were.
        """
        async with self._ledger.batch() as batch:
            number = 0
            if provider_session:
                number += await batch.workbench.end_sessions(provider_session=provider_session)
            if subject:
                number += await batch.workbench.end_sessions(
                    subject=subject, unnamed=bool(provider_session)
                )
            told = {"sessions": number}
            record = provider_session or subject
            act = act_of("session.end", "session", record, who="identity provider", details=told)
            await batch.audit([act])
        return number


def check_name(who: str) -> None:
    """Raise NameRefusedError for a person whose acts would pass for those of a program."""
    if who.startswith(BY_TOKEN):
        raise NameRefusedError(
            Finding(
                "workbench.login_refused",
                expected=f"a name of a person, which does not begin with `{BY_TOKEN}`",
                found="one that does",
                where="login",
                do="log in by another name",
            )
        )


def roles_in(words: str) -> tuple[Role, ...]:
    """Roles as a row has them, with blanks between; a word that is no role any more is none."""
    return tuple([role for role in ROLES if role in words.split()])


def digest_of(token: str) -> str:
    """What the ledger has of a token."""
    return sha256(token.encode()).hexdigest()
