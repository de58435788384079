"""The authorizations of one visit, kept up to date event by event.

It owns which of several messages about an authorization counts: the one that was sent last, field
by field. So the order of arrival does not matter. It does not know what an authorization covers.
"""

from datetime import datetime

from chargeline.engine.authorizations.facts import Authorization, whole_of
from chargeline.engine.events import BEGINNING
from chargeline.engine.timeline.merges import Version


class AuthorizationBuilder:
    """What the messages of a visit say of authorizations."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], dict[Version, Authorization]] = {}
        self._whole: tuple[Authorization, ...] | None = ()
        self._unclear: tuple[tuple[Authorization, ...], ...] = ()

    def add(self, event: Authorization, sent: datetime | None) -> None:
        """Take in one version of an authorization, sent at a time; a later time counts anew."""
        versions = self._versions.setdefault(event.slot, {})
        last = event.message._replace(sent=sent)
        versions[sent or BEGINNING, event.message.digest] = event._replace(message=last)
        self._whole = None

    def authorizations(self) -> tuple[Authorization, ...]:
        """Each authorization once, by number and item; the very same object if nothing changed."""
        if self._whole is None:
            in_order = self._in_order()
            self._whole = tuple([whole_of(versions) for versions in in_order])
            self._unclear = tuple([v for v in in_order if any(version.unsaid for version in v)])
        return self._whole

    def unclear(self) -> tuple[tuple[Authorization, ...], ...]:
        """All versions of each authorization of which one lacks what it had to say."""
        self.authorizations()
        return self._unclear

    def _in_order(self) -> list[tuple[Authorization, ...]]:
        """The versions of each authorization, by number and item, the one sent last at the end."""
        return [
            tuple([versions[version] for version in sorted(versions)])
            for _slot, versions in sorted(self._versions.items())
        ]
