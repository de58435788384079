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

    def add(self, event: Authorization, sent: datetime | None) -> None:
        """Take in one version of an authorization, sent at a time; a later time counts anew."""
        versions = self._versions.setdefault((event.number, event.item), {})
        last = event.message._replace(sent=sent)
        versions[sent or BEGINNING, event.message.digest] = event._replace(message=last)
        self._whole = None

    def authorizations(self) -> tuple[Authorization, ...]:
        """Each authorization once, by number and item; the very same object if nothing changed."""
        if self._whole is None:
            self._whole = tuple([whole_of(versions) for versions in self._in_order()])
        return self._whole

    def unclear(self) -> tuple[tuple[Authorization, ...], ...]:
        """All versions of each authorization of which one lacks what it had to say."""
        return tuple(
            [
                versions
                for versions in self._in_order()
                if any(version.unsaid for version in versions)
            ]
        )

    def _in_order(self) -> list[tuple[Authorization, ...]]:
        """The versions of each authorization, by number and item, the one sent last at the end."""
        return [
            tuple([versions[version] for version in sorted(versions)])
            for _slot, versions in sorted(self._versions.items())
        ]
