"""Alembic runs this file as its environment; config carries the connection, transaction begun."""

from alembic import context

from serving.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,  # SQLite changes a column by copying its table
)
context.run_migrations()
