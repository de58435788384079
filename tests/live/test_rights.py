"""The rights of docs/rights are enough for each program and person, and for nothing more."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chargeline.operate.topics import make_topics
from chargeline.settings import Settings
from tests.golden.messages import given

from .commands import environment, printed
from .servers import Kafka, Postgres, psql
from .service import FRAME_BYTES, PARTITIONS, Service

RIGHTS = Path(__file__).parents[2] / "docs" / "rights"
ROLES = ("owner", "capture", "serve", "relay", "operator", "reader", "auditor")
NO_MESSAGE = b"MSH|^~\\&|ZEBRA|NORTH|||20260302||RAS^O17^RAS_O17|77|P|2.5.1\rPID|1||ZZ9\r"


class Logins:
    """A database with the roles of docs/rights, and a login in each."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.postgres = postgres
        self.name = name
        self.administrator = postgres.create_database(name)

    async def prepare(self) -> None:
        """Make the roles as the administrator, and the tables and grants as their owner."""
        await self.run(self.administrator, (RIGHTS / "roles.sql").read_text("utf-8"))
        for role in ROLES:
            login = f'CREATE ROLE "{self.login(role)}" LOGIN IN ROLE chargeline_{role}'
            await self.run(self.administrator, login)
        printed(self.environment("owner"), "ledger", "migrate")
        for _twice in range(2):
            await self.run(self.url("owner"), (RIGHTS / "grants.sql").read_text("utf-8"))

    def login(self, role: str) -> str:
        return f"{self.name}_{role}"

    def url(self, role: str) -> str:
        parts = urlsplit(self.administrator)
        return parts._replace(netloc=f"{self.login(role)}@{parts.hostname}:{parts.port}").geturl()

    def environment(self, role: str) -> dict[str, str]:
        url = self.url(role).replace("postgresql://", "postgresql+asyncpg://")
        return environment(LEDGER_URL=url)

    async def run(self, url: str, statement: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def refused(self, role: str, statement: str) -> bool:
        """Whether PostgreSQL refuses a statement for want of a right."""
        try:
            await self.run(self.url(role), statement)
        except asyncpg.InsufficientPrivilegeError:
            return True
        return False

    def close(self) -> None:
        self.postgres.drop_database(self.name)
        names = ", ".join(f'"{self.login(role)}"' for role in ROLES)
        psql(self.postgres._binaries, self.postgres.dsn, f"DROP ROLE IF EXISTS {names}")


@pytest.fixture
def logins(postgres: Postgres) -> Iterator[Logins]:
    own = Logins(postgres, f"rights_{uuid.uuid4().hex[:12]}")
    yield own
    own.close()


@pytest.fixture
def service(
    kafka: Kafka, logins: Logins, topics: Callable[[str], str], tmp_path: Path
) -> Iterator[Service]:
    """A service whose captures have the login of a capture."""
    own = Service(kafka, logins.administrator, topics("s"), tmp_path / "capture.log")
    own.environment |= logins.environment("capture")
    yield own
    own.end()


async def worked_off(service: Service, logins: Logins) -> None:
    """A draft and a parked message, by a capture with the rights of a capture."""
    await logins.prepare()
    settings = Settings(
        kafka_bootstrap=service.kafka.bootstrap,
        topic_inbound=service.inbound,
        topic_drafts=f"{service.name}.drafts",
        topic_questions=f"{service.name}.questions",
        topic_parked=f"{service.name}.parked",
        topic_authorizations=f"{service.name}.authorizations",
        mllp_frame_bytes=FRAME_BYTES,
    )
    await make_topics(settings, PARTITIONS, 1)
    await service.ready(service.start())
    doses = [
        given("CARBOPLATIN", "450 mg", f"{hour}00", f"{hour}40", visit="V1", patient="ZZV1")
        for hour in ("09", "11")
    ]
    await service.deliver([*doses, NO_MESSAGE])
    await service.until(service.drained, "the visit to be drafted")


async def test_each_program_and_person_has_the_rights_it_needs(
    service: Service, logins: Logins
) -> None:
    """Capture drafts, parks, and publishes; a reader lists and shows; an operator sees to what is
    parked, holds and forgets; an auditor reads the trail and verifies the ledger.
    """
    await worked_off(service, logins)
    as_role = {role: service.environment | logins.environment(role) for role in ROLES}
    listed = printed(as_role["reader"], "parked", "list")
    assert listed.endswith("1 parked\n")
    number = listed.split()[0]
    assert "MSH" in printed(as_role["reader"], "parked", "show", number)
    assert "V1" in printed(as_role["reader"], "visit", "show", "V1")
    assert " open, " in printed(as_role["reader"], "ledger", "status")
    assert printed(as_role["reader"], "auth", "list") == "0 authorizations, 0 to see to\n"
    why = ("--reason", "a trial of rights")
    printed(as_role["operator"], "auth", "list", "--unmask", *why)
    assert "ZZ9" in printed(as_role["operator"], "parked", "show", number, "--unmask", *why)
    printed(as_role["operator"], "parked", "drop", number, *why)
    role = ("--role", "viewer")
    assert printed(as_role["operator"], "workbench-token", "add", "bi", *role, *why) != ""
    assert "bi" in printed(as_role["operator"], "workbench-token", "list")
    printed(as_role["operator"], "workbench-token", "revoke", "bi", *why)
    for verb in ("hold", "release", "forget"):
        printed(as_role["operator"], "ledger", verb, "--visit", "ZEBRA|V1", *why)
    assert "BROKEN" not in printed(as_role["auditor"], "ledger", "verify")
    trail = printed(as_role["auditor"], "audit", "list")
    acts = [line.split()[3] for line in trail.splitlines()]
    assert acts == [
        *("ledger.migrate", "program.start", "authorization.show"),
        *("parked.show", "parked.drop", "token.add", "token.revoke"),
        *("ledger.hold", "ledger.release", "ledger.forget"),
    ]
    lost = "DELETE FROM draft_revision; DELETE FROM visit"
    await service.deliver(
        [given("CARBOPLATIN", "450 mg", "0900", "1000", visit="V2", patient="ZZ2")]
    )
    await service.until(service.drained, "the second visit to be drafted")
    await logins.run(logins.administrator, lost)
    caught = printed(as_role["operator"], "ledger", "catch-up", *why)
    assert caught.endswith("of 1 visits\n") and "Kafka: 0" not in caught


async def test_nobody_but_the_owner_changes_what_is_kept(service: Service, logins: Logins) -> None:
    """Trail, seals and messages are changed by nobody, tables are made by nobody, and readers and
    auditors write nothing.
    """
    await worked_off(service, logins)
    kept = [
        "UPDATE audit SET who = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_refuses_changes ON audit",
        "UPDATE message SET seal = ''",
        "UPDATE message SET raw = ''",
        "UPDATE draft_revision SET seal = ''",
        "UPDATE draft_revision SET body = ''",
        "UPDATE parked SET raw = ''",
        "DELETE FROM tally",
        "DELETE FROM data_key",
        "CREATE TABLE zebra (n int)",
        "ALTER TABLE message ADD COLUMN zebra int",
        "DROP TABLE parked",
    ]
    everybody = [role for role in ROLES if role != "owner"]
    allowed = [
        (role, statement)
        for role in everybody
        for statement in kept
        if not await logins.refused(role, statement)
    ]
    assert allowed == []
    assert await logins.refused("capture", "UPDATE parked SET seal = ''")
    for role in ("reader", "auditor"):
        for statement in (
            "INSERT INTO audit SELECT * FROM audit",
            "DELETE FROM message",
            "DELETE FROM outbox",
            "UPDATE visit SET status = 'final'",
            "SELECT nextval('parked_id_seq')",
        ):
            assert await logins.refused(role, statement), (role, statement)
    assert await logins.refused("reader", "SELECT * FROM audit")
    assert await logins.refused("auditor", "SELECT * FROM patient_merge")
    assert await logins.refused("relay", "SELECT * FROM message")
