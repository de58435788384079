"""Alembic's environment: it runs the migrations on the connection that `ledger.migrating` hands
over.

This file owns nothing else. It has no offline mode and no URL. The ledger, which handed over the
connection, commits: so all migrations are kept or none, on SQLite too.
"""

from alembic import context

from chargeline.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
