"""Which version the tables of a database have, and how they get to ours.

This module owns the comparison of the database's Alembic version with ours, and the run of the
migrations. All migrations run in one transaction under a lock, so two programs that start together
migrate once, and a migration that fails leaves no trace. The module does not know what a table
holds. It calls Alembic itself and needs neither its command line nor its ini file.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from chargeline.ledger.errors import SchemaTooNew, SchemaTooOld

MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = [MIGRATIONS / "versions"]
# The number of an advisory lock of PostgreSQL: any will do that nobody else uses in this database.
_MIGRATION_LOCK = 7_203_114_001


def _configuration(connection: Connection) -> Config:
    configuration = Config()
    options = {
        "script_location": str(MIGRATIONS),
        "version_locations": "\n".join(map(str, VERSIONS)),
        "path_separator": "newline",  # every other separator may stand in a path
    }
    for name, value in options.items():
        configuration.set_main_option(name, value.replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


def check(connection: Connection, *, accept_old: bool) -> None:
    """Raise SchemaTooOld or SchemaTooNew unless the tables are of our version.

    With `accept_old`, older tables, or none, are accepted as well.
    """
    scripts = ScriptDirectory.from_config(_configuration(connection))
    ours, theirs = (
        scripts.get_current_head(),
        MigrationContext.configure(connection).get_current_revision(),
    )
    assert ours is not None, "an installation without its migrations"
    if theirs == ours:
        return
    released = {script.revision for script in scripts.walk_revisions()}
    if theirs is not None and theirs not in released:
        raise SchemaTooNew(
            expected=f"tables of version {ours}",
            found=f"version {theirs}, which this chargeline does not know",
            do="run the chargeline that made these tables, or a later one",
        )
    if not accept_old:
        raise SchemaTooOld(
            expected=f"tables of version {ours}",
            found=f"version {theirs}" if theirs else "a database without a ledger",
            do="migrate it with `chargeline ledger migrate` before anything else runs",
        )


def versions(connection: Connection) -> tuple[str, str]:
    """The version of the tables, "" if there are none, and the version that we know."""
    scripts = ScriptDirectory.from_config(_configuration(connection))
    theirs = MigrationContext.configure(connection).get_current_revision()
    return theirs or "", scripts.get_current_head() or ""


def upgrade(connection: Connection) -> None:
    """Bring the tables to our version inside the transaction of this connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    check(connection, accept_old=True)
    command.upgrade(_configuration(connection), "head")
