"""Alembic's environment: runs the migrations on the connection that `ledger.migrating` hands over.

It owns nothing but that. There is no offline mode and no URL here, and whoever handed over the
connection commits, so that a migration is kept whole or not at all, on SQLite too.
"""

from alembic import context

from chargeline.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
