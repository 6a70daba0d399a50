"""Alembic's entry point: it gets a connection from `migrate`, inside of its transaction and lock."""

from alembic import context

from kaigate.store.sql.base import metadata

# SQLite can roll back DDL when transactions are begun explicitly, as ours are; alembic assumes otherwise.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
