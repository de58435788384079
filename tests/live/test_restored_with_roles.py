"""A ledger with the roles of docs/rights is put back by the login that migrates, on real servers.

It owns what test_restored.py leaves out: there one login does everything. Here the owner backs up
and restores by docs/production.md, and each program and person has a login of its own.
"""

from collections.abc import Iterator

import pytest

from .commands import command, printed
from .servers import Postgres
from .service import Service
from .test_restored import by_the_page, dose
from .test_restored import worked_off as looked_at_again
from .test_rights import ROLES, Logins, logins, service, worked_off

__all__ = ["logins", "service"]

pytestmark = pytest.mark.live
OWNED = (
    "SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace"
)
RIGHTS = (
    "SELECT relname::text, relacl::text FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') ORDER BY relname"
)
COLUMNS = (
    "SELECT attrelid::regclass::text, attname::text, attacl::text FROM pg_attribute "
    "WHERE attacl IS NOT NULL AND attrelid::regclass::text NOT LIKE 'pg_%' ORDER BY 1, 2"
)


@pytest.fixture
def stepped_aside(logins: Logins, postgres: Postgres) -> Iterator[None]:
    """The database that the page's commands rename is removed before the logins are."""
    yield
    for name in (f"{logins.name}_lost", logins.name):
        postgres.drop_database(name)


@pytest.mark.usefixtures("stepped_aside")
async def test_the_owner_restores_and_everybody_has_the_same_rights(
    service: Service, logins: Logins
) -> None:
    """The login in chargeline_owner, which may not make a database and is no superuser, backs up
    and restores. Afterwards it owns each table, every role has the rights that it had, and a
    capture, an operator, a reader and an auditor go on with their own logins.
    """
    await worked_off(service, logins)
    rights = await service.ask(RIGHTS), await service.ask(COLUMNS)
    assert any("chargeline_operator" in str(row) for row in rights[1])
    owner = logins.url("owner")
    await by_the_page(service, "pg_dump", owner=owner)
    await service.deliver([dose("V2"), dose("V3")])
    await service.until(service.drained, "the visits to be drafted")
    service.programs[-1].process.terminate()
    assert await service.programs[-1].ended() == 0, service.last_words()

    said = await by_the_page(service, "pg_restore", owner=owner)
    assert "revisions added from Kafka: 2, of 2 visits\n" in said and "BROKEN" not in said
    assert await service.ask(OWNED) == [(logins.login("owner"),)]
    assert (await service.ask(RIGHTS), await service.ask(COLUMNS)) == rights
    assert not await logins.refused("owner", "CREATE TABLE zebra (n int); DROP TABLE zebra")
    for role in ROLES[1:]:
        assert await logins.refused(role, "UPDATE message SET raw = ''"), role
        assert await logins.refused(role, "CREATE TABLE zebra (n int)"), role

    await service.ready(service.start())
    await service.deliver([dose("V2", stop="1100"), dose("V4")])
    await looked_at_again(service)
    as_role = {role: service.environment | logins.environment(role) for role in ROLES}
    assert "V4" in printed(as_role["reader"], "visit", "show", "V4")
    again = await command("ledger catch-up --reason twice", as_role["operator"])
    assert (again.code, again.out) == (0, "revisions added from Kafka: 0, of 0 visits\n")
    assert "BROKEN" not in printed(as_role["auditor"], "ledger", "verify")
    printed(as_role["owner"], "ledger", "migrate")
